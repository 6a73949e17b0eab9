/**
 * The two streams of gossip with each peer, in gossipsub's place (registrar.ts says why): both are reported, opened at the
 * same time as others, and opened again when they are reset, or when the connection under them closes and another stays.
 */
import type { RPC } from '@chainsafe/libp2p-gossipsub/message'
import type { Connection, PeerId, Stream } from '@libp2p/interface'
import { Buckets } from '../../core/limits/rate.js'
import { GOSSIP_LATE_STREAMS, GOSSIP_OPEN_TIMEOUT, GOSSIP_PACED, GOSSIP_STREAM_RATE } from '../defaults.js'
import { wantNothing } from '../guards/unwanted.js'
import type { Host } from '../host.js'
import { withTimeout } from '../timeout-signal.js'
import { decodeRpc } from './decoding.js'
import { readFrames } from './inbound.js'
import { NewerWords } from './newer-words.js'
import type { GossipRegistrar, RegistrarListener } from './registrar.js'
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
  /** So many of its topics and ids are longer than any of ours, and were left out. */
  tooLong(peer: string, count: number): void
  /** It has opened streams too often, and one more is reset. */
  tooMany(peer: string): void
  /** Our stream to a peer, which has not ended, is about to be replaced by one over another connection. */
  moving(peer: string): void
  /** Asked before a frame of this peer is decoded. `undefined`: now; otherwise it resolves when that is to be asked again. */
  pause(peer: string): Promise<void> | undefined
  /**
   * A frame of so many bytes. The next one is read when this promise resolves. It never rejects. `late`: the peer has gone since it said so.
   */
  received(peer: PeerId, rpc: RPC, size: number, late: boolean): Promise<void>
}

export interface StreamLimits {
  /** Bytes of a frame that we read. */
  inboundFrame: number
  /** Bytes that wait for a peer, which loses its stream beyond. */
  writeBuffer: number
}

/** Our stream to a peer. */
export class OutboundStream {
  over = false
  /** It was reported as open. */
  announced = false

  constructor(
    readonly raw: Stream,
    readonly connection: Connection,
    private readonly ended: (moved: boolean) => void,
  ) {
    raw.addEventListener('close', () => this.end(), { once: true })
  }

  /** Bytes that wait. */
  get queued(): number {
    return this.raw.writeBufferLength
  }

  /** What waits on it goes all the same, if anything does. `moved`: another one has taken its place. */
  close(moved = false): void {
    this.end(moved)
    this.raw.close().catch((error: Error) => this.raw.abort(error))
  }

  private end(moved = false): void {
    if (this.over) return
    this.over = true
    this.ended(moved)
  }
}

interface InboundStream {
  readonly connection: Connection
  /** Of the peer, which has left this one for another: what that one has said since. */
  newer?: NewerWords | undefined
  close(): void
  /** Its connection is gone: only what has arrived is read. `moved`: what comes is, because the peer uses another one now. */
  leave(moved?: boolean): void
}

export class PeerStreams implements RegistrarListener {
  /** Peers that gossipsub knows. */
  private readonly known = new Set<string>()
  private readonly outbound = new Map<string, OutboundStream>()
  private readonly inbound = new Map<string, InboundStream>()
  /** Streams that have ended, and brought more than is handled so far, or that the peer has left for another connection: one a peer. */
  private readonly late = new Map<string, InboundStream>()
  /** How often peers open them. */
  private readonly streams = new Buckets(GOSSIP_STREAM_RATE, GOSSIP_PACED)
  private readonly opening = new Set<string>()
  /** Connections that carry, or carried, a gossip stream. */
  private readonly used = new WeakSet<Connection>()
  private readonly reopening = new Reopening((peer, connection) => this.connected(peer, connection))
  private readonly registrar: GossipRegistrar
  private readonly protocols: string[]

  constructor(
    private readonly host: Host,
    private readonly limits: StreamLimits,
    private readonly listener: StreamsListener,
  ) {
    const { registrar, protocols } = host.services.pubsub
    registrar.listener = this
    this.registrar = registrar
    this.protocols = protocols
    // The registrar reports late that a peer has gone, when it may be back already, and nothing of a peer that never said
    // which protocols it speaks.
    host.addEventListener('peer:disconnect', ({ detail }) => this.forget(detail))
    // Two peers that dial each other have two connections for a while, and the streams may be on the one that goes.
    host.addEventListener('connection:close', ({ detail: closed }) => {
      const other = this.used.has(closed) ? this.other(closed.remotePeer, [closed]) : undefined
      if (other !== undefined) this.connected(closed.remotePeer, other)
    })
  }

  knows(peer: string): boolean {
    return this.known.has(peer)
  }

  /** The stream to a peer, if it is open. */
  to(peer: string): OutboundStream | undefined {
    return this.outbound.get(peer)
  }

  connected(peer: PeerId, connection: Connection): void {
    if (!this.enter(peer, connection)) return
    void this.open(peer, connection)
  }

  /** Over this connection nothing may arrive any more. Another one of the peer is used, if there is one: the newest. */
  move(from: Connection): void {
    const peer = from.remotePeer
    const stream = this.outbound.get(peer.toString())
    const to = this.other(peer, [from])
    if (stream?.connection !== from || to === undefined) return
    void this.open(peer, to, stream, [from])
  }

  disconnected(peer: PeerId): void {
    if (this.other(peer) === undefined) this.forget(peer)
  }

  incoming(stream: Stream, connection: Connection): void {
    this.listener.met(connection)
    this.used.add(connection)
    const peer = connection.remotePeer
    if (this.streams.take(peer.toString(), performance.now()) > 0) {
      this.listener.tooMany(peer.toString())
      return stream.abort(new Error('too many streams of gossip'))
    }
    if (!this.enter(peer, connection)) return stream.abort(new Error('too late'))
    this.read(peer, stream, connection)
    void this.open(peer, connection)
  }

  private enter(peer: PeerId, connection: Connection): boolean {
    if (connection.status !== 'open') return false
    this.known.add(peer.toString())
    this.registrar.enter(peer, connection)
    return true
  }

  /** The newest connection, but for these. */
  private other(peer: PeerId, except: readonly Connection[] = []): Connection | undefined {
    return this.host
      .getConnections(peer)
      .filter((connection) => !except.includes(connection) && connection.status === 'open')
      .sort((a, b) => b.timeline.open - a.timeline.open)[0]
  }

  /** Over one connection of a peer at a time, and over each other one if that fails. `instead`: of this one. `tried`: in vain. */
  private async open(
    peer: PeerId,
    connection: Connection,
    instead?: OutboundStream,
    tried: readonly Connection[] = [],
  ): Promise<void> {
    const id = peer.toString()
    if (!this.isWanted(id, instead) || this.opening.has(id)) return
    this.opening.add(id)
    this.used.add(connection)
    try {
      const raw = await withTimeout(GOSSIP_OPEN_TIMEOUT, (signal) => connection.newStream(this.protocols, { signal }))
      if (raw.status !== 'open') throw new Error('closed meanwhile')
      this.opening.delete(id)
      if (!this.isWanted(id, instead)) return raw.abort(new Error('not needed any more'))
      if (instead?.over === false) {
        this.listener.moving(id)
        instead.close(true)
      }
      this.use(peer, connection, raw)
    } catch {
      // The peer speaks no gossip, or nothing comes over the connection. Others may have come, or been left out, meanwhile.
      this.opening.delete(id)
      const failed = [...tried, connection]
      const next = this.other(peer, failed)
      if (next !== undefined) void this.open(peer, next, instead, failed)
    }
  }

  private isWanted(id: string, instead: OutboundStream | undefined): boolean {
    return this.known.has(id) && this.outbound.get(id) === (instead?.over === false ? instead : undefined)
  }

  private use(peer: PeerId, connection: Connection, raw: Stream): void {
    const { listener } = this
    const id = peer.toString()
    const stream: OutboundStream = new OutboundStream(raw, connection, (moved) => {
      if (this.outbound.get(id) === stream) this.outbound.delete(id)
      // Otherwise gossipsub has forgotten the peer, or the stream goes with its connection.
      if (!moved && this.known.has(id) && connection.status === 'open') this.reopening.lost(peer, connection)
      if (stream.announced) listener.closed(id)
    })
    raw.maxWriteBufferLength = this.limits.writeBuffer
    wantNothing(raw)
    this.outbound.set(id, stream)
    listener.met(connection)
    this.registrar.carry(peer, connection, raw, () => {
      if (stream.over) return
      stream.announced = true
      listener.opened(id)
    })
  }

  private read(peer: PeerId, stream: Stream, connection: Connection): void {
    const { inbound, late, listener, host } = this
    const id = peer.toString()
    // The newer one is the one that the peer uses. What it has sent over another connection may still be on its way.
    const older = inbound.get(id)
    if (older?.connection === connection) older.close()
    else older?.leave(true)
    const hear = (rpc: RPC, size: number): Promise<void> => {
      if (late.get(id) !== opened) late.get(id)?.newer?.hear(rpc)
      else if (opened.newer === undefined) return listener.received(peer, rpc, size, true)
      return listener.received(peer, opened.newer?.rest(rpc) ?? rpc, size, false)
    }
    const reading = readFrames(stream, this.limits.inboundFrame, {
      pause: () => listener.pause(id),
      handle: (frame) => {
        const rpc = decodeRpc(frame, (count) => listener.tooLong(id, count))
        try {
          return hear(rpc, frame.length)
        } catch {
          // It could be read, so what goes wrong with it is no fault of the peer.
          return Promise.resolve()
        }
      },
      over: (end) => {
        if (end === 'malformed') {
          stream.abort(new Error('it carries no frames of gossip'))
          listener.malformed(id)
        }
        // A peer that has left it speaks over another one.
        if (inbound.get(id) !== opened) return
        // A peer without a gossip stream to us is forgotten, although it may be connected.
        this.forget(peer)
        const other = end === 'malformed' ? undefined : this.other(peer)
        if (other !== undefined) this.reopening.lost(peer, other)
      },
      done: () => {
        if (late.get(id) !== opened) return
        late.delete(id)
        if (!this.known.has(id)) listener.forgotten(id)
      },
    })
    const endOldest = (): void => {
      const [oldest] = late
      if (late.size < GOSSIP_LATE_STREAMS || oldest === undefined) return
      late.delete(oldest[0])
      oldest[1].close()
      if (!this.known.has(oldest[0])) listener.forgotten(oldest[0])
    }
    const opened: InboundStream = {
      connection,
      // By a reset, because what the peer goes on sending would fill a buffer that nothing reads.
      close() {
        reading.stop()
        stream.abort(new Error('not needed any more'))
      },
      leave(moved = false) {
        if ((stream.status === 'open' && !moved) || host.status !== 'started') return this.close()
        late.get(id)?.close()
        late.delete(id)
        endOldest()
        late.set(id, this)
        if (moved) this.newer = new NewerWords()
      },
    }
    inbound.set(id, opened)
  }

  private forget(peer: PeerId): void {
    const id = peer.toString()
    this.known.delete(id)
    this.registrar.leave(peer)
    this.outbound.get(id)?.close()
    const stream = this.inbound.get(id)
    this.inbound.delete(id)
    stream?.leave()
    // When it is back it says all anew.
    const late = this.late.get(id)
    if (late !== undefined) late.newer = undefined
    this.listener.forgotten(id)
  }
}
