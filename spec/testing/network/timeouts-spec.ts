/** Timeouts: who waits too long is told so at the right time, whatever else ends before. */
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { Clock } from '../../../src/testing/network/clock.js'
import { Timeouts } from '../../../src/testing/network/timeouts.js'

function run(clock: Clock, until: number): void {
  while (clock.next() <= until) clock.runInstant()
  clock.skipTo(until)
}

describe('timeouts', () => {
  it('ends for each at its own time, and never for those whose answer came', () => {
    const step = fc.oneof(
      fc.record({ begin: fc.constantFrom(100, 250) }),
      fc.record({ end: fc.nat(30) }),
      fc.record({ run: fc.nat(120) }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const clock = new Clock()
        const over: [number, number][] = []
        const timeouts = new Timeouts<number>(clock, (wait) => over.push([wait, clock.time]))
        const expected = new Map<number, { at: number; ms: number }>()
        let next = 0
        for (const one of steps) {
          if ('begin' in one) {
            timeouts.begin(next, one.begin)
            expected.set(next++, { at: clock.time + one.begin, ms: one.begin })
          } else if ('end' in one) {
            const wait = expected.get(one.end)
            const isWaiting = wait !== undefined && wait.at > clock.time
            expect(timeouts.end(one.end, wait?.ms ?? 100)).toBe(isWaiting)
            if (isWaiting) expected.delete(one.end)
          } else run(clock, clock.time + one.run)
        }
        run(clock, clock.time + 1_000)
        const wanted = [...expected].map(([wait, { at }]): [number, number] => [wait, at])
        const inOrder = (a: [number, number], b: [number, number]): number => a[1] - b[1] || a[0] - b[0]
        expect(over.sort(inOrder)).toEqual(wanted.sort(inOrder))
        expect(clock.next()).toBe(Infinity)
      }),
    )
  })

  it('has one timer for all who wait equally long', () => {
    const clock = new Clock()
    const timeouts = new Timeouts<number>(clock, () => undefined)
    for (let i = 0; i < 1_000; i++) {
      timeouts.begin(i, 50)
      run(clock, clock.time + 1)
      timeouts.end(i, 50)
    }
    run(clock, 2_000)
    expect(clock.executed).toBeLessThan(30)
  })
})
