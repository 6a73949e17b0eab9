/** The command line of the benchmark. */
import { describe, expect, it } from '@jest/globals'
import { loadName } from '../../bench/harness/loads.js'
import { EXTRAS, readOptions } from '../../bench/harness/options.js'

const loadsOf = (...args: string[]): string[] => readOptions(args).plan.loads.map(loadName)

describe('the benchmark', () => {
  it('runs its short form, with everything but the profile, when nothing is said', () => {
    const { full, write, plan, extras } = readOptions([])
    expect({ full, write }).toEqual({ full: false, write: false })
    expect([...extras, 'profile']).toEqual(EXTRAS)
    expect(readOptions(['--full']).extras).toEqual(EXTRAS)
    expect(plan.loads.map(loadName)).toContain('1MiB×4')
  })

  it('has more of everything in its long form', () => {
    const short = readOptions([]).plan
    const { plan } = readOptions(['--full'])
    expect(plan.loads.length).toBeGreaterThan(short.loads.length)
    expect(plan.rounds).toBeGreaterThan(short.rounds)
    expect(plan.contestants.length).toBeGreaterThan(short.contestants.length)
  })

  it('takes a size for all loads of this size, and nothing else', () => {
    expect(loadsOf('--only', '32B')).toEqual(['32B×1', '32B×64'])
    expect(loadsOf('--only', '32b', '--full')).toEqual(['32B×1', '32B×16', '32B×64', '32B×256'])
    expect(readOptions(['--only', '32B']).extras).toEqual([])
  })

  it('takes single loads, also those of the long form, and other measurements', () => {
    const { plan, extras } = readOptions(['--only', '1KiB×64,32Bx16,memory'])
    expect(plan.loads.map(loadName)).toEqual(['1KiB×64', '32B×16'])
    expect(extras).toEqual(['memory'])
  })

  it('takes the contestants that are named, each once, and measures nothing else', () => {
    const { plan, extras } = readOptions(['--contestants', 'net,raw-stock,net'])
    expect(plan.contestants.map(({ name }) => name)).toEqual(['net', 'raw-stock'])
    expect(extras).toEqual([])
  })

  it('leaves out the loads that none of its contestants takes', () => {
    expect(loadsOf('--contestants', 'no-lane')).toEqual(['32B×1', '32B×64', '1KiB×64'])
  })

  it.each([
    [['--only', '33B'], '--only 33B'],
    [['--only', ''], '--only'],
    [['--contestants', 'nobody'], 'no contestant nobody; there are session'],
    [['--rounds', '0'], '--rounds must be a whole number from 1 to 99, not 0'],
    [['--rounds', '1.5'], 'not 1.5'],
    [['--rounds', 'many'], 'not many'],
    [['--write', '--only', '32B'], '--write needs the whole run'],
    [['--write', '--contestants', 'net'], '--write needs the whole run'],
    [['--fast'], '--fast'],
    [['32B'], '32B'],
  ])('refuses %j and says why', (args, why) => {
    expect(() => readOptions(args)).toThrow(why)
  })

  it('measures ours beside another checkout, and says when nobody says where that is', () => {
    const { plan, against } = readOptions(['--against', '../old'])
    expect({ against, names: plan.contestants.map(({ name }) => name) }).toEqual({
      against: '../old',
      names: ['session', 'other'],
    })
    expect(readOptions(['--full']).plan.contestants.map(({ name }) => name)).not.toContain('other')
    expect(() => readOptions(['--contestants', 'session,other'])).toThrow('--against')
    expect(() => readOptions(['--against', '../old', '--write'])).toThrow('--write')
  })
})
