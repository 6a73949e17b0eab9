/**
 * The only entrance to a lane. `push` appends to an array; at the next instant of the scheduler the array goes, whole and
 * in order of arrival, into the pipeline's Subject. Calls, network events and ticks share it: two entrances would lose the order
 * between them, and a `Subject.next` for each event would cost four times as much as an array entry.
 */
import { Subject, type SchedulerLike, type Subscription } from 'rxjs'
import { Action } from './action.js'
import type { Event } from '../core/events.js'

export class Inbox {
  /** What came in, one array an instant. */
  readonly commands$ = new Subject<Event[]>()
  private events: Event[] = []
  /** The flush that is scheduled. */
  private flushing: Subscription | undefined = undefined
  private closed = false

  constructor(private readonly scheduler: SchedulerLike) {}

  /** `idly`: the event waits for the next one that does not. */
  push(event: Event, idly = false): void {
    if (this.closed) return
    this.events.push(event)
    if (!idly && this.flushing === undefined) this.arm()
  }

  close(): void {
    this.closed = true
    this.events = []
    this.flushing?.unsubscribe()
    this.commands$.complete()
  }

  private arm(): void {
    this.flushing = this.scheduler.schedule(this.flush)
    // Nobody's throw drops an action of our own schedulers.
    if (!(this.flushing instanceof Action)) this.flushing.add(this.onTeardown)
  }

  private readonly flush = (): void => {
    this.flushing = undefined
    const { events } = this
    this.events = []
    if (!this.closed) this.commands$.next(events)
  }

  /**
   * When somebody else's action throws in the same flush of rxjs's asap queue, ours is unsubscribed and never runs. A
   * microtask then looks whether we still wait for it. (Re-arming right here would never end on virtual time.)
   */
  private readonly onTeardown = (): void => {
    if (this.flushing?.closed !== true) return
    queueMicrotask(() => {
      if (this.flushing?.closed === true && !this.closed) this.arm()
    })
  }
}
