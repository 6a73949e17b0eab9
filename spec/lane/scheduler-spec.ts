import { describe, expect, it } from '@jest/globals'
import { LaneScheduler } from '../../src/lane/scheduler.js'
import { MAX_DELAY } from '../../src/platform/timers.js'
import { turn } from '../support/promises.js'

describe('the scheduler of a lane', () => {
  it('tells the time in whole milliseconds that never go back', () => {
    const scheduler = new LaneScheduler()
    let last = scheduler.now()
    for (let i = 0; i < 1_000; i++) {
      const now = scheduler.now()
      expect(Number.isInteger(now) && now >= last).toBe(true)
      last = now
    }
  })

  it('runs work without a delay after the current code, before any timer', async () => {
    const order: string[] = []
    setTimeout(() => order.push('timer'), 0)
    new LaneScheduler().schedule(() => order.push('work'))
    order.push('code')
    while (order.length < 3) await turn()
    expect(order).toEqual(['code', 'work', 'timer'])
  })

  it('gives the event loop a turn in a chain of work that never ends', async () => {
    const scheduler = new LaneScheduler()
    let runs = 0
    let stop = false
    const again = (): void => {
      runs++
      if (!stop) scheduler.schedule(again)
    }
    again()
    await turn()
    await turn()
    stop = true
    expect(runs).toBeGreaterThan(1)
  })

  it('does not run what was cancelled, whether it was to run soon or later', async () => {
    const scheduler = new LaneScheduler()
    const ran: string[] = []
    scheduler.schedule(() => ran.push('soon')).unsubscribe()
    scheduler.schedule(() => ran.push('later'), 1).unsubscribe()
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect(ran).toEqual([])
  })

  it('holds delays that no timer could, and does not run them at once', async () => {
    let ran = false
    const action = new LaneScheduler().schedule(() => {
      ran = true
    }, MAX_DELAY * 10)
    await turn()
    expect(ran).toBe(false)
    action.unsubscribe()
  })

  it('lets an action schedule itself again, as interval does', async () => {
    const states: number[] = []
    await new Promise<void>((resolve) => {
      new LaneScheduler().schedule<number>(
        function (state) {
          states.push(state!)
          if (state === 3) resolve()
          else this.schedule(state! + 1, 1)
        },
        0,
        1,
      )
    })
    expect(states).toEqual([1, 2, 3])
  })
})
