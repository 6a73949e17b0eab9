/** The two ends of a connection of ours over loopback, with no Noise and no Yamux on it. */
import '../../src/platform/polyfill.js'
import { once } from 'node:events'
import type { MultiaddrConnection, Upgrader } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { TCP } from '../../src/libp2p/defaults.js'
import { quietLogger } from '../../src/libp2p/logger.js'
import { corkedTcp } from '../../src/libp2p/patches/tcp-writes.js'

export interface TcpPair {
  near: MultiaddrConnection
  far: MultiaddrConnection
  close(): Promise<void>
}

/** Hands on the connection as it is, instead of encrypting it. */
function rawUpgrader(connected: (connection: MultiaddrConnection) => unknown): Upgrader {
  const upgrade = async (connection: MultiaddrConnection) => connected(connection)
  return { upgradeInbound: upgrade, upgradeOutbound: upgrade } as unknown as Upgrader
}

export async function tcpPair(): Promise<TcpPair> {
  const tcp = corkedTcp(TCP)({ logger: quietLogger()! })
  const ends: Record<'near' | 'far', MultiaddrConnection[]> = { near: [], far: [] }
  const arrivals = new EventTarget()
  const listener = tcp.createListener({
    upgrader: rawUpgrader((connection) => {
      ends.far.push(connection)
      arrivals.dispatchEvent(new Event('arrival'))
    }),
  })
  await listener.listen(multiaddr('/ip4/127.0.0.1/tcp/0'))
  const arrival = once(arrivals, 'arrival')
  const { signal } = new AbortController()
  await tcp.dial(listener.getAddrs()[0]!, { upgrader: rawUpgrader((connection) => ends.near.push(connection)), signal })
  await arrival
  const [near, far] = [ends.near[0]!, ends.far[0]!]
  const close = async () => {
    near.abort(new Error('the test is over'))
    far.abort(new Error('the test is over'))
    await listener.close()
  }
  return { near, far, close }
}
