import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { IdMap } from '../../src/core/id-map.js'
import { addDeadline, nextDeadline, removeDeadline, takeExpired, type Deadlines } from '../../src/core/deadlines.js'

describe('deadlines', () => {
  it('expire at their time and not before', () => {
    const deadlines: Deadlines = new IdMap()
    addDeadline(deadlines, 1, 0, 100)
    addDeadline(deadlines, 2, 10, 50)
    expect(nextDeadline(deadlines)).toBe(60)
    expect(takeExpired(deadlines, 59)).toEqual([])
    expect(takeExpired(deadlines, 60)).toEqual([2])
    expect(nextDeadline(deadlines)).toBe(100)
    removeDeadline(deadlines, 1, 100)
    expect(nextDeadline(deadlines)).toBe(Infinity)
    expect(deadlines.size).toBe(0)
  })

  it('agree with a plain list, whatever is added and removed', () => {
    const action = fc.record({
      id: fc.nat(20),
      wait: fc.nat(5),
      timeout: fc.constantFrom(1, 10, 100),
      remove: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(action), (actions) => {
        const deadlines: Deadlines = new IdMap()
        const plain = new Map<number, number>()
        let now = 0
        for (const { id, wait, timeout, remove } of actions) {
          now += wait
          // One id for each pair.
          const key = id * 1_000 + timeout
          if (remove) removeDeadline(deadlines, key, timeout)
          else addDeadline(deadlines, key, now, timeout)
          if (remove) plain.delete(key)
          else plain.set(key, now + timeout)
          const due = [...plain].filter(([, at]) => at <= now).map(([expired]) => expired)
          expect(takeExpired(deadlines, now).sort()).toEqual(due.sort())
          for (const expired of due) plain.delete(expired)
          expect(nextDeadline(deadlines)).toBe(Math.min(...plain.values()))
        }
      }),
    )
  })
})
