/**
 * Our own ping, which runs on the connection that is asked about. The stock service cannot do that, because it dials by peer, and what
 * is more than an answer, or comes in other pieces, it goes on to gather.
 */
import type { Connection, Stream } from '@libp2p/interface'
import { PING_PROTOCOL } from '../wire/protocols.js'
import { wantNothing } from './guards/unwanted.js'
import { withTimeout } from './timeout-signal.js'

const LENGTH = 32

/** Nothing came back in time. */
export class PingTimeout extends Error {
  override readonly name = 'PingTimeout'
}

/** The round trip, ms, from 1 on (0 stands for none). A peer that does not speak the protocol is alive too, because it has answered. */
export function pingOver(connection: Connection, timeout: number): Promise<number> {
  const opening = performance.now()
  return withTimeout(timeout, async (signal) => {
    try {
      return await pingUntil(connection, signal)
    } catch (error) {
      if ((error as Error).name === 'UnsupportedProtocolError') return Math.ceil(performance.now() - opening)
      throw signal.aborted ? new PingTimeout('no answer in time', { cause: error }) : error
    }
  })
}

/** The same; fails when the signal fires, and when the peer does not speak the protocol. */
export async function pingUntil(connection: Connection, signal: AbortSignal): Promise<number> {
  return echo(await connection.newStream([PING_PROTOCOL], { signal }), signal)
}

function echo(stream: Stream, signal: AbortSignal): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = crypto.getRandomValues(new Uint8Array(LENGTH))
    const start = performance.now()
    const failed = (reason: string) => {
      done()
      stream.abort(new Error(reason))
      reject(new Error(reason))
    }
    const received = (event: { data: Iterable<Uint8Array> | Uint8Array }) => {
      for (const byte of bytesOf(event.data)) {
        if (byte !== sent[position++]) return failed('the answer to our ping was wrong')
      }
      if (position < LENGTH) return
      done()
      wantNothing(stream)
      // The answer is here, so nothing waits for the end of the stream.
      stream.close().catch((error: Error) => stream.abort(error))
      resolve(Math.ceil(performance.now() - start))
    }
    const closed = () => failed('the ping was cut off')
    const expired = () => failed('no answer in time')
    const done = () => {
      stream.removeEventListener('message', received)
      stream.removeEventListener('close', closed)
      signal.removeEventListener('abort', expired)
    }
    let position = 0
    stream.addEventListener('message', received)
    stream.addEventListener('close', closed)
    signal.addEventListener('abort', expired)
    if (signal.aborted) return expired()
    try {
      stream.send(sent)
    } catch (error) {
      failed((error as Error).message)
    }
  })
}

function* bytesOf(data: Uint8Array | Iterable<Uint8Array>): Generator<number> {
  if (data instanceof Uint8Array) yield* data
  else for (const chunk of data) yield* chunk
}
