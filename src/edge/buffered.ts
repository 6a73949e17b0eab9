/**
 * An iteration over what nobody can slow down: what comes while the loop is busy waits here, up to a bound, and a policy says
 * what becomes of the rest.
 */
import type { Overflow } from '../core/terms.js'
import { P2pError } from '../errors.js'

/** How much may wait, and what becomes of more. */
export interface BufferOptions {
  /** How many may wait. */
  buffer: number
  onOverflow: Overflow
}

interface Waiting<T> {
  resolve: (result: IteratorResult<T, undefined>) => void
  reject: (error: unknown) => void
}

export class Buffered<T> implements AsyncIterableIterator<T, undefined> {
  private values: T[] = []
  private waiting: Waiting<T>[] = []
  private ended = false
  private started = false
  private failure: P2pError | undefined

  /**
   * `open` starts the source with the first `next()`, `close` ends it, once. `discarded` hears what was dropped.
   */
  constructor(
    private readonly options: BufferOptions,
    private readonly source: { open: () => void; close: () => void; discarded: (values: T[]) => void },
  ) {}

  // ---- the source

  push(value: T): void {
    if (this.ended) return
    const first = this.waiting.shift()
    if (first !== undefined) return first.resolve({ done: false, value })
    const { buffer, onOverflow } = this.options
    if (onOverflow === 'conflate') {
      this.drop(this.values.length)
    } else if (this.values.length >= buffer) {
      if (onOverflow === 'error') return this.overflow(value, buffer)
      this.drop(this.values.length - buffer + 1)
    }
    this.values.push(value)
  }

  /** Nothing more comes. What waits is still taken. */
  complete(): void {
    this.ended = true
    for (const { resolve } of this.waiting) resolve({ done: true, value: undefined })
    this.waiting = []
  }

  private drop(count: number): void {
    if (count === 0) return
    this.source.discarded(this.values.splice(0, count))
  }

  private overflow(value: T, buffer: number): void {
    this.source.discarded([value])
    const message = `${buffer} broadcasts wait already: take them faster, or choose a larger buffer or another onOverflow`
    this.failure = new P2pError('Overloaded', message)
    this.end()
  }

  private end(): void {
    if (this.ended) return
    this.complete()
    this.source.close()
  }

  // ---- the loop

  next(): Promise<IteratorResult<T, undefined>> {
    if (!this.started) {
      this.started = true
      this.source.open()
    }
    const value = this.values.shift()
    if (value !== undefined) return Promise.resolve({ done: false, value })
    if (this.failure !== undefined) {
      const { failure } = this
      this.failure = undefined
      return Promise.reject(failure)
    }
    if (this.ended) return Promise.resolve({ done: true, value: undefined })
    return new Promise((resolve, reject) => this.waiting.push({ resolve, reject }))
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.values = []
    this.failure = undefined
    this.started = true
    this.end()
    return Promise.resolve({ done: true, value: undefined })
  }

  throw(error: Error): Promise<IteratorResult<T, undefined>> {
    void this.return()
    return Promise.reject(error)
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}
