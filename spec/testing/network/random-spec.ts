/** Chance from a seed: the same numbers everywhere and for ever, or a seed that somebody has written down is worth nothing. */
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { hash32, Random } from '../../../src/testing/network/random.js'

const first = (seed: number | string): number[] => {
  const random = new Random(seed)
  return Array.from({ length: 4 }, () => random.uint32())
}

describe('random numbers', () => {
  it('are these, for these seeds', () => {
    expect(first(1)).toEqual([2013388060, 1016630193, 1329526014, 3784474429])
    expect(first(2)).toEqual([1844822272, 1878719856, 3010234423, 2312053162])
    expect(first('a text')).toEqual([526143897, 3392272478, 3742936468, 2596752447])
    expect(first(-0.5)).toEqual([1792353327, 1029220451, 2957257189, 404278991])
    expect([...new Random(1).bytes(8)]).toEqual([120, 60, 79, 225, 164, 90, 184, 140])
    expect(new Random(1).shuffle('abcdefgh').join('')).toBe('ahfcegbd')
    expect(hash32('12D3KooW')).toBe(2537223898)
  })

  it('depend on the seed alone', () => {
    fc.assert(
      fc.property(fc.oneof(fc.integer(), fc.string()), (seed) => {
        expect(first(seed)).toEqual(first(seed))
        expect(first(seed)).toEqual(first(String(seed)))
      }),
    )
  })

  it('are in their bounds, and reach all of them about as often', () => {
    const random = new Random(7)
    const counts = new Array<number>(10).fill(0)
    for (let i = 0; i < 10_000; i++) {
      const float = random.float()
      expect(float >= 0 && float < 1).toBe(true)
      counts[random.below(10)]!++
    }
    for (const count of counts) expect(Math.abs(count - 1_000)).toBeLessThan(150)
  })

  it('shuffle without losing anything or touching what they are given', () => {
    fc.assert(
      fc.property(fc.array(fc.integer()), fc.integer(), (items, seed) => {
        const before = [...items]
        const shuffled = new Random(seed).shuffle(items)
        expect(items).toEqual(before)
        expect([...shuffled].sort()).toEqual(before.sort())
      }),
    )
  })

  it('shuffle every item to every place', () => {
    const random = new Random(3)
    const seen = new Set<string>()
    for (let i = 0; i < 500; i++) random.shuffle('abcd').forEach((letter, place) => seen.add(`${letter}${place}`))
    expect(seen.size).toBe(16)
  })

  it('take some of a list: different ones, each as often as any other, or all', () => {
    const random = new Random(5)
    const counts = new Array<number>(8).fill(0)
    for (let i = 0; i < 4_000; i++) {
      const some = random.some([0, 1, 2, 3, 4, 5, 6, 7], 3)
      expect(new Set(some).size).toBe(3)
      for (const one of some) counts[one]!++
    }
    for (const count of counts) expect(Math.abs(count - 1_500)).toBeLessThan(150)
    expect(random.some([1, 2], 5).sort()).toEqual([1, 2])
    expect(random.some([], 5)).toEqual([])
  })
})
