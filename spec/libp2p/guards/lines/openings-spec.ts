import { describe, expect, it } from '@jest/globals'
import { MUXER } from '../../../../src/libp2p/defaults.js'
import { OpeningTurns } from '../../../../src/libp2p/guards/lines/opening-turns.js'
import { StreamRate, type Openings } from '../../../../src/libp2p/guards/lines/openings.js'

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('the rate of streams', () => {
  const RATE = 100

  /** How many are taken until one has to wait; a new turn whenever one is needed. */
  async function taken(openings: Openings, now: number, most = 10_000): Promise<number> {
    for (let count = 0; count < most;) {
      const wait = openings.take(now)
      if (wait > 0) return count
      if (wait === 0) count++
      else await turn()
    }
    return most
  }

  it('allows two seconds of it at once, and then so many in a second', async () => {
    const openings = new StreamRate(RATE).of({ peer: 'a', range: 'a' }, 0)
    expect(await taken(openings, 0)).toBe(2 * RATE)
    expect(await taken(openings, 1_000)).toBe(RATE)
  })

  it('is of a peer, whatever connection it uses', async () => {
    const rate = new StreamRate(RATE)
    expect(await taken(rate.of({ peer: 'a', range: 'a' }, 0), 0)).toBe(2 * RATE)
    expect(await taken(rate.of({ peer: 'a', range: 'a' }, 0), 0)).toBe(0)
    expect(await taken(rate.of({ peer: 'b', range: 'b' }, 0), 0)).toBe(2 * RATE)
  })

  it('does not count what has ended in good order', async () => {
    const openings = new StreamRate(RATE).of({ peer: 'a', range: 'a' }, 0)
    for (let i = 0; i < 2_000; i++) {
      if ((await taken(openings, 0, 1)) === 1) openings.putBack()
    }
    expect(await taken(openings, 0)).toBe(2 * RATE)
  })

  it('is shared by those of one range, and each has a little in any case', async () => {
    const rate = new StreamRate(RATE)
    let all = 0
    for (let i = 0; i < 20; i++) all += await taken(rate.of({ peer: `${i}`, range: 'here' }, 0), 0)
    expect(all).toBe(4 * 2 * RATE + 20 * 2 * MUXER.leastStreams)
    expect(await taken(rate.of({ peer: 'other', range: 'there' }, 0), 0)).toBe(2 * RATE)
  })

  it('makes a peer wait for what it did itself, or else for what others did', async () => {
    const rate = new StreamRate(RATE)
    const greedy = rate.of({ peer: 'greedy', range: 'there' }, 0)
    await taken(greedy, 0)
    expect(greedy.isOwn).toBe(true)
    for (let i = 0; i < 5; i++) await taken(rate.of({ peer: `${i}`, range: 'here' }, 0), 0)
    const neighbour = rate.of({ peer: 'neighbour', range: 'here' }, 0)
    expect(await taken(neighbour, 0)).toBe(2 * MUXER.leastStreams)
    expect(neighbour.isOwn).toBe(false)
  })

  it('gives each connection a part of a turn', async () => {
    const rate = new StreamRate(1_000)
    const openings = rate.of({ peer: 'a', range: 'a' }, 0)
    for (let i = 0; i < MUXER.streamsPerTurnEach; i++) expect(openings.take(0)).toBe(0)
    expect(openings.take(0)).toBe(-1)
    expect(rate.of({ peer: 'b', range: 'b' }, 0).take(0)).toBe(0)
    await turn()
    await turn()
    expect(openings.take(0)).toBe(0)
  })
})

describe('turns', () => {
  it('go to whoever has waited longest', async () => {
    const turns = new OpeningTurns()
    const served: number[] = []
    const one = (name: number): void => {
      const mine = turns.of()
      const go = (): void => {
        while (mine.isFree()) mine.use()
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
