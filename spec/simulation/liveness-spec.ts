/**
 * Some faults never heal, and those who are left must find each other all the same; in ordinary use nothing is lost; and strangers who
 * take what they can do not stand in the way of anybody.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { copy, type Copy } from './copies.js'
import { range, runSeeds } from './pool.js'
import type { Result } from './worker.js'

let sound: Copy

async function failing(task: 'live' | 'kept' | 'strangers', seeds: number): Promise<Result[]> {
  const results: Result[] = []
  await runSeeds(sound.file, range(1, seeds), (result) => results.push(result), { task })
  expect(results).toHaveLength(seeds)
  return results.filter(({ found }) => found !== undefined)
}

beforeAll(async () => {
  sound = await copy()
}, 60_000)

afterAll(() => {
  sound.remove()
})

test('the boot node gone for good, two parted and more, all know and reach each other two ticks later', async () => {
  expect(await failing('live', 120)).toEqual([])
}, 300_000)

test('at every rhythm about the keep-alive, around drains and sleeps, no request and no broadcast is lost', async () => {
  expect(await failing('kept', 120)).toEqual([])
}, 300_000)

test('beside strangers who give no credit, cancel, flood and read nothing, every request is answered in time', async () => {
  expect(await failing('strangers', 60)).toEqual([])
}, 300_000)
