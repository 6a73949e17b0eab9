import { describe, expect, it } from '@jest/globals'
import { LINES_OF_KIND, LogLines } from '../../../src/core/limits/log-lines.js'

/** How many of so many lines of a kind are told. */
function told(lines: LogLines, kind: string, amount: number, now: number): number {
  return Array.from({ length: amount }, () => lines.admit(kind, now)).filter((untold) => untold !== undefined).length
}

describe('lines of a log', () => {
  it('are a hundred of a kind in a minute', () => {
    const lines = new LogLines()
    let all = 0
    for (let ms = 0; ms < 600_000; ms += 10) all += told(lines, 'a', 1, ms)
    expect(all).toBe(10 * LINES_OF_KIND)
  })

  it('of one kind take nothing from others', () => {
    const lines = new LogLines()
    told(lines, 'a', 1_000, 0)
    expect(told(lines, 'b', 50, 0)).toBe(50)
  })

  it('that were not told are counted by the next one', () => {
    const lines = new LogLines()
    told(lines, 'a', 150, 0)
    expect(lines.admit('a', 59_999)).toBeUndefined()
    expect(lines.admit('a', 60_000)).toBe(51)
    expect(lines.admit('a', 60_001)).toBe(0)
  })

  it('that were not told are counted once, also when none of their kind follows', () => {
    const lines = new LogLines()
    expect(lines.takeOver(0)).toEqual([])
    told(lines, 'a', 150, 0)
    told(lines, 'b', 1, 0)
    expect(lines.takeOver(59_999)).toEqual([])
    expect(lines.takeOver(60_000)).toEqual([{ kind: 'a', untold: 50 }])
    expect(lines.takeOver(120_000)).toEqual([])
    expect(lines.admit('a', 120_000)).toBe(0)
  })

  it('of kinds without number share what one kind has', () => {
    const lines = new LogLines()
    let all = 0
    for (let i = 0; i < 5_000; i++) all += told(lines, `kind ${i}`, 1, 0)
    expect(all).toBe(500 + LINES_OF_KIND)
  })

  it('go on when the clock is set back', () => {
    const lines = new LogLines()
    told(lines, 'a', 150, 1e9)
    expect(lines.admit('a', 5)).toBe(50)
  })
})
