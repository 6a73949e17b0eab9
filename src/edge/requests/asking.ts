/**
 * Requests of callers, checked and made into questions to the lane: for one value, or for all of them. Whatever is wrong
 * with the arguments is found on the call, before anything is sent.
 */
import type { Observable, Observer } from 'rxjs'
import type { Answer } from '../../core/effects.js'
import type { Command } from '../../core/events.js'
import type { Settings } from '../../core/settings.js'
import { DEFAULT_BUFFER, POLICIES } from '../../core/requests/values.js'
import { P2pError } from '../../errors.js'
import type { Overflow, TakeValues, AskId } from '../../core/terms.js'
import { MAX_DELAY } from '../../lane/scheduler.js'
import { abortable, aborted, onAbort } from '../abort.js'
import type { Asks } from '../asks.js'
import { checkBytes, checkNumber, checkOneOf, checkOptions, checkPeer, checkSignal, type Target } from '../checks.js'
import { iteratorOf, Pulling } from '../pulling.js'
import { Replies } from '../replies.js'

export interface RequestOptions {
  /** Aborting it cancels the request, which then fails with `Aborted`. */
  signal?: AbortSignal
  /** Milliseconds until `RequestTimeout`, dialling included; of a stream: to its first value. Default: the config's `requestTimeout`. */
  timeout?: number
}

export interface StreamOptions extends RequestOptions {
  /**
   * How many values may wait, from 1 to 65,536, where they come faster than they are taken and their producer cannot be made
   * to wait: at the other side while it has no credit, and here while a loop with a policy of dropping (default there: 16).
   */
  buffer?: number
  /**
   * What happens to values for which there is no room. `error` (the default): the stream fails with `Overloaded`.
   * `dropOldest`: the newest `buffer` are kept. `conflate`: only the newest is kept.
   */
  onOverflow?: Overflow
}

const MAX_BUFFER = 65_536

/** Peers whose text has been checked before: decoding a peer id for each request would cost more than sending it. */
const MAX_TARGETS = 1_000

/** A question that can be asked, any number of times. */
interface Question extends Target {
  data: Uint8Array
  timeout: number
}

export class Asking {
  private readonly targets = new Map<string, Target>()

  constructor(
    private readonly asks: Asks,
    private readonly settings: Settings,
  ) {}

  /** The first value, and completion. @throws for bad arguments. */
  one(peer: string, data: Uint8Array, options: RequestOptions): Observable<Uint8Array> {
    const { target, addresses, data: bytes, timeout } = this.question(peer, data, options)
    const reply$ = this.asks.ask((ask) => ({ type: 'request', ask, peer: target, addresses, data: bytes, timeout }))
    return abortable(reply$ as Observable<Uint8Array>, checkSignal(options.signal))
  }

  /** All values. Bad arguments are told to whoever subscribes or iterates, as everything else that goes wrong. */
  all(peer: string, data: Uint8Array, options: StreamOptions): Replies {
    try {
      const question = this.question(peer, data, options)
      const { signal, buffer, overflow } = streamOptions(options)
      const values: Omit<TakeValues, 'mode'> = {
        ...(buffer === undefined ? {} : { buffer }),
        ...(overflow === undefined ? {} : { overflow }),
      }
      const keep = overflow === 'conflate' ? 1 : overflow === 'dropOldest' ? (buffer ?? DEFAULT_BUFFER) : undefined
      const pushed = request(question, { mode: 'push', ...values })
      const pulled = keep === undefined ? request(question, { mode: 'pull', ...values }) : pushed
      const pushed$ = abortable(this.asks.ask(pushed) as Observable<Uint8Array>, signal)
      return new Replies(
        (subscriber) => pushed$.subscribe(subscriber),
        () => iteratorOf(this.pulling(pulled, signal, keep)),
      )
    } catch (error) {
      return failing(error)
    }
  }

  /** Whom a caller means. @throws `InvalidPeerId` or `InvalidAddress`. */
  targetOf(peer: string): Target {
    const known = this.targets.get(peer)
    if (known !== undefined) return known
    const target = checkPeer(peer)
    if (this.targets.size >= MAX_TARGETS) this.targets.clear()
    this.targets.set(peer, target)
    return target
  }

  private question(peer: string, data: Uint8Array, options: RequestOptions): Question {
    checkOptions(options, 'the options of a request')
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

  private pulling(
    command: (ask: AskId) => Command,
    signal: AbortSignal | undefined,
    keep: number | undefined,
  ): Pulling {
    const { asks } = this
    let id: AskId = 0
    let forget: (() => void) | undefined
    const pulling: Pulling = new Pulling(
      {
        open: (observer) => {
          if (signal?.aborted === true) return observer.error(aborted(signal))
          forget = signal && onAbort(signal, (error) => pulling.abort(error))
          id = asks.open(observer, command)
        },
        taken: (cost) => {
          asks.taken(id, cost)
        },
        cancel: () => {
          forget?.()
          asks.cancel(id)
        },
      },
      keep,
    )
    return pulling
  }
}

/** Replies that end with this error, whoever asks for them and how. */
export function failing(error: unknown): Replies<never> {
  const source = {
    open: (observer: Observer<Answer>): void => {
      observer.error(error)
    },
    taken: nothing,
    cancel: nothing,
  }
  return new Replies<never>(
    (subscriber) => {
      subscriber.error(error)
    },
    () => iteratorOf(new Pulling(source)) as AsyncIterator<never, undefined>,
  )
}

function nothing(): void {
  return undefined
}

function request({ target, addresses, data, timeout }: Question, values: TakeValues): (ask: AskId) => Command {
  return (ask) => ({ type: 'request', ask, peer: target, addresses, data, timeout, values })
}

function streamOptions({ signal, buffer, onOverflow }: StreamOptions): {
  signal: AbortSignal | undefined
  buffer: number | undefined
  overflow: Overflow | undefined
} {
  return {
    signal: checkSignal(signal),
    buffer: buffer === undefined ? undefined : checkNumber(buffer, 'buffer', 'values', 1, MAX_BUFFER),
    overflow: onOverflow === undefined ? undefined : checkOneOf(onOverflow, POLICIES, 'onOverflow'),
  }
}
