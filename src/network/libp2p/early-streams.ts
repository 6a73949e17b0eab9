/**
 * Yamux, whose early streams keep their bytes. A peer that does not wait for the negotiation (Rust's and Go's do not) may
 * send its whole first request, end included, while we still finish our upgrade. libp2p then negotiates on a stream that
 * it takes for read to its end, cannot put back what came after the negotiation, and resets it. So a readable end that is
 * closed opens once more when bytes are put back.
 */
import { yamux, type YamuxMuxerInit } from '@chainsafe/libp2p-yamux'
import type { Stream, StreamMuxer, StreamMuxerFactory } from '@libp2p/interface'

type YamuxFactory = ReturnType<typeof yamux>

export function yamuxWithEarlyStreams(init: YamuxMuxerInit): YamuxFactory {
  return () => {
    const factory = yamux(init)()
    const create: StreamMuxerFactory['createStreamMuxer'] = factory.createStreamMuxer.bind(factory)
    return Object.assign(factory, { createStreamMuxer: (...args: Parameters<typeof create>) => keep(create(...args)) })
  }
}

function keep(created: StreamMuxer): StreamMuxer {
  const muxer = created as StreamMuxer & { onRemoteStream?(stream: Stream): void }
  if (typeof muxer.onRemoteStream !== 'function') throw new Error('this version of @libp2p/yamux is not supported')
  const onRemoteStream = muxer.onRemoteStream.bind(muxer)
  muxer.onRemoteStream = (stream) => {
    const unshift = stream.unshift.bind(stream)
    stream.unshift = (data) => {
      if (stream.readStatus === 'closed' && stream.status === 'open') stream.readStatus = 'readable'
      unshift(data)
    }
    onRemoteStream(stream)
  }
  return muxer
}
