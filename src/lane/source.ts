/**
 * A Subject for the sources of a lane, each of which has one observer that never unsubscribes during a call. It is faster
 * than rxjs's own, which copies the list of observers and creates a closure per value. It knows nothing of its values.
 */
import { Subject } from 'rxjs'

export class Source<T> extends Subject<T> {
  override next(value: T): void {
    const { observers } = this
    for (let i = 0; i < observers.length; i++) observers[i]!.next(value)
  }
}
