/**
 * The two streams of gossip with each peer, in gossipsub's place. gossipsub tells nobody that one is open or gone; it opens
 * them one after the other, so that a peer that hangs keeps all others waiting; and it never opens one again when it is
 * reset, or the connection under it closes while another stays.
 */
import type { Connection, PeerId, Stream } from '@libp2p/interface'
import type { Uint8ArrayList } from 'uint8arraylist'
import { GOSSIP_OPEN_TIMEOUT } from '../defaults.js'
import type { Host } from '../host.js'
import { framed } from './frames.js'
import type { InboundStream, Internals, OutboundStream } from './internals.js'
import { readFrames } from './inbound.js'
import { Reopening } from './reopening.js'

export interface StreamsListener {
  /** Before anything that happens on this connection. */
  met(connection: Connection): void
  /** Our stream to a peer is open and our topics are announced on it; or it is gone. */
  opened(peer: string): void
  closed(peer: string): void
  /** gossipsub has forgotten the peer, though a connection may stay. */
  forgotten(peer: string): void
  malformed(peer: string): void
}

export interface StreamLimits {
  /** Bytes of a frame that we read. */
  inboundFrame: number
  /** Bytes that wait for a peer; it loses its stream beyond. */
  writeBuffer: number
}

/** Our stream to a peer, as gossipsub wants it. */
export class GossipStream implements OutboundStream {
  over = false
  /** Somebody above was told that it is open. */
  announced = false

  constructor(
    readonly raw: Stream,
    private readonly ended: () => void,
  ) {
    raw.addEventListener('close', () => this.end(), { once: true })
  }

  get protocol(): string {
    return this.raw.protocol
  }

  /** Bytes that wait. */
  get queued(): number {
    return this.raw.writeBufferLength
  }

  push(bytes: Uint8Array): void {
    this.raw.send(framed(bytes))
  }

  pushPrefixed(frame: Uint8Array | Uint8ArrayList): void {
    this.raw.send(frame)
  }

  async close(): Promise<void> {
    this.end()
    await this.raw.close().catch((error: Error) => this.raw.abort(error))
  }

  private end(): void {
    if (this.over) return
    this.over = true
    this.ended()
  }
}

export class GossipStreams {
  private readonly opening = new Set<string>()
  /** Connections that carry, or carried, a gossip stream. */
  private readonly used = new WeakSet<Connection>()
  private readonly remove: (peer: PeerId) => void
  private readonly reopening: Reopening

  /** Replaces gossipsub's. */
  constructor(
    private readonly host: Host,
    private readonly inside: Internals,
    private readonly limits: StreamLimits,
    private readonly listener: StreamsListener,
  ) {
    const incoming = inside.onIncomingStream.bind(inside)
    inside.onIncomingStream = (stream, connection) => {
      listener.met(connection)
      this.used.add(connection)
      incoming(stream, connection)
    }
    inside.createInboundStream = (peer, stream) => this.adopt(peer, stream)
    // Not awaited by whoever asks: gossipsub has the next one wait for it.
    inside.createOutboundStream = async (peer, connection) => void this.open(peer, connection)
    this.remove = inside.onPeerDisconnected.bind(inside)
    this.reopening = new Reopening((peer, connection) => inside.onPeerConnected(peer, connection))
    this.watch(host)
  }

  /**
   * gossipsub hears late that a peer has gone, when it may be back already, and not at all of one that never said which
   * protocols it speaks.
   */
  private watch(host: Host): void {
    this.inside.onPeerDisconnected = (peer) => {
      if (this.other(peer, undefined) === undefined) this.remove(peer)
    }
    host.addEventListener('peer:disconnect', ({ detail }) => this.forget(detail))
    // Two peers that dial each other have two connections for a while, and the streams may be on the one that goes.
    host.addEventListener('connection:close', ({ detail: closed }) => {
      const other = this.used.has(closed) ? this.other(closed.remotePeer, closed) : undefined
      if (other !== undefined) this.inside.onPeerConnected(closed.remotePeer, other)
    })
  }

  private other(peer: PeerId, closed: Connection | undefined): Connection | undefined {
    return this.host.getConnections(peer).find((connection) => connection !== closed && connection.status === 'open')
  }

  /** To whom one is open. */
  to(peer: string): GossipStream | undefined {
    return this.inside.streamsOutbound.get(peer) as GossipStream | undefined
  }

  private async open(peer: PeerId, connection: Connection): Promise<void> {
    const { inside } = this
    const id = peer.toString()
    if (!this.isWanted(id) || this.opening.has(id)) return
    this.opening.add(id)
    this.used.add(connection)
    try {
      const raw = await connection.newStream(inside.protocols, { signal: AbortSignal.timeout(GOSSIP_OPEN_TIMEOUT) })
      if (!this.isWanted(id) || raw.status !== 'open') return raw.abort(new Error('not needed any more'))
      this.use(peer, connection, raw)
    } catch {
      // The peer speaks no gossip; or its connection broke, and then another is looked for when that closes.
    } finally {
      this.opening.delete(id)
    }
  }

  private isWanted(id: string): boolean {
    const { inside } = this
    return inside.isStarted() && inside.peers.has(id) && !inside.streamsOutbound.has(id)
  }

  private use(peer: PeerId, connection: Connection, raw: Stream): void {
    const { inside, listener } = this
    const id = peer.toString()
    const stream: GossipStream = new GossipStream(raw, () => {
      if (inside.streamsOutbound.get(id) === stream) inside.streamsOutbound.delete(id)
      // Otherwise gossipsub has forgotten the peer and ends it, or it goes with its connection.
      if (inside.peers.has(id) && connection.status === 'open') this.reopening.lost(peer, connection)
      if (stream.announced) listener.closed(id)
    })
    raw.maxWriteBufferLength = this.limits.writeBuffer
    inside.streamsOutbound.set(id, stream)
    listener.met(connection)
    const subscriptions = [...inside.subscriptions].map((topic) => ({ topic, subscribe: true }))
    if (subscriptions.length > 0) inside.sendRpc(id, { subscriptions, messages: [] })
    if (stream.over) return
    stream.announced = true
    listener.opened(id)
  }

  private adopt(peer: PeerId, stream: Stream): void {
    const { inside, listener } = this
    const id = peer.toString()
    if (!inside.isStarted() || !inside.peers.has(id)) return stream.abort(new Error('not needed'))
    // The newer one is the one that the peer uses.
    inside.streamsInbound.get(id)?.close().catch(ignore)
    const reading = readFrames(
      stream,
      this.limits.inboundFrame,
      (frame) => this.handle(peer, frame),
      (end) => {
        if (inside.streamsInbound.get(id) !== inbound) return
        if (end === 'malformed') {
          stream.abort(new Error('it carries no frames of gossip'))
          listener.malformed(id)
        }
        // As gossipsub does with a peer that it cannot hear any more, though it may be connected.
        this.forget(peer)
        const other = end === 'malformed' ? undefined : this.other(peer, undefined)
        if (other !== undefined) this.reopening.lost(peer, other)
      },
    )
    const inbound: InboundStream = {
      // gossipsub closes its own side of it, and what the peer goes on sending fills a buffer that nobody reads.
      close() {
        reading.stop()
        stream.abort(new Error('not needed any more'))
        return Promise.resolve()
      },
    }
    inside.streamsInbound.set(id, inbound)
  }

  /** Not an async function: a frame that cannot be read throws at once, whatever becomes of one that can does not. */
  private handle(peer: PeerId, frame: Uint8Array): Promise<void> {
    const rpc = this.inside.decodeRpc(frame)
    this.inside.metrics?.onRpcRecv(rpc, frame.length)
    return this.inside.handleReceivedRpc(peer, rpc).catch(ignore)
  }

  private forget(peer: PeerId): void {
    this.remove(peer)
    this.listener.forgotten(peer.toString())
  }
}

function ignore(): void {
  // It is gone, and that is what we want.
}
