/** The suite finds what it is for: faults planted in copies of the sources. Prints each one's seed. */
import { afterAll, describe, expect, test } from '@jest/globals'
import { copy } from './copies.js'
import type { Fault } from '../support/planting.js'
import { amongStrangers, kept, mutants, neverHealed, planted } from './mutants.js'
import { explain, inParallel, report, Worker } from './pool.js'
import type { Result } from './worker.js'

/** Each mutant is found by one of the seeds up to this one. The sound copy passes them (`seeds-spec.ts`, `liveness-spec.ts`). */
const SEEDS = { run: 200, live: 60, kept: 100, strangers: 40 }

const groups: [string, Fault[], keyof typeof SEEDS][] = [
  ['by random schedules', mutants, 'run'],
  ['where some faults never heal', neverHealed, 'live'],
  ['in the rhythm of ordinary use', kept, 'kept'],
  ['among strangers', amongStrangers, 'strangers'],
]

const found: { name: string; result: Result | undefined }[] = []

/** The first seed that finds it. */
async function find(fault: Fault, task: keyof typeof SEEDS): Promise<void> {
  const { name } = fault
  const mutated = await copy(fault)
  const worker = new Worker(mutated.file)
  try {
    for (let seed = 1; seed <= SEEDS[task]; seed++) {
      const result = await worker.run({ do: task, seed })
      if (result.found !== undefined) return void found.push({ name, result })
    }
    found.push({ name, result: undefined })
  } finally {
    worker.end()
    mutated.remove()
  }
}

/** On as many workers as there are cores; each test below waits for its own. */
const all = inParallel(
  groups.flatMap(([, faults, task]) => faults.map((fault) => ({ fault, task }))),
  ({ fault, task }) => find(fault, task),
)
// The tests report it.
all.catch(() => undefined)

async function foundBy({ name }: Fault): Promise<Result | undefined> {
  await all
  return found.find((one) => one.name === name)!.result
}

describe.each(groups)('a fault planted in a copy of the sources is found %s', (_where, faults) => {
  test.each(faults.map((mutant) => [mutant.name, mutant] as const))(
    '%s',
    async (_, mutant) => {
      const result = await foundBy(mutant)
      expect(result?.found).toBeDefined()
      // A process that had to be ended says little of what is wrong.
      expect(['hang', 'death', 'exception']).not.toContain(result!.found!.invariant)
    },
    590_000,
  )
})

describe('a fault that is found', () => {
  test('gives by its seed the same violation and the same shortest schedule again', async () => {
    const mutated = await copy(planted)
    try {
      const { seed } = (await foundBy(planted))!
      const first = await explain(mutated.file, seed)
      const second = await explain(mutated.file, seed)
      expect(second).toEqual(first)
      expect(first.schedule!.length).toBeLessThan(first.length!)
      process.stdout.write(`\nPlanted in a copy of the lane: ${planted.name}\n${report(first, planted.name)}\n`)
    } finally {
      mutated.remove()
    }
  }, 590_000)
})

afterAll(() => {
  const lines = found.map(
    ({ name, result }) => `${name} → seed ${result?.seed ?? 'none'} → ${result?.found?.message ?? 'not found'}`,
  )
  process.stdout.write(`\n${found.length} mutants\n${lines.join('\n')}\n`)
})
