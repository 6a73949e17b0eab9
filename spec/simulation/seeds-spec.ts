/** Random networks, random users, random faults: on every seed the invariants hold, and all faults are met by some. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { copy, type Copy } from './copies.js'
import { explain, range, report, runSeeds } from './pool.js'
import { missing } from './sometimes.js'
import type { Result } from './worker.js'

const SEEDS = 1_200
const SHARE = 100

/** Runs of faults that never heal, and of ordinary use. */
const OTHERS = 10

let sound: Copy
/** What the nodes of all these runs said. */
const texts = new Set<string>()

function hear({ sightings = [] }: Result): void {
  for (const text of sightings) texts.add(text)
}

beforeAll(async () => {
  sound = await copy()
  // It bundles the sources, which takes longer than 5 s on a busy machine.
}, 60_000)

afterAll(() => {
  sound.remove()
})

describe('a node in a simulated network', () => {
  test.each(range(0, SEEDS / SHARE).map((i) => [i * SHARE + 1, (i + 1) * SHARE]))(
    'holds every invariant on seeds %d to %d',
    async (from) => {
      const results: Result[] = []
      await runSeeds(sound.file, range(from, SHARE), (result) => {
        hear(result)
        results.push(result)
      })
      expect(results).toHaveLength(SHARE)
      const failing = results.filter(({ found }) => found !== undefined).sort((a, b) => a.seed - b.seed)
      if (failing.length === 0) return
      const first = await explain(sound.file, failing[0]!.seed)
      throw new Error(
        `${failing.length} of ${SHARE} seeds fail: ${failing.map(({ seed }) => seed).join()}\n${report(first)}`,
      )
    },
    300_000,
  )

  test('says all that a core can say of faults, in some run, but for what is listed', async () => {
    for (const task of ['live', 'kept', 'strangers'] as const)
      await runSeeds(sound.file, range(1, OTHERS), hear, { task })
    const { unsaid, listed, saidAll } = missing(texts)
    process.stdout.write(`\nSaid by some run: ${saidAll}. Said by none, as listed:\n  ${listed.join('\n  ')}\n`)
    expect(unsaid).toEqual([])
  }, 300_000)
})
