/**
 * The scheduler of a lane on real time. Work without a delay runs as a microtask, so the events of one instant gather and
 * do not wait for a timer. After some batches, or some time, the event loop gets a turn, so that a flood of events cannot
 * starve timers and sockets. It knows nothing of the lane.
 */
import type { SchedulerLike, Subscription } from 'rxjs'
import { afterSockets, MAX_DELAY, nextTurn } from '../platform/timers.js'
import { Action, type Deferrer, type Runnable, type Work } from './action.js'

/** Batches that run as microtasks in a row before the event loop gets a turn … */
const MAX_BATCHES = 64
/** … or the time that they may take together, ms. */
const MAX_TIME = 5
/** After this time without work the event loop has had a turn, ms. */
const IDLE = 1

function nothing(): void {
  // A microtask cannot be cancelled, but its action ignores it.
}

/** `now()` is monotonic, in whole ms since an arbitrary start. */
export class LaneScheduler implements SchedulerLike, Deferrer {
  private batches = 0
  private since = 0
  /** When the last piece of work ended. */
  private ended = -Infinity

  now(): number {
    return Math.floor(performance.now())
  }

  schedule<T>(work: Work<T>, delay = 0, state?: T): Subscription {
    return new Action(this, work).schedule(state, delay)
  }

  /** Runs `work` after `delay` ms. The returned function cancels it. */
  defer(work: Runnable, delay: number): () => void {
    if (delay <= 0) {
      this.soon(work)
      return nothing
    }
    const timer = setTimeout(
      () => {
        work.run()
      },
      Math.min(delay, MAX_DELAY),
    )
    return () => {
      clearTimeout(timer)
    }
  }

  /** Runs `work` after the current code, as a microtask or, if it is time for that, in the next turn of the event loop. */
  private soon(work: Runnable): void {
    const now = performance.now()
    // Nothing has run for a while, so the event loop has had turns meanwhile.
    if (now - this.ended > IDLE) this.begin(now)
    if (++this.batches <= MAX_BATCHES && now - this.since <= MAX_TIME) return queueMicrotask(() => this.run(work))
    nextTurn(() => {
      this.begin(performance.now())
      this.run(work)
    })
  }

  private begin(now: number): void {
    this.batches = 0
    this.since = now
  }

  private run(work: Runnable): void {
    try {
      work.run()
    } finally {
      this.ended = performance.now()
    }
  }
}

/** How work is run when sockets have been read. A test's scheduler, whose time is its own, runs it after all that is due. */
export function afterSocketsOf(scheduler: SchedulerLike): (work: () => void) => void {
  if (scheduler instanceof LaneScheduler) return afterSockets
  return (work) => void scheduler.schedule(() => work())
}
