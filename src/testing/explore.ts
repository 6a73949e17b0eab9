/**
 * Property tests over simulated networks: tries seeds until one fails, then shortens its schedule of events as far as it still
 * fails. It knows nothing of networks: a schedule is an array, and a run is a function that throws.
 */
import { checkNumber, checkOptions, show, type Names } from '../edge/checks.js'
import { P2pError } from '../errors.js'
import { Random } from './network/random.js'

/** The options of `explore`. */
export interface Property<Step> {
  /** How many seeds are tried, from 1 on. Default: 100. */
  seeds?: number | undefined
  /** The first seed; the next one is larger by 1. Default: 1. */
  from?: number | undefined
  /**
   * Makes the events of a run, as data. All random choices must come from `random`, so that the seed gives the same events
   * again.
   */
  schedule: (random: Random) => Step[]
  /** Runs one schedule. Throws, or rejects, when something is wrong. */
  run: (schedule: Step[], seed: number) => Promise<void> | void
}

const NAMES: Names<Property<unknown>> = { seeds: true, from: true, schedule: true, run: true }

/**
 * The error for a property that fails. The seed and the shortest schedule are in its message, and here as data; the run's error
 * is the `cause`.
 */
export class Counterexample<Step = unknown> extends Error {
  constructor(
    readonly seed: number,
    /** A shortest schedule that fails: if any one of its events is left out, the run succeeds. */
    readonly schedule: Step[],
    /** How many events the seed's own schedule has. */
    readonly length: number,
    override readonly cause: unknown,
  ) {
    const events = schedule.map((step) => `  ${JSON.stringify(step)}`).join('\n')
    const why = cause instanceof Error ? cause.message : String(cause)
    super(`seed ${seed}: ${why}\nThe shortest schedule that fails (${schedule.length} of ${length} events):\n${events}`)
  }
}

Object.defineProperty(Counterexample.prototype, 'name', { value: 'Counterexample', configurable: true, writable: true })

/**
 * Tries a property on many seeds.
 *
 * ```ts
 * await explore({
 *   schedule: (random) => Array.from({ length: 5 }, (_, i) => ({ at: i * 100 + random.below(100), size: random.below(1000) })),
 *   run: async (schedule, seed) => {
 *     const net = simulate({ seed, loss: 0.05 })
 *     // … do what the schedule says, and throw when something is wrong
 *   },
 * })
 * ```
 *
 * @throws a `Counterexample` for the first seed that fails; `InvalidConfig` for options that make no sense.
 */
export async function explore<Step>(property: Property<Step>): Promise<void> {
  checkOptions(property, 'explore', NAMES)
  const { seeds = 100, from = 1, schedule, run } = property
  // With none to try the property would hold, whatever it says.
  checkNumber(seeds, 'seeds', 'seeds', 1, Number.MAX_SAFE_INTEGER)
  checkNumber(from, 'from', 'seeds', -Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)
  for (const [name, value] of Object.entries({ schedule, run })) {
    if (typeof value !== 'function')
      throw new P2pError('InvalidConfig', `${name} must be a function, not ${show(value)}`)
  }
  for (let seed = from; seed < from + seeds; seed++) {
    const steps = schedule(new Random(seed))
    let cause = await failureOf(run, steps, seed)
    if (cause === undefined) continue
    const least = await shortest(steps, async (candidate) => {
      const failure = await failureOf(run, candidate, seed)
      if (failure !== undefined) cause = failure
      return failure !== undefined
    })
    throw new Counterexample(seed, least, steps.length, cause.error)
  }
}

async function failureOf<Step>(
  run: Property<Step>['run'],
  steps: Step[],
  seed: number,
): Promise<{ error: unknown } | undefined> {
  try {
    await run(steps, seed)
    return undefined
  } catch (error) {
    return { error }
  }
}

/**
 * Delta debugging (Zeller's ddmin, on complements): returns a part of `schedule` that still fails, and of which no single event can
 * be left out. `fails` is never called with the whole schedule. After `maxRuns` calls (default 1,000) the shortest part so far is
 * returned.
 */
export async function shortest<Step>(
  schedule: readonly Step[],
  fails: (schedule: Step[]) => Promise<boolean> | boolean,
  maxRuns = 1_000,
): Promise<Step[]> {
  let best = [...schedule]
  let parts = 1
  let runs = 0
  while (best.length > 0 && runs < maxRuns) {
    const size = Math.ceil(best.length / parts)
    let isCut = false
    // From the end, because later events depend on earlier ones, seldom the other way round.
    for (let start = Math.floor((best.length - 1) / size) * size; start >= 0 && runs < maxRuns; start -= size) {
      const rest = [...best.slice(0, start), ...best.slice(start + size)]
      runs++
      if (!(await fails(rest))) continue
      best = rest
      isCut = true
    }
    if (size === 1 && !isCut) return best
    parts = isCut ? Math.max(1, Math.ceil(best.length / size)) : Math.min(best.length, parts * 2)
  }
  return best
}
