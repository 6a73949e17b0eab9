/** tinyp2p nodes in a world: discovery, requests and broadcasts over 62 ms, from behind a NAT box, and what a cut costs. */
import { expect, it } from '@jest/globals'
import type { NodeStatus } from 'tinyp2p'
import { bytes, outcome, text } from '../support/nodes.js'
import { describeWorld } from './describe-world.js'
import type { WorldNode } from './host.js'
import { WIDE } from './profiles.js'
import { allConnected, allKnow, until } from './waiting.js'
import { createWorld } from './world.js'

const TOPIC = 'news'

async function ask(node: WorldNode, peer: string, data: string): Promise<string> {
  return text((await node.order('request', { peer, data: bytes(data) })) as Uint8Array)
}

describeWorld('nodes in a world', () => {
  it('discover each other over 62 ms, ask, and hear broadcasts', async () => {
    const world = await createWorld({ hosts: ['a', 'b', 'c'], profile: WIDE })
    const config = { topics: [TOPIC], discoveryInterval: 1_000 }
    const a = await world.host('a').node(config)
    const b = await world.host('b').node({ ...config, bootNodes: a.at() })
    const c = await world.host('c').node({ ...config, bootNodes: a.at() })
    const nodes = [a, b, c]
    await allKnow(nodes, 20_000)
    const start = performance.now()
    expect(await ask(b, c.peerId, 'over')).toBe('over')
    expect(performance.now() - start).toBeGreaterThanOrEqual(62)

    await Promise.all(nodes.map((node) => node.writes(TOPIC)))
    await Promise.all(nodes.map((node) => node.order('meshed', { topic: TOPIC, amount: 2, within: 20_000 })))
    await c.broadcast(TOPIC, bytes('to all'))
    const heard = await Promise.all([a.wrote(TOPIC, 1), b.wrote(TOPIC, 1)])
    expect(heard.flat().map((noted) => [noted.text, noted.from])).toEqual([
      ['to all', c.peerId],
      ['to all', c.peerId],
    ])
  }, 60_000)

  it('ask and are asked over a connection that they made from behind a box', async () => {
    const world = await createWorld({ hosts: ['a'] })
    await world.nat('box', { hosts: ['x'] })
    const a = await world.host('a').node()
    const x = await world.host('x').node({ bootNodes: a.at() })
    await allConnected([a, x], 10_000)
    expect(await ask(x, a.peerId, 'out')).toBe('out')
    expect(await ask(a, x.peerId, 'and in')).toBe('and in')
  })

  it('find one behind a port mapping, whose address three of them have told it', async () => {
    const world = await createWorld({ hosts: ['a', 'b', 'c', 'd'] })
    const box = await world.nat('box', { hosts: ['x'] })
    const x = await world.host('x').node()
    await box.forward(4001, world.host('x'))
    const mapped = `/ip4/${box.address}/tcp/4001/p2p/${x.peerId}`
    const announces = async () => ((await x.order('status', {})) as NodeStatus).addresses.includes(mapped)

    const [a, b] = [
      await world.host('a').node({ bootNodes: mapped }),
      await world.host('b').node({ bootNodes: mapped }),
    ]
    await allConnected([x, a, b], 10_000)
    expect(await announces()).toBe(false)
    await world.host('c').node({ bootNodes: mapped })
    await until('x announces it', 10_000, announces)
    await until('a hears it', 10_000, async () => {
      const known = (await a.order('knownPeers', {})) as Record<string, string[]>
      return known[x.peerId]?.includes(mapped) === true
    })

    // This one has never heard of the mapping but from the network.
    const d = await world.host('d').node({ bootNodes: a.at() })
    await until('d reaches x', 10_000, async () => (await ask(d, x.peerId, 'in')) === 'in')
  }, 60_000)

  it('lose requests to a cut, and none after it', async () => {
    const world = await createWorld({ hosts: ['a', 'b'] })
    const a = await world.host('a').node()
    const b = await world.host('b').node({ bootNodes: a.at() })
    expect(await ask(b, a.at(), 'before')).toBe('before')
    await world.link('a', 'b').set({ cut: true })
    expect(await outcome(b.order('request', { peer: a.peerId, data: bytes('within'), timeout: 500 }))).toBe(
      'RequestTimeout',
    )
    await world.heal()
    expect(await ask(b, a.peerId, 'after')).toBe('after')
  })
})
