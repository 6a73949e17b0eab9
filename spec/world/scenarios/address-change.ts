/** A node's host gets another address, as a laptop does that changes its network. Two peers, one of them the boot node. */
import type { NodeStatus } from 'tinyp2p'
import type { WorldNode } from '../host.js'
import { allKnow, until } from '../waiting.js'
import type { World } from '../world.js'
import { answered, figure, pause, type Scenario } from './scenario.js'

/** Longer than the pauses between the first attempts, so that these have grown. */
const GAP = 6_000

const base = { hosts: ['a', 'b', 'c'], goal: 5_000, waits: true as const }

interface Nodes {
  a: WorldNode
  b: WorldNode
  /** It moves. */
  c: WorldNode
}

async function start(world: World): Promise<Nodes> {
  const a = await world.host('a').node()
  const b = await world.host('b').node({ bootNodes: a.at() })
  const c = await world.host('c').node({ bootNodes: a.at() })
  await allKnow([a, b, c], 15_000)
  return { a, b, c }
}

/** At this address, and nowhere else. */
async function isKnownAt(node: WorldNode, peer: string, address: string): Promise<boolean> {
  const known = (await node.order('knownPeers', {})) as Record<string, string[]>
  return known[peer]?.join() === `/ip4/${address}/tcp/4001/p2p/${peer}`
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
          const { addresses } = (await c.order('status', {})) as NodeStatus
          const own = addresses.filter((text) => !text.startsWith('/ip4/127.')).join()
          if (own !== `/ip4/${address}/tcp/4001/p2p/${c.peerId}`) return false
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
    name: 'the address of the boot node changed: until a peer asks it at the new one',
    async measure(world, patience) {
      const { a, b } = await start(world)
      await world.host('a').changeAddress()
      return answered(b, a.peerId, { patience })
    },
  },
]
