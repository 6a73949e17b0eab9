/** Two large requests at once over a healthy link of 25 kB/s: until both are answered. */
import { SLOW } from '../profiles.js'
import { long, type Scenario } from './scenario.js'

/** Two of the smaller ones take 40 s, which is longer than any ping waits. */
const SIZE = long ? 1_000_000 : 500_000
/** Of each request, ms. */
const TIMEOUT = (SIZE / 1_000) * 220

export const slowLink: Scenario = {
  name: `2 × ${SIZE / 1_000} kB over 25 kB/s: until both are answered`,
  hosts: ['a', 'b'],
  profile: SLOW,
  // That they arrive at all: the line alone needs 40 ms for each kB, and what is lost on it is sent twice.
  goal: TIMEOUT,
  waits: true,
  async measure(world) {
    const config = { reqResp: { requestTimeout: TIMEOUT + 10_000 } }
    const b = await world.host('b').node(config)
    const a = await world.host('a').node(config)
    await a.order('dial', { address: b.at() })
    // The answer must not be as slow as the question: an echo would be.
    const start = performance.now()
    const both = [1, 2].map(() => a.order('request', { peer: b.peerId, data: new Uint8Array(SIZE), timeout: TIMEOUT }))
    const ends = await Promise.allSettled(both)
    return ends.every(({ status }) => status === 'fulfilled') ? performance.now() - start : Infinity
  },
}
