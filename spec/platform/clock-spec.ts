import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { CLOCKS } from '../../src/core/parameters.js'
import { watchClock } from '../../src/platform/clock.js'

describe('the watch of the clock', () => {
  beforeEach(() => void jest.useFakeTimers())
  afterEach(() => void jest.useRealTimers())

  function watch(): { jumps: number[]; end: () => void } {
    const jumps: number[] = []
    return { jumps, end: watchClock(CLOCKS, (by) => jumps.push(by)) }
  }

  it('says nothing of time that passes, or of a clock that is slewed', () => {
    const { jumps, end } = watch()
    for (let second = 0; second < 100; second++) {
      jest.setSystemTime(Date.now() + 50)
      jest.advanceTimersByTime(1_000)
    }
    expect(jumps).toEqual([])
    end()
  })

  it('says within a second by how much the clock went ahead, and was set back, once each', () => {
    const { jumps, end } = watch()
    jest.setSystemTime(Date.now() + 60_000)
    jest.advanceTimersByTime(3_000)
    expect(jumps).toEqual([60_000])
    jest.setSystemTime(Date.now() - 5_000)
    jest.advanceTimersByTime(3_000)
    expect(jumps).toEqual([60_000, -5_000])
    end()
  })

  it('ends', () => {
    const { jumps, end } = watch()
    end()
    jest.setSystemTime(Date.now() + 60_000)
    jest.advanceTimersByTime(3_000)
    expect(jumps).toEqual([])
  })
})
