import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import {
  createShares,
  fits,
  fitsAnybody,
  giveBack,
  hold,
  largestHolder,
  mayHold,
  type Shares,
  shareOf,
} from '../../../src/core/limits/shares.js'

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
  it('are for one alone as large as they are told', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 700 }), fc.integer({ min: 1, max: 700 }), (total, each) => {
        let held = 0
        while (fits(held, 1, held, { total, each, newcomers: true })) held++
        expect(shareOf(total, each)).toBe(held)
      }),
    )
  })

  it('have room for anybody only where they have it for each, whatever of the rest is held by whom', () => {
    const amount = fc.nat({ max: 1_000 })
    fc.assert(
      fc.property(amount, amount, amount, fc.boolean(), (total, used, more, trusted) => {
        if (!fitsAnybody(more, used, total)) return
        for (const held of [0, Math.floor(used / 2), used]) {
          expect(fits(held, more, used, { total, each: Infinity, trusted, newcomers: true })).toBe(true)
        }
      }),
    )
    expect([fitsAnybody(325, 0, 800), fitsAnybody(326, 0, 800)]).toEqual([true, false])
  })

  it('give one alone half of what is no reserve', () => {
    expect(fill(createShares(), 'a')).toBe(350)
  })

  it('leave something for who comes next, as long as there is any: one after the other takes half of the rest', () => {
    const shares = createShares()
    const taken = Array.from({ length: 12 }, (_, i) => fill(shares, `hog ${i}`))
    expect(taken).toEqual([350, 175, 88, 44, 22, 11, 5, 3, 1, 1, 0, 0])
    expect(shares.used).toBe(700)
  })

  it('keep a part for who holds nothing, or little, however many take half of the rest before', () => {
    const shares = createShares()
    const bounds = { ...BOUNDS, newcomers: true }
    const taken = Array.from({ length: 12 }, (_, i) => fill(shares, `hog ${i}`, bounds))
    expect(taken).toEqual([325, 163, 81, 41, 20, 10, 5, 3, 1, 1, 1, 1])
    expect(mayHold(shares, 'hog 0', 1, bounds)).toBe(false)
    expect(mayHold(shares, 'newcomer', 48, bounds)).toBe(true)
    // Little is a 512th of all: here one.
    hold(shares, 'newcomer', 1)
    expect(mayHold(shares, 'newcomer', 1, bounds)).toBe(false)
    const larger = { ...bounds, total: 8_000, each: 8_000 }
    const rest = createShares()
    for (let i = 0; i < 12; i++) fill(rest, `hog ${i}`, larger)
    expect(fill(rest, 'newcomer', larger)).toBe(15)
  })

  it('are alike when many take turns, and one part is free', () => {
    const shares = createShares()
    for (let round = 0; round < 700; round++) {
      for (let i = 0; i < 6; i++) if (mayHold(shares, `hog ${i}`, 1, BOUNDS)) hold(shares, `hog ${i}`, 1)
    }
    expect([...shares.held.values()]).toEqual(Array(6).fill(100))
    expect(mayHold(shares, 'newcomer', 50, BOUNDS)).toBe(true)
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
