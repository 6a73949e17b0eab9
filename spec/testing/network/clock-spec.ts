/** Virtual time: what is due runs in the order of its time, and within an instant in that of its scheduling. */
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { interval, take, timer } from 'rxjs'
import { Clock, NodeClock } from '../../../src/testing/network/clock.js'

function runAll(clock: Clock): void {
  while (clock.next() !== Infinity) clock.runInstant()
}

describe('the clock', () => {
  it('runs things in the order of a stable sort by time', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -3, max: 60 }), { maxLength: 300 }), (delays) => {
        const clock = new Clock()
        const ran: [number, number][] = []
        delays.forEach((delay, i) => clock.after(delay, () => ran.push([clock.time, i])))
        runAll(clock)
        const sorted = delays.map((delay, i): [number, number] => [Math.max(0, delay), i])
        expect(ran).toEqual(sorted.sort((x, y) => x[0] - y[0]))
        expect(clock.executed).toBe(delays.length)
      }),
    )
  })

  it('does so when things schedule more things', () => {
    const tree = fc.array(fc.tuple(fc.integer({ min: 0, max: 9 }), fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 4 })), { maxLength: 60 }) // prettier-ignore
    fc.assert(
      fc.property(tree, (plan) => {
        const clock = new Clock()
        const ran: string[] = []
        // The same by brute force: of what is left, always the first of the earliest.
        const left: { time: number; name: string; then: number[] }[] = []
        const expected: string[] = []
        plan.forEach(([delay, then], i) => {
          left.push({ time: delay, name: `${i}`, then })
          clock.after(delay, () => {
            ran.push(`${i}@${clock.time}`)
            then.forEach((more, j) => clock.after(more, () => ran.push(`${i}.${j}@${clock.time}`)))
          })
        })
        while (left.length > 0) {
          const first = left.reduce((best, one) => (one.time < best.time ? one : best))
          left.splice(left.indexOf(first), 1)
          expected.push(`${first.name}@${first.time}`)
          first.then.forEach((more, j) => left.push({ time: first.time + more, name: `${first.name}.${j}`, then: [] }))
        }
        runAll(clock)
        expect(ran).toEqual(expected)
      }),
    )
  })

  it('rounds parts of a millisecond up, and takes nonsense for now', () => {
    const clock = new Clock()
    const times: number[] = []
    for (const delay of [0.001, 1.5, NaN, -5]) clock.after(delay, () => times.push(clock.time))
    runAll(clock)
    expect(times).toEqual([0, 0, 1, 2])
  })

  it('skips to a time, but never over something that is due, and never back', () => {
    const clock = new Clock()
    clock.after(10, () => {})
    clock.skipTo(5)
    expect(clock.time).toBe(5)
    clock.skipTo(11)
    expect(clock.time).toBe(5)
    clock.skipTo(10)
    clock.skipTo(3)
    expect([clock.time, clock.next()]).toEqual([10, 10])
    clock.runInstant()
    clock.runInstant()
    expect([clock.time, clock.next()]).toEqual([10, Infinity])
  })

  it('is a scheduler for RxJS: timers, intervals, and what is unsubscribed', () => {
    const clock = new Clock()
    const seen: string[] = []
    interval(10, clock).pipe(take(3)).subscribe((i) => seen.push(`interval ${i} ${clock.now()}`)) // prettier-ignore
    timer(25, clock).subscribe(() => seen.push(`timer ${clock.now()}`))
    const never = timer(5, clock).subscribe(() => seen.push('never'))
    clock.schedule(() => never.unsubscribe(), 4)
    runAll(clock)
    expect(seen).toEqual(['interval 0 10', 'interval 1 20', 'timer 25', 'interval 2 30'])
  })
})

describe('a skewed clock', () => {
  it('is ahead, and runs at its own rate, in what it tells and in what it waits for', () => {
    const clock = new Clock()
    const fast = new NodeClock(clock, 1_000, 2)
    const slow = new NodeClock(clock, -500, 0.5)
    const seen: string[] = []
    timer(100, fast).subscribe(() => seen.push(`fast ${clock.time} ${fast.now()}`))
    timer(100, slow).subscribe(() => seen.push(`slow ${clock.time} ${slow.now()}`))
    runAll(clock)
    expect(seen).toEqual(['fast 50 1100', 'slow 200 -400'])
  })

  it('never tells less than before', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.1, max: 10, noNaN: true }),
        fc.integer({ min: -1e9, max: 1e9 }),
        (rate, offset) => {
          const clock = new Clock()
          const skewed = new NodeClock(clock, offset, rate)
          let last = skewed.now()
          for (let i = 0; i < 50; i++) {
            clock.skipTo(clock.time + (i % 7))
            expect(skewed.now()).toBeGreaterThanOrEqual(last)
            last = skewed.now()
          }
        },
      ),
    )
  })
})
