/** Specs that need a world: skipped, with the reason, where none can be made; failed in CI, which must not skip them. */
import { afterAll, afterEach, describe, it } from '@jest/globals'
import { endProcesses } from '../support/another-process.js'
import { NEEDS, obstacle } from './obstacle.js'
import { endWorlds } from './world.js'

const isUnwanted = process.env.TINYP2P_WORLD === 'skip'
const why = isUnwanted ? 'TINYP2P_WORLD=skip' : obstacle()
const mustRun = process.env.CI !== undefined && !isUnwanted
const complaint = `${NEEDS} (set TINYP2P_WORLD=skip to do without): ${why}`
if (why !== undefined) console.warn(`${mustRun ? 'MISSING' : 'SKIPPED'}: ${complaint}`)

/** As `describe`. Every world and process that a test leaves is ended after each test, or after all of them. */
export function describeWorld(name: string, body: () => void, after: 'each' | 'all' = 'each'): void {
  if (why !== undefined && mustRun) {
    describe(name, () => {
      it('has a world to run in', () => {
        throw new Error(complaint)
      })
    })
    return
  }
  const describeIfPossible = why === undefined ? describe : describe.skip
  describeIfPossible(name, () => {
    const hook = after === 'each' ? afterEach : afterAll
    hook(async () => {
      await endWorlds()
      await endProcesses()
    })
    body()
  })
}
