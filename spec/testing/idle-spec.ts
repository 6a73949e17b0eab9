/** Connections that are closed because nothing uses them: no request between healthy nodes is ever lost to that. */
import { describe, expect, it } from '@jest/globals'
import type { NodeConfig, P2pNode } from 'tinyp2p'
import { simulate, type SimulatedNetwork } from 'tinyp2p/testing'
import { bytes } from '../support/bytes.js'

const KEEP_ALIVE = 10_000
/** Each of these, ms: before the keep-alive, at it, and up to two round trips after the last moment of the close. */
const RHYTHMS = [9_900, 10_000, 10_100, 10_200, 10_400, 10_450, 10_500, 10_550, 10_600, 10_700, 11_000, 11_300, 12_000]
const REQUESTS = 260

/** All are idle, and no tick of discovery brings them together again. */
const alone: NodeConfig = { discoveryInterval: 1e9, stayConnected: 0 }

async function pair(latency: number, seed: number, config = alone) {
  const net = simulate({ latency, jitter: latency / 3, seed })
  const [a, b] = [await net.createNode(config), await net.createNode(config)]
  for (const node of [a, b]) node.setEventHandler({ handleInboundRequest: (data) => data })
  return { net, a, b }
}

/** One request each so often; how many were lost, and how many connections there were. */
async function askAt(latency: number, period: number, both: boolean) {
  const { net, a, b } = await pair(latency, period)
  const ask = async (from: P2pNode, to: P2pNode): Promise<number> =>
    from.request(to.addresses[0]!, bytes('?')).then(
      () => 0,
      () => 1,
    )
  let lost = 0
  for (let i = 0; i < REQUESTS; i++) {
    const start = net.now
    // Now it is one that asks, and now the other.
    lost += await net.until(both && i % 2 === 1 ? ask(b, a) : ask(a, b))
    await net.run(Math.max(0, period - (net.now - start)))
  }
  return { lost, connections: opened(net) }
}

function opened(net: SimulatedNetwork): number {
  return net.log.filter((line) => line.includes(' connectionOpened ')).length / 2
}

async function connections(net: SimulatedNetwork, node: P2pNode): Promise<number> {
  return (await net.until(node.status())).connections.length
}

describe('an idle connection', () => {
  describe.each([0, 50, 300])('with %s ms of latency', (latency) => {
    it.each([false, true])(
      'takes no request with it, at any rhythm (both ask: %s)',
      async (both) => {
        let all = 0
        for (const period of RHYTHMS) {
          const { lost, connections: amount } = await askAt(latency, period, both)
          expect({ period, lost }).toEqual({ period, lost: 0 })
          all += amount
        }
        // They were closed, too.
        expect(all).toBeGreaterThan(REQUESTS / 2)
      },
      120_000,
    )
  })

  it('is closed within its time and two round trips', async () => {
    const { net, a, b } = await pair(50, 1)
    await net.until(a.request(b.addresses[0]!, bytes('?')))
    await net.run(KEEP_ALIVE - 500)
    expect(await connections(net, a)).toBe(1)
    await net.run(KEEP_ALIVE / 20 + 500 + 200)
    expect([await connections(net, a), await connections(net, b)]).toEqual([0, 0])
  })

  it('over which nothing was ever asked is left in the same way', async () => {
    const { net, a, b } = await pair(50, 1)
    await net.until(a.dial(b.addresses[0]!))
    await net.run(KEEP_ALIVE + KEEP_ALIVE / 20 + 800)
    expect([await connections(net, a), await connections(net, b)]).toEqual([0, 0])
  })

  it('stays in a small network', async () => {
    const { net, a, b } = await pair(50, 1, { discoveryInterval: 1e9 })
    await net.until(a.request(b.addresses[0]!, bytes('?')))
    await net.run(20 * KEEP_ALIVE)
    expect(await connections(net, a)).toBe(1)
    expect(opened(net)).toBe(1)
  })

  it('to a subscriber of a topic that we publish on stays', async () => {
    const net = simulate({ latency: 20 })
    const publisher = await net.createNode(alone)
    const subscriber = await net.createNode({ ...alone, topics: ['news'] })
    let heard = 0
    subscriber.broadcasts$('news').subscribe(() => heard++)
    await net.until(subscriber.dial(publisher.addresses[0]!))
    await net.run(2_000)
    for (let i = 0; i < 10; i++) {
      await net.until(publisher.broadcast('news', bytes(`number ${i}`)))
      await net.run(2.3 * KEEP_ALIVE)
    }
    expect(heard).toBe(10)
  })
})

describe('a broadcast while an idle connection is being closed', () => {
  const LATENCY = 50

  /** Published so long after the time at which the subscriber, or the publisher, says goodbye. */
  async function publishAt(offset: number, leaver: 'publisher' | 'subscriber') {
    const net = simulate({ latency: LATENCY })
    const config = (keepAlive: number): NodeConfig => ({ ...alone, reqResp: { connectionKeepAlive: keepAlive } })
    const [early, late] = [config(KEEP_ALIVE), config(6 * KEEP_ALIVE)]
    const publisher = await net.createNode(leaver === 'publisher' ? early : late)
    const subscriber = await net.createNode({ ...(leaver === 'publisher' ? late : early), topics: ['news'] })
    let heard = 0
    subscriber.broadcasts$('news').subscribe(() => heard++)
    await net.until(subscriber.dial(publisher.addresses[0]!))
    const since = net.now
    // A session is there for the goodbye.
    subscriber.setEventHandler({ handleInboundRequest: (data) => data })
    await net.until(publisher.request(subscriber.peerId, bytes('?')))
    await net.run(KEEP_ALIVE * 1.05 + offset - (net.now - since))
    const isConnected = (await connections(net, publisher)) === 1
    const { recipients } = await net.until(publisher.broadcast('news', bytes('!')))
    await net.run(2_000)
    return { isConnected, recipients: recipients.length, heard }
  }

  it.each(['publisher', 'subscriber'] as const)(
    'is heard by who was connected (the %s leaves)',
    async (leaver) => {
      const seen = new Set<boolean>()
      for (let offset = -100; offset <= 500; offset += 10) {
        const { isConnected, recipients, heard } = await publishAt(offset, leaver)
        seen.add(isConnected)
        expect({ offset, heard }).toEqual({ offset, heard: recipients })
        if (isConnected) expect({ offset, heard }).toEqual({ offset, heard: 1 })
      }
      expect(seen.size).toBe(2)
    },
    60_000,
  )
})

describe('a broadcast that waits for subscribers', () => {
  it('has the peers dialled that are known and not connected', async () => {
    const net = simulate({ latency: 20 })
    const publisher = await net.createNode(alone)
    const subscriber = await net.createNode({ ...alone, topics: ['news'] })
    await net.until(publisher.dial(subscriber.addresses[0]!))
    await net.run(2 * KEEP_ALIVE)
    expect(await connections(net, publisher)).toBe(0)
    const published = publisher.broadcast('news', bytes('!'), { waitForPeers: { min: 1, timeout: 5_000 } })
    expect((await net.until(published)).recipients).toEqual([subscriber.peerId])
  })
})

describe('two connections to the same peer', () => {
  const LATENCY = 50

  /** Both dial each other at once; one is the boot node of the other, so that it never takes a connection for idle. */
  async function twice(seed: number) {
    const net = simulate({ latency: LATENCY, seed })
    const a = await net.createNode(alone)
    const b = await net.createNode({ ...alone, bootNodes: a.addresses })
    for (const node of [a, b]) node.setEventHandler({ handleInboundRequest: (data) => data })
    await net.until(a.dial(b.addresses[0]!))
    await net.run(1_000)
    return { net, a, b }
  }

  async function amount(net: SimulatedNetwork, node: P2pNode, other: P2pNode): Promise<number> {
    const { connections: open } = await net.until(node.explain({ peer: other.peerId }))
    return open.length
  }

  it.each([
    [4_000, 1],
    [4_000, 2],
    [2 * LATENCY, 3],
    [2 * LATENCY, 4],
    [20, 5],
    [20, 6],
  ])('become one, although both ask over them every %s ms, and no request is lost (seed %s)', async (every, seed) => {
    const { net, a, b } = await twice(seed)
    expect([await amount(net, a, b), await amount(net, b, a)]).toEqual([2, 2])
    let lost = 0
    const ask = (from: P2pNode, to: P2pNode): void => {
      from.request(to.peerId, bytes('?')).catch(() => lost++)
    }
    for (let time = 0; time < 5 * KEEP_ALIVE; time += every) {
      ask(a, b)
      ask(b, a)
      await net.run(every)
    }
    expect([await amount(net, a, b), await amount(net, b, a)]).toEqual([1, 1])
    await net.run(1_000)
    expect(lost).toBe(0)
  })

  it('become one when their peers are in the mesh of a topic, and no broadcast is lost', async () => {
    const { net, a, b } = await twice(7)
    let heard = 0
    b.broadcasts$('news').subscribe(() => heard++)
    a.broadcasts$('news').subscribe()
    await net.run(5_000)
    for (let i = 0; i < 30; i++) {
      await net.until(a.broadcast('news', bytes(`${i}`)))
      await net.run(3_000)
    }
    expect([await amount(net, a, b), await amount(net, b, a)]).toEqual([1, 1])
    expect(heard).toBe(30)
  })
})
