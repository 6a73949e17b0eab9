/**
 * Marble tests of a network: actions and expectations with their times, in RxJS's marble syntax, on the virtual time of a
 * simulated network. Unlike in `TestScheduler.run`, promises settle between two instants, so every call of a node can be tested.
 */
import { Observable, Subject, Subscription } from 'rxjs'
import { checkOptions, show } from '../edge/checks.js'
import { P2pError } from '../errors.js'
import { AssertionError } from '../platform/assertions.js'
import { nonsense, parseDiagram, parseSubscription } from './diagrams.js'
import { areSame, difference, fillIn, nameSeen, tell, valueOf, type ExpectedError, type Sighting } from './sightings.js'
import type { SimulatedNetwork } from './simulate.js'

/** What `expectObservable` returns. */
export interface Expectation {
  /**
   * Says what the observable must do. Anything else fails the test.
   * @param marbles what the observable does, from the beginning to the end of the test
   * @param values what the characters stand for; default: themselves
   * @param error what `#` is: a value that equals the error, a pattern of its message, or an object with some of its
   * properties (`{ code: 'RequestTimeout' }`); default: any error
   */
  toBe(marbles: string, values?: Record<string, unknown>, error?: ExpectedError): void
}

/** The functions that a marble test is drawn with. */
export interface MarbleHelpers {
  /** An observable that emits as drawn, from each subscription on. `error`: the error of `#`, by default the text "error". */
  cold: <T = string>(marbles: string, values?: Record<string, T>, error?: unknown) => Observable<T>
  /** An observable that emits as drawn, from the beginning on, with or without subscribers. */
  hot: <T = string>(marbles: string, values?: Record<string, T>, error?: unknown) => Observable<T>
  /** Runs actions at their times. An action that throws or rejects fails the test; its promise is not waited for. */
  at: (marbles: string, actions: Record<string, () => unknown>) => void
  /** Subscribes at the beginning, or as drawn in `subscription`: `^` subscribes, `!` unsubscribes. */
  expectObservable: (observable: Observable<unknown>, subscription?: string) => Expectation
  /** The time up to `|`, ms: `time('5s |')` is 5,000. */
  time: (marbles: string) => number
}

/** Options of `marbles`. */
export interface MarbleOptions {
  /**
   * The test lasts at least so long, virtual ms from its beginning, from 0 on; default 0. Nothing else may be emitted until
   * then.
   */
  until?: number | undefined
}

/** Something that happens at a frame. */
interface Plan {
  frame: number
  run: () => void
}

interface Watch {
  observable: Observable<unknown>
  from: number
  to: number
  subscription: Subscription
  seen: Sighting[]
  /** After the end of the picture. */
  later: Sighting[]
  /** What `toBe` was called with. */
  marbles?: string
  expected?: Sighting[]
}

/**
 * Runs a marble test of a network: sets it up, lets virtual time pass to its end, and compares.
 *
 * ```ts
 * await marbles(net, ({ hot, at, expectObservable }) => {
 *   const news$ = b.broadcasts$('news').pipe(map(({ data }) => decode(data)))
 *   at('1s p 5s h', { p: () => net.partition([[a], [b]]), h: () => net.heal() })
 *   hot('500ms x 2s y').subscribe((text) => void a.broadcast('news', encode(text)))
 *   expectObservable(news$).toBe('510ms x')
 * })
 * ```
 *
 * The test begins at the virtual time at which `picture` has returned; one frame is one virtual millisecond. It ends with the last
 * frame that is drawn in any of its diagrams, or at `until`, if that is later. An observable may go on after that. Whatever it does
 * before and is not drawn fails the test, and the error then also shows what came in the minute after its end.
 *
 * @throws `AssertionError` with both sides of every expectation that does not hold; `InvalidConfig` for marbles or options that are
 * not valid;
 * whatever `picture` or an action of `at` throws.
 */
export async function marbles(
  net: SimulatedNetwork,
  picture: (helpers: MarbleHelpers) => void | Promise<void>,
  options: MarbleOptions = {},
): Promise<void> {
  checkOptions(options, 'marbles', { until: true })
  const { until = 0 } = options
  if (typeof until !== 'number' || !(until >= 0 && until < Infinity)) {
    throw new P2pError('InvalidConfig', `until must be a number of ms, not ${show(until)}`)
  }
  if (typeof picture !== 'function') {
    throw new P2pError('InvalidConfig', `a picture is drawn by a function, not by ${show(picture)}`)
  }
  const drawing = new Drawing(net, until)
  try {
    await picture(drawing.helpers)
    await drawing.run()
    await drawing.lookOn()
  } finally {
    drawing.end()
  }
  drawing.judge()
}

/** When an expectation does not hold, the network goes on for so long, virtual ms … */
const LOOK_ON = 60_000
/** … and so much of what comes then is told. */
const MOST_LATER = 10

class Drawing {
  private readonly plans: Plan[] = []
  private readonly watches: Watch[] = []
  private readonly subscriptions = new Subscription()
  private readonly failures: unknown[] = []
  /** Virtual time of the network at the beginning. */
  private beginning = 0
  private isOpen = true
  /** The time of the picture has passed. */
  private isOver = false

  constructor(
    private readonly net: SimulatedNetwork,
    private last: number,
  ) {}

  readonly helpers: MarbleHelpers = {
    cold: (text, values, error = 'error') => {
      const steps = this.read(text, values, error)
      return new Observable((subscriber) => {
        for (const step of steps)
          subscriber.add(this.schedule({ frame: step.frame, run: () => notify(subscriber, step) }))
      })
    },
    hot: <T>(text: string, values?: Record<string, T>, error: unknown = 'error') => {
      const subject = new Subject<T>()
      for (const step of this.read(text, values, error)) this.plan(step.frame, () => notify(subject, step))
      return subject.asObservable()
    },
    at: (text, actions) => {
      const { marks, end } = parseDiagram(text)
      this.reach(end)
      const unused = new Set(Object.keys(actions))
      for (const { frame, key, kind } of marks) {
        if (kind !== 'next') throw nonsense(text, `${key} is no action`)
        const action = valueOf(text, key, actions)
        if (typeof action !== 'function') throw nonsense(text, `${key} must be a function, not ${show(action)}`)
        unused.delete(key)
        this.plan(frame, () => this.act(action))
      }
      if (unused.size > 0) throw nonsense(text, `it never does ${[...unused].join(', ')}`)
    },
    expectObservable: (observable, subscription = '^') => {
      const { from, to } = parseSubscription(subscription)
      this.reach(to === Infinity ? from : to)
      const watch: Watch = { observable, from, to, subscription: new Subscription(), seen: [], later: [] }
      this.subscriptions.add(watch.subscription)
      this.watches.push(watch)
      return {
        toBe: (text, values, error) => {
          const diagram = parseDiagram(text)
          this.reach(diagram.end)
          watch.marbles = text
          watch.expected = fillIn(text, diagram, values, error)
        },
      }
    },
    time: (text) => {
      const { marks } = parseDiagram(text)
      if (marks.length === 1 && marks[0]!.kind === 'complete') return marks[0]!.frame
      throw nonsense(text, 'a time has nothing but its end in it, such as 5s |')
    },
  }

  /** Lets the time of the picture pass. */
  async run(): Promise<void> {
    const unfinished = this.watches.findIndex(({ expected }) => expected === undefined)
    if (unfinished >= 0) {
      throw new P2pError('InvalidConfig', `expectObservable number ${unfinished + 1} expects nothing: call its toBe`)
    }
    this.isOpen = false
    this.beginning = this.net.now
    // Before all else that is planned for the same frame, as in RxJS.
    for (const watch of this.watches) {
      this.schedule({ frame: watch.from, run: () => this.watch(watch) })
      if (watch.to !== Infinity) this.schedule({ frame: watch.to, run: () => watch.subscription.unsubscribe() })
    }
    for (const plan of this.plans) this.schedule(plan)
    await this.net.run(this.last)
  }

  /** Ends every subscription, and what is still planned. */
  end(): void {
    this.isOpen = false
    this.subscriptions.unsubscribe()
  }

  /** What comes soon after the end changes no verdict, but may explain it. */
  async lookOn(): Promise<void> {
    if (this.failures.length > 0 || this.wrong().length === 0) return
    this.isOver = true
    await this.net.run(LOOK_ON)
  }

  private wrong(): Watch[] {
    return this.watches.filter(({ expected, seen }) => !areSame(expected!, seen))
  }

  judge(): void {
    if (this.failures.length > 0) throw this.failures[0]
    const wrong = this.wrong()
    if (wrong.length === 0) return
    const stories = wrong.map((watch) => {
      const name = `  expectObservable number ${this.watches.indexOf(watch) + 1}, toBe(${show(watch.marbles)}):`
      return [`${name}\n${difference(watch.expected!, watch.seen)}`, ...this.afterEnd(watch)].join('\n')
    })
    const where = `virtual ms since the beginning at ${this.beginning}, seed ${this.net.seed}`
    throw new AssertionError({
      message: `${wrong.length} of ${this.watches.length} observables did something else (${where}):\n${stories.join('\n')}`,
      expected: wrong.map(({ expected }) => expected!.map(tell)),
      actual: wrong.map(({ expected, seen }) => nameSeen(expected!, seen).map(tell)),
      operator: 'marbles',
    })
  }

  private afterEnd({ expected, later }: Watch): string[] {
    if (later.length === 0) return []
    const until = `and then, from the end of the picture at ${this.last} on, for ${LOOK_ON / 1_000} s`
    return [
      `    ${until}:`,
      ...nameSeen(expected!, later)
        .slice(0, MOST_LATER)
        .map((one) => `    ~ ${tell(one)}`),
    ]
  }

  private read(text: string, values: Record<string, unknown> | undefined, error: unknown): Sighting[] {
    const diagram = parseDiagram(text)
    this.reach(diagram.end)
    return fillIn(text, diagram, values, error)
  }

  private watch({ observable, subscription, seen, later }: Watch): void {
    const see = (kind: Sighting['kind'], what?: unknown): void => {
      const sightings = this.isOver ? later : seen
      sightings.push({ frame: this.net.now - this.beginning, kind, what })
    }
    const observer = {
      next: (value: unknown) => see('next', value),
      error: (error: unknown) => see('error', error),
      complete: () => see('complete'),
    }
    subscription.add(observable.subscribe(observer))
  }

  private act(action: () => unknown): void {
    const failed = (error: unknown): void => {
      this.failures.push(error)
    }
    try {
      void Promise.resolve(action()).then(undefined, failed)
    } catch (error) {
      failed(error)
    }
  }

  /** The test lasts up to this frame at least. */
  private reach(frame: number): void {
    if (!this.isOpen) throw new P2pError('InvalidConfig', 'the picture is drawn already: use the helpers inside of it')
    this.last = Math.max(this.last, frame)
  }

  private plan(frame: number, run: () => void): void {
    this.plans.push({ frame, run })
  }

  private schedule({ frame, run }: Plan): Subscription {
    const action = this.net.scheduler.schedule(run, frame)
    this.subscriptions.add(action)
    return action
  }
}

function notify(to: { next(value: never): void; error(error: unknown): void; complete(): void }, step: Sighting): void {
  if (step.kind === 'next') to.next(step.what as never)
  else if (step.kind === 'error') to.error(step.what)
  else to.complete()
}
