/**
 * A handler's reply, turned into commands. Bytes are sent at once, an AsyncIterable is pulled as far as the asker's credit goes,
 * and the values of an Observable are taken as they come. A producer has one exchange, ends once, and sends nothing after its end.
 */
import { isObservable, map, type Observable, type Subscription } from 'rxjs'
import type { Command } from '../../core/events.js'
import type { ExchangeId } from '../../core/terms.js'
import { heldCost } from '../../core/requests/values.js'
import { P2pError } from '../../errors.js'
import { checkBytes, isThenable } from '../checks.js'

/** The values of an answer: one, or a stream of them. */
export type Values = Uint8Array | AsyncIterable<Uint8Array> | Observable<Uint8Array>

/**
 * What answers a request: bytes, a promise of bytes, an AsyncIterable of bytes (pulled as fast as the asker takes them) or an
 * Observable of bytes (what the asker cannot take yet waits, up to a bound).
 */
export type Reply = Values | PromiseLike<Values>

/** A stream of values under way. */
export interface Producer {
  /** It may go on, until it has made values that cost this much. */
  produce(allowance: number): void
  /** No more values are needed. Returns at once, whatever the user's code does; the promise says when that has ended, if not yet. */
  stop(): Promise<unknown> | undefined
}

/** Where a producer reports to. */
export interface Producing {
  /** Calls it at once or, when this turn of the event loop has had enough of that, in a later one. */
  inTurn(pull: () => void): void
  push(command: Command): void
  /** It ended in good order. */
  completed(): void
  /** It failed: the answer ends with a rejection. `end`: when the user's code has come to its end, if not yet. */
  failed(error: unknown, end?: Promise<unknown>): void
  /** It failed after it was stopped. */
  late(error: unknown): void
}

type Stream = AsyncIterable<unknown> | Observable<unknown>

/** Whether a value is a stream. Its values are checked when they come. */
export function isStream<T>(value: T): value is T & Stream {
  return isAsyncIterable(value) || isObservable(value)
}

/**
 * Starts a stream. Replies of another node are both kinds: they are pulled, so that our asker's credit reaches through us.
 * @throws what the user's `[Symbol.asyncIterator]` throws.
 */
export function producerOf(stream: Stream, exchange: ExchangeId, producing: Producing): Producer {
  return isAsyncIterable(stream)
    ? new PullProducer(stream, exchange, producing)
    : new PushProducer(stream, exchange, producing)
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value
}

const WHAT = 'each value of a response'

class PullProducer implements Producer {
  private readonly iterator: AsyncIterator<unknown>
  private allowance = 0
  private pulling = false
  private over = false
  /** Called when the pending `next()` has settled. */
  private idle: (() => void) | undefined

  constructor(
    iterable: AsyncIterable<unknown>,
    private readonly exchange: ExchangeId,
    private readonly producing: Producing,
  ) {
    this.iterator = iterable[Symbol.asyncIterator]()
    producing.push({ type: 'pullable', exchange })
  }

  produce(allowance: number): void {
    this.allowance += allowance
    this.pull()
  }

  /** The iterator's teardown may hang behind its pending `next()`, or fail. */
  stop(): Promise<unknown> | undefined {
    if (this.over) return undefined
    this.over = true
    return this.returnIterator()
  }

  /** One `next()` at a time. */
  private pull(): void {
    if (this.pulling || this.over || this.allowance <= 0) return
    this.pulling = true
    this.producing.inTurn(this.pullNow)
  }

  private readonly pullNow = (): void => {
    if (this.over) {
      this.pulling = false
      return this.idle?.()
    }
    try {
      Promise.resolve(this.iterator.next()).then(this.took, this.failed)
    } catch (error) {
      this.failed(error)
    }
  }

  // Bound once, and not for each value.
  private readonly took = (result: IteratorResult<unknown>): void => {
    this.pulling = false
    if (this.over) return this.idle?.()
    try {
      if (result.done === true) {
        this.over = true
        return this.producing.completed()
      }
      const data = checkBytes(result.value, WHAT)
      this.allowance -= heldCost(data.length)
      this.producing.push({ type: 'next', exchange: this.exchange, data })
    } catch (error) {
      return this.producing.failed(error, this.stop())
    }
    this.pull()
  }

  private readonly failed = (error: unknown): void => {
    this.pulling = false
    if (this.over) {
      this.producing.late(error)
      return this.idle?.()
    }
    this.over = true
    this.producing.failed(error)
  }

  private returnIterator(): Promise<unknown> | undefined {
    const late = (error: unknown): void => {
      this.producing.late(error)
    }
    try {
      const returned: unknown = this.iterator.return?.()
      if (isThenable(returned)) return Promise.resolve(returned).catch(late)
    } catch (error) {
      late(error)
    }
    return this.pulling ? new Promise<void>((resolve) => (this.idle = resolve)) : undefined
  }
}

/** What an Observable may produce without a pause, bytes: as much as may wait of an answer (`maxQueuedValues`). */
const MOST_AT_ONCE = 4_194_304

class PushProducer implements Producer {
  private readonly subscription: Subscription
  private atOnce = 0

  constructor(values$: Observable<unknown>, exchange: ExchangeId, producing: Producing) {
    this.subscription = values$.pipe(map((value) => this.count(checkBytes(value, WHAT)))).subscribe({
      next: (data) => {
        producing.push({ type: 'next', exchange, data })
      },
      error: (error: unknown) => {
        producing.failed(error)
      },
      complete: () => {
        producing.completed()
      },
    })
  }

  /** The lane sees what is produced at once only when all of it is there. */
  private count(data: Uint8Array): Uint8Array {
    if (this.atOnce === 0) queueMicrotask(() => (this.atOnce = 0))
    this.atOnce += heldCost(data.length)
    if (this.atOnce <= MOST_AT_ONCE) return data
    throw new P2pError('Overloaded', `an Observable produced more than ${MOST_AT_ONCE} bytes without a pause`)
  }

  /** The lane keeps what the asker cannot take yet, because an Observable cannot be made to wait. */
  produce(): void {
    return undefined
  }

  stop(): undefined {
    this.subscription.unsubscribe()
  }
}
