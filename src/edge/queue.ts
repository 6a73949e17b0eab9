/**
 * Values that a caller may take in two ways: pushed, as an Observable, or pulled, as an AsyncIterable. The queue is one
 * iteration: values that come while the consumer is busy wait in it, up to a limit, and a policy says what happens to the rest.
 */
import { Observable, type Subscriber, type TeardownLogic } from 'rxjs'
import { POLICIES } from '../core/requests/values.js'
import type { Overflow } from '../core/terms.js'
import { P2pError } from '../errors.js'
import { leading } from './callers.js'
import { checkNumber, checkOneOf } from './checks.js'

/** An Observable that can be iterated. Cold: each subscriber and each iteration begins anew, and ends what it began. */
export class IterableObservable<T> extends Observable<T> implements AsyncIterable<T> {
  constructor(
    subscribe: (subscriber: Subscriber<T>) => TeardownLogic,
    private readonly iterate: () => AsyncIterator<T, undefined>,
  ) {
    super(subscribe)
  }

  /** Begins with the first `next()`. An iteration by hand ends with `return()`, unless its values have ended. */
  [Symbol.asyncIterator](): AsyncIterator<T, undefined> {
    return this.iterate()
  }
}

/** Where the values of a queue come from. */
export interface QueueSource<T> {
  /** Called with the first `next()`. From then on values are pushed, possibly at once. */
  open: () => void
  /** Called once, when the queue ends, also when nothing was opened. */
  close: () => void
  /** The consumer has got a value, and `left` wait. Not called after the end. */
  taken?: (value: T, left: number) => void
  /** There was no room for these values. */
  dropped?: (values: T[]) => void
}

export interface QueueLimit {
  /** How many values may wait. */
  size: number
  /** What happens to more of them. */
  onOverflow: Overflow
}

/** The largest `buffer` that a caller may ask for. */
const MAX_BUFFER = 65_536

/** A caller's options for what waits in a queue; `undefined` stays as it is. `unit`: what the values are. @throws `InvalidConfig` */
export function checkLimit(
  { buffer, onOverflow }: { buffer?: number; onOverflow?: Overflow },
  unit: string,
): { [Part in keyof QueueLimit]: QueueLimit[Part] | undefined } {
  return {
    size: buffer === undefined ? undefined : checkNumber(buffer, 'buffer', unit, 1, MAX_BUFFER),
    onOverflow: onOverflow === undefined ? undefined : checkOneOf(onOverflow, POLICIES, 'onOverflow'),
  }
}

interface Consumer<T> {
  resolve: (result: IteratorResult<T, undefined>) => void
  reject: (error: P2pError) => void
}

const DONE: IteratorResult<never, undefined> = { done: true, value: undefined }

export class Queue<T> implements AsyncIterableIterator<T, undefined> {
  private stage: 'idle' | 'open' | 'ended' = 'idle'
  private values: T[] = []
  /** Calls of `next()` that wait for a value. */
  private consumers: Consumer<T>[] = []
  /** Thrown once, after the values that had arrived. */
  private failure: P2pError | undefined

  /** Without a limit every value is kept. */
  constructor(
    private readonly source: QueueSource<T>,
    private readonly limit?: QueueLimit,
  ) {}

  // ---- the source

  push(value: T): void {
    if (this.stage === 'ended') return
    const consumer = this.consumers.shift()
    if (consumer !== undefined) {
      this.source.taken?.(value, 0)
      return consumer.resolve({ done: false, value })
    }
    if (this.limit !== undefined && !this.makeRoom(value, this.limit)) return
    this.values.push(value)
  }

  /** No more values come. Those that wait can still be taken; then the error is thrown. */
  error(error: P2pError): void {
    if (this.stage === 'ended') return
    const consumer = this.consumers.shift()
    if (consumer === undefined) this.failure = error
    else consumer.reject(error)
    this.complete()
  }

  /** No more values come. Those that wait can still be taken. */
  complete(): void {
    if (this.stage === 'ended') return
    this.stage = 'ended'
    for (const { resolve } of this.consumers) resolve(DONE)
    this.consumers = []
    this.source.close()
  }

  /** The caller's signal has fired: the values that wait are dropped too. */
  abort(error: P2pError): void {
    if (this.stage === 'ended') return
    this.values = []
    this.error(error)
  }

  private makeRoom(value: T, { size, onOverflow }: QueueLimit): boolean {
    const { length } = this.values
    if (onOverflow === 'error' && length >= size) {
      this.source.dropped?.([value])
      const remedy = 'take them faster, or choose a larger buffer or another onOverflow'
      this.error(new P2pError('Overloaded', `${size} broadcasts wait already: ${remedy}`))
      return false
    }
    const excess = onOverflow === 'conflate' ? length : length - size + 1
    if (excess > 0) {
      const dropped = this.values.splice(0, excess)
      this.source.dropped?.(dropped)
    }
    return true
  }

  // ---- the consumer

  /** (Each takes the same number of turns to settle, so steps that overlap settle in order.) */
  next(): Promise<IteratorResult<T, undefined>> {
    return leading(this.take())
  }

  private take(): Promise<IteratorResult<T, undefined>> {
    if (this.stage === 'idle') {
      this.stage = 'open'
      this.source.open()
    }
    const value = this.values.shift()
    if (value !== undefined) {
      if (this.stage === 'open') this.source.taken?.(value, this.values.length)
      return Promise.resolve({ done: false, value })
    }
    if (this.failure !== undefined) {
      const { failure } = this
      this.failure = undefined
      return Promise.reject(failure)
    }
    if (this.stage === 'ended') return Promise.resolve(DONE)
    return new Promise((resolve, reject) => this.consumers.push({ resolve, reject }))
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.values = []
    this.failure = undefined
    this.complete()
    return Promise.resolve(DONE)
  }

  throw(error: Error): Promise<IteratorResult<T, undefined>> {
    void this.return()
    return Promise.reject(error)
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}
