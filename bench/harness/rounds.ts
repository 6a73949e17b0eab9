/**
 * The rounds: two processes for each contestant; in each round every load is run by one contestant after the other, so that a machine
 * that slows down slows down all. Round after round another contestant is the first. The processes are started once or, where small
 * differences matter, for each round: a process may be faster than another one of the same code for all its life.
 */
import type { Entry } from '../contestants/index.js'
import type * as Client from './client.js'
import type { Compiled } from './compile.js'
import { loadName, type Load } from './loads.js'
import type * as Server from './server.js'
import { Worker } from './worker.js'

/** What one contestant did with one load in one round. Latencies in µs, `cpu` in µs a request, both processes together. */
export interface Sample {
  rate: number
  p50: number
  p99: number
  cpu: number
}

/** What one contestant did with one load: a sample for each round. */
export interface Cell {
  contestant: string
  load: Load
  samples: Sample[]
}

export interface Plan {
  contestants: readonly Entry[]
  loads: readonly Load[]
  rounds: number
  /** ms of each run that are not counted, and ms that are. */
  leadIn: number
  time: number
  /** Each round has processes of its own. */
  fresh: boolean
}

interface Pair {
  entry: Entry
  server: Worker<typeof Server>
  client: Worker<typeof Client>
}

/** Throws when a request fails or gets a wrong reply. `progress` hears what is done next. */
export async function runRounds(compiled: Compiled, plan: Plan, progress: (what: string) => void): Promise<Cell[]> {
  const cells = new Map<string, Cell>()
  let pairs: Pair[] = []
  const start = async (): Promise<void> => {
    await endPairs(pairs)
    progress('starting')
    pairs = await Promise.all(plan.contestants.map((entry) => startPair(compiled, entry)))
    for (const load of plan.loads) {
      progress(`warm-up: ${loadName(load)}`)
      for (const pair of pairs) if (takes(pair.entry, load)) await runOnce(pair, load, plan)
    }
  }
  for (let round = 1; round <= plan.rounds; round++) {
    if (round === 1 || plan.fresh) await start()
    for (const load of plan.loads) {
      progress(`round ${round} of ${plan.rounds}: ${loadName(load)}`)
      for (const pair of rotated(pairs, round)) {
        if (takes(pair.entry, load)) cellOf(cells, pair.entry, load).samples.push(await runOnce(pair, load, plan))
      }
    }
  }
  await endPairs(pairs)
  return [...cells.values()]
}

async function endPairs(pairs: Pair[]): Promise<void> {
  await Promise.all(pairs.flatMap(({ server, client }) => [server.end(), client.end()]))
}

export function takes({ maxSize = Infinity }: Entry, { size }: Load): boolean {
  return size <= maxSize
}

/** The two processes of a contestant, connected. */
export async function startPair(compiled: Compiled, entry: Entry): Promise<Pair> {
  const [server, client] = await Promise.all([
    Worker.start<typeof Server>(compiled, 'bench/harness/server.ts', `${entry.name} (server)`),
    Worker.start<typeof Client>(compiled, 'bench/harness/client.ts', `${entry.name} (client)`),
  ])
  await client.call('connect', entry.file, await server.call('serve', entry.file))
  return { entry, server, client }
}

async function runOnce({ entry, server, client }: Pair, load: Load, { leadIn, time }: Plan): Promise<Sample> {
  const before = await server.call('cpu')
  const driven = await client.call('run', load, leadIn, time)
  const cpu = driven.cpu + (await server.call('cpu')) - before
  const { rate, p50, p99, requests, errors, firstError } = driven
  if (errors > 0) {
    throw new Error(`${entry.name}, ${loadName(load)}: ${errors} of ${requests} failed, the first by: ${firstError}`)
  }
  return { rate, p50, p99, cpu: cpu / requests }
}

function rotated<T>(values: readonly T[], by: number): T[] {
  const from = by % values.length
  return [...values.slice(from), ...values.slice(0, from)]
}

function cellOf(cells: Map<string, Cell>, { name }: Entry, load: Load): Cell {
  const key = `${loadName(load)} ${name}`
  const cell = cells.get(key) ?? { contestant: name, load, samples: [] }
  cells.set(key, cell)
  return cell
}
