/**
 * The way in to a lane: its sources, and all events of one instant as one array, for which the lane steps once. The scheduler
 * emits the array at its next instant, in the order of arrival. It knows nothing of its events.
 */
import { Observable, Subject, type SchedulerLike, type Subscriber, type Subscription } from 'rxjs'
import { Action } from './action.js'

/**
 * A Subject for the sources of a lane, each of which has one observer that never unsubscribes while it is called. rxjs (7.8) copies
 * the list of observers and makes a closure for each value, which is most of what it costs that an event enters. `observers` is
 * public, and marked as internal for rxjs 8.
 */
export class Source<T> extends Subject<T> {
  override next(value: T): void {
    const { observers } = this
    for (let i = 0; i < observers.length; i++) observers[i]!.next(value)
  }
}

export class Gathering<Event> {
  private events: Event[] = []
  /** The flush that is scheduled. */
  private flushing: Subscription | undefined = undefined
  private subscriber: Subscriber<Event[]> | undefined = undefined

  constructor(private readonly scheduler: SchedulerLike) {}

  /** The operator, for one source and one subscriber. */
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

  /** Adds an event that may wait for the next one. */
  addIdly(event: Event): void {
    if (this.subscriber !== undefined) this.events.push(event)
  }

  private arm(): void {
    this.flushing = this.scheduler.schedule(this.flush)
    // Our own schedulers keep an action even when another one throws.
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
   * re-arms it if it is still needed. (Re-arming right here would never end on virtual time.)
   */
  private readonly onTeardown = (): void => {
    if (this.flushing?.closed !== true) return
    queueMicrotask(() => {
      if (this.flushing?.closed === true && this.subscriber !== undefined) this.arm()
    })
  }
}
