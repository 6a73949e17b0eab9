import { describe, expect, it } from '@jest/globals'
import { Buckets, createBucket, isIdle, spend, take } from '../../../src/core/limits/rate.js'

/** How many of those that come at these times conform. */
function taken(rate: number, times: number[], amount = 1): number {
  const bucket = createBucket()
  return times.filter((now) => take(bucket, rate, now, amount) === 0).length
}

describe('a rate', () => {
  it('lets two seconds of it through at once', () => {
    expect(taken(10, Array<number>(100).fill(0))).toBe(20)
  })

  it('lets as much through as it says, for ever, whatever the rhythm', () => {
    for (const pause of [1, 7, 50, 333]) {
      const times = Array.from({ length: Math.floor(60_000 / pause) }, (_, i) => i * pause)
      const conform = taken(10, times)
      expect(conform).toBeLessThanOrEqual(620)
      expect(conform).toBeGreaterThanOrEqual(Math.min(times.length, 600))
    }
  })

  it('says how long to wait, and is right', () => {
    const bucket = createBucket()
    while (take(bucket, 4, 0) === 0);
    const wait = take(bucket, 4, 0)
    expect(wait).toBe(250)
    expect(take(bucket, 4, wait - 1)).toBe(1)
    expect(take(bucket, 4, wait)).toBe(0)
  })

  it('counts what is refused for nothing', () => {
    const bucket = createBucket()
    for (let i = 0; i < 1_000; i++) take(bucket, 10, 0)
    expect(take(bucket, 10, 100)).toBe(0)
  })

  it('takes more than the burst out of a bucket that is not in use, once, and it is paid for', () => {
    const bucket = createBucket()
    expect(take(bucket, 10, 0, 100)).toBe(0)
    expect(take(bucket, 10, 0)).toBe(8_100)
    expect(isIdle(bucket, 9_999)).toBe(false)
    expect(isIdle(bucket, 10_000)).toBe(true)
  })

  it('goes by any clock', () => {
    const bucket = createBucket()
    expect(take(bucket, 1, -5_000)).toBe(0)
    expect(take(bucket, 1, -5_000)).toBe(0)
    expect(take(bucket, 1, -5_000)).toBe(1_000)
  })
})

describe('buckets by name', () => {
  it('have a rate each', () => {
    const buckets = new Buckets(1, 10)
    expect(['a', 'a', 'a', 'b'].map((name) => buckets.take(name, 0))).toEqual([0, 0, 1_000, 0])
  })

  it('are forgotten when they are not in use, and there are never too many', () => {
    const buckets = new Buckets(1, 3)
    for (const name of ['a', 'b', 'c']) buckets.take(name, 0)
    buckets.take('d', 1_000)
    expect(buckets.size).toBe(1)
    for (const name of ['e', 'f', 'g', 'h', 'i']) buckets.take(name, 1_000)
    expect(buckets.size).toBe(3)
  })

  it('keep those that are in use: many names do not give one of them a new start', () => {
    const buckets = new Buckets(1, 3)
    for (let i = 0; i < 2; i++) buckets.take('a', 0)
    for (let i = 0; i < 9; i++) {
      buckets.take(`other ${i}`, 0)
      expect(buckets.take('a', 0)).toBe(1_000)
    }
  })
})

describe('what is spent', () => {
  it('is taken in any case, and paid for by the wait that follows', () => {
    const bucket = createBucket()
    expect(spend(bucket, 10, 0, 20)).toBe(0)
    expect(spend(bucket, 10, 0, 5)).toBe(500)
    expect(spend(bucket, 10, 500, 0)).toBe(0)
    expect(spend(bucket, 10, 500, 100)).toBe(10_000)
  })

  it('is counted by name too', () => {
    const buckets = new Buckets(10, 4)
    expect(buckets.spend('a', 0, 30)).toBe(1_000)
    expect(buckets.spend('b', 0, 1)).toBe(0)
    expect(buckets.take('a', 0)).toBeGreaterThan(0)
  })
})
