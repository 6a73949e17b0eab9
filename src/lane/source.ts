/**
 * A Subject for the sources of a lane, each of which has one observer that never unsubscribes while it is called. rxjs (7.8) copies
 * the list of observers and makes a closure for each value; without that an event enters in 20 ns and not in 46, and 32 B × 64
 * requests take 5 % less CPU time. `observers` is public, and marked as internal for rxjs 8.
 */
import { Subject } from 'rxjs'

export class Source<T> extends Subject<T> {
  override next(value: T): void {
    const { observers } = this
    for (let i = 0; i < observers.length; i++) observers[i]!.next(value)
  }
}
