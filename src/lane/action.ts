/**
 * The action of our RxJS schedulers: a piece of work that can be rescheduled, superseded and cancelled. It knows no
 * clock.
 */
import { Subscription, type SchedulerAction } from 'rxjs'

export type Work<T> = (this: SchedulerAction<T>, state?: T) => void

/** Work as an object, which saves a closure per piece of work. */
export interface Runnable {
  run(): void
}

/** The part of a scheduler that an action needs. */
export interface Deferrer {
  /** Runs `work` after `delay` ms. The returned function cancels that if possible, and may be called at any time. */
  defer(work: Runnable, delay: number): () => void
}

export class Action<T> extends Subscription implements SchedulerAction<T>, Runnable {
  private cancel: (() => void) | undefined = undefined
  /** The number of the latest scheduling, so that a superseded one does not run. */
  private turn = 0
  /** The number of the scheduling for which the action itself is deferred; 0: it is not. */
  private ownTurn = 0
  private state: T | undefined = undefined

  constructor(
    private readonly deferrer: Deferrer,
    private readonly work: Work<T>,
  ) {
    super()
  }

  schedule(state?: T, delay = 0): Subscription {
    if (this.closed) return this
    this.cancel?.()
    this.state = state
    const turn = ++this.turn
    if (this.ownTurn === 0) {
      this.ownTurn = turn
      this.cancel = this.deferrer.defer(this, delay)
    } else {
      const run = (): void => {
        this.runTurn(turn)
      }
      this.cancel = this.deferrer.defer({ run }, delay)
    }
    return this
  }

  run(): void {
    const turn = this.ownTurn
    this.ownTurn = 0
    this.runTurn(turn)
  }

  private runTurn(turn: number): void {
    if (!this.closed && turn === this.turn) this.work(this.state)
  }

  override unsubscribe(): void {
    this.cancel?.()
    super.unsubscribe()
  }
}
