/** What an attack is: one thing that a peer can do to another one. */
import type { NodeConfig } from 'tinyp2p'
import type { Fate } from '../tools/fate.js'

export interface Victim {
  /** Multiaddr with peer id, on 127.0.0.1. */
  address: string
  peerId: string
  port: number
}

/** What an attack is given, in the attacker's process. */
export interface Context {
  victim: Victim
  fate: Fate
  /** Aborts when the attack is over; `over` resolves then. */
  signal: AbortSignal
  over: Promise<void>
  /** To be called once, when all is prepared: resolves when the attacked phase begins. */
  start(): Promise<void>
}

export interface Attack {
  /** As `--only` takes it. */
  name: string
  /** One sentence. */
  does: string
  /** Of the victim, where the attack needs what is not the default. */
  config?: NodeConfig
  /** Nobody attacks: nobody has to be stopped. */
  honest?: true
  /** Nobody has to be stopped, because of this: half a sentence. */
  harmless?: string
  /** What the attack measures of its own, and how much it may be. */
  own?: { what: string; least?: number; most?: number }
  /** Runs until the signal. */
  run(context: Context): Promise<void>
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** Others have a turn: the line is read, the signal heard. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** Again and again until the end, so often in a second, as far as there is time for it; several at once where one is late. */
export async function often(context: Context, perSecond: number, act: (count: number) => unknown): Promise<void> {
  const start = performance.now()
  for (let count = 0; !context.signal.aborted;) {
    const due = Math.floor(((performance.now() - start) / 1_000) * perSecond)
    for (const until = Math.min(due, count + perSecond / 20 + 1); count < until; count++) await act(count)
    await pause(5)
  }
}

/** So many at once, each again and again until the end. `act` must wait for something. */
export async function atOnce(
  context: Context,
  amount: number,
  act: (index: number) => Promise<unknown>,
): Promise<void> {
  const one = async (index: number): Promise<void> => {
    while (!context.signal.aborted) await act(index).catch(() => pause(50))
  }
  await Promise.all(Array.from({ length: amount }, (_, index) => one(index)))
}
