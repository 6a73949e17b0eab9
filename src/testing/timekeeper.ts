/**
 * Lets virtual time pass, instant by instant. Between two instants every settled promise goes on, so that user code runs in the
 * virtual instant in which its promise settled.
 */
import type { SchedulerLike } from 'rxjs'
import { checkOptions, show } from '../edge/checks.js'
import { P2pError } from '../errors.js'
import { nextTurn } from '../platform/timers.js'
import type { Clock } from './network/clock.js'
import { checkAmount } from './options.js'

/** How long `until` waits for a promise by default, virtual ms. */
const WITHIN = 600_000

export class Timekeeper {
  private running = false
  /** User code was called: its microtasks must run before the next instant. */
  private touched = false
  /** Nodes that are being started. */
  private launching = 0

  /** `pending` tells what the network waits for. */
  constructor(
    private readonly clock: Clock,
    private readonly pending: () => string,
  ) {}

  /** The clock for timers and observables of a test, which are user code. */
  readonly scheduler: SchedulerLike = {
    now: () => this.clock.now(),
    schedule: (work, delay, state) => {
      const touch = (): void => this.touch()
      return this.clock.schedule<typeof state>(
        function (value) {
          touch()
          work.call(this, value as never)
        },
        delay,
        state,
      )
    },
  }

  /** User code was called. */
  touch(): void {
    this.touched = true
  }

  /** Lets every settled promise go on, once. */
  async turn(): Promise<void> {
    this.touched = true
    await new Promise<void>((resolve) => nextTurn(resolve))
  }

  /** Runs what is due in this instant. */
  finishInstant(): void {
    while (this.clock.next() === this.clock.time) this.clock.runInstant()
  }

  /** Starts a node, which may take real time: no instant passes meanwhile. */
  async whileLaunching<Node>(launch: () => Promise<Node>): Promise<Node> {
    this.launching++
    this.touched = true
    try {
      // Not inside of an instant: a node starts by running some.
      await Promise.resolve()
      return await launch()
    } finally {
      this.launching--
    }
  }

  async run(ms: number): Promise<void> {
    checkAmount(ms, 'the time to run', 'ms', 0, Number.MAX_SAFE_INTEGER)
    const end = this.clock.time + Math.ceil(ms)
    await this.drive(() => this.clock.next() > end)
    this.clock.skipTo(end)
  }

  async until<T>(promise: PromiseLike<T>, options: { within?: number }): Promise<T> {
    checkOptions(options, 'until', { within: true })
    const { within = WITHIN } = options
    checkAmount(within, 'within', 'ms', 0, Number.MAX_SAFE_INTEGER)
    if (typeof (promise as PromiseLike<T> | undefined)?.then !== 'function') {
      throw new P2pError('InvalidConfig', `until waits for a promise, not for ${show(promise)}`)
    }
    const end = this.clock.time + Math.ceil(within)
    const outcome = { settled: false }
    const done = (): void => {
      outcome.settled = true
    }
    promise.then(done, done)
    await this.drive(() => outcome.settled || this.clock.next() > end)
    if (outcome.settled) return promise
    const why = this.clock.next() === Infinity ? 'nothing is left to happen' : `${within} ms have passed`
    if (this.clock.next() !== Infinity) this.clock.skipTo(end)
    throw new Error(`the promise has not settled, and ${why}. ${this.pending()}`)
  }

  /** Runs instant by instant, with user code in between, until `stop` returns true. */
  private async drive(stop: () => boolean): Promise<void> {
    if (this.running) throw new Error('run or until is under way already: wait for it before the next one')
    this.running = true
    try {
      this.touched = true
      for (;;) {
        if (this.touched) {
          this.touched = false
          await this.settle()
        }
        if (stop()) return
        this.clock.runInstant()
      }
    } finally {
      this.running = false
    }
  }

  /** Lets every settled promise go on, and waits for nodes that are being started, which may take real time. */
  private async settle(): Promise<void> {
    do await new Promise<void>((resolve) => nextTurn(resolve))
    while (this.launching > 0)
  }
}
