/** A process that runs seeds, or shrinks one, and says what came of it. Bundled with the sources that it tests. */
import { shortest } from '../../src/testing/explore.js'
import { runKept } from './kept.js'
import { runLiveness } from './liveness.js'
import { runScenario, verdictOf } from './run.js'
import { scenarioOf, type Step } from './scenario.js'
import { takeSightings } from './sightings.js'
import { runStrangers } from './strangers.js'
import { Violation } from './violation.js'

export interface Found {
  invariant: string
  message: string
}

export type Task =
  | { do: 'run'; seed: number }
  | { do: 'shrink'; seed: number }
  | { do: 'digest'; seed: number }
  | { do: 'live'; seed: number }
  | { do: 'kept'; seed: number }
  | { do: 'strangers'; seed: number }

export interface Result {
  seed: number
  found?: Found
  /** Of `run`: virtual events of all lanes. */
  events?: number
  /** What its nodes said, and no run of this worker before. */
  sightings?: string[]
  /** Of `digest`: of the whole log of the run. */
  digest?: string
  /** Of `shrink`. */
  schedule?: Step[]
  length?: number
  runs?: number
}

const STORIES = { live: runLiveness, kept: runKept, strangers: runStrangers }

/** A schedule is not cut down by more runs than this. */
const MAX_RUNS = 400

async function work({ do: what, seed }: Task): Promise<Result> {
  if (what === 'live' || what === 'kept' || what === 'strangers') {
    return STORIES[what](seed).then(
      () => ({ seed }),
      (error: unknown) => ({ seed, found: foundOf(error) }),
    )
  }
  const scenario = scenarioOf(seed)
  if (what === 'shrink') {
    const first = await verdictOf(scenario)
    if (first === undefined) return { seed }
    let runs = 0
    const schedule = await shortest(
      scenario.schedule,
      async (steps) => {
        runs++
        return (await verdictOf(scenario, steps))?.invariant === first.invariant
      },
      MAX_RUNS,
    )
    const last = (await verdictOf(scenario, schedule))!
    return { seed, found: foundOf(last), schedule, length: scenario.schedule.length, runs }
  }
  try {
    const { events, digest } = await runScenario(scenario, scenario.schedule, what === 'digest')
    return digest === undefined ? { seed, events } : { seed, events, digest }
  } catch (error) {
    return { seed, found: foundOf(error) }
  }
}

function foundOf(error: unknown): Found {
  if (error instanceof Violation) return { invariant: error.invariant, message: error.message }
  return { invariant: 'exception', message: error instanceof Error ? (error.stack ?? error.message) : String(error) }
}

process.on('message', (task: Task) => {
  void work(task).then((result) => process.send!({ ...result, sightings: takeSightings() }))
})
