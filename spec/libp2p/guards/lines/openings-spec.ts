import { describe, expect, it } from '@jest/globals'
import { MUXER } from '../../../../src/libp2p/defaults.js'
import { LineRates, type Taking } from '../../../../src/libp2p/guards/lines/openings.js'
import { Turns } from '../../../../src/libp2p/guards/lines/turns.js'

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('the rate of streams', () => {
  const RATE = 100

  /** How many are taken until one has to wait. */
  function taken(openings: Taking, now: number, most = 10_000): number {
    let count = 0
    while (count < most && openings.take(now) === 0) count++
    return count
  }

  it('allows two seconds of it at once, and then so many in a second', () => {
    const openings = new LineRates(RATE).of({ peer: 'a', range: 'a' }, 0).openings
    expect(taken(openings, 0)).toBe(2 * RATE)
    expect(taken(openings, 1_000)).toBe(RATE)
  })

  it('is of a peer, whatever connection it uses', () => {
    const rate = new LineRates(RATE)
    expect(taken(rate.of({ peer: 'a', range: 'a' }, 0).openings, 0)).toBe(2 * RATE)
    expect(taken(rate.of({ peer: 'a', range: 'a' }, 0).openings, 0)).toBe(0)
    expect(taken(rate.of({ peer: 'b', range: 'b' }, 0).openings, 0)).toBe(2 * RATE)
  })

  it('does not count what has ended in good order', () => {
    const openings = new LineRates(RATE).of({ peer: 'a', range: 'a' }, 0).openings
    for (let i = 0; i < 2_000; i++) {
      if (taken(openings, 0, 1) === 1) openings.putBack()
    }
    expect(taken(openings, 0)).toBe(2 * RATE)
  })

  it('is shared by those of one range, and each has a little in any case', () => {
    const rate = new LineRates(RATE)
    let all = 0
    for (let i = 0; i < 20; i++) all += taken(rate.of({ peer: `${i}`, range: 'here' }, 0).openings, 0)
    expect(all).toBe(4 * 2 * RATE + 20 * 2 * MUXER.leastStreams)
    expect(taken(rate.of({ peer: 'other', range: 'there' }, 0).openings, 0)).toBe(2 * RATE)
  })

  it('makes a peer wait for what it did itself, or else for what others did', () => {
    const rate = new LineRates(RATE)
    const greedy = rate.of({ peer: 'greedy', range: 'there' }, 0).openings
    taken(greedy, 0)
    expect(greedy.isOwn).toBe(true)
    for (let i = 0; i < 5; i++) taken(rate.of({ peer: `${i}`, range: 'here' }, 0).openings, 0)
    const neighbour = rate.of({ peer: 'neighbour', range: 'here' }, 0).openings
    expect(taken(neighbour, 0)).toBe(2 * MUXER.leastStreams)
    expect(neighbour.isOwn).toBe(false)
  })
})

describe('the rate of frames', () => {
  it('is shared by all, and each has a little in any case', () => {
    const rates = new LineRates(1)
    const takenBy = (peer: string): number => {
      const { frames } = rates.of({ peer, range: peer }, 0)
      let count = 0
      while (frames.take(0) === 0) count++
      return count
    }
    const least = 2 * MUXER.leastFrames
    expect(takenBy('a')).toBe(2 * MUXER.frames)
    expect(takenBy('a')).toBe(0)
    takenBy('b')
    takenBy('c')
    expect(takenBy('d')).toBe(least)
  })
})

describe('turns', () => {
  it('have a part for each connection', async () => {
    const turns = new Turns()
    const [one, other, third] = [turns.of(), turns.of(), turns.of()]
    one.use(MUXER.perTurnEach)
    expect([one.isFree(), other.isFree()]).toEqual([false, true])
    other.use(MUXER.perTurn - MUXER.perTurnEach)
    // Who says little goes on all the same.
    third.use(MUXER.leastPerTurn - 1)
    expect([other.isFree(), third.isFree()]).toEqual([false, true])
    third.use(1)
    expect(third.isFree()).toBe(false)
    await turn()
    expect([one.isFree(), other.isFree(), third.isFree()]).toEqual([true, true, true])
  })

  it('go to whoever has waited longest', async () => {
    const turns = new Turns()
    const served: number[] = []
    const one = (name: number): void => {
      const mine = turns.of()
      const go = (): void => {
        while (mine.isFree()) mine.use(100)
        served.push(name)
        if (served.length < 20) turns.wait(go)
      }
      turns.wait(go)
    }
    for (let name = 0; name < 5; name++) one(name)
    while (served.length < 20) await turn()
    expect(served).toEqual(Array.from({ length: 20 }, (_, i) => i % 5))
  })
})
