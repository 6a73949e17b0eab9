/**
 * Yamux streams that keep early bytes, hold no more than what they keep, and give their windows back in halves.
 *
 * Package: @libp2p/yamux 8.0.3, @libp2p/utils 7.4.1 (what a stream keeps unread)
 * Private members: `_newStream` of the muxer; `recvWindow`, `recvWindowCapacity`, `maxStreamWindowSize`, `sendWindowUpdate`, `onData`
 *   and `readBuffer` of a stream; the public `unshift` and `readStatus` are written too
 * Changes: six.
 *   Early bytes: a readable end that is closed opens once more when bytes are put back.
 *   Small pieces: what comes on a stream is copied if it is a small part of what came at once, and joined while it waits.
 *   Half windows: a window update waits until half of the window is used up, as Yamux's specification recommends.
 *   Wide windows: `widen` gives a stream its largest window at once.
 *   Ended connections: no muxer is made for one.
 *   Streams that cannot be opened: they are aborted, and nothing is thrown.
 * Without it:
 *   A peer that does not wait for the negotiation (Rust's and Go's do not) may send its whole first request, end included,
 *   while our upgrade is not over. libp2p then negotiates on a stream that has been read to its end, cannot put back what
 *   came behind the negotiation, and resets the stream: a Rust node's first request fails.
 *   One byte of a stream that is not read keeps alive all that came with it, 64 KiB: a peer that sends one of each of some streams
 *   beside what is read at once makes us hold a gigabyte in seconds, and nothing counts it.
 *   Each single data frame is answered by a window update: a frame, a packet, and two runs of the cipher for nothing.
 *   A session's window grows by luck: Yamux doubles it when it was used up within four round trips, of which it knows one,
 *   measured in whole milliseconds while both sides were busy with the handshake.
 *   A connection that ends between two steps of its upgrade is announced as open. Identify opens a stream on it, Yamux writes the
 *   first frame in a microtask of its own, and what that throws is an uncaught exception: it ends the process.
 * Missing option: who owns the bytes of a message, a threshold for updates, and the window of one stream. Yamux for Rust has had the threshold since
 *   https://github.com/libp2p/rust-yamux/pull/109.
 * Guarded by: spec/integration/libp2p/transport-spec.ts, spec/integration/libp2p/yamux-streams-spec.ts
 */
import { yamux, type YamuxMuxerInit } from '@chainsafe/libp2p-yamux'
import type { Stream, StreamMuxer, StreamMuxerFactory } from '@libp2p/interface'
import { Uint8ArrayList } from 'uint8arraylist'
import { apart, SmallPieces } from '../../wire/waiting.js'
import { skipIdleEvents } from './idle-events.js'
import { boundLengths } from './prefixed-streams.js'
import { hasMembers } from './supported.js'

type YamuxFactory = ReturnType<typeof yamux>

interface YamuxStream extends Stream {
  recvWindow: number
  recvWindowCapacity: number
  maxStreamWindowSize: number
  sendWindowUpdate(): void
}

interface KeepingStream extends Stream {
  readBuffer: Uint8ArrayList
  onData(data: Uint8Array | Uint8ArrayList): void
}

interface YamuxMuxer extends StreamMuxer {
  _newStream(id: number, state: number, direction: string): Stream
}

const MUXER_MEMBERS = { _newStream: 'writable function' } as const
const STREAM_MEMBERS = {
  recvWindow: 'writable number',
  recvWindowCapacity: 'number',
  maxStreamWindowSize: 'writable number',
  sendWindowUpdate: 'writable function',
} as const

const KEEPING_MEMBERS = { onData: 'writable function', readBuffer: 'writable object' } as const

const EARLY_MEMBERS = { unshift: 'writable function', readStatus: 'writable string' } as const

export function tunedYamux(init: YamuxMuxerInit): YamuxFactory {
  return () => {
    const factory = yamux(init)()
    const create: StreamMuxerFactory['createStreamMuxer'] = factory.createStreamMuxer.bind(factory)
    const createStreamMuxer: typeof create = (connection) => {
      if (connection.status !== 'open') throw new Error(`the connection has ended: it is ${connection.status}`)
      return tune(create(connection))
    }
    return Object.assign(factory, { createStreamMuxer })
  }
}

function tune(created: StreamMuxer): StreamMuxer {
  if (!hasMembers('@libp2p/yamux', created, MUXER_MEMBERS)) return created
  const muxer = created as YamuxMuxer
  const newStream = muxer._newStream.bind(muxer)
  muxer._newStream = (...args) => {
    const stream = newStream(...args)
    skipIdleEvents(stream)
    if (stream.direction === 'inbound') keepEarlyBytes(stream)
    keepNoMore(stream)
    boundLengths(stream)
    if (isYamux(stream)) giveHalfWindows(stream)
    return stream
  }
  return muxer
}

function isYamux(stream: Stream): stream is YamuxStream {
  return hasMembers('@libp2p/yamux', stream, STREAM_MEMBERS)
}

function keepEarlyBytes(stream: Stream): void {
  if (!hasMembers('@libp2p/yamux', stream, EARLY_MEMBERS)) return
  const unshift = stream.unshift.bind(stream)
  stream.unshift = (data) => {
    if (stream.readStatus === 'closed' && stream.status === 'open') stream.readStatus = 'readable'
    unshift(data)
  }
}

/** Of a stream that is not read, or whose reader waits for more. */
function keepNoMore(created: Stream): void {
  if (!hasMembers('@libp2p/utils', created, KEEPING_MEMBERS)) return
  const stream = created as KeepingStream
  const onData = stream.onData.bind(stream)
  const small = new SmallPieces()
  stream.onData = (data) => {
    if (stream.readBuffer.byteLength === 0) small.clear()
    onData(data instanceof Uint8Array ? apart(data) : new Uint8ArrayList(...[...data].map(apart)))
    const { readBuffer } = stream
    if (readBuffer.byteLength === 0 || !small.add(data.byteLength)) return
    const at = readBuffer.byteLength - small.bytes
    stream.readBuffer = new Uint8ArrayList(readBuffer.sublist(0, at), apart(readBuffer.subarray(at)))
    small.clear()
  }
}

function giveHalfWindows(stream: YamuxStream): void {
  const sendWindowUpdate = stream.sendWindowUpdate.bind(stream)
  // The first update opens the stream, or acknowledges that the other side has opened it, so it must not wait.
  let first = true
  stream.sendWindowUpdate = () => {
    if (!first && stream.recvWindowCapacity > stream.recvWindow / 2) return
    first = false
    try {
      sendWindowUpdate()
    } catch (error) {
      stream.abort(error as Error)
    }
  }
}

/** Gives a stream this window at once, bytes, and no larger one later. */
export function widen(stream: Stream, window: number): void {
  if (!isYamux(stream)) return
  stream.recvWindow = window
  stream.maxStreamWindowSize = window
  stream.sendWindowUpdate()
}
