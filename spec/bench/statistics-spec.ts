/** The arithmetic of the benchmark. */
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { median, pairedRatio, percentile } from '../../bench/harness/statistics.js'

const figures = fc.array(fc.double({ min: 0.001, max: 1e9, noNaN: true }), { minLength: 1, maxLength: 50 })

describe('the median', () => {
  it('is the middle one of an odd number of values, in any order', () => {
    expect(median([9, 1, 5])).toBe(5)
  })

  it('is the mean of the two in the middle of an even number', () => {
    expect(median([10, 1, 4, 2])).toBe(3)
  })

  it('orders numbers as numbers', () => {
    expect(median([100, 9, 20])).toBe(20)
  })

  it('leaves the values where they are', () => {
    const values = [3, 1, 2]
    median(values)
    expect(values).toEqual([3, 1, 2])
  })

  it('does not exist without values', () => {
    expect(() => median([])).toThrow(RangeError)
  })
})

describe('a percentile', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index)

  it.each([
    [0.01, 1],
    [0.07, 7],
    [0.5, 50],
    [0.99, 99],
    [0.991, 100],
    [1, 100],
  ])('of share %d is the nearest rank', (share, expected) => {
    expect(percentile(hundred, share)).toBe(expected)
  })

  it('of few values is the largest of them', () => {
    expect(percentile([7, 3], 0.99)).toBe(7)
  })

  it('is the smallest value that enough of the others do not exceed', () => {
    fc.assert(
      fc.property(figures, fc.integer({ min: 1, max: 100 }), (values, percent) => {
        const found = percentile(values, percent / 100)
        const upTo = (limit: number): number => values.filter((value) => value <= limit).length
        const enough = (percent * values.length) / 100
        const smaller = values.filter((value) => value < found)
        expect(values).toContain(found)
        expect(upTo(found)).toBeGreaterThanOrEqual(enough)
        if (smaller.length > 0) expect(upTo(Math.max(...smaller))).toBeLessThan(enough)
      }),
    )
  })

  it.each([0, -0.5, 1.01, NaN])('of share %d is refused', (share) => {
    expect(() => percentile([1], share)).toThrow(RangeError)
  })
})

describe('a paired ratio', () => {
  it('is the median of the ratios of the same round', () => {
    // The machine was ten times slower in the second round, for both.
    expect(pairedRatio([200, 20, 300], [100, 10, 100])).toBe(2)
  })

  it('does not see a machine that slows down from round to round', () => {
    fc.assert(
      fc.property(figures, fc.double({ min: 0.1, max: 10, noNaN: true }), (base, factor) => {
        const ratio = pairedRatio(
          base.map((value) => value * factor),
          base,
        )
        expect(ratio).toBeCloseTo(factor, 9)
      }),
    )
  })

  it('needs the same rounds on both sides', () => {
    expect(() => pairedRatio([1, 2], [1])).toThrow(RangeError)
  })
})
