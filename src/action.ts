/** What RxJS schedulers hand out: a piece of work that can be scheduled again, superseded and cancelled. */
import { Subscription, type SchedulerAction } from 'rxjs'

export type Work<T> = (this: SchedulerAction<T>, state?: T) => void

/** What an action needs of its scheduler. */
export interface Deferrer {
  /** Runs `work` after `delay` ms. What it returns prevents that where it can; calling it later does no harm. */
  defer(work: () => void, delay: number): () => void
}

export class Action<T> extends Subscription implements SchedulerAction<T> {
  private cancel: (() => void) | undefined
  /** Counts the schedulings, so that one that was superseded does not run. */
  private turn = 0

  constructor(
    private readonly deferrer: Deferrer,
    private readonly work: Work<T>,
  ) {
    super()
  }

  schedule(state?: T, delay = 0): Subscription {
    if (this.closed) return this
    this.cancel?.()
    const turn = ++this.turn
    const run = (): void => {
      if (!this.closed && turn === this.turn) this.work(state)
    }
    this.cancel = this.deferrer.defer(run, delay)
    return this
  }

  override unsubscribe(): void {
    this.cancel?.()
    super.unsubscribe()
  }
}
