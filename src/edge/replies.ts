/**
 * The replies to one request as its caller sees them: an Observable (values are pushed, as they come) that is an
 * AsyncIterable too (values are pulled, and only what was pulled lets more come). Cold: each subscriber and each iteration
 * asks anew; unsubscribing, or leaving the loop, cancels across the network.
 */
import { Observable, type Subscriber, type TeardownLogic } from 'rxjs'

export class Replies<T = Uint8Array> extends Observable<T> implements AsyncIterable<T> {
  constructor(
    subscribe: (subscriber: Subscriber<T>) => TeardownLogic,
    private readonly iterate: () => AsyncIterator<T, undefined>,
  ) {
    super(subscribe)
  }

  /** Asks with the first `next()`. Whoever iterates by hand ends with `return()`, if not at the end of the values. */
  [Symbol.asyncIterator](): AsyncIterator<T, undefined> {
    return this.iterate()
  }
}
