/** Maps a stream of values. A stream that is pulled stays pulled, and its teardown is passed on at once. */
import { concatMap, from, of, type Observable } from 'rxjs'
import { isThenable } from '../edge/checks.js'
import { IterableObservable } from '../edge/queue.js'
import type { Awaitable } from './codecs.js'

const DONE: IteratorResult<never, undefined> = { done: true, value: undefined }

/** Not an async generator: its `return()` would wait behind a pending `next()`, and a cancel with it. */
class MappedIterator<A, B> implements AsyncIterator<B, undefined> {
  private inner: Promise<AsyncIterator<A>> | undefined
  private over = false

  constructor(
    private readonly open: () => Awaitable<AsyncIterator<A>>,
    private readonly make: (value: A) => Awaitable<B>,
  ) {}

  async next(): Promise<IteratorResult<B, undefined>> {
    if (this.over) return DONE
    try {
      this.inner ??= Promise.resolve(this.open())
      const result = await (await this.inner).next()
      return result.done === true ? DONE : { done: false, value: await this.make(result.value) }
    } catch (error) {
      void this.return().catch(() => undefined)
      throw error
    }
  }

  async return(): Promise<IteratorResult<B, undefined>> {
    this.over = true
    const inner = await this.inner
    await inner?.return?.()
    return DONE
  }
}

export function mapIterable<A, B>(values: AsyncIterable<A>, make: (value: A) => Awaitable<B>): AsyncIterable<B> {
  return { [Symbol.asyncIterator]: () => new MappedIterator(() => values[Symbol.asyncIterator](), make) }
}

/** The values keep their order while `make` is asynchronous: each waits for the one before it. */
export function mapObservable<A, B>(values$: Observable<A>, make: (value: A) => Awaitable<B>): Observable<B> {
  return values$.pipe(concatMap((value) => toObservable(make(value))))
}

/** Maps replies whose request may still have to be encoded. */
export function mapReplies<A, B>(
  replies: Awaitable<Observable<A> & AsyncIterable<A>>,
  make: (value: A) => Awaitable<B>,
): IterableObservable<B> {
  return new IterableObservable<B>(
    (subscriber) =>
      toObservable(replies)
        .pipe(concatMap((replies$) => mapObservable(replies$, make)))
        .subscribe(subscriber),
    () => new MappedIterator(() => (isThenable(replies) ? replies.then(iteratorOf) : iteratorOf(replies)), make),
  )
}

function iteratorOf<A>(values: AsyncIterable<A>): AsyncIterator<A> {
  return values[Symbol.asyncIterator]()
}

export function toObservable<T>(value: Awaitable<T>): Observable<T> {
  return isThenable(value) ? from(value) : of(value)
}
