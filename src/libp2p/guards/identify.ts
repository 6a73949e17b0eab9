/**
 * What a peer may make us remember of what it says of itself, and gather.
 *
 * Package: @libp2p/identify 4.1.14
 * Private members: none; relied on is that what was read goes to the component `peerStore` by `patch` and `merge`, that the
 *   handlers (those of pings too) go to `handle` of the component `registrar`, that the service asks each new peer by its own
 *   `identify`, and that its push goes over the connections that `getConnections` of the component `connectionManager` gives
 * Changes: of what a peer says it is, some addresses and protocols are kept, and short texts. Streams beyond a rate are reset before they
 *   are read, and others when they have said what is wanted of them, or anything where nothing is. Pings are answered by ping-server.ts.
 * Without it: one message of identify with thousands of addresses stands a node still for seconds, pushes again and again take a
 *   gigabyte, and so do pings whose answers are not read. Each of four streams of a connection holds 4 MiB of whatever a peer goes on
 *   to send.
 * Missing option: limits on entries, and rates; the stock limits are of bytes and of streams. An end of reading.
 * Guarded by: spec/integration/libp2p/identify-hostile-spec.ts
 */
import type { Identify, IdentifyPushComponents } from '@libp2p/identify'
import type { Connection, PeerData, PeerId, PeerStore, StreamHandler } from '@libp2p/interface'
import { HEARSAY } from '../../core/parameters.js'
import { override } from '../component-override.js'
import { IDENTIFIED } from '../defaults.js'
import { IDENTIFY_PROTOCOL } from '../../wire/protocols.js'
import { nextTurn } from '../../platform/timers.js'
import { decodeText, printable } from '../../wire/text.js'
import type { Gater } from '../gater.js'
import type { Admission } from './admission.js'
import type { Refuse } from './refusals.js'
import { leave, wantNothing } from './unwanted.js'

interface Components {
  peerStore: PeerStore
  registrar: Registrar
}

interface Registrar {
  handle(protocol: string, handler: StreamHandler, options?: object): Promise<void>
}

type Make<C, Service> = (components: C) => Service

/** The service `make`, whose streams of strangers pass `wrap` first. */
export function behind<C extends { registrar: Registrar }, Service>(
  wrap: (handler: StreamHandler) => StreamHandler,
  make: Make<C, Service>,
): Make<C, Service> {
  return (components) => {
    const { registrar } = components
    const handle: Registrar['handle'] = (protocol, handler, options) => {
      return registrar.handle(protocol, wrap(handler), options)
    }
    return make(override(components, 'registrar', override(registrar, 'handle', handle)))
  }
}

/** Resets what is beyond the rate. */
export function admitting(
  admission: Pick<Admission, 'refuses'>,
  refused: Refuse,
): (handler: StreamHandler) => StreamHandler {
  return (handler) => (stream, connection) => {
    const blame = admission.refuses(connection)
    if (blame === undefined) return handler(stream, connection)
    refused(connection.remotePeer.toString(), 'identifyRate', blame)
    stream.abort(new Error('too often'))
  }
}

/** For streams by which a peer asks who we are. */
export function saying(handler: StreamHandler): StreamHandler {
  return (stream, connection) => {
    wantNothing(stream)
    return handler(stream, connection)
  }
}

/**
 * For streams by which a peer tells what is new. (One that has told all has ended.) Each is read in a turn of the event loop of its own, because
 * what it tells is looked at in one go, with a signature that may be dear.
 */
export function hearing(handler: StreamHandler): StreamHandler {
  let last = Promise.resolve()
  return async (stream, connection) => {
    stream.pause()
    await (last = last.then(() => new Promise((resolve) => nextTurn(resolve))))
    const heard = handler(stream, connection)
    stream.resume()
    await heard
    leave(stream)
  }
}

/** The service `make`, whose streams, by which it asks, are left when it knows who the peer is, or does not want to any more. */
export function asking<C>(make: Make<C, Identify>): Make<C, Identify> {
  return (components) => {
    const service = make(components)
    const identify = service.identify.bind(service)
    service.identify = async (connection, options) => {
      try {
        return await identify(connection, options)
      } finally {
        const own = connection.streams.filter(({ direction }) => direction === 'outbound')
        for (const stream of own) if (stream.protocol === IDENTIFY_PROTOCOL) leave(stream)
      }
    }
    return service
  }
}

/** The service `make`, by whose streams peers are told, and say nothing. */
export function telling<C extends Pick<IdentifyPushComponents, 'connectionManager'>, Service>(
  make: Make<C, Service>,
): Make<C, Service> {
  return (components) => {
    const { connectionManager } = components
    const mute = (connection: Connection): Connection => {
      const newStream: Connection['newStream'] = async (protocols, options) => {
        const stream = await connection.newStream(protocols, options)
        wantNothing(stream)
        return stream
      }
      return override(connection, 'newStream', newStream)
    }
    const getConnections: typeof connectionManager.getConnections = (id) =>
      connectionManager.getConnections(id).map(mute)
    return make(
      override(components, 'connectionManager', override(connectionManager, 'getConnections', getConnections)),
    )
  }
}

/** The service `make`, which remembers no more of a peer than it may. */
export function modest<C extends Components, Service>(gater: Gater, make: Make<C, Service>): Make<C, Service> {
  return (components) => {
    const { peerStore } = components
    const patch: PeerStore['patch'] = (id, data, options) => peerStore.patch(id, bounded(id, data, gater), options)
    const merge: PeerStore['merge'] = (id, data, options) => peerStore.merge(id, bounded(id, data, gater), options)
    return make(override(components, 'peerStore', override(override(peerStore, 'patch', patch), 'merge', merge)))
  }
}

function bounded(id: PeerId, { addresses, protocols, metadata, ...others }: PeerData, gater: Gater): PeerData {
  // It would only be compared with the next one, which comes over a connection of the peer itself.
  delete others.peerRecordEnvelope
  const peer = id.toString()
  const texts = metadata instanceof Map ? [...metadata] : Object.entries(metadata ?? {})
  const short = texts.flatMap(([name, value]) => (value === undefined ? [] : [[name, shortText(value)] as const]))
  return {
    ...others,
    ...(addresses && { addresses: firstOf(addresses, ({ multiaddr }) => gater.accepts(peer, multiaddr.toString())) }),
    ...(protocols && { protocols: someProtocols(protocols) }),
    ...(metadata && { metadata: Object.fromEntries(short) }),
  }
}

/** The first addresses that are good. Of many only some are looked at. */
export function firstOf<T>(addresses: T[], isGood: (address: T) => boolean): T[] {
  return addresses.slice(0, IDENTIFIED.lookedAt).filter(isGood).slice(0, HEARSAY.perPeer)
}

export function someProtocols(protocols: string[]): string[] {
  const isGood = (name: string): boolean => name.length <= IDENTIFIED.protocolLength && printable(name) === name
  return protocols.filter(isGood).slice(0, IDENTIFIED.protocols)
}

function shortText(bytes: Uint8Array): Uint8Array {
  return new TextEncoder().encode(printable(decodeText(bytes.subarray(0, IDENTIFIED.agentLength))))
}
