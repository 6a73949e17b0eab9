/** The goals of the benchmark: what is compared with what, and when one is met. */
import { describe, expect, it } from '@jest/globals'
import { CONTESTANTS, entryOf } from '../../bench/contestants/index.js'
import { GOALS, judge, ratioOf, type Goal } from '../../bench/harness/goals.js'
import { FULL_LOADS, loadName, SHORT_LOADS } from '../../bench/harness/loads.js'
import { takes, type Cell } from '../../bench/harness/rounds.js'

const load = { size: 32, inFlight: 64 }

function cell(contestant: string, rates: number[], cpus: number[] = rates.map(() => 1)): Cell {
  const samples = rates.map((rate, round) => ({ rate, p50: 1, p99: 1, cpu: cpus[round]! }))
  return { contestant, load, samples }
}

const goal: Goal = { load, against: ['raw'], by: 'rate', least: 2 }

describe('a ratio', () => {
  it('by rate is ours by theirs', () => {
    expect(ratioOf([cell('session', [300]), cell('raw', [100])], 'session', goal)).toBe(3)
  })

  it('by CPU time is theirs by ours: less is better', () => {
    const cells = [cell('session', [1], [5]), cell('raw', [1], [20])]
    expect(ratioOf(cells, 'session', { ...goal, by: 'cpu' })).toBe(4)
  })

  it('against several is against the better one of each round', () => {
    const cells = [cell('session', [100, 100, 100]), cell('ws', [50, 200, 10]), cell('raw', [200, 50, 20])]
    expect(ratioOf(cells, 'session', { ...goal, against: ['ws', 'raw'] })).toBe(0.5)
  })

  it('does not exist when somebody did not take part, or not with this load', () => {
    const other = { ...cell('raw', [1]), load: { size: 32, inFlight: 1 } }
    expect(ratioOf([cell('session', [1]), other], 'session', goal)).toBeUndefined()
    expect(ratioOf([cell('raw', [1])], 'session', goal)).toBeUndefined()
  })
})

describe('a goal', () => {
  it.each([
    [200, true],
    [199, false],
  ])('of 2 × 100 with %d is met: %s', (rate, met) => {
    const [verdict] = judge([cell('session', [rate]), cell('raw', [100])], [goal])
    expect(verdict).toEqual({ goal, ratio: rate / 100, met })
  })

  it('that nothing was measured for has no verdict', () => {
    expect(judge([cell('session', [1])], [goal])).toEqual([])
  })

  it('is about contestants and a load of both forms', () => {
    for (const { against, load: ofGoal } of GOALS) {
      for (const name of [...against, 'session']) expect(takes(entryOf(name), ofGoal)).toBe(true)
      for (const loads of [SHORT_LOADS, FULL_LOADS]) expect(loads.map(loadName)).toContain(loadName(ofGoal))
    }
    expect(GOALS.length).toBeGreaterThan(0)
  })
})

it('no two contestants have the same name', () => {
  expect(new Set(CONTESTANTS.map(({ name }) => name)).size).toBe(CONTESTANTS.length)
})
