/** What RxJS schedulers hand out: a piece of work that can be scheduled again, superseded and cancelled. */
import { Subscription, type SchedulerAction } from 'rxjs'

export type Work<T> = (this: SchedulerAction<T>, state?: T) => void

/** Something to run, as an object: that saves a closure for each piece of work. */
export interface Runnable {
  run(): void
}

/** What an action needs of its scheduler. */
export interface Deferrer {
  /** Runs `work` after `delay` ms. What it returns prevents that where it can; calling it later does no harm. */
  defer(work: Runnable, delay: number): () => void
}

export class Action<T> extends Subscription implements SchedulerAction<T>, Runnable {
  private cancel: (() => void) | undefined = undefined
  /** Counts the schedulings, so that one that was superseded does not run. */
  private turn = 0
  /** The scheduling that the action itself stands for where it was deferred; 0: it is deferred nowhere. */
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
