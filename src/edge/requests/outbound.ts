/**
 * Requests of callers, checked and made into questions to the lane: for one value, or for all of them. What is wrong with
 * the arguments is found on the call, before anything is sent.
 */
import type { Observable, Observer } from 'rxjs'
import type { Answer } from '../../core/effects.js'
import type { Command } from '../../core/events.js'
import type { Settings } from '../../core/settings.js'
import { DEFAULT_BUFFER, valueCost } from '../../core/requests/values.js'
import { P2pError } from '../../errors.js'
import type { Overflow, TakeValues, AskId } from '../../core/terms.js'
import { MAX_DELAY } from '../../platform/timers.js'
import type { Asks } from '../asks.js'
import { checkBytes, checkNumber, checkOptions, checkSignal, type Names } from '../checks.js'
import { checkPeer, type Target } from '../targets.js'
import { checkLimit, IterableObservable, Queue, type QueueLimit } from '../queue.js'
import { abortable, aborted, onAbort } from '../signals.js'

/** Options of `request`. */
export interface RequestOptions {
  /** Aborting it cancels the request, which then fails with `Aborted`. */
  signal?: AbortSignal | undefined
  /**
   * Milliseconds until `RequestTimeout`, from 1 to 2,147,483,647, dialling included. Of a stream: until its first value. Default: the
   * config's `requestTimeout`.
   */
  timeout?: number | undefined
}

/** Options of `request$`. */
export interface StreamOptions extends RequestOptions {
  /**
   * How many values may wait when they come faster than they are taken, from 1 to 65,536. They wait at the peer, if its handler
   * returns an Observable, which cannot be paused, when some 64 KiB are under way already; and here, if `onOverflow` is a policy that
   * drops. Default: 16 with such a policy, and else as many as the peer keeps.
   */
  buffer?: number | undefined
  /**
   * What happens when more than `buffer` values wait. `error` (the default, and the same when it is named): the stream fails with
   * `Overloaded`. `dropOldest`: the newest `buffer` are kept. `conflate`: only the newest is kept.
   */
  onOverflow?: Overflow | undefined
  /**
   * Milliseconds in which nothing of the stream comes, once its first value has, until it fails with `RequestTimeout`. The time in
   * which values wait for a loop does not count. Default: none, a stream may be silent for as long as it likes.
   */
  idleTimeout?: number | undefined
}

const REQUEST_NAMES: Names<RequestOptions> = { signal: true, timeout: true }
const STREAM_NAMES: Names<StreamOptions> = { ...REQUEST_NAMES, buffer: true, onOverflow: true, idleTimeout: true }

/** The lane is told of taken values when together they have cost this much, or when none waits any more, and not of each one. */
export const TELL_AT = 16_384

/** Peers whose text has been checked before: decoding a peer id for each request would cost more than sending it. */
const MAX_TARGETS = 1_000

/** A question that can be asked, any number of times. */
interface Question extends Target {
  data: Uint8Array
  timeout: number
}

export class OutboundRequests {
  private readonly targets = new Map<string, Target>()

  constructor(
    private readonly asks: Asks,
    private readonly settings: Settings,
  ) {}

  /** The first value, and completion. @throws for bad arguments. */
  one(peer: string, data: Uint8Array, options: RequestOptions): Observable<Uint8Array> {
    return this.cancellable(this.single(peer, data, options), options)
  }

  /** The same for a subscriber that leaves by the signal or not at all. */
  oneToTheEnd(peer: string, data: Uint8Array, options: RequestOptions): Observable<Uint8Array> {
    const command = this.single(peer, data, options)
    if (options.signal !== undefined) return this.cancellable(command, options)
    return this.asks.askToTheEnd(command) as Observable<Uint8Array>
  }

  private cancellable(command: (ask: AskId) => Command, { signal }: RequestOptions): Observable<Uint8Array> {
    return abortable(this.asks.ask(command) as Observable<Uint8Array>, checkSignal(signal))
  }

  private single(peer: string, data: Uint8Array, options: RequestOptions): (ask: AskId) => Command {
    checkOptions(options, 'request', REQUEST_NAMES)
    const { target, addresses, data: bytes, timeout } = this.question(peer, data, options)
    return (ask) => ({ type: 'request', ask, peer: target, addresses, data: bytes, timeout })
  }

  /** All values. Bad arguments become an error of each subscription and iteration, as everything else that goes wrong. */
  all(peer: string, data: Uint8Array, options: StreamOptions): IterableObservable<Uint8Array> {
    try {
      checkOptions(options, 'request$', STREAM_NAMES)
      const question = this.question(peer, data, options)
      const { signal, buffer, overflow, idleTimeout } = streamOptions(options)
      const values: Omit<TakeValues, 'mode'> = {
        ...(buffer === undefined ? {} : { buffer }),
        ...(overflow === undefined ? {} : { overflow }),
        ...(idleTimeout === undefined ? {} : { idleTimeout }),
      }
      const pushed = request(question, { mode: 'push', ...values })
      const pushed$ = abortable(this.asks.ask(pushed) as Observable<Uint8Array>, signal)
      // A loop that may lose values lets everything come, and loses what it is too slow for here.
      const limit = lossyLimit(overflow, buffer)
      const pulled = limit === undefined ? request(question, { mode: 'pull', ...values }) : pushed
      return new IterableObservable(
        (subscriber) => pushed$.subscribe(subscriber),
        () => this.iterate(pulled, signal, limit),
      )
    } catch (error) {
      return failing(error as P2pError)
    }
  }

  /** The peer that a caller means. @throws `InvalidPeerId` or `InvalidAddress`. */
  targetOf(peer: string): Target {
    const known = this.targets.get(peer)
    if (known !== undefined) return known
    const target = checkPeer(peer)
    if (this.targets.size >= MAX_TARGETS) this.targets.clear()
    this.targets.set(peer, target)
    return target
  }

  private question(peer: string, data: Uint8Array, options: RequestOptions): Question {
    const { target, addresses } = this.targetOf(peer)
    const bytes = checkBytes(data, 'the request')
    const { maxRequestSize, requestTimeout } = this.settings
    if (bytes.length > maxRequestSize) {
      const message = `the request has ${bytes.length} bytes; the limit is ${maxRequestSize} (maxRequestSize)`
      throw new P2pError('RequestTooLarge', message)
    }
    const timeout =
      options.timeout === undefined ? requestTimeout : checkNumber(options.timeout, 'timeout', 'ms', 1, MAX_DELAY)
    return { target, addresses, data: bytes, timeout }
  }

  /** Without a limit nothing is lost: the lane learns what was taken, and lets no more come than fits. */
  private iterate(
    command: (ask: AskId) => Command,
    signal: AbortSignal | undefined,
    limit: QueueLimit | undefined,
  ): Queue<Uint8Array> {
    const { asks } = this
    let id: AskId = 0
    let untold = 0
    let removeListener: (() => void) | undefined
    const queue: Queue<Uint8Array> = new Queue<Uint8Array>(
      {
        open: () => {
          if (signal?.aborted === true) return queue.error(aborted(signal))
          removeListener = signal && onAbort(signal, (error) => queue.abort(error))
          const observer: Observer<Answer> = {
            next: (value) => queue.push(value as Uint8Array),
            error: (error: P2pError) => queue.error(error),
            complete: () => queue.complete(),
          }
          id = asks.open(observer, command)
        },
        close: () => {
          removeListener?.()
          asks.cancel(id)
        },
        taken: (value, left) => {
          if (limit !== undefined) return
          untold += valueCost(value.length)
          if (untold < TELL_AT && left > 0) return
          const cost = untold
          untold = 0
          asks.taken(id, cost)
        },
      },
      limit,
    )
    return queue
  }
}

/** Values that end with this error before the first, for every subscriber and iteration. */
export function failing(error: P2pError): IterableObservable<never> {
  return new IterableObservable<never>(
    (subscriber) => {
      subscriber.error(error)
    },
    () => {
      const queue: Queue<never> = new Queue<never>({ open: () => queue.error(error), close: () => undefined })
      return queue
    },
  )
}

function lossyLimit(onOverflow: Overflow | undefined, buffer: number | undefined): QueueLimit | undefined {
  if (onOverflow === undefined || onOverflow === 'error') return undefined
  return { size: buffer ?? DEFAULT_BUFFER, onOverflow }
}

function request({ target, addresses, data, timeout }: Question, values: TakeValues): (ask: AskId) => Command {
  return (ask) => ({ type: 'request', ask, peer: target, addresses, data, timeout, values })
}

function streamOptions({ signal, idleTimeout, ...limit }: StreamOptions): {
  signal: AbortSignal | undefined
  buffer: number | undefined
  overflow: Overflow | undefined
  idleTimeout: number | undefined
} {
  const { size, onOverflow } = checkLimit(limit, 'values')
  return {
    signal: checkSignal(signal),
    buffer: size,
    overflow: onOverflow,
    idleTimeout: idleTimeout === undefined ? undefined : checkNumber(idleTimeout, 'idleTimeout', 'ms', 1, MAX_DELAY),
  }
}
