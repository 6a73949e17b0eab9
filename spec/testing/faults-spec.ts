/** Faults of a simulated network, as its nodes see them. */
import { describe, expect, it } from '@jest/globals'
import type { P2pNode } from 'tinyp2p'
import { simulate, type Datagram, type SimulatedNetwork, type SimulateOptions } from 'tinyp2p/testing'
import { bytes } from '../support/bytes.js'

async function echoes(amount: number, options: SimulateOptions = {}): Promise<[SimulatedNetwork, ...P2pNode[]]> {
  const net = simulate(options)
  const nodes: P2pNode[] = []
  for (let i = 0; i < amount; i++) {
    // Kept long, for gossip between peers that are in no mesh with each other.
    const reqResp = { connectionKeepAlive: 60_000 }
    const node = await net.createNode({ bootNodes: nodes[0]?.addresses ?? [], topics: ['news'], reqResp })
    node.setEventHandler({ handleInboundRequest: (data) => data })
    nodes.push(node)
  }
  await net.run(10_000)
  return [net, ...nodes]
}

/** How long a promise takes, virtual ms, and how it ends. */
async function fate(net: SimulatedNetwork, promise: Promise<unknown>): Promise<[string, number]> {
  const started = net.now
  const end = await net.until(
    promise.then(
      () => 'done',
      (error: { code: string }) => error.code,
    ),
  )
  return [end, net.now - started]
}

describe('a partition', () => {
  it('lets nothing through, and what waits comes through when it heals', async () => {
    const [net, a, b, c] = (await echoes(3)) as [SimulatedNetwork, P2pNode, P2pNode, P2pNode]
    net.partition([[a, b]])
    expect(await fate(net, a.request(b.peerId, bytes('x')))).toEqual(['done', 40])
    expect(await fate(net, a.request(c.peerId, bytes('x'), { timeout: 500 }))).toEqual(['RequestTimeout', 500])
    const patient = a.request(c.peerId, bytes('x'))
    await net.run(2_000)
    net.heal()
    expect(await fate(net, patient)).toEqual(['done', 40])
  })

  it('makes dials time out, and ends what lasts too long', async () => {
    const [net, a, b] = (await echoes(2)) as [SimulatedNetwork, P2pNode, P2pNode]
    net.partition([[a], [b]])
    // Past the dials of the ticks: one that was under way would be followed by ours.
    await net.run(76_000)
    expect((await net.until(a.status())).connections).toEqual([])
    expect(await fate(net, a.dial(b.addresses[0]!))).toEqual(['DialError', 6_000])
    net.heal()
    await net.run(60_000)
    expect(await net.until(a.knownPeers())).toHaveProperty(b.peerId)
  })
})

describe('a cut one way', () => {
  it('loses answers or requests, and lets no new connection come about', async () => {
    const [net, a, b] = (await echoes(2)) as [SimulatedNetwork, P2pNode, P2pNode]
    const end = net.cut(b, a)
    expect(await fate(net, a.request(b.peerId, bytes('x'), { timeout: 500 }))).toEqual(['RequestTimeout', 500])
    await net.run(90_000)
    expect((await net.until(a.status())).connections).toEqual([])
    expect(await fate(net, a.dial(b.addresses[0]!))).toEqual(['DialError', 6_000])
    end()
    await net.run(30_000)
    expect(await fate(net, a.request(b.peerId, bytes('x')))).toEqual(['done', 40])
  })
})

describe('a frozen process', () => {
  it('answers nothing and keeps its connections; after it, all that was said is heard', async () => {
    const [net, a, b] = (await echoes(2)) as [SimulatedNetwork, P2pNode, P2pNode]
    const { connections } = await net.until(a.status())
    net.freeze(b)
    expect(await fate(net, a.request(b.peerId, bytes('x'), { timeout: 500 }))).toEqual(['RequestTimeout', 500])
    const patient = a.request(b.peerId, bytes('x'))
    const own = b.request(a.peerId, bytes('x'), { timeout: 100 })
    await net.run(5_000)
    net.thaw(b)
    expect(await fate(net, patient)).toEqual(['done', 40])
    // Its own time stood still as well.
    expect(await fate(net, own)).toEqual(['done', 0])
    expect((await net.until(a.status())).connections).toEqual(connections)
  })

  it('is dialled in vain, and is found dead by pings', async () => {
    const [net, a, b] = (await echoes(2)) as [SimulatedNetwork, P2pNode, P2pNode]
    net.freeze(b)
    await net.run(60_000)
    expect((await net.until(a.status())).connections).toEqual([])
    expect((await fate(net, a.dial(b.addresses[0]!)))[0]).toBe('DialError')
    net.thaw(b)
    await net.run(30_000)
    expect(await fate(net, a.request(b.peerId, bytes('x')))).toEqual(['done', 40])
  })

  it('has a twin: a new process with its secret, which is who others talk to', async () => {
    const net = simulate({ seed: 3 })
    const secret = new Uint8Array(32).fill(7)
    const [a, b] = [await net.createNode(), await net.createNode({ secret })]
    await net.until(a.dial(b.addresses[0]!))
    net.freeze(b)
    const twin = await net.createNode({ secret, bootNodes: a.addresses })
    twin.setEventHandler({ handleInboundRequest: () => bytes('twin') })
    await net.run(5_000)
    expect(await net.until(a.request(b.peerId, bytes('?')))).toEqual(bytes('twin'))
  })
})

describe('a peer that is back at another address without a word, which the caller names,', () => {
  type Ask = (a: P2pNode, address: string) => Promise<unknown>
  const question = bytes('?')

  it.each<[string, Ask]>([
    ['a request', (a, address) => a.request(address, question)],
    ['a stream', (a, address) => a.request$(address, question).toPromise()],
    ['the first of several', (a, address) => a.requestAny([address], question)],
    ['a dial and a request', (a, address) => Promise.all([a.dial(address), a.request(address, question)])],
  ])('is reached at once by %s', async (_, ask) => {
    const net = simulate({ seed: 3 })
    const secret = new Uint8Array(32).fill(7)
    const [a, b] = [await net.createNode(), await net.createNode({ secret })]
    await net.until(a.dial(b.addresses[0]!))
    await net.run(1_000)
    net.freeze(b)
    const back = await net.createNode({ secret })
    back.setEventHandler({ handleInboundRequest: () => bytes('back') })
    expect((await fate(net, ask(a, back.addresses[0]!)))[0]).toBe('done')
    expect(net.now).toBeLessThan(2_000)
  })

  it('is asked where it was, if nobody is there, and the caller hardly waits', async () => {
    const [net, a, b] = (await echoes(2)) as [SimulatedNetwork, P2pNode, P2pNode]
    const nowhere = `/ip4/10.9.9.9/tcp/1/p2p/${b.peerId}`
    const [outcome, took] = await fate(net, a.request(nowhere, bytes('x')))
    expect([outcome, took < 200]).toEqual(['done', true])
    expect(await fate(net, a.request(nowhere, bytes('x')))).toEqual(['done', 20])
    await net.run(60_000)
    expect((await net.until(a.status())).connections).toEqual([b.peerId])
  })
})

describe('a suspended machine', () => {
  it('does not notice the time that passes: its deadlines stand still, and so do timers that it set before', async () => {
    const [net, a, b] = (await echoes(2)) as [SimulatedNetwork, P2pNode, P2pNode]
    const patient = b.request(a.peerId, bytes('x'), { timeout: 5_000 })
    net.partition([[a], [b]])
    await net.run(1_000)
    net.suspend(b)
    await net.run(1_500)
    net.thaw(b)
    expect(await fate(net, patient)).toEqual(['RequestTimeout', 4_000])
  })

  it('is told that it has slept', async () => {
    const [net, , b] = (await echoes(2)) as [SimulatedNetwork, P2pNode, P2pNode]
    net.suspend(b)
    await net.run(60_000)
    expect(net.log.join()).not.toContain('clockJumped')
    net.thaw(b)
    await net.run(500)
    expect(net.log.filter((line) => line.includes('clockJumped'))).toHaveLength(1)
  })

  it('is connected again with nine others that slept too within two seconds, though no connection has survived', async () => {
    const [net, ...nodes] = await echoes(10)
    await net.run(40_000)
    for (const node of nodes) net.suspend(node)
    for (const a of nodes) for (const b of nodes) if (a !== b) net.corrupt(a, b)
    await net.run(60_000)
    const statuses = () => net.until(Promise.all(nodes.map((node) => node.status())))
    for (const node of nodes) net.thaw(node)
    await net.run(1_000)
    const lost = await statuses()
    expect(Math.min(...lost.map(({ connections }) => connections.length))).toBeLessThan(9)
    await net.run(1_000)
    for (const { connections } of await statuses()) expect(connections).toHaveLength(9)
  })
})

describe('a limited line', () => {
  it('takes its time, and is no reason to give up', async () => {
    const [net, a, b] = (await echoes(2)) as [SimulatedNetwork, P2pNode, P2pNode]
    net.limit(a, b, 25_000)
    const [end, ms] = await fate(net, a.request(b.peerId, new Uint8Array(100_000)))
    expect(end).toBe('done')
    expect(ms).toBeGreaterThan(7_500)
    net.limit(a, b, Infinity)
    // What the line carries has to show anew, which takes two round trips each way.
    expect(await fate(net, a.request(b.peerId, new Uint8Array(100_000)))).toEqual(['done', 120])
  })
})

describe('a damaged packet', () => {
  it('ends the connection and what it carries, and a new one is made', async () => {
    const [net, a, b] = (await echoes(2)) as [SimulatedNetwork, P2pNode, P2pNode]
    net.corrupt(a, b)
    // The session was not open yet, so nothing of the request had been sent: it goes over the new one.
    expect((await fate(net, a.request(b.peerId, bytes('x'))))[0]).toBe('done')
    net.corrupt(a, b)
    expect((await fate(net, a.request(b.peerId, bytes('x'))))[0]).toBe('ConnectionLost')
    expect((await fate(net, a.request(b.peerId, bytes('x'))))[0]).toBe('done')
  })
})

describe('two processes with one secret', () => {
  it('are told of each other, though both say the same address of themselves', async () => {
    const net = simulate({ seed: 3 })
    const peer = await net.createNode()
    const config = {
      secret: new Uint8Array(32).fill(7),
      announce: '/ip4/172.17.0.2/tcp/4001',
      bootNodes: peer.addresses,
    }
    const [one, other] = [await net.createNode(config), await net.createNode(config)]
    await net.run(10_000)
    const twinsOf = async (node: P2pNode): Promise<string[]> => (await net.until(node.status())).twins ?? []
    expect(await twinsOf(one)).toEqual(['/ip4/10.0.0.3/tcp/4001'])
    expect(await twinsOf(other)).toEqual(['/ip4/10.0.0.2/tcp/4001'])
    expect((await net.until(peer.explain({ peer: one.peerId }))).twins).toHaveLength(2)
  })
})

describe('a slow link', () => {
  it('is slow between two, for nobody else, until it is not', async () => {
    const [net, a, b, c] = (await echoes(3)) as [SimulatedNetwork, P2pNode, P2pNode, P2pNode]
    net.slow(b, a, 100)
    expect(await fate(net, a.request(b.peerId, bytes('x')))).toEqual(['done', 440])
    expect(await fate(net, a.request(c.peerId, bytes('x')))).toEqual(['done', 40])
    net.slow(a, b, 0)
    // The session is open by now.
    expect(await fate(net, a.request(b.peerId, bytes('x')))).toEqual(['done', 20])
  })
})

describe('what is dropped', () => {
  it('is seen by the predicate with all that there is to know, and gossip brings it later', async () => {
    const [net, ...nodes] = await echoes(20)
    const seen: Datagram[] = []
    const heard: number[] = []
    const victim = nodes[9]!
    victim.broadcasts$('news').subscribe(() => heard.push(net.now))
    await net.run(1_000)
    const stop = net.drop((datagram) => {
      seen.push(datagram)
      return datagram.to === victim.peerId
    })
    const started = net.now
    const { recipients } = await net.until(nodes[0]!.broadcast('news', bytes('x')))
    expect(recipients).toContain(victim.peerId)
    await net.run(200)
    stop()
    expect(heard).toEqual([])
    expect(seen).toContainEqual({ kind: 'gossip', from: nodes[0]!.peerId, to: victim.peerId, topic: 'news' })
    await net.run(4_000)
    expect(heard).toHaveLength(1)
    expect(heard[0]! - started).toBeGreaterThan(200)
  })
})

describe('a message that was planted', () => {
  it('is heard with a good proof, and dropped with a wrong one, or of a topic that nobody is in; the log says so', async () => {
    const [net, a, b, c] = (await echoes(3)) as [SimulatedNetwork, P2pNode, P2pNode, P2pNode]
    const heard: string[] = []
    b.broadcasts$('news').subscribe(({ data, from }) => heard.push(`${String.fromCharCode(...data)} of ${from}`))
    await net.run(1_000)
    net.plant(a, b, { topic: 'news', data: bytes('x') })
    net.plant(a, b, { topic: 'news', data: bytes('y'), from: c.peerId })
    net.plant(a, b, { topic: 'news', data: bytes('z'), proof: 'wrong' })
    net.plant(a, b, { topic: 'weather', data: bytes('w') })
    const before = net.log.length
    await net.run(10)
    expect(heard).toEqual([`x of ${a.peerId}`, `y of ${c.peerId}`])
    expect(net.log.slice(before).filter((line) => line.includes('gossipDropped'))).toEqual([
      `${net.now} n2 gossipDropped 1 0 signature ${a.peerId}`,
      `${net.now} n2 gossipDropped 1 0 unknownTopic ${a.peerId}`,
    ])
  })
})

describe('a clock that is wrong', () => {
  it('makes the timeouts of its node early or late, and of nobody else', async () => {
    const net = simulate()
    const silent = await net.createNode()
    silent.requests$.subscribe()
    const boot = { bootNodes: silent.addresses }
    const [fast, slow, right] = [
      await net.createNode(boot, { rate: 2, offset: 1_000_000 }),
      await net.createNode(boot, { rate: 0.5, offset: -1_000 }),
      await net.createNode(boot),
    ]
    await net.run(1_000)
    for (const [node, time] of [
      [fast, 2_500],
      // It would wait for 10,000 ms, but it has told the other side of 5,000, whose clock is right: that one gives up first.
      [slow, 5_030],
      [right, 5_000],
    ] as const) {
      // prettier-ignore
      const [code, took] = await fate(net, node.request(silent.peerId, bytes('x'), { timeout: 5_000 }))
      expect(code).toBe('RequestTimeout')
      expect(Math.abs(took - time)).toBeLessThanOrEqual(2)
    }
  })
})

describe('loss and bandwidth', () => {
  it('delay what goes over streams, and lose none of it', async () => {
    const [net, a, b] = (await echoes(2, { loss: 0.2, jitter: 5, seed: 4 })) as [SimulatedNetwork, P2pNode, P2pNode]
    const times: number[] = []
    for (let i = 0; i < 30; i++) {
      const [end, took] = await fate(net, a.request(b.addresses[0]!, bytes(`${i}`)))
      expect(end).toBe('done')
      times.push(took)
    }
    expect(Math.min(...times)).toBeLessThan(60)
    expect(Math.max(...times)).toBeGreaterThan(200)
  })

  it('let a large answer take as long as the line needs', async () => {
    const [net, a, b] = (await echoes(2, { bandwidth: 100_000 })) as [SimulatedNetwork, P2pNode, P2pNode]
    const [end, took] = await fate(net, a.request(b.peerId, new Uint8Array(200_000)))
    expect(end).toBe('done')
    expect(took).toBeGreaterThan(4_000)
    expect(took).toBeLessThan(4_500)
  })
})
