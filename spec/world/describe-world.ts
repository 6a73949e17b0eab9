/** Specs that need a world: skipped, with the reason, where none can be made; failed in CI, which must not skip them. */
import { execFileSync } from 'node:child_process'
import { afterAll, afterEach, describe, it } from '@jest/globals'
import { endProcesses } from '../support/another-process.js'
import { carrier, env } from './program.js'
import { endWorlds } from './world.js'

const NEEDS =
  'the world needs Linux, root, /dev/net/tun, cc, iproute2 and nftables (set TINYP2P_WORLD=skip to do without)'

/** Why there can be no world here; `undefined`: there can. */
function obstacle(): string | undefined {
  if (process.env.TINYP2P_WORLD === 'skip') return 'TINYP2P_WORLD=skip'
  if (process.platform !== 'linux') return process.platform
  try {
    execFileSync(carrier(), ['check'], { stdio: 'pipe' })
    execFileSync('ip', ['-V'], { stdio: 'pipe', env })
    execFileSync('nft', ['-v'], { stdio: 'pipe', env })
    return undefined
  } catch (error) {
    return String((error as { stderr?: Buffer }).stderr ?? '').trim() || (error as Error).message
  }
}

const why = obstacle()
const mustRun = process.env.CI !== undefined && process.env.TINYP2P_WORLD !== 'skip'
if (why !== undefined) console.warn(`${mustRun ? 'MISSING' : 'SKIPPED'}: ${NEEDS}: ${why}`)

/** As `describe`. Every world and process that a test leaves is ended after each test, or after all of them. */
export function describeWorld(name: string, body: () => void, after: 'each' | 'all' = 'each'): void {
  if (why !== undefined && mustRun) {
    describe(name, () => {
      it('has a world to run in', () => {
        throw new Error(`${NEEDS}: ${why}`)
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
