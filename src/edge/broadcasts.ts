/** Broadcasts on their way out to subscribers and to the registered handler. */
import { Observable, Subject } from 'rxjs'
import type { Event } from '../core/events.js'
import { isThenable } from './checks.js'
import type { EventHandler } from './inbound.js'
import type { Logger } from './log.js'

/** A message that somebody published on a topic. */
export interface Broadcast {
  readonly topic: string
  /** The payload; yours to keep. */
  readonly data: Uint8Array
  /** Peer id of the signer. */
  readonly from: string
  /** Peer id of the neighbour that handed it to us. */
  readonly via: string
}

export class Broadcasts {
  private readonly all$ = new Subject<Broadcast>()
  private readonly topics = new Map<string, Subject<Broadcast>>()
  private handle: EventHandler['handleBroadcast']
  private over = false

  constructor(
    private readonly push: (event: Event) => void,
    private readonly log: Logger,
  ) {}

  setHandler(handler: EventHandler): void {
    this.handle = handler.handleBroadcast?.bind(handler)
  }

  /** The broadcasts of one topic, which is joined while somebody listens; without a topic: of all joined ones. */
  of(topic?: string): Observable<Broadcast> {
    if (topic === undefined) return this.all$.asObservable()
    return new Observable((subscriber) => {
      if (this.over) return subscriber.complete()
      let subject = this.topics.get(topic)
      if (subject === undefined) this.topics.set(topic, (subject = new Subject()))
      const subscription = subject.subscribe(subscriber)
      this.push({ type: 'subscribe', topic })
      return () => {
        subscription.unsubscribe()
        if (!subject.observed && this.topics.get(topic) === subject) this.topics.delete(topic)
        this.push({ type: 'unsubscribe', topic })
      }
    })
  }

  onBroadcast(broadcast: Broadcast): void {
    this.topics.get(broadcast.topic)?.next(broadcast)
    this.all$.next(broadcast)
    if (this.handle === undefined) return
    const { topic, data, from } = broadcast
    const failed = (error: unknown): void => {
      this.log('error', `the handler failed on a broadcast of ${from}`, error)
    }
    try {
      const result = this.handle(topic, data, { from })
      if (isThenable(result)) Promise.resolve(result).catch(failed)
    } catch (error) {
      failed(error)
    }
  }

  end(): void {
    this.over = true
    for (const subject of [...this.topics.values()]) subject.complete()
    this.all$.complete()
  }
}
