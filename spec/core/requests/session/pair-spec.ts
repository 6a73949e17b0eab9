import { describe, expect, it } from '@jest/globals'
import { limitsOf } from '../../../../src/core/limits/limits.js'
import { Random } from '../../../../src/testing/network/random.js'
import { Pair, sizes } from './pair.js'

describe('two nodes that ask each other', () => {
  it.each([
    ['with room for all', 60, {}],
    ['with hardly any room', 30, { limits: limitsOf({ requestsPerPeer: 4, requestBytesPerPeer: 300_000 }) }],
  ])(
    '%s: each request ends once, each value arrives whole and in order, and nothing is left',
    (_how, seeds, settings) => {
      const ends = { cancelled: 0, settled: 0, ended: 0, failed: 0, open: 0 }
      for (let seed = 0; seed < seeds; seed++) {
        try {
          const pair = new Pair(new Random(`pair ${seed}`), settings)
          for (let i = 0; i < 400; i++) pair.act()
          for (let i = 0; i < 2_000 && !pair.isQuiet(); i++) pair.settle()
          if (!pair.isQuiet()) throw new Error(JSON.stringify(pair.sides.map(({ core }) => sizes(core))))
          for (const { end } of pair.all) ends[end]++
        } catch (error) {
          throw new Error(`seed ${seed}`, { cause: error })
        }
      }
      expect(ends.open).toBe(0)
      // All ways to end were seen, many times.
      expect(Math.min(ends.cancelled, ends.settled, ends.ended, ends.failed)).toBeGreaterThan(seeds)
    },
    60_000,
  )
})
