/** A pool: a set, and what is drawn from it is different, fits, and comes from anywhere in it. */
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { Pool } from '../../../src/testing/network/pool.js'
import { Random } from '../../../src/testing/network/random.js'

describe('a pool', () => {
  it('holds what a set holds, whatever comes and goes', () => {
    const step = fc.record({ item: fc.nat(15), comes: fc.boolean() })
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const pool = new Pool<number>()
        const set = new Set<number>()
        for (const { item, comes } of steps) {
          expect(comes ? pool.add(item) : pool.delete(item)).toBe(comes ? !set.has(item) : set.has(item))
          if (comes) set.add(item)
          else set.delete(item)
          expect(pool.has(item)).toBe(comes)
        }
        expect([...pool.all].sort((a, b) => a - b)).toEqual([...set].sort((a, b) => a - b))
      }),
    )
  })

  it('draws so many that fit, or all of them, and each of them at some time', () => {
    const pool = new Pool<number>()
    const random = new Random(1)
    expect(pool.draw(random, 3, () => true)).toEqual([])
    for (let i = 0; i < 20; i++) pool.add(i)
    const isEven = (n: number): boolean => n % 2 === 0
    const drawn = new Set<number>()
    for (let i = 0; i < 200; i++) {
      const some = pool.draw(random, 4, isEven)
      expect(new Set(some).size).toBe(4)
      expect(some.every(isEven)).toBe(true)
      for (const one of some) drawn.add(one)
    }
    expect(drawn.size).toBe(10)
    expect(pool.draw(random, 50, isEven)).toHaveLength(10)
  })
})
