/**
 * How kad-dht asks and visits others: what an answer may put into our table and queues is taken out of it before kad-dht
 * reads it, and whom it dials, and where, is decided here.
 *
 * Package: @libp2p/kad-dht 16.4.5
 * Private members: none; of its components kad-dht opens streams by `openStream` of the connection manager, visits by `ping`, and
 *   serves by `handle` of the registrar; of a stream it takes bytes as `message` events and gives them to `send`
 * Changes: a question has one answer, of which 20 peers are taken, with what hearsay.ts lets them have. Peers are dialled at addresses
 *   that they have said themselves, or that hearsay.ts has, one after the other, each peer once at a time. Questions are answered by
 *   server.ts.
 * Without it: one answer with 10,000 invented peers stands a node still for half a minute, a question may be answered for ever, addresses
 *   that a liar tells of a peer come before its own, a node dials whatever it is told, and 50 questions a second use a core up. Of two
 *   connections, one by kad-dht and one by the lane, one is hung up: the peer knows both, and what it sends over that one is lost.
 * Missing option: a limit on the peers of an answer, and on addresses; rates; which messages are served.
 * Guarded by: spec/integration/libp2p/kad-hostile-spec.ts, spec/integration/libp2p/duplicate-connections-spec.ts
 */
import type { Connection, PeerId, Stream, StreamMessageEvent } from '@libp2p/interface'
import type { KadDHTComponents } from '@libp2p/kad-dht'
import { multiaddr } from '@multiformats/multiaddr'
import { HEARSAY, TABLE } from '../../core/parameters.js'
import type { Teller } from '../../core/peers/hearsay.js'
import { viaOf } from '../../core/peers/scopes.js'
import { withoutPeer, withPeer } from '../../core/peers/addresses.js'
import { override } from '../component-override.js'
import { DIAL_TIMEOUT, KAD_ANSWER_SIZE, KAD_LOOKED_AT, UNREACHABLE_PEERS } from '../defaults.js'
import { FrameReader, framed } from '../gossip/frames.js'
import type { Gater } from '../gater.js'
import { isBroken } from '../patches/broken-connection.js'
import { pingUntil } from '../ping.js'
import { withTimeout } from '../timeout-signal.js'
import { rangeOfConnection } from '../guards/admission.js'
import { OWN, type Refuse } from '../guards/refusals.js'
import { peerIdOf } from '../guards/peer-ids.js'
import {
  encodeAnswer,
  readable,
  readAnswer,
  readQuestion,
  UNREADABLE,
  type KadAnswer,
  type KadPeer,
} from './messages.js'
import type { KadServer } from './server.js'

/** What is taken of an answer. */
const MOST = { peers: TABLE.bucketSize, addresses: KAD_LOOKED_AT }

type ConnectionManager = KadDHTComponents['connectionManager']
type Listener = (event: StreamMessageEvent) => void

export class KadClient {
  /** Called with a peer that was not there, of which libp2p has made a note in the peer store. For one listener to set. */
  missed: (peer: PeerId) => void = () => undefined
  /** Peers that are being dialled. */
  private readonly dials = new Map<string, Promise<Connection>>()
  /** Peers that were not there when they were dialled last → until when they are not dialled again. */
  private readonly unreachable = new Map<string, number>()

  constructor(
    private readonly components: KadDHTComponents,
    private readonly gater: Gater,
    private readonly server: KadServer,
    private readonly refused: Refuse,
    private readonly now = () => performance.now(),
  ) {}

  /** The components for kad-dht. */
  guarded(): KadDHTComponents {
    const { connectionManager, ping, registrar } = this.components
    const openStream: ConnectionManager['openStream'] = async (peer, protocol, options) => {
      const connection = await this.reach(peer as PeerId)
      return this.filtered(await connection.newStream(protocol, options), connection)
    }
    const visit: typeof ping.ping = async (peer, options) => {
      const connection = await this.reach(peer as PeerId)
      return pingUntil(connection, options?.signal ?? AbortSignal.timeout(DIAL_TIMEOUT))
    }
    const handle: typeof registrar.handle = (protocol, _, options) => {
      return registrar.handle(protocol, this.server.handle, options)
    }
    const managed = override(
      this.components,
      'connectionManager',
      override(connectionManager, 'openStream', openStream),
    )
    const visited = override(managed, 'ping', override(ping, 'ping', visit))
    return override(visited, 'registrar', override(registrar, 'handle', handle))
  }

  private async reach(id: PeerId): Promise<Connection> {
    const peer = id.toString()
    const open = this.connectionTo(id) ?? this.dials.get(peer)
    if (open !== undefined) return open
    if ((this.unreachable.get(peer) ?? 0) > this.now()) throw new Error('nobody was there a moment ago')
    const dial = withTimeout(DIAL_TIMEOUT, (signal) => this.tryAll(id, peer, signal))
    this.dials.set(peer, dial)
    try {
      return await dial
    } finally {
      this.dials.delete(peer)
    }
  }

  private connectionTo(id: PeerId): Connection | undefined {
    return this.components.connectionManager.getConnections(id).find((connection) => !isBroken(connection))
  }

  private async tryAll(id: PeerId, peer: string, signal: AbortSignal): Promise<Connection> {
    const { hearsay } = this.gater
    const known = await this.components.peerStore.getInfo(id).catch(() => ({ multiaddrs: [] }))
    const own = this.gater.best(peer, known.multiaddrs).map((address) => withoutPeer(address.toString()))
    const addresses = [...new Set([...own, ...hearsay.addressesOf(peer, this.now())])]
    let failure: unknown = new Error('no address of it is known')
    for (const address of addresses.slice(0, HEARSAY.perPeer)) {
      try {
        const where = multiaddr(withPeer(address, peer))
        // (Without `force` libp2p hangs up the second of two connections to one address, without a word. The lane may have dialled there.)
        const connection = await this.components.connectionManager.openConnection(where, { signal, force: true })
        hearsay.found(peer, address)
        return connection
      } catch (error) {
        // It may have come to us meanwhile.
        const open = this.connectionTo(id)
        if (open !== undefined) return open
        hearsay.failed(peer, address, this.now())
        failure = error
        if (signal.aborted) break
      }
    }
    this.remember(peer)
    this.missed(id)
    throw failure
  }

  private remember(peer: string): void {
    this.unreachable.delete(peer)
    this.unreachable.set(peer, this.now() + HEARSAY.pause)
    if (this.unreachable.size <= UNREACHABLE_PEERS) return
    const [oldest] = this.unreachable.keys()
    this.unreachable.delete(oldest!)
  }

  /** A stream of questions, each of whose answers comes through `kept`. There is one for each, and what comes besides ends the stream. */
  private filtered(stream: Stream, connection: Connection): Stream {
    const reader = new FrameReader(KAD_ANSWER_SIZE)
    const questions = new FrameReader(KAD_ANSWER_SIZE)
    let wanted = new Uint8Array()
    let unanswered = 0
    const listeners = new Map<unknown, Listener>()
    const send: Stream['send'] = (data) => {
      for (const chunk of data instanceof Uint8Array ? [data] : data) questions.push(chunk)
      for (let question = questions.next(); question !== undefined; question = questions.next()) {
        wanted = Uint8Array.from(readQuestion(question).key)
        unanswered++
      }
      return stream.send(data)
    }
    const add = (type: string, listener: Listener, options?: Parameters<Stream['addEventListener']>[2]): void => {
      if (type !== 'message') return stream.addEventListener(type as 'message', listener, options)
      const heard: Listener = ({ data }) => {
        for (const chunk of data instanceof Uint8Array ? [data] : data) reader.push(chunk)
        for (;;) {
          const isUnasked = unanswered === 0 && reader.buffered > 0
          const frame = isUnasked ? UNREADABLE : readable(() => reader.next())
          if (frame === undefined) return
          const answer = frame === UNREADABLE ? frame : readable(() => readAnswer(frame, MOST))
          if (answer === UNREADABLE) {
            this.refused(connection.remotePeer.toString(), 'kadAnswer', OWN)
            return stream.abort(new Error('an answer of Kademlia that cannot be read, or that nobody has asked for'))
          }
          unanswered--
          try {
            listener(new MessageEvent('message', { data: framed(this.kept(answer, wanted, connection)) }))
          } catch (error) {
            // The fault is ours.
            return stream.abort(error as Error)
          }
        }
      }
      listeners.set(listener, heard)
      stream.addEventListener('message', heard, options)
    }
    const remove = (type: string, listener: Listener): void => {
      stream.removeEventListener(
        type as 'message',
        type === 'message' ? (listeners.get(listener) ?? listener) : listener,
      )
    }
    const adding = override(stream, 'addEventListener', add as Stream['addEventListener'])
    const removing = override(adding, 'removeEventListener', remove as Stream['removeEventListener'])
    return override(removing, 'send', send)
  }

  /** An answer without what we do not take of it. */
  private kept(answer: KadAnswer, wanted: Uint8Array, connection: Connection): Uint8Array {
    const teller: Teller = {
      peer: connection.remotePeer.toString(),
      range: rangeOfConnection(connection),
      via: viaOf(connection.remoteAddr.toString()),
    }
    const closer = answer.closer.flatMap((named) => {
      const addresses = this.addressesFor(named, teller, wanted)
      return addresses.length === 0 ? [] : [{ id: named.id, addresses: addresses.map((one) => multiaddr(one).bytes) }]
    })
    if (this.gater.hearsay.isSpent(teller, this.now())) this.refused(teller.peer, 'hearsay')
    return encodeAnswer(answer.type, closer)
  }

  private addressesFor({ id, addresses }: KadPeer, teller: Teller, wanted: Uint8Array): string[] {
    const peerId = peerIdOf(id)
    if (peerId === undefined || peerId.equals(this.components.peerId)) return []
    const peer = peerId.toString()
    const said = this.gater.ownWord(peer)
    const open = this.connectionTo(peerId)
    if (open !== undefined) return said.length > 0 ? said : [withoutPeer(open.remoteAddr.toString())]
    const named = addresses.flatMap(textOf)
    // We have asked for this one, so what it costs to dial it is the caller's. It may have moved.
    const isWanted = id.length === wanted.length && id.every((byte, at) => byte === wanted[at])
    if (isWanted) return this.gater.hearsay.acceptable(teller, named)
    const known = this.server.addressesOf(peer) ?? []
    return known.length > 0 ? known : this.gater.hearsay.hear(teller, peer, [...said, ...named], this.now())
  }
}

/** An address of TCP as text; others are none that we could dial. (4 and 41: ip4, ip6. A peer id may follow.) */
function textOf(bytes: Uint8Array): string[] {
  if ((bytes[0] !== 4 && bytes[0] !== 41) || bytes.length > 128) return []
  try {
    return [withoutPeer(multiaddr(bytes).toString())]
  } catch {
    return []
  }
}
