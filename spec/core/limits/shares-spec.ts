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

/** What each holder of a book that is kept elsewhere holds. */
const holdingsOf =
  (...held: number[]) =>
  () =>
    held

describe('shares', () => {
  it('are for one alone as large as they are told', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 700 }), fc.integer({ min: 1, max: 700 }), (total, each) => {
        let held = 0
        while (fits(held, 1, held, { total, each }, holdingsOf(held))) held++
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
          const holdings = holdingsOf(held, used - held)
          expect(fits(held, more, used, { total, each: Infinity, trusted }, holdings)).toBe(true)
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

  describe.each([
    ['strangers', false],
    ['peers that are trusted', true],
  ])('of which %s take half of the rest one after the other', (_, trusted) => {
    const bounds = { total: 4_096, each: 4_096, newcomers: true }
    const shares = createShares()
    const hogs = Array.from({ length: 20 }, (__, i) =>
      fill(shares, `hog ${i}`, { ...bounds, trusted } as typeof bounds),
    )

    it('keep a part for newcomers, of which each has little', () => {
      expect(hogs[0]).toBeGreaterThan(4_096 / 3)
      expect(mayHold(shares, 'hog 0', 1, bounds)).toBe(false)
      const newcomers = Array.from({ length: 40 }, (__, i) => fill(shares, `newcomer ${i}`, bounds))
      // A 512th of all; the last ones of those that came before had that too.
      expect(hogs.at(-1)).toBe(8)
      expect(newcomers.slice(0, 20)).toEqual(Array(20).fill(8))
      expect(newcomers.at(-1)).toBe(0)
    })
  })

  it('keep the reserve for those that are trusted, however many newcomers have their part', () => {
    const bounds = { total: 4_096, each: 4_096, newcomers: true }
    const shares = createShares()
    for (let i = 0; i < 1_000; i++) fill(shares, `stranger ${i}`, bounds)
    expect(shares.used).toBe(4_096 - 512)
    const friends = Array.from({ length: 4 }, (_, i) => {
      return fill(shares, `friend ${i}`, { ...bounds, trusted: true } as typeof bounds)
    })
    expect(friends).toEqual([256, 128, 64, 32])
  })

  it('give a newcomer no more than little of its part', () => {
    const bounds = { total: 4_096, each: 4_096, newcomers: true }
    const shares = createShares()
    for (let i = 0; i < 20; i++) fill(shares, `hog ${i}`, { ...bounds, trusted: true } as typeof bounds)
    expect(mayHold(shares, 'newcomer', 8, bounds)).toBe(true)
    expect(mayHold(shares, 'newcomer', 9, bounds)).toBe(false)
  })

  it('never hold more than there is, whoever comes and goes', () => {
    const bounds = { total: 1_000, each: 1_000, newcomers: true }
    const act = fc.record({
      holder: fc.nat({ max: 40 }),
      amount: fc.integer({ min: 1, max: 300 }),
      leaves: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(act, { maxLength: 200 }), (acts) => {
        const shares = createShares()
        for (const { holder, amount, leaves } of acts) {
          const name = `${holder}`
          // Every second one is trusted.
          const its = { ...bounds, trusted: holder % 2 === 0 }
          if (leaves) giveBack(shares, name, amount)
          else if (mayHold(shares, name, amount, its)) hold(shares, name, amount)
          expect(shares.used).toBeLessThanOrEqual(1_000)
        }
      }),
    )
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
