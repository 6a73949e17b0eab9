/** The suite of invariants on seeds at will. Ends with an exit code of 1 when one of them fails. */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { copy } from '../../spec/simulation/copies.js'
import { digests, GOLDEN } from '../../spec/simulation/golden.js'
import { amongStrangers, kept, mutants, neverHealed } from '../../spec/simulation/mutants.js'
import { explain, range, report, runSeeds, Worker, workers } from '../../spec/simulation/pool.js'
import type { Result } from '../../spec/simulation/worker.js'
import { UsageError } from '../command-line.js'

/** So many failing seeds are cut down; of the others only the invariant is told. */
const EXPLAINED = 3

/** Random schedules, faults that never heal, ordinary use, and strangers who take what they can. */
export const STORIES = { run: mutants, live: neverHealed, kept, strangers: amongStrangers }
export type Story = keyof typeof STORIES

export async function many(from: number, count: number, task: Story, lanes = workers()): Promise<void> {
  const sound = await copy()
  const started = performance.now()
  const failing: number[] = []
  let done = 0
  let events = 0
  const tellProgress = (): void => {
    const seconds = (performance.now() - started) / 1_000
    const eventRate = (events / seconds).toLocaleString('en', { maximumSignificantDigits: 3 })
    const rate = `${(done / seconds).toFixed(1)} seeds/s, ${eventRate} events/s`
    console.log(`${done} of ${count} seeds, ${failing.length} failing, ${rate}`)
  }
  try {
    await runSeeds(
      sound.file,
      range(from, count),
      ({ seed, found, events: some = 0 }) => {
        done++
        events += some
        if (found !== undefined) {
          failing.push(seed)
          console.log(`seed ${seed}: ${found.message}`)
        }
        if (done % 1_000 === 0) tellProgress()
      },
      { lanes, task },
    )
    if (done % 1_000 !== 0) tellProgress()
    // (The others have no schedule that could be cut down.)
    const explained = task === 'run' ? EXPLAINED : 0
    for (const seed of failing.sort((a, b) => a - b).slice(0, explained))
      console.log(report(await explain(sound.file, seed)))
    if (failing.length > 0) process.exitCode = 1
  } finally {
    sound.remove()
  }
}

export async function one(seed: number, task: Story, part?: string): Promise<void> {
  const mutant = part === undefined ? undefined : STORIES[task].find(({ name }) => name.includes(part))
  if (part !== undefined && mutant === undefined) throw new UsageError(`no mutant is called ${part}`)
  if (mutant !== undefined) console.log(`Planted: ${mutant.name}`)
  const some = await copy(mutant)
  try {
    const result = task === 'run' ? await explain(some.file, seed) : await runOnce(some.file, seed, task)
    console.log(task === 'run' ? report(result, mutant?.name) : (result.found?.message ?? `seed ${seed} holds`))
    if (result.found !== undefined) process.exitCode = 1
  } finally {
    some.remove()
  }
}

async function runOnce(file: string, seed: number, task: Exclude<Story, 'run'>): Promise<Result> {
  const worker = new Worker(file)
  try {
    return await worker.run({ do: task, seed })
  } finally {
    worker.end()
  }
}

export async function writeGolden(): Promise<void> {
  const sound = await copy()
  try {
    const path = fileURLToPath(new URL(`../../spec/simulation/${GOLDEN}`, import.meta.url))
    writeFileSync(path, `${JSON.stringify(await digests(sound.file), null, 2)}\n`)
    console.log(`written: ${path}`)
  } finally {
    sound.remove()
  }
}
