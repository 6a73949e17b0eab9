/**
 * A node's host gets another address, as a laptop does that changes its network, or loses its carrier for a moment. Two peers, one of
 * them the boot node.
 */
import type { NodeConfig, NodeStatus } from 'tinyp2p'
import type { WorldNode } from '../host.js'
import { allConnected, allKnow, until } from '../waiting.js'
import type { World } from '../world.js'
import { answered, answers, figure, pause, type Scenario } from './scenario.js'

/** Longer than the pauses between the first attempts, so that these have grown. */
const GAP = 6_000
/** So long is a cable out. */
const BLINK = 1_500

const base = { hosts: ['a', 'b', 'c'], goal: 5_000, waits: true as const }

interface Nodes {
  a: WorldNode
  b: WorldNode
  /** It moves. */
  c: WorldNode
}

async function start(world: World, config: NodeConfig = {}): Promise<Nodes> {
  const a = await world.host('a').node()
  const b = await world.host('b').node({ bootNodes: a.at() })
  const c = await world.host('c').node({ bootNodes: a.at(), ...config })
  await allKnow([a, b, c], 15_000)
  return { a, b, c }
}

/** At this address, and nowhere else. */
async function isKnownAt(node: WorldNode, peer: string, address: string): Promise<boolean> {
  const known = (await node.order('knownPeers', {})) as Record<string, string[]>
  return known[peer]?.join() === `/ip4/${address}/tcp/4001/p2p/${peer}`
}

/** As it tells them, but for loopback. */
async function addressesOf(node: WorldNode): Promise<string> {
  const { addresses } = (await node.order('status', {})) as NodeStatus
  return addresses.filter((text) => !text.startsWith('/ip4/127.')).join()
}

export const addressChanges: Scenario[] = [
  {
    ...base,
    name: 'the address changed: until a peer asks it at the new one',
    async measure(world, patience) {
      const { b, c } = await start(world)
      await world.host('c').changeAddress()
      return answered(b, c.peerId, { patience })
    },
  },
  {
    ...base,
    name: 'the address changed: until its own status and the tables of its peers have the new one, and no other',
    async measure(world, patience) {
      const { a, b, c } = await start(world)
      const address = await world.host('c').changeAddress()
      return figure(
        until('the new address is known', patience, async () => {
          if ((await addressesOf(c)) !== `/ip4/${address}/tcp/4001/p2p/${c.peerId}`) return false
          return (await isKnownAt(a, c.peerId, address)) && isKnownAt(b, c.peerId, address)
        }),
      )
    },
  },
  {
    ...base,
    name: `without any address for ${GAP / 1_000} s: until a peer asks it at the new one`,
    async measure(world, patience) {
      const { b, c } = await start(world)
      const host = world.host('c')
      await host.removeAddress()
      await pause(GAP)
      await host.addAddress()
      return answered(b, c.peerId, { patience })
    },
  },
  {
    ...base,
    name: 'the address changed, of a node that listens on the old one alone: until it asks a peer',
    async measure(world, patience) {
      const host = world.host('c')
      const { b, c } = await start(world, { listen: `/ip4/${host.address}/tcp/4001` })
      await host.changeAddress()
      return answered(c, b.peerId, { patience })
    },
  },
  {
    ...base,
    name: `no carrier for ${BLINK / 1_000} s: requests that are lost, and looks at its addresses that miss one`,
    goal: 0,
    unit: 'lost',
    async measure(world) {
      const { a, b, c } = await start(world)
      await allConnected([a, b, c], 10_000)
      const host = world.host('c')
      const end = performance.now() + 2 * BLINK
      const asked: Promise<boolean>[] = []
      let lost = 0
      await host.setCarrier(false)
      setTimeout(() => void host.setCarrier(true), BLINK)
      while (performance.now() < end) {
        asked.push(answers(b, c.peerId, 10_000), answers(c, a.peerId, 10_000))
        if ((await addressesOf(c)) !== `/ip4/${host.address}/tcp/4001/p2p/${c.peerId}`) lost++
        await pause(50)
      }
      for (const answer of await Promise.all(asked)) if (!answer) lost++
      return lost
    },
  },
  {
    ...base,
    name: 'the address of the boot node changed: until a peer asks it at the new one',
    async measure(world, patience) {
      const { a, b } = await start(world)
      await world.host('a').changeAddress()
      return answered(b, a.peerId, { patience })
    },
  },
]
