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
import { Watchdog } from './watchdog.js'

/** How long `until` waits for a promise by default, virtual ms. */
const WITHIN = 600_000

/** How a goal was reached: it is met, its time is over, or nothing is left to happen. */
type Reached = 'met' | 'over' | 'idle'

interface Aim {
  /** Virtual ms since the start. */
  end: number
  isMet: () => boolean
  /** It waits for its end also when nothing is left to happen. */
  isPatient: boolean
}

interface Goal extends Aim {
  resolve: (how: Reached) => void
  reject: (error: unknown) => void
}

export class Timekeeper {
  private readonly goals = new Set<Goal>()
  private driving = false
  private readonly watchdog = new Watchdog()
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

  /** Something was asked of a node. If time stands still for long, that is told. */
  asked(what: string): void {
    if (!this.driving) this.watchdog.start(what)
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
    await this.reach({ end: this.clock.time + Math.ceil(ms), isMet: () => false, isPatient: true })
  }

  async until<T>(promise: PromiseLike<T>, options: { within?: number }): Promise<T> {
    checkOptions(options, 'until', { within: true })
    const { within = WITHIN } = options
    checkAmount(within, 'within', 'ms', 0, Number.MAX_SAFE_INTEGER)
    if (typeof (promise as PromiseLike<T> | undefined)?.then !== 'function') {
      throw new P2pError('InvalidConfig', `until waits for a promise, not for ${show(promise)}`)
    }
    const outcome = { settled: false }
    const done = (): void => {
      outcome.settled = true
    }
    promise.then(done, done)
    const end = this.clock.time + Math.ceil(within)
    const why = await this.reach({ end, isMet: () => outcome.settled, isPatient: false })
    if (outcome.settled) return promise
    const reason = why === 'idle' ? 'nothing is left to happen' : `${within} ms have passed`
    throw new Error(`the promise has not settled, and ${reason}. ${this.pending()}`)
  }

  /** Waits for the goal. Several may be waited for at once: time passes while there is one. */
  private reach(goal: Aim): Promise<Reached> {
    return new Promise((resolve, reject) => {
      this.goals.add({ ...goal, resolve, reject })
      this.touched = true
      if (!this.driving) void this.drive()
    })
  }

  /** Runs instant by instant, with user code in between, while there are goals. */
  private async drive(): Promise<void> {
    this.driving = true
    this.watchdog.stop()
    try {
      while (this.goals.size > 0) {
        if (this.touched) {
          this.touched = false
          await this.settle()
        }
        if (!this.meet()) this.clock.runInstant()
      }
    } catch (error) {
      for (const { reject } of this.goals) reject(error)
      this.goals.clear()
    } finally {
      this.driving = false
    }
  }

  /** Ends the goals that are reached now, before the next instant. User code goes on then, and may have other goals. */
  private meet(): boolean {
    const met = [...this.goals].filter(({ isMet }) => isMet())
    for (const goal of met) this.finish(goal, 'met')
    if (met.length > 0) return true
    const next = this.clock.next()
    const over = [...this.goals].filter(({ end }) => next > end)
    // With nothing left to happen, whoever runs for some time comes first, and may do something then.
    const [first] = over.sort((a, b) => Number(b.isPatient) - Number(a.isPatient) || a.end - b.end)
    if (first === undefined) return false
    const isIdle = next === Infinity && !first.isPatient
    if (!isIdle) this.clock.skipTo(first.end)
    this.finish(first, isIdle ? 'idle' : 'over')
    return true
  }

  private finish(goal: Goal, how: Reached): void {
    this.goals.delete(goal)
    this.touched = true
    goal.resolve(how)
  }

  /** Lets every settled promise go on, and waits for nodes that are being started, which may take real time. */
  private async settle(): Promise<void> {
    do await new Promise<void>((resolve) => nextTurn(resolve))
    while (this.launching > 0)
  }
}
