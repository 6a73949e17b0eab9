import { describe, expect, it } from '@jest/globals'
import { createShares, giveBack, hold, largestHolder, mayHold, type Shares } from '../../../src/core/limits/shares.js'

const BOUNDS = { total: 800, each: 1_000 }

/** Takes as many as it may. */
function fill(shares: Shares, holder: string, bounds = BOUNDS): number {
  let held = 0
  while (mayHold(shares, holder, 1, bounds)) {
    hold(shares, holder, 1)
    held++
  }
  return held
}

describe('shares', () => {
  it('give one alone half of what is no reserve', () => {
    expect(fill(createShares(), 'a')).toBe(350)
  })

  it('leave room for one more, however many have filled up what they may', () => {
    const shares = createShares()
    for (let i = 0; i < 9; i++) expect(fill(shares, `hog ${i}`)).toBeGreaterThan(0)
    expect(mayHold(shares, 'newcomer', 1, BOUNDS)).toBe(true)
  })

  it('give those that are trusted more, when others have taken all', () => {
    const shares = createShares()
    for (let i = 0; i < 700; i++) fill(shares, `hog ${i}`)
    expect(mayHold(shares, 'newcomer', 1, BOUNDS)).toBe(false)
    expect(fill(shares, 'friend', { ...BOUNDS, trusted: true } as typeof BOUNDS)).toBe(50)
  })

  it('give each at most its own bound', () => {
    expect(fill(createShares(), 'a', { total: 800, each: 10 })).toBe(10)
  })

  it('let who holds nothing have something large, while all of it fits', () => {
    const shares = createShares()
    expect(mayHold(shares, 'a', 700, BOUNDS)).toBe(true)
    expect(mayHold(shares, 'a', 701, BOUNDS)).toBe(false)
    hold(shares, 'a', 700)
    expect(mayHold(shares, 'a', 1, BOUNDS)).toBe(false)
  })

  it.each([1, 2, 7, 8, 100])('of a total of %i have something for a stranger', (total) => {
    expect(mayHold(createShares(), 'a', 1, { total, each: total })).toBe(true)
  })

  it('stay numbers, whatever is given back', () => {
    const shares = createShares()
    hold(shares, 'a', 0)
    giveBack(shares, 'a', 0)
    giveBack(shares, 'a', 5)
    expect(shares).toEqual(createShares())
    hold(shares, 'a', 3)
    giveBack(shares, 'a', 2)
    giveBack(shares, 'a', 2)
    expect(shares).toEqual(createShares())
  })

  it('are as new when all is given back', () => {
    const shares = createShares()
    for (const holder of ['a', 'b']) fill(shares, holder)
    expect(largestHolder(shares)).toBe('a')
    for (const [holder, held] of [...shares.held]) giveBack(shares, holder, held)
    expect(shares).toEqual(createShares())
    expect(largestHolder(shares)).toBeUndefined()
  })
})
