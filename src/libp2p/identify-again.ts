/**
 * Asks peers again that have not said what they are. libp2p asks once for each connection and gives the answer 5 s, which is too short for
 * some slow lines and busy processes. A peer that is not identified comes into no routing table for as long as it is connected.
 */
import type { Connection } from '@libp2p/interface'
import type { Host } from './host.js'
import { withTimeout } from './timeout-signal.js'

/** When: since the connection was opened, and since it was asked last; and how long it has to answer, ms. */
const AGAIN: Turn[] = [
  { after: 10_000, timeout: 10_000 },
  { after: 30_000, timeout: 20_000 },
  { after: 120_000, timeout: 60_000 },
]

interface Turn {
  after: number
  timeout: number
}

/** What is needed of the host. */
type Identifying = Pick<Host, 'addEventListener'> & {
  services: { identify: Pick<Host['services']['identify'], 'identify'> }
}

export function identifyAgain(host: Identifying): void {
  const timers = new Map<Connection, NodeJS.Timeout>()

  const forget = (connection: Connection): void => {
    clearTimeout(timers.get(connection))
    timers.delete(connection)
  }
  const wait = (connection: Connection, [next, ...others]: Turn[]): void => {
    if (next === undefined) return forget(connection)
    const ask = (): void => {
      wait(connection, others)
      const { identify } = host.services
      withTimeout(next.timeout, (signal) => identify.identify(connection, { signal })).catch((error: Error) => {
        if (error.name === 'UnsupportedProtocolError') forget(connection)
      })
    }
    timers.set(connection, setTimeout(ask, next.after).unref())
  }
  host.addEventListener('connection:open', ({ detail }) => wait(detail, AGAIN))
  host.addEventListener('peer:identify', ({ detail }) => forget(detail.connection))
  host.addEventListener('connection:close', ({ detail }) => forget(detail))
}
