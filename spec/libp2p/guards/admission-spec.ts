import { describe, expect, it } from '@jest/globals'
import { Admission } from '../../../src/libp2p/guards/admission.js'

const RATE = 50

/** How many of so many questions are admitted. */
function admitted(admission: Admission, peer: string, range: string, amount = 1_000): number {
  return Array.from({ length: amount }, () => admission.refusesOf(peer, range)).filter((blame) => blame === undefined)
    .length
}

describe('what is asked of a stock service', () => {
  it('has a rate for each peer: two seconds of it at once', () => {
    let now = 0
    const admission = new Admission(RATE, () => now)
    expect(admitted(admission, 'a', 'here')).toBe(2 * RATE)
    now = 1_000
    expect(admitted(admission, 'a', 'here')).toBe(RATE)
  })

  it('is shared by those of one range, who have four times as much together, and each a little in any case', () => {
    const admission = new Admission(RATE, () => 0)
    let all = 0
    for (let i = 0; i < 100; i++) all += admitted(admission, `${i}`, 'here')
    expect(all).toBe(4 * 2 * RATE + 100 * 4)
  })

  it('is refused to a peer for what it asked itself, and otherwise for what those around it, or all, did', () => {
    const admission = new Admission(RATE, () => 0)
    const blames = (peer: string, range: string, amount: number): unknown[] => [
      ...new Set(Array.from({ length: amount }, () => admission.refusesOf(peer, range)?.own)),
    ]
    for (const peer of ['a', 'b', 'c', 'd', 'e']) blames(peer, 'here', 2 * RATE)
    expect(blames('a', 'here', 2)).toEqual([true])
    expect(blames('neighbour', 'here', 2 * RATE)).toEqual([undefined, false])
    expect(blames('neighbour', 'here', 1)).toEqual([true])
    for (let i = 0; i < 50; i++) blames(`${i}`, `${i}`, 2 * RATE)
    expect(blames('far away', 'elsewhere', 2 * RATE)).toEqual([undefined, false])
  })

  it('is answered whatever others do, also when all that there is for all is used', () => {
    const admission = new Admission(RATE, () => 0)
    for (let i = 0; i < 1_000; i++) admitted(admission, `${i}`, `${i}`, 2 * RATE)
    expect(admitted(admission, 'honest', 'elsewhere', 3)).toBe(3)
  })
})
