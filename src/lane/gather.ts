/**
 * Gathers all events of one instant into one array: the lane steps once for them. At the next instant of the scheduler the array
 * goes on, whole and in order of arrival.
 */
import { Observable, type SchedulerLike, type Subscriber, type Subscription } from 'rxjs'
import { Action } from './action.js'

export class Gathering<Event> {
  private events: Event[] = []
  /** The flush that is scheduled. */
  private flushing: Subscription | undefined = undefined
  private subscriber: Subscriber<Event[]> | undefined = undefined

  constructor(private readonly scheduler: SchedulerLike) {}

  /** The operator. One source, and one subscriber. */
  gather(source: Observable<Event>): Observable<Event[]> {
    return new Observable((subscriber) => {
      this.subscriber = subscriber
      const subscription = source.subscribe({
        next: (event) => {
          this.events.push(event)
          if (this.flushing === undefined) this.arm()
        },
        error: (error: unknown) => {
          subscriber.error(error)
        },
      })
      return () => {
        subscription.unsubscribe()
        this.subscriber = undefined
        this.events = []
        this.flushing?.unsubscribe()
      }
    })
  }

  /** Nobody waits for this event: it goes with the next one. */
  hold(event: Event): void {
    if (this.subscriber !== undefined) this.events.push(event)
  }

  private arm(): void {
    this.flushing = this.scheduler.schedule(this.flush)
    // Nothing that throws drops an action of our own schedulers.
    if (!(this.flushing instanceof Action)) this.flushing.add(this.onTeardown)
  }

  private readonly flush = (): void => {
    this.flushing = undefined
    const { events } = this
    this.events = []
    this.subscriber?.next(events)
  }

  /**
   * When another action throws in the same flush of rxjs's asap queue, ours is unsubscribed and never runs. A microtask then
   * looks whether we still wait for it. (Re-arming right here would never end on virtual time.)
   */
  private readonly onTeardown = (): void => {
    if (this.flushing?.closed !== true) return
    queueMicrotask(() => {
      if (this.flushing?.closed === true && this.subscriber !== undefined) this.arm()
    })
  }
}
