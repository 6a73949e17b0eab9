/** Reports what peers tell by identify, as an event of the port. */
import type { IdentifyResult } from '@libp2p/interface'
import { withoutPeer } from '../core/peers/addresses.js'
import type { PortEvent } from '../core/port.js'
import { printable } from '../wire/text.js'
import type { Connections } from './connections.js'
import { IDENTIFIED } from './defaults.js'
import type { Gater } from './gater.js'
import { firstOf, someProtocols } from './guards/identify.js'
import type { Host } from './host.js'

export function watchIdentify(
  host: Host,
  connections: Connections,
  gater: Gater,
  emit: (event: PortEvent) => void,
): void {
  host.addEventListener('peer:identify', ({ detail }) => {
    const connection = connections.idOf(detail.connection)
    if (connection !== undefined) emit(identified(connection, detail, host, gater))
  })
}

function identified(connection: number, result: IdentifyResult, host: Host, gater: Gater): PortEvent {
  const peer = result.peerId.toString()
  const told = result.listenAddrs.length > 0 ? result.listenAddrs : (result.signedPeerRecord?.addresses ?? [])
  const texts = told.map((address) => withoutPeer(address.toString()))
  const addresses = firstOf([...new Set(texts)], (address) => gater.accepts(peer, address))
  gater.told(peer, addresses)
  const observed = observedBy(result, host)
  return {
    type: 'identified',
    connection,
    peer,
    protocols: someProtocols(result.protocols),
    addresses,
    agent: printable(result.agentVersion ?? '', IDENTIFIED.agentLength),
    ...(observed !== undefined && { observed }),
  }
}

/**
 * The address at which the peer has reached us. (When it was we who have dialled, it sees only a port that nobody listens on: libp2p
 * cannot dial from where it listens.)
 */
function observedBy({ connection, observedAddr }: IdentifyResult, host: Host): string | undefined {
  if (connection.direction !== 'inbound' || observedAddr === undefined) return undefined
  const address = withoutPeer(observedAddr.toString())
  if (!/^\/ip[46]\/[^/]+\/tcp\/\d+$/.test(address)) return undefined
  return host.services.own.listening().includes(address) ? undefined : address
}
