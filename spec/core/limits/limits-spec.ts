import { describe, expect, it } from '@jest/globals'
import { LIMIT_RULES, limitsOf, type Limits } from '../../../src/core/limits/limits.js'

const bytes = (Object.keys(LIMIT_RULES) as (keyof Limits)[]).filter(
  (name) => typeof LIMIT_RULES[name].standard === 'object',
)

describe('limits', () => {
  it('are what is given, and their defaults', () => {
    const limits = limitsOf({ requests: 7 })
    expect(limits.requests).toBe(7)
    expect(limits.requestsPerPeer).toBe(1_000)
  })

  it.each(bytes)('%s follows from the budget of memory, unless it is given', (name) => {
    expect(limitsOf({ memory: 2 * limitsOf().memory })[name]).toBe(2 * limitsOf()[name])
    expect(limitsOf({ memory: 2 * limitsOf().memory, [name]: 5 })[name]).toBe(5)
  })

  it('have defaults that they may have', () => {
    const limits = limitsOf()
    for (const name of Object.keys(LIMIT_RULES) as (keyof Limits)[]) {
      const { least, most } = LIMIT_RULES[name]
      expect([name, limits[name] >= least && limits[name] <= most]).toEqual([name, true])
    }
  })

  it('of single peers are below those of all', () => {
    const limits = limitsOf()
    for (const name of Object.keys(limits) as (keyof Limits)[]) {
      if (!name.endsWith('PerPeer')) continue
      expect(limits[name]).toBeLessThanOrEqual(limits[name.slice(0, -'PerPeer'.length) as keyof Limits])
    }
  })
})
