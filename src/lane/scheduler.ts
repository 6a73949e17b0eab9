/**
 * The real scheduler of a lane: work without a delay runs as a microtask, so that everything of one instant gathers and
 * nothing waits for it; but after some batches, or some time, it lets the event loop have a turn, so that a flood of
 * events cannot starve timers and sockets. (`SchedulerLike` cannot say so, and the virtual schedulers need not.)
 */
import type { SchedulerLike, Subscription } from 'rxjs'
import { MAX_DELAY, nextTurn } from '../platform/timers.js'
import { Action, type Deferrer, type Runnable, type Work } from './action.js'

/** Batches that run as microtasks in a row before the event loop gets its turn … */
const MAX_BATCHES = 64
/** … or the time that they may take together, ms. */
const MAX_TIME = 5
/** After so long without work the event loop has certainly had its turn, ms. */
const IDLE = 1
function nothing(): void {
  // A microtask cannot be taken back; the action that it belongs to ignores it.
}

/** See above. `now()` is monotonic, in whole milliseconds since an arbitrary start. */
export class LaneScheduler implements SchedulerLike, Deferrer {
  private batches = 0
  private since = 0
  /** When the last piece of work was over. */
  private ended = -Infinity

  now(): number {
    return Math.floor(performance.now())
  }

  schedule<T>(work: Work<T>, delay = 0, state?: T): Subscription {
    return new Action(this, work).schedule(state, delay)
  }

  /** Runs `work` after `delay` ms; returns what prevents it. */
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

  /** Runs `work` as soon as the current code is done, in this turn of the event loop or, now and then, in the next. */
  private soon(work: Runnable): void {
    const now = performance.now()
    // Nothing has run for a while, so the event loop has had its turns meanwhile.
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
