/**
 * Yamux as we need it, in two points other than the stock one:
 *
 * Early streams keep their bytes. A peer that does not wait for the negotiation (Rust's and Go's do not) may send its whole
 * first request, end included, while we still finish our upgrade. libp2p then negotiates on a stream that it takes for read
 * to its end, cannot put back what came after the negotiation, and resets it. So a readable end that is closed opens once
 * more when bytes are put back.
 *
 * Windows are given back when half of them is used up, as Yamux's specification recommends. The stock muxer answers every
 * single data frame by a window update: a frame, a packet and two runs of the cipher for nothing.
 */
import { yamux, type YamuxMuxerInit } from '@chainsafe/libp2p-yamux'
import type { Stream, StreamMuxer, StreamMuxerFactory } from '@libp2p/interface'
import { skipUnheard } from './idle-events.js'

type YamuxFactory = ReturnType<typeof yamux>

/** What a stream of the muxer has, and does not say. */
interface YamuxStream extends Stream {
  state: number
  recvWindow: number
  recvWindowCapacity: number
  maxStreamWindowSize: number
  sendWindowUpdate(): void
}

/** What the muxer has, and does not say. */
interface YamuxMuxer extends StreamMuxer {
  onRemoteStream(stream: Stream): void
  _newStream(id: number, state: number, direction: string): YamuxStream
}

/** Yamux's state of a stream whose opening both sides have acknowledged; only then may an update wait. */
const ESTABLISHED = 3

export function tunedYamux(init: YamuxMuxerInit): YamuxFactory {
  return () => {
    const factory = yamux(init)()
    const create: StreamMuxerFactory['createStreamMuxer'] = factory.createStreamMuxer.bind(factory)
    return Object.assign(factory, { createStreamMuxer: (...args: Parameters<typeof create>) => tune(create(...args)) })
  }
}

function tune(created: StreamMuxer): StreamMuxer {
  const muxer = created as YamuxMuxer
  if (typeof muxer.onRemoteStream !== 'function' || typeof muxer._newStream !== 'function') {
    throw new Error('this version of @libp2p/yamux is not supported')
  }
  const onRemoteStream = muxer.onRemoteStream.bind(muxer)
  muxer.onRemoteStream = (stream) => {
    keepEarlyBytes(stream)
    onRemoteStream(stream)
  }
  const newStream = muxer._newStream.bind(muxer)
  muxer._newStream = (...args) => giveHalfWindows(newStream(...args))
  return muxer
}

function keepEarlyBytes(stream: Stream): void {
  const unshift = stream.unshift.bind(stream)
  stream.unshift = (data) => {
    if (stream.readStatus === 'closed' && stream.status === 'open') stream.readStatus = 'readable'
    unshift(data)
  }
}

function giveHalfWindows(stream: YamuxStream): YamuxStream {
  if (typeof stream.sendWindowUpdate !== 'function' || typeof stream.recvWindowCapacity !== 'number') {
    throw new Error('this version of @libp2p/yamux is not supported')
  }
  skipUnheard(stream)
  const sendWindowUpdate = stream.sendWindowUpdate.bind(stream)
  stream.sendWindowUpdate = () => {
    if (stream.state === ESTABLISHED && stream.recvWindowCapacity > stream.recvWindow / 2) return
    sendWindowUpdate()
  }
  return stream
}

/**
 * Gives a stream all of its largest window at once. Yamux doubles a window when it was used up within four round trips, of
 * which it knows one, measured in whole milliseconds while both sides were busy with the handshake: whether a stream of a
 * fast path ever gets more than its first 256 KiB is a matter of luck.
 */
export function widen(stream: Stream, window: number): void {
  const yamuxStream = stream as YamuxStream
  if (typeof yamuxStream.recvWindow !== 'number') return
  yamuxStream.recvWindow = window
  yamuxStream.maxStreamWindowSize = window
  yamuxStream.sendWindowUpdate()
}
