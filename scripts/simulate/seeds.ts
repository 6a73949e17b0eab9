/** The suite of invariants on seeds at will. Ends with an exit code of 1 when one of them fails. */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { copy } from '../../spec/simulation/copies.js'
import { digests, GOLDEN } from '../../spec/simulation/golden.js'
import { mutants } from '../../spec/simulation/mutants.js'
import { explain, range, report, runSeeds, workers } from '../../spec/simulation/pool.js'
import { UsageError } from '../command-line.js'

/** So many failing seeds are cut down; of the others only the invariant is told. */
const EXPLAINED = 3

export async function many(from: number, count: number, lanes = workers()): Promise<void> {
  const sound = await copy()
  const started = performance.now()
  const failing: number[] = []
  let done = 0
  let events = 0
  const tellProgress = (): void => {
    const seconds = (performance.now() - started) / 1_000
    const rate = `${(done / seconds).toFixed(1)} seeds/s, ${Math.round(events / seconds / 1_000)},000 events/s`
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
      { lanes },
    )
    if (done % 1_000 !== 0) tellProgress()
    for (const seed of failing.sort((a, b) => a - b).slice(0, EXPLAINED))
      console.log(report(await explain(sound.file, seed)))
    if (failing.length > 0) process.exitCode = 1
  } finally {
    sound.remove()
  }
}

export async function one(seed: number, part?: string): Promise<void> {
  const mutant = part === undefined ? undefined : mutants.find(({ name }) => name.includes(part))
  if (part !== undefined && mutant === undefined) throw new UsageError(`no mutant is called ${part}`)
  if (mutant !== undefined) console.log(`Planted: ${mutant.name}`)
  const some = await copy(mutant)
  try {
    const result = await explain(some.file, seed)
    console.log(report(result, mutant?.name))
    if (result.found !== undefined) process.exitCode = 1
  } finally {
    some.remove()
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
