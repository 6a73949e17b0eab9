/** Our answers to pings, in place of the stock ones: 32 bytes a ping, and no more pings than their answers are read. */
import type { Connection, Stream, StreamMessageEvent } from '@libp2p/interface'
import type { RefusedKind } from '../../core/port.js'
import { PING, PING_UNREAD } from '../defaults.js'
import type { Admission } from './admission.js'

/** https://github.com/libp2p/specs/blob/master/ping/ping.md */
const LENGTH = 32

export function answerPings(
  admission: Admission,
  refused: (peer: string, what: RefusedKind) => void,
): (stream: Stream, connection: Connection) => void {
  return (stream, connection) => {
    let ping = new Uint8Array(LENGTH)
    let size = 0
    const end = (what?: RefusedKind): void => {
      clearTimeout(idle)
      stream.removeEventListener('message', received)
      if (what !== undefined) refused(connection.remotePeer.toString(), what)
      stream.abort(new Error(what ?? 'nothing was pinged for too long'))
    }
    const answer = (): RefusedKind | undefined => {
      if (!admission.admits(connection)) return 'pingRate'
      if (stream.writeBufferLength > PING_UNREAD) return 'pingUnread'
      idle.refresh()
      stream.send(ping)
      ping = new Uint8Array(LENGTH)
      size = 0
      return undefined
    }
    const take = (chunk: Uint8Array): RefusedKind | undefined => {
      for (let at = 0; at < chunk.length;) {
        const piece = chunk.subarray(at, at + LENGTH - size)
        ping.set(piece, size)
        size += piece.length
        at += piece.length
        const what = size === LENGTH ? answer() : undefined
        if (what !== undefined) return what
      }
      return undefined
    }
    const received = ({ data }: StreamMessageEvent): void => {
      try {
        for (const chunk of data instanceof Uint8Array ? [data] : data) {
          const what = take(chunk)
          if (what !== undefined) return end(what)
        }
      } catch {
        // It is closed meanwhile.
        end()
      }
    }
    const idle = setTimeout(end, PING.timeout).unref()
    stream.addEventListener('message', received)
    stream.addEventListener('close', () => clearTimeout(idle))
    const ended = (): void => void stream.close().catch((error: Error) => stream.abort(error))
    if (stream.readableEnded && stream.readBufferLength === 0) ended()
    else stream.addEventListener('end', ended)
  }
}
