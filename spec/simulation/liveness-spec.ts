/** Some faults never heal, and those who are left must find each other all the same. */
import { afterAll, expect, test } from '@jest/globals'
import { copy, type Copy } from './copies.js'
import { amnesia } from './mutants.js'
import { range, runSeeds } from './pool.js'
import type { Result } from './worker.js'

const SEEDS = 100

const copies: Copy[] = []

async function failing(seeds: number, faulty: boolean): Promise<Result[]> {
  const made = await copy(faulty ? amnesia : undefined)
  copies.push(made)
  const results: Result[] = []
  await runSeeds(made.file, range(1, seeds), (result) => results.push(result), { task: 'live' })
  expect(results).toHaveLength(seeds)
  return results.filter(({ found }) => found !== undefined)
}

afterAll(() => {
  for (const made of copies) made.remove()
})

test('the boot node gone for good and two parted, all know and reach each other two ticks after the healing', async () => {
  expect(await failing(SEEDS, false)).toEqual([])
}, 300_000)

test('and this finds the planted fault: a peer that cannot be dialled is forgotten', async () => {
  const found = await failing(20, true)
  expect(found.map((result) => result.found!.invariant)).toContain('liveness')
}, 300_000)
