/** The way in to a lane: its sources, and what came in one instant as one array. */
import { describe, expect, it } from '@jest/globals'
import { Subject } from 'rxjs'
import { TestScheduler } from 'rxjs/testing'
import type { Event } from '../../src/core/events.js'
import { Gathering, Source } from '../../src/lane/gather.js'

const tick: Event = { type: 'tick' }
const woken: Event = { type: 'woken' }
const writable: Event = { type: 'writable', stream: 1 }

function start() {
  const scheduler = new TestScheduler(() => undefined)
  const gathering = new Gathering<Event>(scheduler)
  const events$ = new Subject<Event>()
  const batches: Event[][] = []
  const subscription = gathering.gather(events$).subscribe((events) => batches.push(events))
  return { scheduler, gathering, events$, batches, subscription }
}

describe('the events of an instant', () => {
  it('are one array, in the order of their arrival', () => {
    const { scheduler, events$, batches } = start()
    events$.next(tick)
    events$.next(woken)
    expect(batches).toEqual([])
    scheduler.flush()
    expect(batches).toEqual([[tick, woken]])
  })

  it('take with them what nobody waited for, in its place', () => {
    const { scheduler, gathering, events$, batches } = start()
    gathering.addIdly(writable)
    scheduler.flush()
    expect(batches).toEqual([])
    events$.next(tick)
    gathering.addIdly(writable)
    scheduler.flush()
    expect(batches).toEqual([[writable, tick, writable]])
  })

  it('go nowhere once nobody listens, and none is kept', () => {
    const { scheduler, gathering, events$, batches, subscription } = start()
    events$.next(tick)
    subscription.unsubscribe()
    gathering.addIdly(writable)
    scheduler.flush()
    expect(batches).toEqual([])
    expect(events$.observed).toBe(false)
  })
})

describe('a source', () => {
  it('gives each value to its observers, until they leave or it ends', () => {
    const source = new Source<number>()
    const seen: number[][] = [[], []]
    const [first] = seen.map((values) => source.subscribe((value) => values.push(value)))
    source.next(1)
    first!.unsubscribe()
    source.next(2)
    source.complete()
    source.next(3)
    expect(seen).toEqual([[1], [1, 2]])
  })
})
