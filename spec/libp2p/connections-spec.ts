/** Connections of addresses that this machine has lost, and tests of those that may be silent. */
import { setTimeout as pause } from 'node:timers/promises'
import { expect, it } from '@jest/globals'
import type { Connection } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import type { PortEvent } from '../../src/core/port.js'
import { Connections } from '../../src/libp2p/connections.js'
import type { Gater } from '../../src/libp2p/gater.js'

interface Fake {
  connection: Connection
  aborted: string[]
}

function from(localAddress: string | undefined): Fake {
  const aborted: string[] = []
  const connection = {
    status: 'open',
    direction: 'outbound',
    remoteAddr: multiaddr('/ip4/203.0.113.1/tcp/1'),
    remotePeer: { toString: () => `peer of ${localAddress}`, equals: () => false },
    maConn: { socket: { localAddress } },
    abort: (error: Error) => aborted.push(error.message),
    // Nobody answers.
    newStream: (_protocols: string[], { signal }: { signal: AbortSignal }) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
  }
  return { connection: connection as unknown as Connection, aborted }
}

function made(silent: (connection: Connection) => void = () => undefined): [Connections, PortEvent[]] {
  const events: PortEvent[] = []
  const gater = { connected: () => undefined, left: () => undefined } as unknown as Gater
  return [new Connections((event) => events.push(event), gater, { closed: () => undefined, silent }), events]
}

it('only what began at an address that is gone is given up, and it is reported at once', () => {
  const [connections, events] = made()
  const locals = ['192.0.2.1', '::ffff:192.0.2.1', 'fe80::1%eth0', '10.7.0.5', '127.0.0.2', undefined]
  const fakes = locals.map((local) => from(local))
  for (const { connection } of fakes) connections.idOf(connection)
  events.length = 0
  connections.abortFrom(new Set(['192.0.2.1', 'fe80::1']))
  expect(events).toEqual([1, 2, 3].map((connection) => ({ type: 'connectionClosed', connection, moved: true })))
  expect(fakes.map(({ aborted }) => aborted.length)).toEqual([1, 1, 1, 0, 0, 0])
})

it.each([
  ['lets gossip leave before it is over', { timeout: 200, longest: 20_000, avoidAfter: 50 }, ['silent', 'pingFailed']],
  ['also where it may last as long as any', { timeout: 200, longest: 200, avoidAfter: 50 }, ['silent', 'pingFailed']],
  ['and a ping that is none does not', { timeout: 200, longest: 20_000 }, ['pingFailed']],
])('a test %s', async (_, times, expected) => {
  const told: string[] = []
  const [connections, events] = made(() => told.push('silent'))
  const { connection } = from('192.0.2.1')
  connections.idOf(connection)
  events.push = (...more) => told.push(...more.map(({ type }) => type))
  connections.ping({ connection: 1, ...times })
  await pause(400)
  expect(told).toEqual(expected)
  connections.abortFrom(new Set(['192.0.2.1']))
})
