/**
 * The reader against a million inputs: valid frames, bent frames, splices of both, and noise. `FUZZ_SEED` starts
 * somewhere else; what fails is printed with its input.
 */
import { expect, it } from '@jest/globals'
import { BATCH, inputsOf } from '../../fuzz/target.js'
import { sessionFrames } from '../../fuzz/targets/session.js'

const SEED = process.env['FUZZ_SEED'] ?? '1'
const INPUTS = 1_000_000

it('a reader of hostile bytes never throws, keeps no more than a frame, and reads the same however the bytes are cut', () => {
  const seen = new Map<string, number>()
  for (let batch = 0; batch < INPUTS / BATCH; batch++) {
    for (const input of inputsOf(sessionFrames, SEED, batch)) {
      try {
        const outcome = sessionFrames.read(input) as string
        seen.set(outcome, (seen.get(outcome) ?? 0) + 1)
      } catch (error) {
        throw new Error(`FUZZ_SEED=${SEED}: ${Buffer.from(input).toString('hex')}`, { cause: error })
      }
    }
  }
  // The inputs are neither all noise nor all good, and every rule of the format was broken.
  expect(seen.get('frames')).toBeGreaterThan(INPUTS / 10)
  const violations = [...seen.keys()].join()
  for (const rule of ['too short', 'too long', 'not minimal', 'is broken', 'unknown', 'may not have']) {
    expect(violations).toContain(rule)
  }
}, 120_000)
