/**
 * The end of a stream on which we sent nothing, as an empty data frame.
 *
 * Package: @libp2p/yamux 8.0.3
 * Private members: `sendFrame` of a stream
 * Changes: the frame that ends such a stream is of the type data, and not a window update.
 * Without it: the yamux of rust-libp2p 0.52 does not wake a reader for an end in a window update, and a Rust node takes a
 *   rejection for silence until its timeout. An empty data frame ends a stream everywhere, and is how rust-yamux itself says it.
 * Missing option: none; libp2p sends nothing for an empty `send`. (The Rust side: https://github.com/libp2p/rust-yamux/issues/189.)
 * Guarded by: spec/integration/libp2p/yamux-streams-spec.ts
 */
import type { FrameHeader } from '@chainsafe/libp2p-yamux'
import type { Stream } from '@libp2p/interface'
import { Uint8ArrayList } from 'uint8arraylist'
import { hasMembers } from './supported.js'

type SendFrame = (header: FrameHeader, data?: Uint8ArrayList) => boolean

const DATA = 0
const FIN = 4

/** To be called before `stream.close()`. */
export function endWithDataFrame(stream: Stream): void {
  if (!hasMembers('@libp2p/yamux', stream, { sendFrame: 'writable function' })) return
  const yamux = stream as Stream & { sendFrame: SendFrame }
  const sendFrame = yamux.sendFrame.bind(yamux)
  yamux.sendFrame = (header, data) =>
    (header.flag & FIN) === 0 || data !== undefined
      ? sendFrame(header, data)
      : sendFrame({ ...header, type: DATA }, new Uint8ArrayList())
}
