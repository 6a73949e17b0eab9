/**
 * Two large requests at once over a healthy link of 25 kB/s: until both are answered. In the second scenario the other side dials
 * too while the first bytes go, so there are two connections, and the older one is tested with the bytes ahead of the test.
 */
import { SLOW } from '../profiles.js'
import { long, pause, type Scenario } from './scenario.js'

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

/** So long after the request the other side dials, ms: for each a world of time of its own would be too much. */
const DIALS = [0, 10, 20, 40]

export const twoWayDial: Scenario = {
  name: `${SIZE / 2_000} kB over 25 kB/s, and the other side dials at once, ${DIALS.length} times: until all are answered`,
  hosts: ['a', 'b'],
  profile: SLOW,
  goal: DIALS.length * TIMEOUT,
  waits: true,
  async measure(world) {
    const start = performance.now()
    for (const off of DIALS) {
      const config = { reqResp: { requestTimeout: TIMEOUT + 10_000 } }
      const [a, b] = [await world.host('a').node(config), await world.host('b').node(config)]
      const request = { peer: b.at(), data: new Uint8Array(SIZE / 2), timeout: TIMEOUT }
      const end = a.order('request', request).then(
        () => true,
        () => false,
      )
      await pause(off)
      await b.order('dial', { address: a.at() }).catch(() => undefined)
      if (!(await end)) return Infinity
      await Promise.all([world.host('a').kill(), world.host('b').kill()])
    }
    return performance.now() - start
  },
}
