/** Two large requests at once over a healthy link of 25 kB/s: until both are answered. */
import { SLOW } from '../profiles.js'
import type { Scenario } from './scenario.js'

/** Two of them take 40 s, which is longer than any ping waits. */
const SIZE = 500_000

export const slowLink: Scenario = {
  name: `2 × ${SIZE / 1_000} kB over 25 kB/s: until both are answered`,
  hosts: ['a', 'b'],
  profile: SLOW,
  // That they arrive at all, in the requests' own time: the line alone needs 40 s, and what is lost on it is sent twice.
  goal: 110_000,
  waits: true,
  async measure(world) {
    const config = { reqResp: { requestTimeout: 120_000 } }
    const b = await world.host('b').node(config)
    const a = await world.host('a').node(config)
    await a.order('dial', { address: b.at() })
    // The answer must not be as slow as the question: an echo would be.
    const start = performance.now()
    const both = [1, 2].map(() => a.order('request', { peer: b.peerId, data: new Uint8Array(SIZE), timeout: 110_000 }))
    const ends = await Promise.allSettled(both)
    return ends.every(({ status }) => status === 'fulfilled') ? performance.now() - start : Infinity
  },
}
