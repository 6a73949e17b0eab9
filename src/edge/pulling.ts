/**
 * One iteration over replies: what the lane gives waits here until the consumer takes it. Without a limit every value is
 * kept, and the lane is told what was taken, so that the other side waits meanwhile; with a limit everything may come, and
 * the newest values are kept.
 */
import type { Observer } from 'rxjs'
import type { Answer } from '../core/effects.js'
import { valueCost } from '../core/requests/values.js'
import type { P2pError } from '../errors.js'

/** Taken values are told to the lane when they cost so much, or when nothing is left: not each for itself. */
export const TELL_AT = 16_384

/** What an iteration asks of whoever knows how to ask. */
export interface Source {
  /** Asks. The answers go to the observer, possibly at once. */
  open: (observer: Observer<Answer>) => void
  /** Values of this cost were taken. */
  taken: (cost: number) => void
  /** Nothing more is wanted, or comes. Called at every end, also when nothing was opened, and possibly twice. */
  cancel: () => void
}

type Result = IteratorResult<Uint8Array, undefined>

interface Waiting {
  resolve: (result: Result) => void
  reject: (error: P2pError) => void
}

const DONE: Result = { done: true, value: undefined }

export class Pulling implements Observer<Answer> {
  private stage: 'idle' | 'open' | 'ended' = 'idle'
  private values: Uint8Array[] = []
  /** Consumers' calls that wait for a value. */
  private waiting: Waiting[] = []
  /** Thrown once, after the values that had arrived. */
  private failure: P2pError | undefined
  /** What was taken and not told yet. */
  private untold = 0

  /** `keep`: how many values wait here at most, the newest of them; without it, all. */
  constructor(
    private readonly source: Source,
    private readonly keep?: number,
  ) {}

  // ---- the lane

  next(value: Answer): void {
    const bytes = value as Uint8Array
    const first = this.waiting.shift()
    if (first !== undefined) {
      this.tell(bytes)
      return first.resolve({ done: false, value: bytes })
    }
    if (this.values.length === this.keep) this.values.shift()
    this.values.push(bytes)
  }

  error(error: P2pError): void {
    const first = this.waiting.shift()
    if (first === undefined) this.failure = error
    else first.reject(error)
    this.complete()
  }

  complete(): void {
    this.stage = 'ended'
    for (const { resolve } of this.waiting) resolve(DONE)
    this.waiting = []
    this.source.cancel()
  }

  // ---- the consumer

  /** The next value. The first call asks. (Not `async`: steps that overlap would settle out of order.) */
  take(): Promise<Result> {
    if (this.stage === 'idle') {
      this.stage = 'open'
      this.source.open(this)
    }
    const value = this.values.shift()
    if (value !== undefined) {
      this.tell(value)
      return Promise.resolve({ done: false, value })
    }
    if (this.failure !== undefined) {
      const { failure } = this
      this.failure = undefined
      return Promise.reject(failure)
    }
    if (this.stage === 'ended') return Promise.resolve(DONE)
    return new Promise((resolve, reject) => this.waiting.push({ resolve, reject }))
  }

  /** The consumer is done with it, whatever is still to come. */
  leave(): void {
    this.forget()
    this.complete()
  }

  /** The caller's signal has fired: what waits here is not wanted either. */
  abort(error: P2pError): void {
    if (this.stage === 'ended') return
    this.forget()
    this.error(error)
  }

  private forget(): void {
    this.values = []
    this.failure = undefined
  }

  private tell(value: Uint8Array): void {
    if (this.keep !== undefined || this.stage !== 'open') return
    this.untold += valueCost(value.length)
    if (this.untold < TELL_AT && this.values.length > 0) return
    const cost = this.untold
    this.untold = 0
    this.source.taken(cost)
  }
}

/** The consumer's side of it, as `for await` wants it. */
export function iteratorOf(pulling: Pulling): AsyncIterableIterator<Uint8Array, undefined> {
  return {
    next: () => pulling.take(),
    return: () => {
      pulling.leave()
      return Promise.resolve(DONE)
    },
    throw: (error: Error) => {
      pulling.leave()
      return Promise.reject(error)
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}
