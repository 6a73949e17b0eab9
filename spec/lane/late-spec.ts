/**
 * After the event loop was blocked, or the machine slept: what has come meanwhile lies in the sockets, which are read in the
 * next turns of the event loop, while timers that are overdue run before that.
 */
import { afterEach, describe, expect, it } from '@jest/globals'
import type { SchedulerLike, Subscription } from 'rxjs'
import type { Event } from '../../src/core/events.js'
import type { State } from '../../src/core/state.js'
import { Action, type Deferrer, type Runnable, type Work } from '../../src/lane/action.js'
import { Lane } from '../../src/lane/lane.js'
import { bytes, runningState, short, V1 } from '../support/core.js'
import { turn } from '../support/promises.js'

/** A clock that stands still, and jumps; as with a real one, work without a delay is a microtask. */
class JumpingScheduler implements SchedulerLike, Deferrer {
  private time = 0
  private timers: { at: number; work: Runnable }[] = []

  now(): number {
    return this.time
  }

  schedule<T>(work: Work<T>, delay = 0, state?: T): Subscription {
    return new Action(this, work).schedule(state, delay)
  }

  defer(work: Runnable, delay: number): () => void {
    if (delay <= 0) queueMicrotask(() => work.run())
    else this.timers.push({ at: this.time + delay, work })
    return () => (this.timers = this.timers.filter((timer) => timer.work !== work))
  }

  jump(ms: number): void {
    this.time += ms
    const due = this.timers.filter(({ at }) => at <= this.time)
    this.timers = this.timers.filter(({ at }) => at > this.time)
    for (const { work } of due) work.run()
  }
}

const QUIET = new Set(['log', 'statusChanged'])
let lane: Lane

afterEach(() => {
  lane.close()
})

/** A node that has asked Bob at time 0, with 2 s for the answer. */
async function asking(): Promise<{ clock: JumpingScheduler; effects: string[]; state: State }> {
  const clock = new JumpingScheduler()
  const effects: string[] = []
  const state = runningState()
  lane = new Lane({
    state,
    scheduler: clock,
    run: (effect) => {
      if (!QUIET.has(effect.type)) effects.push(short(effect))
    },
    crashed: (error) => {
      throw error
    },
  })
  const address = '/ip4/127.0.0.1/tcp/1'
  hears({ type: 'connectionOpened', connection: 1, peer: 'bob', address, inbound: false })
  asks(1, 2_000)
  await turn()
  hears({ type: 'streamOpened', stream: 1, protocol: V1 })
  await turn()
  effects.length = 0
  return { clock, effects, state }
}

function asks(ask: number, timeout: number): void {
  lane.commands$.next({ type: 'request', ask, peer: 'bob', addresses: [], data: bytes('?'), timeout })
}

function hears(event: Event): void {
  ;(lane.events$ as { next(event: Event): void }).next(event)
}

function answer(): void {
  hears({ type: 'data', stream: 1, chunks: [new Uint8Array([1, 33])] })
}

/** What a socket has is read in a turn of the event loop. */
function inSockets(read: () => void): void {
  setImmediate(read)
}

async function turns(): Promise<void> {
  for (let i = 0; i < 10; i++) await turn()
}

describe('after the event loop was blocked', () => {
  it('an answer that lies in its socket wins over the deadline', async () => {
    const { clock, effects } = await asking()
    inSockets(answer)
    clock.jump(3_000)
    await turns()
    expect(effects[0]).toBe('settle 1')
  })

  it('one that takes another round trip does too', async () => {
    const { clock, effects } = await asking()
    clock.jump(3_000)
    await turns()
    clock.jump(100)
    answer()
    await turns()
    expect(effects[0]).toBe('settle 1')
  })

  it('what does not come is not waited for any longer', async () => {
    const { clock, effects } = await asking()
    clock.jump(3_000)
    await turns()
    clock.jump(249)
    await turns()
    expect(effects).toEqual([])
    clock.jump(1)
    await turns()
    expect(effects).toEqual(['reset 1', 'fail 1 RequestTimeout'])
  })

  it('a process that is blocked all the time does not put its deadlines off for ever', async () => {
    const { clock, effects } = await asking()
    clock.jump(3_000)
    await turns()
    clock.jump(3_000)
    await turns()
    expect(effects).toContain('fail 1 RequestTimeout')
  })

  it('a call of that moment has all of its time, and expires nothing either', async () => {
    const { clock, effects } = await asking()
    inSockets(answer)
    // A promise goes on before any timer: the call comes to the lane before the wake-up.
    Object.assign(clock, { time: 3_000 })
    asks(2, 1_000)
    await turns()
    expect(effects).toEqual(['open 3 on 1', 'settle 1'])
    clock.jump(999)
    await turns()
    expect(effects).not.toContain('fail 2 RequestTimeout')
    clock.jump(1)
    await turns()
    expect(effects).toContain('fail 2 RequestTimeout')
  })

  it('a handler whose answer is ready answers', async () => {
    const { clock, effects } = await asking()
    hears({ type: 'streamInbound', stream: 2, connection: 1, protocol: V1 })
    hears({ type: 'data', stream: 2, chunks: [new Uint8Array([1, 33])] })
    await turns()
    expect(effects.splice(0)).toEqual(['handle 2 1'])
    answer()
    await turns()
    inSockets(() => lane.commands$.next({ type: 'respond', exchange: 2, data: bytes('!') }))
    clock.jump(11_000)
    await turns()
    expect(effects).toContain('write 2 2 end')
    expect(effects).not.toContain('cancelHandler 2')
  })

  it('nothing is put off when the wake-up comes in time', async () => {
    const { clock, effects } = await asking()
    inSockets(answer)
    clock.jump(2_250)
    await Promise.resolve()
    await Promise.resolve()
    expect(effects).toContain('fail 1 RequestTimeout')
  })
})

describe('after a sleep', () => {
  it('every connection is tested at once, for a short time', async () => {
    const { clock, effects } = await asking()
    clock.jump(60_000)
    await turns()
    expect(effects).toEqual(['ping 1'])
  })

  it('but not after a pause in which nobody gives anybody up', async () => {
    const { clock, effects } = await asking()
    clock.jump(7_000)
    await turns()
    expect(effects).toEqual([])
  })
})
