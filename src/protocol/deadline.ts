/** One deadline for all of a typed call: codecs and schemas are users' code, which may take its time, or hang. */
import { from, throwError, timeout as timeoutOf } from 'rxjs'
import { checkNumber, checkObject, checkSignal, isThenable, reading } from '../edge/checks.js'
import { clockOf, type NodeClock } from '../edge/clocks.js'
import { firstValueFrom } from '../edge/first-value.js'
import type { RequestOptions } from '../edge/requests/outbound.js'
import { abortable, aborted } from '../edge/signals.js'
import { P2pError } from '../errors.js'
import type { P2pNode } from '../node/p2p-node.js'
import { MAX_DELAY } from '../platform/timers.js'
import type { Awaitable } from './codecs.js'

const OPTIONS = 'the options of a call'

export class Deadline {
  private readonly clock: NodeClock
  private readonly signal: AbortSignal | undefined
  private readonly timeout: number
  private readonly begun: number

  /** @throws `InvalidConfig` for options that are none, or a bad `timeout` or `signal` */
  constructor(node: P2pNode, options: RequestOptions = {}) {
    checkObject(options, OPTIONS)
    const { timeout, signal } = reading(OPTIONS, () => ({ timeout: options.timeout, signal: options.signal }))
    this.clock = clockOf(node)
    this.signal = checkSignal(signal)
    this.timeout =
      timeout === undefined ? this.clock.requestTimeout : checkNumber(timeout, 'timeout', 'ms', 1, MAX_DELAY)
    this.begun = this.clock.scheduler.now()
  }

  /** What is left of it, ms. */
  private get left(): number {
    return this.timeout - (this.clock.scheduler.now() - this.begun)
  }

  /** The result of the work: at once if it is there, and otherwise if it comes in time. @throws `RequestTimeout`, `Aborted` */
  within<T>(what: string, work: () => Awaitable<T>): Awaitable<T> {
    if (this.signal?.aborted === true) throw aborted(this.signal)
    const made = work()
    if (!isThenable(made)) return made
    const late = (): P2pError => {
      return new P2pError('RequestTimeout', `${what} was not ready within the ${this.timeout} ms of the call`)
    }
    const inTime$ = from(made).pipe(
      timeoutOf({
        first: Math.max(0, this.left),
        scheduler: this.clock.scheduler,
        with: () => throwError(late),
      }),
    )
    return firstValueFrom(abortable(inTime$, this.signal))
  }

  /** The options of the request itself: with the time that is left. */
  rest<Options extends RequestOptions>(options: Options | undefined): Options & { timeout: number } {
    const timeout = Math.max(1, Math.ceil(this.left))
    return reading(OPTIONS, () => ({ ...(options as Options), timeout }))
  }
}
