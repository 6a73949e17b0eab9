/** identify: what we say of ourselves, and what the others' answers become. Must not know what is done with them. */
import { identify, type Identify, type IdentifyComponents } from '@libp2p/identify'
import type { IdentifyResult } from '@libp2p/interface'
import { withoutPeer } from '../../core/addresses.js'
import type { PortEvent } from '../port.js'
import type { Connections } from './connections.js'
import { IDENTIFY, PROTOCOL_VERSION } from './defaults.js'
import type { Gater } from './gater.js'
import type { Host } from './host.js'

/** The service, with the protocol version of the origin, for which there is no option. */
export function identifyService(): (components: IdentifyComponents) => Identify {
  return (components) => {
    const service = identify(IDENTIFY)(components)
    const { host } = service as Identify & { host?: { protocolVersion?: string } }
    if (typeof host?.protocolVersion !== 'string') throw new Error('this version of @libp2p/identify is not supported')
    host.protocolVersion = PROTOCOL_VERSION
    return service
  }
}

export function watchIdentify(
  host: Host,
  connections: Connections,
  gater: Gater,
  emit: (event: PortEvent) => void,
): void {
  host.addEventListener('peer:identify', ({ detail }) => {
    const connection = connections.idOf(detail.connection)
    if (connection !== undefined) emit(identified(connection, detail, gater))
  })
}

function identified(connection: number, result: IdentifyResult, gater: Gater): PortEvent {
  const peer = result.peerId.toString()
  const told = result.listenAddrs.length > 0 ? result.listenAddrs : (result.signedPeerRecord?.addresses ?? [])
  const addresses = [...new Set(told.map((address) => withoutPeer(address.toString())))]
  return {
    type: 'identified',
    connection,
    peer,
    protocols: result.protocols,
    addresses: addresses.filter((address) => gater.accepts(peer, address)),
    agent: result.agentVersion ?? '',
  }
}
