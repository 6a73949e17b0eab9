/** Two dials of one peer at the same time, one of them by kad-dht, on sockets of 127.0.0.1. */
import { afterEach, expect, it } from '@jest/globals'
import type { Connection } from '@libp2p/interface'
import type { Host } from '../../../src/libp2p/host.js'
import { connect, startHost, stopHosts } from '../../support/hosts.js'

afterEach(stopHosts)

async function pair(): Promise<[Host, Host]> {
  const [{ host: a }, { host: b }] = [await startHost(), await startHost()]
  await a.peerStore.merge(b.peerId, { multiaddrs: b.getMultiaddrs() })
  return [a, b]
}

/** As kad-dht does it. */
function visit(a: Host, b: Host): Promise<number> {
  return a.services.kad.client.guarded().ping.ping(b.peerId)
}

function dial(a: Host, b: Host): Promise<Connection> {
  return a.services.transports.dial(b.getMultiaddrs()[0]!, AbortSignal.timeout(5_000), () => undefined)
}

it('leave two connections, and none is hung up', async () => {
  for (let round = 0; round < 3; round++) {
    const [a, b] = await pair()
    let ends = 0
    for (const host of [a, b]) host.addEventListener('connection:close', () => void ends++)
    await Promise.all([dial(a, b), visit(a, b), dial(a, b)])
    // The other side has all of them when it answers over the last one.
    await Promise.all(a.getConnections().map(async (connection) => connection.newStream('/ipfs/ping/1.0.0')))
    expect([ends, a.getConnections().length, b.getConnections().length]).toEqual([0, 3, 3])
  }
})

it('are one, where there is a connection already', async () => {
  const [a, b] = await pair()
  await connect(a, b)
  await visit(a, b)
  expect([a.getConnections().length, b.getConnections().length]).toEqual([1, 1])
})
