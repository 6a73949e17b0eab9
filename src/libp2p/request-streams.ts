/**
 * The streams of requests and their numbers: runs the lane's effects on a stream, and reports its events. A
 * stream's number is registered before anything can answer, and forgotten before anything that must not be reported.
 */
import type { Connection, Stream, StreamCloseEvent, StreamMessageEvent } from '@libp2p/interface'
import { Uint8ArrayList } from 'uint8arraylist'
import type { ConnectionId, Emit, PortEffect, PortEvent, StreamId } from '../core/port.js'
import { SESSION } from '../wire/protocols.js'
import type { Connections } from './connections.js'
import { REQUEST_STREAMS, SESSION_WINDOW } from './defaults.js'
import { failureOf, reasonOf } from './failure.js'
import { isBroken } from './patches/broken-connection.js'
import { endWithDataFrame } from './patches/yamux-fin.js'
import { widen } from './patches/yamux-streams.js'

type StreamEnd = Extract<PortEvent, { type: 'streamClosed' }>['reason']

interface Entry {
  stream: Stream
  connection: ConnectionId
  /** The other side has closed its write side. libp2p also says `end` when a connection breaks in the middle. */
  remoteEnded: boolean
  /** We have closed our write side. */
  weEnded: boolean
  /** A write waits for the stream to drain. */
  draining: boolean
  /** The stream closed in good order while we paused with bytes unread: its end is reported after them. */
  closing: boolean
}

export class RequestStreams {
  private readonly entries = new Map<StreamId, Entry>()
  private readonly opening = new Map<StreamId, AbortController>()
  private lastInbound = 0

  constructor(
    private readonly emit: Emit,
    private readonly connections: Connections,
  ) {}

  /** The handler of every protocol that we serve. */
  readonly handle = (stream: Stream, connection: Connection): void => {
    const id = this.connections.idOf(connection)
    // It ended between the negotiation and now, before it was reported.
    if (id === undefined || stream.status !== 'open') return stream.abort(new Error('too late'))
    this.lastInbound += 2
    const { protocol } = stream
    this.adopt(this.lastInbound, id, stream, {
      type: 'streamInbound',
      stream: this.lastInbound,
      connection: id,
      protocol,
    })
  }

  open(id: StreamId, connectionId: ConnectionId, protocols: string[]): void {
    const connection = this.connections.get(connectionId)
    if (connection === undefined) {
      const failure = { message: 'the connection is closed' }
      return this.emit({ type: 'streamOpenFailed', stream: id, reason: 'lost', failure })
    }
    const cancel = new AbortController()
    this.opening.set(id, cancel)
    // Without a time of its own (stock: 10 s, when there is no signal): the lane knows how long its requests can wait.
    connection.newStream(protocols, { ...REQUEST_STREAMS, signal: cancel.signal }).then(
      (stream) => {
        if (!this.opening.delete(id)) return stream.abort(new Error('not needed any more'))
        this.opened(id, connectionId, stream)
      },
      (error) => {
        if (!this.opening.delete(id)) return
        const reason = isBroken(connection) ? 'lost' : isUnsupported(error) ? 'unsupported' : 'failed'
        this.emit({ type: 'streamOpenFailed', stream: id, reason, failure: failureOf('cannot open a stream', error) })
      },
    )
  }

  private opened(id: StreamId, connection: ConnectionId, stream: Stream): void {
    const opened: PortEvent = { type: 'streamOpened', stream: id, protocol: stream.protocol }
    if (stream.status === 'open') return this.adopt(id, connection, stream, opened)
    if (stream.status !== 'reset') {
      const failure = { message: 'the connection was lost' }
      return this.emit({ type: 'streamOpenFailed', stream: id, reason: 'lost', failure })
    }
    this.emit(opened)
    this.emit({ type: 'streamClosed', stream: id, reason: 'reset' })
  }

  private adopt(id: StreamId, connection: ConnectionId, stream: Stream, announcement: PortEvent): void {
    const remoteEnded = stream.remoteWriteStatus === 'closed'
    const entry: Entry = { stream, connection, remoteEnded, weEnded: false, draining: false, closing: false }
    this.entries.set(id, entry)
    this.emit(announcement)
    if (stream.protocol === SESSION) widen(stream, SESSION_WINDOW)
    stream.addEventListener('message', (event) => this.received(id, entry, event))
    stream.addEventListener('remoteCloseWrite', () => void (entry.remoteEnded = true))
    stream.addEventListener('end', () => this.ended(id, entry))
    stream.addEventListener('close', (event) => this.closed(id, entry, event))
    // Bytes of the packet that ended the negotiation are put back after the event `end`, and read in a microtask.
    if (stream.readableEnded) {
      if (stream.readBufferLength > 0) queueMicrotask(() => this.ended(id, entry))
      else this.ended(id, entry)
    }
  }

  private received(id: StreamId, entry: Entry, { data }: StreamMessageEvent): void {
    if (!this.isLive(id, entry)) return
    const chunks = (data instanceof Uint8Array ? [data] : [...data]).filter((chunk) => chunk.length > 0).map(plain)
    if (chunks.length > 0) this.emit({ type: 'data', stream: id, chunks })
  }

  private ended(id: StreamId, entry: Entry): void {
    const { status } = entry.stream
    // An abort or a reset throws unread bytes away before it says `end`.
    if (!this.isLive(id, entry) || !entry.remoteEnded || (status !== 'open' && status !== 'closed')) return
    this.emit({ type: 'streamEnded', stream: id })
    if (entry.closing) this.over(id, entry, 'closed')
  }

  private closed(id: StreamId, entry: Entry, { error, local }: StreamCloseEvent): void {
    const { stream, remoteEnded, weEnded } = entry
    if (error !== undefined) return this.over(id, entry, local === false ? 'reset' : 'lost', error)
    if (!remoteEnded || !weEnded || stream.writeBufferLength > 0) return this.over(id, entry, 'lost')
    entry.closing = stream.readBufferLength > 0
    if (!entry.closing) this.over(id, entry, 'closed')
  }

  private over(id: StreamId, entry: Entry, reason: StreamEnd, error?: unknown): void {
    if (!this.isLive(id, entry)) return
    this.entries.delete(id)
    const failure = reason === 'lost' && error !== undefined ? { message: reasonOf(error), cause: error } : undefined
    this.emit({ type: 'streamClosed', stream: id, reason, ...(failure && { failure }) })
  }

  write({ stream: id, chunks, end, more }: Extract<PortEffect, { type: 'write' }>): void {
    const entry = this.entries.get(id)
    if (entry === undefined) return
    const { stream } = entry
    try {
      const drained =
        chunks.length === 0 || stream.send(chunks.length === 1 ? chunks[0]! : new Uint8ArrayList(...chunks))
      if (end) {
        entry.weEnded = true
        if (chunks.length === 0) endWithDataFrame(stream)
        // Waits until everything has been sent; fails if the stream dies before.
        stream.close().catch((error: Error) => stream.abort(error))
      } else if (drained) {
        this.emit({ type: 'writable', stream: id }, more !== true)
      } else {
        this.awaitDrain(id, entry)
      }
    } catch (error) {
      this.over(id, entry, 'lost', error)
    }
  }

  /** libp2p's `drain` means that it may go on sending; our `writable` means that all of the last write has gone. */
  private awaitDrain(id: StreamId, entry: Entry): void {
    const { stream } = entry
    entry.draining = true
    const drained = () => {
      // After the stream's own handler, which sends in a microtask too.
      queueMicrotask(() => {
        if (!entry.draining || stream.writeBufferLength > 0 || stream.writableNeedsDrain) return
        entry.draining = false
        stream.removeEventListener('drain', drained)
        if (this.isLive(id, entry)) this.emit({ type: 'writable', stream: id })
      })
    }
    stream.addEventListener('drain', drained)
  }

  reset(id: StreamId, reason: string): void {
    this.opening.get(id)?.abort()
    this.opening.delete(id)
    const entry = this.entries.get(id)
    this.entries.delete(id)
    entry?.stream.abort(new Error(reason))
  }

  pause(id: StreamId): void {
    this.attempt(id, (stream) => stream.pause())
  }

  resume(id: StreamId): void {
    this.attempt(id, (stream) => stream.resume())
  }

  private attempt(id: StreamId, action: (stream: Stream) => void): void {
    const entry = this.entries.get(id)
    if (entry === undefined) return
    try {
      action(entry.stream)
    } catch {
      // Pausing and resuming throw on a stream that has closed. Its end is reported anyway.
    }
  }

  /** A connection that is over takes its streams with it. */
  forgetAll(connection: ConnectionId): void {
    for (const [id, entry] of this.entries) {
      if (entry.connection === connection) this.entries.delete(id)
    }
  }

  private isLive(id: StreamId, entry: Entry): boolean {
    return this.entries.get(id) === entry
  }
}

function isUnsupported(error: unknown): boolean {
  return (error as Error | undefined)?.name === 'UnsupportedProtocolError'
}

/** The same memory as a plain `Uint8Array`, which everything behind the port expects. libp2p gives Node's Buffers. */
export function plain(chunk: Uint8Array): Uint8Array {
  if (chunk.constructor === Uint8Array) return chunk
  return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength)
}
