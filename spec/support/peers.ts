/** What happens to peers: events that several specs of the core need, and dials that fail. */
import type { Effect } from '../../src/core/effects.js'
import type { Event } from '../../src/core/events.js'
import type { RememberedPeer } from '../../src/core/peers/state.js'
import { KAD, V1, type Core } from './core.js'

export const BOB = '/ip4/10.0.0.1/tcp/1'
export const BOOT = '/ip4/10.0.0.9/tcp/1/p2p/boot'

/** What a caller is told when a dialled peer hangs up and has said nothing. */
export const REFUSED = 'the connection was lost before the other side said anything: it may not let us in, or is full'

export const dialFailed = (target: string): Event => ({
  type: 'dialFailed',
  target,
  failure: { message: 'refused' },
  tried: [],
})

export const identified = (peer: string, addresses = [BOB], connection = 1): Event => ({
  type: 'identified',
  connection,
  peer,
  protocols: [KAD, V1],
  addresses,
  agent: 'x',
})

export const closed = (connection = 1): Event => ({ type: 'connectionClosed', connection })

/** A peer that was good at the time 0, and has failed so often since. */
export const rememberedAfter = (failures: number, addresses = [BOB]): RememberedPeer => ({
  addresses,
  proven: [],
  told: [],
  host: '10.0.0.1',
  trusted: false,
  goodAt: 0,
  livedAt: 0,
  failures,
  hangUps: 0,
  lookedUpAt: -Infinity,
})

/** Eight other peers that stay connected. */
export function crowd(core: Core): void {
  for (let i = 1; i <= 8; i++) {
    core.connect(`other ${i}`, 100 + i)
    core.in(identified(`other ${i}`, [`/ip4/10.0.1.${i}/tcp/1`], 100 + i))
  }
}

/** Eight others that are good now, and then away. */
export function loseEight(core: Core): void {
  const numbers = [1, 2, 3, 4, 5, 6, 7, 8]
  for (const i of numbers) core.connect(`later ${i}`, 10 + i)
  for (const i of numbers) core.in(identified(`later ${i}`, [BOB], 10 + i), closed(10 + i))
  for (const i of numbers) core.in({ type: 'tableChanged', peer: `later ${i}`, addresses: undefined })
}

/** Runs until the time, failing every dial at once: when each peer, or this one, was dialled. */
export function failAll(core: Core, until: number, effects: Effect[] = [], peer?: string): number[] {
  const times: number[] = []
  for (let more = effects; ;) {
    for (const effect of more) {
      if (effect.type === 'dial' && (peer ?? effect.target) === effect.target) times.push(core.now)
    }
    const failed = more.flatMap((effect) => (effect.type === 'dial' ? [dialFailed(effect.target)] : []))
    // There may be room for other dials then.
    if (failed.length > 0) {
      more = core.in(...failed)
      continue
    }
    const next = core.state.memory.nextTry
    if (next > until) return times
    more = core.at(next)
  }
}
