/** Waits for what nodes of other processes are about to be. Each gives how long it took, ms. */
import type { NodeStatus } from 'tinyp2p'
import type { AnotherProcess } from '../support/another-process.js'

const PACE = 20

/** Until it holds; a look that fails has not held. @throws after so many ms, with what the last look said */
export async function until(what: string, ms: number, look: () => Promise<boolean>): Promise<number> {
  const start = performance.now()
  for (let last: unknown = 'it does not hold'; ;) {
    try {
      if (await look()) return performance.now() - start
    } catch (error) {
      last = error
    }
    if (performance.now() - start > ms) throw new Error(`${what}: not within ${ms} ms: ${String(last)}`)
    await new Promise((resolve) => setTimeout(resolve, PACE))
  }
}

/** Each has all others in its table. */
export function allKnow(nodes: AnotherProcess[], ms: number): Promise<number> {
  return until('all know each other', ms, () =>
    everyPair(nodes, async (node) => Object.keys((await node.order('knownPeers', {})) as object)),
  )
}

/** Each has a connection to every other one. */
export function allConnected(nodes: AnotherProcess[], ms: number): Promise<number> {
  return until('all are connected', ms, () => areConnected(nodes))
}

/** As they say at this moment. (One that has not noticed that a connection is dead says nothing of that, but the other side does.) */
export function areConnected(nodes: AnotherProcess[]): Promise<boolean> {
  return everyPair(nodes, async (node) => ((await node.order('status', {})) as NodeStatus).connections)
}

async function everyPair(nodes: AnotherProcess[], peersOf: (node: AnotherProcess) => Promise<string[]>) {
  const all = await Promise.all(nodes.map(peersOf))
  return nodes.every(({ peerId }, place) => all.every((peers, other) => other === place || peers.includes(peerId)))
}
