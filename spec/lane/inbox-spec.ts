import { describe, expect, it } from '@jest/globals'
import { TestScheduler } from 'rxjs/testing'
import type { Event } from '../../src/core/events.js'
import { Inbox } from '../../src/lane/inbox.js'

const tick: Event = { type: 'tick' }
const woken: Event = { type: 'woken' }
const writable: Event = { type: 'writable', stream: 1 }

describe('the inbox', () => {
  it('gives what came in one instant as one array, in its order', () => {
    const scheduler = new TestScheduler(() => undefined)
    const inbox = new Inbox(scheduler)
    const batches: Event[][] = []
    inbox.commands$.subscribe((events) => batches.push(events))
    inbox.push(tick)
    inbox.push(woken)
    scheduler.flush()
    expect(batches).toEqual([[tick, woken]])
  })

  it('keeps an idle event until the next one comes, and gives it first', () => {
    const scheduler = new TestScheduler(() => undefined)
    const inbox = new Inbox(scheduler)
    const batches: Event[][] = []
    inbox.commands$.subscribe((events) => batches.push(events))
    inbox.push(writable, true)
    scheduler.flush()
    expect(batches).toEqual([])
    inbox.push(tick)
    inbox.push(writable, true)
    scheduler.flush()
    expect(batches).toEqual([[writable, tick, writable]])
  })
})
