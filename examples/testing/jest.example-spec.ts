/**
 * A simulated network in jest. Copy it, and begin to change it.
 *
 *   node --experimental-vm-modules node_modules/jest/bin/jest.js examples/testing
 *
 * jest must load ES modules for it: https://jestjs.io/docs/ecmascript-modules
 */
import { beforeEach, describe, expect, it } from '@jest/globals'
import { map } from 'rxjs'
import type { P2pNode } from 'tinyp2p'
import { marbles, simulate, type SimulatedNetwork } from 'tinyp2p/testing'

const encode = (text: string): Uint8Array => new TextEncoder().encode(text)
const decode = (data: Uint8Array): string => new TextDecoder().decode(data)

describe('a program of five nodes', () => {
  let net: SimulatedNetwork
  let nodes: P2pNode[]

  beforeEach(async () => {
    net = simulate({ latency: 20 }) // Every packet takes 20 ms.
    nodes = []
    for (let i = 0; i < 5; i++) {
      const node = await net.createNode({ bootNodes: nodes[0]?.addresses ?? [], topics: ['news'] })
      node.setEventHandler({ handleInboundRequest: (data) => encode(decode(data).toUpperCase()) })
      nodes.push(node)
    }
    await net.run(10_000) // Ten virtual seconds: all have found each other.
  })

  it('answers a request', async () => {
    const [a, , , , e] = nodes as [P2pNode, P2pNode, P2pNode, P2pNode, P2pNode]
    const answer = await net.until(a.request(e.peerId, encode('hello')))
    expect(decode(answer)).toBe('HELLO')
  })

  it('brings a broadcast to all', async () => {
    const heard = new Set<P2pNode>()
    for (const node of nodes) node.broadcasts$('news').subscribe(() => heard.add(node))
    await net.until(nodes[0]!.broadcast('news', encode('hello, all')))
    await net.run(1_000)
    expect(heard.size).toBe(4) // All but the one that sent it.
  })

  it('is cut in two, and becomes whole again', async () => {
    const [a, b, ...others] = nodes as [P2pNode, P2pNode, ...P2pNode[]]
    await marbles(net, ({ at, hot, expectObservable }) => {
      at('1s p 5s h', { p: () => net.partition([[a, b], others]), h: () => net.heal() })
      // What is said during the cut comes 20 ms after the healing: the connections have lived through it.
      hot('2s x 8s y').subscribe((text) => void a.broadcast('news', encode(text)))
      const texts$ = others[0]!.broadcasts$('news').pipe(map(({ data }) => decode(data)))
      expectObservable(texts$).toBe('6021ms x 3999ms y')
    })
  })

  it('gives up after ten seconds, which takes milliseconds', async () => {
    const [a] = nodes as [P2pNode]
    const mute = await net.createNode({ bootNodes: a.addresses })
    mute.requests$.subscribe() // It hears requests, and answers none.
    await net.run(1_000)
    const [virtual, real] = [net.now, performance.now()]
    await expect(net.until(a.request(mute.peerId, encode('hello?'), { timeout: 10_000 }))).rejects.toMatchObject({
      code: 'RequestTimeout',
    })
    expect(net.now - virtual).toBe(10_000)
    expect(performance.now() - real).toBeLessThan(1_000)
  })
})

it('a hundred nodes hear a broadcast', async () => {
  // 20 ± 10 ms, and one packet of a hundred is lost. The seed makes each run the same.
  const net = simulate({ seed: 7, latency: 20, jitter: 10, loss: 0.01 })
  const boot = await net.createNode({ topics: ['news'] })
  let heard = 0
  for (let i = 1; i < 100; i++) {
    const node = await net.createNode({ bootNodes: boot.addresses, topics: ['news'] })
    node.broadcasts$('news').subscribe(() => heard++)
  }
  await net.run(10_000)
  await net.until(boot.broadcast('news', encode('hello, all of you')))
  await net.run(5_000)
  expect(heard).toBe(99)
}, 30_000)
