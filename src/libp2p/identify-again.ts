/**
 * Asks peers again that have not said what they are. libp2p asks once for each connection and gives the answer 5 s, which is too short for
 * some slow lines and busy processes. A peer that is not identified comes into no routing table for as long as it is connected.
 */
import type { Connection } from '@libp2p/interface'
import type { Host } from './host.js'

/** Since the connection was opened, and since it was asked last, ms. */
const AGAIN = [10_000, 30_000, 120_000]

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
  const wait = (connection: Connection, [delay, ...others]: number[]): void => {
    if (delay === undefined) return forget(connection)
    const ask = (): void => {
      wait(connection, others)
      host.services.identify.identify(connection).catch((error: Error) => {
        if (error.name === 'UnsupportedProtocolError') forget(connection)
      })
    }
    timers.set(connection, setTimeout(ask, delay).unref())
  }
  host.addEventListener('connection:open', ({ detail }) => wait(detail, AGAIN))
  host.addEventListener('peer:identify', ({ detail }) => forget(detail.connection))
  host.addEventListener('connection:close', ({ detail }) => forget(detail))
}
