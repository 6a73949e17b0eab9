/** What a scenario is: ordinary misfortune in a world, and one figure of how nodes get over it. */
import type { AnotherProcess } from '../../support/another-process.js'
import type { LinkSettings } from '../profiles.js'
import type { World } from '../world.js'

/** There is time for true figures. */
export const long = process.env.TINYP2P_WORLD === 'long'

export interface Scenario {
  name: string
  hosts: string[]
  profile?: LinkSettings
  /** The figure may be so high. */
  goal: number
  /** Of the figure; default: ms. */
  unit?: string
  /** It mostly waits: it may run while others measure. */
  waits?: true
  /** It needs whole processors: it comes when all others are done. */
  last?: true
  /** Is above its goal today. Its spec fails when that is no longer so: take the mark away then. */
  fails?: true
  /** Gives the figure; `Infinity`: not within `patience` ms. Throws when something else went wrong. */
  measure(world: World, patience: number): Promise<number>
}

export interface Asked {
  /** How long to go on asking, ms. */
  patience: number
  /** Of each request, ms. */
  timeout?: number
  /** Between the end of a request and the next one, ms. */
  pace?: number
}

/** Asks again and again until there is an answer: how long that took, from the call, ms. */
export async function answered(
  node: AnotherProcess,
  peer: string,
  { patience, timeout = 1_000, pace = 50 }: Asked,
): Promise<number> {
  const start = performance.now()
  for (;;) {
    const left = patience - (performance.now() - start)
    if (left <= 0) return Infinity
    if (await answers(node, peer, Math.min(timeout, Math.ceil(left)))) return performance.now() - start
    await pause(pace)
  }
}

/** Whether one request is answered in time. */
export function answers(node: AnotherProcess, peer: string, timeout: number): Promise<boolean> {
  return node.order('request', { peer, data: new Uint8Array(8), timeout }).then(
    () => true,
    (error: { code?: string }) => {
      if (error.code === undefined) throw error as Error
      return false
    },
  )
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** The figure of a wait of waiting.ts. */
export function figure(wait: Promise<number>): Promise<number> {
  return wait.catch((error: Error) => {
    if (/: not within \d+ ms/.test(error.message)) return Infinity
    throw error
  })
}

/** For tables. */
export function show(amount: number, unit = 'ms'): string {
  return Number.isFinite(amount) ? `${amount.toFixed(0)} ${unit}` : amount === Infinity ? 'never' : 'broken'
}
