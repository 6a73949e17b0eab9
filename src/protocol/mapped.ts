/** Maps a stream of values. A stream that is pulled stays pulled, and its teardown is passed on at once. */
import { catchError, concatMap, defer, filter, from, of, type Observable } from 'rxjs'
import { isThenable } from '../edge/checks.js'
import { IterableObservable } from '../edge/queue.js'
import type { Awaitable } from './codecs.js'

const DONE: IteratorResult<never, undefined> = { done: true, value: undefined }

/** In place of a value: there is none, and the next one follows. */
export const SKIP = Symbol('skip')

type Make<A, B> = (value: A) => Awaitable<B | typeof SKIP>

/** Not an async generator: its `return()` would wait behind a pending `next()`, and a cancel with it. */
export class MappedIterator<A, B> implements AsyncIterator<B, undefined> {
  private inner: Promise<AsyncIterator<A>> | undefined
  private over = false

  constructor(
    private readonly open: () => Awaitable<AsyncIterator<A>>,
    private readonly make: Make<A, B>,
    private readonly failed: (error: unknown) => void = () => undefined,
  ) {}

  async next(): Promise<IteratorResult<B, undefined>> {
    if (this.over) return DONE
    try {
      this.inner ??= Promise.resolve(this.open())
      const inner = await this.inner
      for (;;) {
        const result = await inner.next()
        if (result.done === true) return DONE
        const value = await this.make(result.value)
        if (value !== SKIP) return { done: false, value }
      }
    } catch (error) {
      void this.return().catch(() => undefined)
      this.failed(error)
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
  return { [Symbol.asyncIterator]: () => new MappedIterator<A, B>(() => values[Symbol.asyncIterator](), make) }
}

/** The values keep their order while `make` is asynchronous: each waits for the one before it. */
export function mapObservable<A, B>(values$: Observable<A>, make: Make<A, B>): Observable<B> {
  return values$.pipe(
    concatMap((value) => toObservable(make(value))),
    filter((value): value is Awaited<B> & B => value !== SKIP),
  )
}

/** What becomes of a stream that each subscriber and each loop opens anew. `make` is made for each of them, when it begins. */
export interface Mapping<A, B> {
  open: () => Awaitable<Observable<A> & AsyncIterable<A>>
  make: Make<A, B>
  /** Throws the error in place of one of the stream. */
  failed: (error: unknown) => never
}

export function mapStream<A, B>(begin: () => Mapping<A, B>): IterableObservable<B> {
  return new IterableObservable<B>(
    (subscriber) =>
      defer(() => {
        const { open, make, failed } = begin()
        return toObservable(open()).pipe(
          concatMap((values$) => mapObservable(values$, make)),
          catchError(failed),
        )
      }).subscribe(subscriber),
    () => {
      let mapping: Mapping<A, B> | undefined
      const open = (): Awaitable<AsyncIterator<A>> => {
        mapping = begin()
        const opened = mapping.open()
        return isThenable(opened) ? opened.then(iteratorOf) : iteratorOf(opened)
      }
      return new MappedIterator<A, B>(
        open,
        (value) => mapping!.make(value),
        (error) => mapping?.failed(error),
      )
    },
  )
}

function iteratorOf<A>(values: AsyncIterable<A>): AsyncIterator<A> {
  return values[Symbol.asyncIterator]()
}

export function toObservable<T>(value: Awaitable<T>): Observable<T> {
  return isThenable(value) ? from(value) : of(value)
}
