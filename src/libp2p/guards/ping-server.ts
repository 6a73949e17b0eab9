/** Our answers to pings, in place of the stock ones: 32 bytes a ping, and no more pings than their answers are read. */
import type { Connection, Stream, StreamMessageEvent } from '@libp2p/interface'
import type { RefusedKind } from '../../core/port.js'
import { PING, PING_UNREAD } from '../defaults.js'
import type { Admission } from './admission.js'
import { OWN, type Blame, type Refuse } from './refusals.js'

/** https://github.com/libp2p/specs/blob/master/ping/ping.md */
const LENGTH = 32

export function answerPings(
  admission: Pick<Admission, 'refuses'>,
  refused: Refuse,
): (stream: Stream, connection: Connection) => void {
  return (stream, connection) => {
    let ping = new Uint8Array(LENGTH)
    let size = 0
    const end = (what?: RefusedKind, blame?: Blame): void => {
      clearTimeout(idle)
      stream.removeEventListener('message', received)
      if (what !== undefined) refused(connection.remotePeer.toString(), what, blame)
      stream.abort(new Error(what ?? 'nothing was pinged for too long'))
    }
    /** `false`: no more of them. */
    const answer = (): boolean => {
      const blame = admission.refuses(connection)
      const isUnread = stream.writeBufferLength > PING_UNREAD
      if (blame !== undefined || isUnread) {
        end(blame === undefined ? 'pingUnread' : 'pingRate', blame ?? OWN)
        return false
      }
      idle.refresh()
      stream.send(ping)
      ping = new Uint8Array(LENGTH)
      size = 0
      return true
    }
    const take = (chunk: Uint8Array): boolean => {
      for (let at = 0; at < chunk.length;) {
        const piece = chunk.subarray(at, at + LENGTH - size)
        ping.set(piece, size)
        size += piece.length
        at += piece.length
        if (size === LENGTH && !answer()) return false
      }
      return true
    }
    const received = ({ data }: StreamMessageEvent): void => {
      try {
        for (const chunk of data instanceof Uint8Array ? [data] : data) if (!take(chunk)) return
      } catch {
        // It is closed meanwhile.
        end()
      }
    }
    const idle = setTimeout(() => end(), PING.timeout).unref()
    stream.addEventListener('message', received)
    stream.addEventListener('close', () => clearTimeout(idle))
    const ended = (): void => void stream.close().catch((error: Error) => stream.abort(error))
    if (stream.readableEnded && stream.readBufferLength === 0) ended()
    else stream.addEventListener('end', ended)
  }
}
