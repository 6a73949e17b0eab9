import { describe, expect, it } from '@jest/globals'
import { asapScheduler, VirtualTimeScheduler } from 'rxjs'
import type { Effect } from '../../src/core/effects.js'
import type { Batch, Event } from '../../src/core/events.js'
import { Lane, type LaneOptions } from '../../src/lane/lane.js'
import { LaneScheduler } from '../../src/lane/scheduler.js'
import { bytes, runningState, V1 } from '../support/core.js'
import { turn } from '../support/promises.js'
import { laneMarbles } from '../support/lane-marbles.js'

function request(ask: number, peer = 'bob', timeout = 10_000): Event {
  return { type: 'request', ask, peer, addresses: [], data: bytes('?'), timeout }
}

const opened: Event = {
  type: 'connectionOpened',
  connection: 1,
  peer: 'bob',
  address: '/ip4/127.0.0.1/tcp/1',
  inbound: false,
}

/** A lane whose `step` records and asks for nothing, unless told otherwise. */
function laneOf(options: Partial<LaneOptions> = {}): { lane: Lane; batches: Batch[] } {
  const batches: Batch[] = []
  const lane = new Lane({
    state: runningState(),
    scheduler: new LaneScheduler(),
    run: () => undefined,
    crashed: (error) => {
      throw error
    },
    step: (_state, batch) => {
      batches.push(batch)
      return []
    },
    ...options,
  })
  return { lane, batches }
}

describe('the lane on virtual time', () => {
  it('ticks first after 5 s and then every interval, at exact times', () => {
    laneMarbles(({ hot, lane, expectObservable }) => {
      const known: Event = { type: 'tableChanged', peer: 'bob', addresses: ['/ip4/10.0.0.1/tcp/1'] }
      const done: Event = { type: 'tableQueried' }
      const effects$ = lane(hot('kd', { k: known, d: done }), 70_000)
      // The first peer is asked at once; at the ticks Bob, who is not connected, is probed too.
      expectObservable(effects$).toBe('a 4999ms b 64999ms |', { a: ['tableQuery'], b: ['tableQuery', 'dial bob'] })
    })
  })

  it('keeps ticking at its interval while nothing answers', () => {
    const ticks: number[] = []
    laneMarbles(({ cold, lane, scheduler, state }) => {
      lane(cold('-'), 100_000, { discoveryInterval: 20_000, bootNodes: { boot: ['/ip4/10.0.0.9/tcp/1'] } }).subscribe(
        (effects) => {
          if (effects.includes('dial boot')) ticks.push(scheduler.now())
          state().dials.clear()
        },
      )
    })
    expect(ticks).toEqual([5_000, 25_000, 45_000, 65_000, 85_000])
  })

  it('keeps the order of commands and events that came in one instant', () => {
    laneMarbles(({ hot, lane, expectObservable }) => {
      const events$ = hot<Event>('(oabc)', { o: opened, a: request(1), b: request(2, 'carol'), c: request(3) })
      expectObservable(lane(events$, 20)).toBe('a 19ms |', { a: ['open 1 on 1', 'dial carol', 'open 3 on 1'] })
    })
  })

  it('keeps the order of commands, ticks and events over time', () => {
    laneMarbles(({ hot, lane, expectObservable }) => {
      const events$ = hot<Event>('o 4998ms a-b', { o: opened, a: request(1), b: request(2, 'carol') })
      const boot = { bootNodes: { boot: ['/ip4/10.0.0.9/tcp/1'] }, connectionKeepAlive: 100_000 }
      expectObservable(lane(events$, 5_010, boot)).toBe('4999ms a b c 8ms |', {
        a: ['open 1 on 1'],
        b: ['dial boot'],
        c: ['dial carol'],
      })
    })
  })

  it('ends a request at its exact deadline, and the shorter of two first', () => {
    laneMarbles(({ hot, lane, expectObservable }) => {
      const events$ = hot<Event>('a-b', { a: request(1, 'bob', 100), b: request(2, 'bob', 50) })
      expectObservable(lane(events$, 200)).toBe('a 51ms b 47ms c 99ms |', {
        a: ['dial bob'],
        b: ['fail 2 RequestTimeout'],
        c: ['fail 1 RequestTimeout'],
      })
    })
  })

  it('lets a reply in the instant of the deadline win', () => {
    laneMarbles(({ hot, lane, expectObservable }) => {
      const reply: Event = { type: 'data', stream: 1, chunks: [new Uint8Array([1, 7])] }
      const events$ = hot<Event>('(oa)s 95ms d', {
        o: opened,
        a: request(1, 'bob', 100),
        s: { type: 'streamOpened', stream: 1, protocol: V1 },
        d: reply,
      })
      expectObservable(lane(events$, 150)).toBe('a 3ms b 95ms c 49ms |', {
        a: ['open 1 on 1'],
        b: ['write 1 2 end'],
        // The stream of an answered request that its peer leaves open is killed at the deadline.
        c: ['settle 1', 'reset 1'],
      })
    })
  })

  it('lets it win in the instant of a discovery tick, too', () => {
    laneMarbles(({ hot, lane, expectObservable }) => {
      const events$ = hot<Event>('o 4899ms a s 98ms d', {
        o: opened,
        a: request(1, 'bob', 100),
        s: { type: 'streamOpened', stream: 1, protocol: V1 },
        d: { type: 'data', stream: 1, chunks: [new Uint8Array([1, 7])] },
      })
      expectObservable(lane(events$, 5_100, { connectionKeepAlive: 100_000 })).toBe('4900ms a b 98ms c 99ms |', {
        a: ['open 1 on 1'],
        b: ['write 1 2 end'],
        c: ['settle 1', 'reset 1'],
      })
    })
  })

  it('is not held up by a handler that never answers', () => {
    laneMarbles(({ hot, lane, expectObservable }) => {
      const inbound: Event[] = [
        opened,
        { type: 'streamInbound', stream: 2, connection: 1, protocol: V1 },
        { type: 'data', stream: 2, chunks: [new Uint8Array([1, 7])] },
      ]
      const boot = { bootNodes: { boot: ['/ip4/10.0.0.9/tcp/1'] } }
      const effects$ = lane(hot<Event[]>('i 2000ms r', { i: inbound, r: [request(1)] }), 12_000, boot)
      expectObservable(effects$).toBe('a 2000ms b 2998ms c 4999ms d 1999ms |', {
        a: ['handle 2 1'],
        b: ['open 1 on 1'],
        c: ['dial boot'],
        d: ['cancelHandler 2', 'write 2 0 end'],
      })
    })
  })

  it('leaves a topic some time after its last subscriber, and not when somebody subscribes again', () => {
    laneMarbles(({ hot, lane, expectObservable }) => {
      const s: Event = { type: 'subscribe', topic: 'block' }
      const u: Event = { type: 'unsubscribe', topic: 'block' }
      const effects$ = lane(hot('s-u-s 5s u', { s, u }), 30_000)
      expectObservable(effects$).toBe('j 15004ms l 14994ms |', {
        j: ['join block', 'topicsChanged'],
        l: ['leave block', 'topicsChanged'],
      })
    })
  })
})

describe('what can go wrong in a lane', () => {
  it('takes 100,000 events that effects send in', async () => {
    let seen = 0
    const { lane } = laneOf({
      step: (_state, batch) => {
        seen += batch.events.length
        return seen < 100_000 ? [{ type: 'ready' }] : []
      },
      run: () => {
        lane.commands$.next({ type: 'woken' })
      },
    })
    while (seen < 100_000) await turn()
    expect(seen).toBe(100_000)
    lane.close()
  })

  it('takes 100,000 events that one effect sends in at once', async () => {
    let sent = false
    const { lane, batches } = laneOf({
      step: (_state, batch) => {
        batches.push(batch)
        return [{ type: 'ready' }]
      },
      run: () => {
        if (!sent) for (let i = 0; i < 100_000; i++) lane.commands$.next({ type: 'woken' })
        sent = true
      },
    })
    while (batches.length < 2) await turn()
    expect(batches[1]!.events).toHaveLength(100_000)
    lane.close()
  })

  it('goes on when somebody else throws in the same flush of the scheduler', async () => {
    const { lane, batches } = laneOf({ scheduler: asapScheduler })
    await turn()
    asapScheduler.schedule(() => {
      throw new Error('not ours')
    })
    lane.commands$.next({ type: 'woken' })
    // rxjs would flush in a microtask, and its throw would be an unhandled rejection: flushed by hand, it is caught.
    expect(() => {
      asapScheduler.flush(undefined as never)
    }).toThrow('not ours')
    expect(batches).toHaveLength(1)
    await turn()
    await turn()
    expect(batches).toHaveLength(2)
    lane.commands$.next({ type: 'woken' })
    await turn()
    expect(batches).toHaveLength(3)
    lane.close()
  })

  it('is healed on virtual time too, where that must not run for ever', async () => {
    const scheduler = new VirtualTimeScheduler()
    const { lane, batches } = laneOf({ scheduler })
    scheduler.schedule(() => {
      throw new Error('not ours')
    })
    scheduler.maxFrames = 10
    // The flush of the start event comes first, then the throw unsubscribes all that is left.
    expect(() => {
      scheduler.flush()
    }).toThrow('not ours')
    lane.commands$.next({ type: 'woken' })
    await turn()
    scheduler.flush()
    expect(batches.map((batch) => batch.events[0]!.type)).toEqual(['start', 'woken'])
    lane.close()
  })

  it('turns an effect that throws into an event', async () => {
    const effects: Effect[] = []
    const { lane, batches } = laneOf({
      step: (_state, batch) => {
        batches.push(batch)
        return batch.events[0]!.type === 'start' ? [{ type: 'leave', topic: 'x' }, { type: 'ready' }] : []
      },
      run: (effect) => {
        if (effect.type === 'leave') throw new Error('no such topic')
        effects.push(effect)
      },
    })
    while (batches.length < 2) await turn()
    expect(effects).toEqual([{ type: 'ready' }])
    expect(batches[1]!.events[0]).toMatchObject({
      type: 'effectFailed',
      effect: 'leave',
      failure: { message: 'no such topic' },
    })
    lane.close()
  })

  it('ends, with the cause, when a step throws, and runs nothing after that', async () => {
    const crashes: unknown[] = []
    const ran: Effect[] = []
    const { lane } = laneOf({
      step: () => {
        throw new Error('a bug of ours')
      },
      run: (effect) => {
        ran.push(effect)
      },
      crashed: (error) => {
        crashes.push(error)
      },
    })
    await turn()
    lane.commands$.next({ type: 'tick' })
    await turn()
    expect(crashes).toEqual([new Error('a bug of ours')])
    expect(ran).toEqual([])
  })

  it('steps nothing after it was closed', async () => {
    const { lane, batches } = laneOf()
    await turn()
    lane.commands$.next({ type: 'woken' })
    lane.close()
    lane.commands$.next({ type: 'woken' })
    await turn()
    expect(batches.flatMap((batch) => batch.events)).toEqual([{ type: 'start' }])
  })

  it('sees the discovery tick on time in a flood of events', async () => {
    const seen = { batches: 0, ticks: 0 }
    const started = performance.now()
    const ticked = new Promise<number>((resolve) => {
      const { lane } = laneOf({
        state: runningState({ firstTick: 50, discoveryInterval: 50 }),
        step: (_state, batch) => {
          seen.batches++
          if (batch.events.some((event) => event.type === 'tick')) {
            lane.close()
            resolve(performance.now() - started)
          }
          return [{ type: 'ready' }]
        },
        run: () => {
          lane.commands$.next({ type: 'woken' })
        },
      })
    })
    // Without a turn for the event loop this would never settle: every batch brings the next one as a microtask.
    await ticked
    expect(seen.batches).toBeGreaterThan(100)
  })
})
