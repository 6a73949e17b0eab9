/**
 * The real scheduler of a lane: work without a delay runs as a microtask, so that everything of one instant gathers and
 * nothing waits for it; but after some batches, or some time, it lets the event loop have a turn, so that a flood of
 * events cannot starve timers and sockets. (`SchedulerLike` cannot say so, and the virtual schedulers need not.)
 */
import { Subscription, type SchedulerAction, type SchedulerLike } from 'rxjs'

/** Batches that run as microtasks in a row before the event loop gets its turn … */
const MAX_BATCHES = 64
/** … or the time that they may take together, ms. */
const MAX_TIME = 5
/** The longest delay that a timer of the platform can hold, ms. */
export const MAX_DELAY = 2 ** 31 - 1

/** Runs `work` in the next turn of the event loop. Browsers have no `setImmediate`. */
const nextTurn: (work: () => void) => void =
  typeof setImmediate === 'function' ? setImmediate : (work) => void setTimeout(work, 0)

type Work<T> = (this: SchedulerAction<T>, state?: T) => void

class LaneAction<T> extends Subscription implements SchedulerAction<T> {
  private timer: ReturnType<typeof setTimeout> | undefined
  /** Counts the schedulings, so that one that was superseded does not run. */
  private turn = 0
  private state: T | undefined

  constructor(
    private readonly scheduler: LaneScheduler,
    private readonly work: Work<T>,
  ) {
    super()
  }

  schedule(state?: T, delay = 0): Subscription {
    if (this.closed) return this
    this.state = state
    clearTimeout(this.timer)
    const turn = ++this.turn
    const run = (): void => {
      if (!this.closed && turn === this.turn) this.work(this.state)
    }
    if (delay > 0) this.timer = setTimeout(run, Math.min(delay, MAX_DELAY))
    else this.scheduler.soon(run)
    return this
  }

  override unsubscribe(): void {
    clearTimeout(this.timer)
    super.unsubscribe()
  }
}

/** See above. `now()` is monotonic, in whole milliseconds since an arbitrary start. */
export class LaneScheduler implements SchedulerLike {
  private batches = 0
  private since = 0

  now(): number {
    return Math.floor(performance.now())
  }

  schedule<T>(work: Work<T>, delay = 0, state?: T): Subscription {
    return new LaneAction(this, work).schedule(state, delay)
  }

  /** Runs `work` as soon as the current code is done, in this turn of the event loop or, now and then, in the next. */
  soon(work: () => void): void {
    if (++this.batches <= MAX_BATCHES && performance.now() - this.since <= MAX_TIME) return queueMicrotask(work)
    nextTurn(() => {
      this.batches = 0
      this.since = performance.now()
      work()
    })
  }
}
