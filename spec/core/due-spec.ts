/** When something is due next: the one wake-up is never too late, and comes no more often than it has to. */
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { dueAt, nextDeadline, removeDeadline, setDeadline, takeExpired } from '../../src/core/due.js'
import type { Effect } from '../../src/core/effects.js'
import { bytes, runningState, shorts } from '../support/core.js'
import { asking, type AskingCore } from '../support/session-cores.js'
import { reply } from '../support/session.js'

function armed(effects: Effect[]): number[] {
  return effects.flatMap((effect) => (effect.type === 'wakeAt' ? [effect.time] : []))
}

/** A session with Bob; nothing but requests is ever due. */
function quiet(): AskingCore {
  const core = asking({ pingInterval: 1e9, connectionKeepAlive: 1e9 })
  core.state.due.next = Infinity
  core.state.due.wakeAt = Infinity
  return core
}

describe('what is due', () => {
  it('is the earliest of all that was said', () => {
    const state = runningState()
    state.now = 100
    for (const time of [500, 900, 300, 400]) dueAt(state, 'probe', time)
    expect(state.due.next).toBe(300)
    setDeadline(state, 'asks', 1, 150)
    expect([state.due.next, nextDeadline(state, 'asks')]).toEqual([250, 250])
    setDeadline(state, 'asks', 2, 1_000)
    expect(state.due.next).toBe(250)
  })
})

describe('deadlines', () => {
  it('expire at their time and not before', () => {
    const state = runningState()
    const due = (now: number): number[] => {
      state.now = now
      return takeExpired(state, 'exchanges')
    }
    state.now = 0
    setDeadline(state, 'exchanges', 1, 100)
    state.now = 10
    setDeadline(state, 'exchanges', 2, 50)
    expect([nextDeadline(state, 'exchanges'), nextDeadline(state, 'asks')]).toEqual([60, Infinity])
    expect([due(59), due(60)]).toEqual([[], [2]])
    expect(nextDeadline(state, 'exchanges')).toBe(100)
    removeDeadline(state, 'exchanges', 1, 100)
    expect(nextDeadline(state, 'exchanges')).toBe(Infinity)
    expect(state.exchanges.deadlines.size).toBe(0)
  })

  it('agree with a plain list, whatever is set and removed', () => {
    const action = fc.record({
      id: fc.nat(20),
      wait: fc.nat(5),
      timeout: fc.constantFrom(1, 10, 100),
      remove: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(action), (actions) => {
        const state = runningState()
        const plain = new Map<number, number>()
        for (const { id, wait, timeout, remove } of actions) {
          const now = (state.now += wait)
          // One id for each pair.
          const key = id * 1_000 + timeout
          if (remove) removeDeadline(state, 'asks', key, timeout)
          else setDeadline(state, 'asks', key, timeout)
          if (remove) plain.delete(key)
          else plain.set(key, now + timeout)
          const due = [...plain].filter(([, at]) => at <= now).map(([expired]) => expired)
          expect(takeExpired(state, 'asks').sort()).toEqual(due.sort())
          for (const expired of due) plain.delete(expired)
          expect(nextDeadline(state, 'asks')).toBe(Math.min(...plain.values()))
        }
      }),
    )
  })
})

describe('the wake-up', () => {
  it('is armed once for a thousand requests of the same time', () => {
    const core = quiet()
    const times: number[] = []
    for (let ask = 1; ask <= 1_000; ask++) times.push(...armed(core.all(core.asking(ask))))
    expect(times).toEqual([10_000])
  })

  it('is armed anew for what is due earlier, and not for what is due later', () => {
    const core = quiet()
    const ask = (id: number, timeout: number): number[] =>
      armed(core.all(core.asking(id, bytes('?'), undefined, timeout)))
    expect([ask(1, 500), ask(2, 800), ask(3, 200), ask(4, 300)]).toEqual([[500], [], [200], []])
  })

  it('that finds nothing due, for all was answered, is the last one', () => {
    const core = quiet()
    core.ask(1, bytes('?'), undefined, 500)
    core.receive(reply(1, bytes('a'), { last: true }))
    core.now = 500
    expect(armed(core.all({ type: 'woken' })).filter((time) => time < 1e9)).toEqual([])
  })

  it('that finds something later due is followed by one for that', () => {
    const core = quiet()
    core.ask(1, bytes('?'), undefined, 500)
    core.ask(2, bytes('?'), undefined, 700)
    core.receive(reply(1, bytes('a'), { last: true }))
    core.now = 500
    expect(armed(core.all({ type: 'woken' }))).toEqual([700])
  })

  it('lets each request end at its very time, whatever is asked, answered and cancelled', () => {
    const action = fc.record({ wait: fc.nat(40), timeout: fc.constantFrom(10, 50, 51, 200), what: fc.nat(5) })
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
        const core = quiet()
        const open = new Map<number, number>()
        let wake = Infinity
        const see = (effects: Effect[]): void => {
          for (const time of armed(effects)) wake = time
          for (const line of shorts(effects)) {
            const ask = Number(/^fail (\d+) RequestTimeout$/.exec(line)?.[1] ?? -1)
            if (ask < 0) continue
            expect(open.get(ask)).toBe(core.now)
            open.delete(ask)
          }
        }
        /** Time passes, from one wake-up to the next. */
        const passTo = (time: number): void => {
          while (wake <= time) {
            core.now = Math.max(core.now, wake)
            wake = Infinity
            see(core.all({ type: 'woken' }))
          }
          core.now = time
        }
        actions.forEach(({ wait, timeout, what }, ask) => {
          passTo(core.now + wait)
          const [first] = open.keys()
          if (what === 0 && first !== undefined) {
            open.delete(first)
            see(core.all({ type: 'cancel', ask: first }))
          } else {
            open.set(ask, core.now + timeout)
            see(core.all(core.asking(ask, bytes('?'), undefined, timeout)))
          }
        })
        passTo(core.now + 1_000)
        expect(open.size).toBe(0)
      }),
    )
  })
})
