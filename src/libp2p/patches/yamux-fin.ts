/**
 * The end of a stream on which we sent nothing. Our yamux says it in a window update, and the yamux of rust-libp2p 0.52
 * does not wake a reader for that (libp2p/rust-yamux#189): an asker there would take a rejection for silence until its
 * timeout. An empty data frame ends the stream as well, everywhere, and is how rust-yamux itself says it.
 */
import type { Stream } from '@libp2p/interface'
import { Uint8ArrayList } from 'uint8arraylist'

/** What we use of `YamuxStream`, which is not in libp2p's interface. */
interface YamuxStream {
  streamId: number
  getSendFlags(): number
  sendCloseWrite(): Promise<void>
  sendFrame(header: { type: number; flag: number; streamID: number; length: number }, data: Uint8ArrayList): boolean
}

const DATA = 0
const FIN = 4

/** To be called before `stream.close()`. Any other muxer's streams stay as they are. */
export function endWithDataFrame(stream: Stream): void {
  const yamux = stream as unknown as Partial<YamuxStream>
  if (!isYamux(yamux)) return
  yamux.sendCloseWrite = async () => {
    const header = { type: DATA, flag: yamux.getSendFlags() | FIN, streamID: yamux.streamId, length: 0 }
    yamux.sendFrame(header, new Uint8ArrayList())
  }
}

function isYamux(stream: Partial<YamuxStream>): stream is YamuxStream {
  const { streamId, getSendFlags, sendCloseWrite, sendFrame } = stream
  const methods = [getSendFlags, sendCloseWrite, sendFrame]
  return typeof streamId === 'number' && methods.every((method) => typeof method === 'function')
}
