/**
 * The first value of an Observable as a promise: rxjs's `firstValueFrom`, with a subscriber that is made by a constructor. rxjs makes
 * a literal for each promise, and V8 makes literals of one place in the old generation for good once a hundred of them have outlived a
 * collection, as those of a burst of requests do. Each keeps what it refers to there, and a request takes half as much time again.
 */
import { EmptyError, Subscriber, type Observable } from 'rxjs'

class FirstValue<T> extends Subscriber<T> {
  constructor(
    private readonly resolve: (value: T) => void,
    private readonly reject: (error: unknown) => void,
  ) {
    super()
  }

  protected override _next(value: T): void {
    this.resolve(value)
    this.unsubscribe()
  }

  protected override _error(error: unknown): void {
    this.reject(error)
    this.unsubscribe()
  }

  protected override _complete(): void {
    this._error(new EmptyError())
  }
}

/**
 * As `firstValueFrom` of rxjs: rejects with the error of the source, or with `EmptyError` if it completes without a value. (But an error of a
 * teardown is thrown by the source's `next`. Ours throw none.)
 */
export function firstValueFrom<T>(source: Observable<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    source.subscribe(new FirstValue<T>(resolve, reject))
  })
}
