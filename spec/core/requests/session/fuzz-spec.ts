/**
 * Both roles against hostile bytes, by `step`: whatever arrives, nothing throws, the books add up, and effects name only
 * what exists. `FUZZ_SEED` starts somewhere else; what fails is printed with its seed.
 */
import { describe, expect, it } from '@jest/globals'
import { Random } from '../../../../src/testing/network/random.js'
import { live } from '../../../fuzz/tools/session-life.js'

const SEED = process.env['FUZZ_SEED'] ?? '1'
/** Inputs for each role, and the most that one core gets. */
const INPUTS = 25_000
const LIFE = 200

describe('a session with a hostile peer', () => {
  it.each(['asking', 'answering'] as const)(
    '%s: never throws, and its books always add up',
    (role) => {
      const counts = new Map<string, number>()
      for (let i = 0, inputs = 0; inputs < INPUTS; i++) {
        try {
          inputs += live(new Random(`${SEED}/${role}/${i}`), role, counts, LIFE)
        } catch (error) {
          throw new Error(`FUZZ_SEED=${SEED}, ${role}, core ${i}`, { cause: error })
        }
      }
      // Not all of it ended at once: much was written, answered and refused.
      const asked = ['settle', 'value', 'valuesEnded', 'fail']
      for (const type of [...(role === 'asking' ? asked : ['handle', 'cancelHandler', 'produce']), 'write']) {
        expect([type, (counts.get(type) ?? 0) > INPUTS / 50]).toEqual([type, true])
      }
      expect(counts.get('reset')).toBeGreaterThan(INPUTS / 500)
    },
    60_000,
  )
})
