/** An action: it runs what was scheduled last, and nothing after it was cancelled. */
import { describe, expect, it } from '@jest/globals'
import { Action, type Deferrer, type Runnable } from '../../src/lane/action.js'

/** Runs work when the spec says so, also work that was cancelled: as a microtask, which cannot be taken back. */
class Later implements Deferrer {
  readonly works: Runnable[] = []
  readonly delays: number[] = []
  cancelled = 0

  defer(work: Runnable, delay: number): () => void {
    this.works.push(work)
    this.delays.push(delay)
    return () => {
      this.cancelled++
    }
  }

  runAll(): void {
    for (const work of this.works.splice(0)) work.run()
  }
}

function recording(): { later: Later; action: Action<string>; ran: (string | undefined)[] } {
  const later = new Later()
  const ran: (string | undefined)[] = []
  return { later, ran, action: new Action<string>(later, (state) => void ran.push(state)) }
}

describe('an action', () => {
  it('runs once for each time that it was scheduled, with the state of then', () => {
    const { later, action, ran } = recording()
    action.schedule('a', 5)
    later.runAll()
    action.schedule('b')
    later.runAll()
    expect([ran, later.delays]).toEqual([
      ['a', 'b'],
      [5, 0],
    ])
  })

  it('that is scheduled again before it ran runs only for the last time', () => {
    const { later, action, ran } = recording()
    for (const state of ['a', 'b', 'c']) action.schedule(state, 5)
    expect([later.works.length, later.cancelled]).toEqual([3, 2])
    later.runAll()
    expect(ran).toEqual(['c'])
  })

  it('that was cancelled does not run, and cannot be scheduled', () => {
    const { later, action, ran } = recording()
    action.schedule('a')
    action.unsubscribe()
    expect(later.cancelled).toBe(1)
    action.schedule('b')
    later.runAll()
    expect(ran).toEqual([])
  })
})
