/** Two worlds in which the same story can be told: sockets of 127.0.0.1 in real time, and the simulated network in virtual time. */
import type { NodeConfig, P2pNode } from 'tinyp2p'
import { simulate } from 'tinyp2p/testing'
import type { Settings } from '../../src/core/settings.js'
import { startNode, stopNodes, within } from './nodes.js'

/** How long anything that a story waits for may take, ms. */
const PATIENCE = 20_000

export interface World {
  start(config?: NodeConfig, settings?: Partial<Settings>): Promise<P2pNode>
  /** The promise's value, while time passes. */
  until<T>(promise: Promise<T>): Promise<T>
  /** Lets a little time pass, between two looks at something that has no event. */
  tick(): Promise<void>
  /** Ms since anywhere. */
  now(): number
  end(): Promise<void>
}

export function realWorld(): World {
  return {
    start: startNode,
    until: (promise) => within(PATIENCE, promise),
    tick: () => new Promise((resolve) => setTimeout(resolve, 20)),
    now: () => performance.now(),
    end: stopNodes,
  }
}

export function simulatedWorld(): World {
  const net = simulate({ latency: 1 })
  return {
    start: (config, settings) => net.createNode(config, {}, settings),
    until: (promise) => net.until(promise, { within: PATIENCE }),
    tick: () => net.run(20),
    now: () => net.now,
    end: async () => undefined,
  }
}

/** Looks again and again until what is seen fits, or for too long: then what was seen last is told. */
export async function eventually<T>(world: World, look: () => Promise<T>, fits: (seen: T) => boolean): Promise<T> {
  const end = world.now() + PATIENCE
  for (;;) {
    const seen = await world.until(look())
    if (fits(seen)) return seen
    if (world.now() > end) throw new Error(`not within ${PATIENCE} ms; at last ${JSON.stringify(seen)}`)
    await world.tick()
  }
}
