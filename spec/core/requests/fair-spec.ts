/** The time that peers get for their handlers, in a model of the event loop's turns. */
import { describe, expect, it } from '@jest/globals'
import { HandlerTurns, type Caller } from '../../support/handler-turns.js'

/** Peers that always ask, for little. */
const hogs = (count: number): Caller[] =>
  Array.from({ length: count }, (_, i) => ({ peer: `hog ${i}`, cost: 0.2, atOnce: 8 }))

describe('the time of handlers', () => {
  it('is not taken from peers that are dear by one that always waits, nor by them', () => {
    const turns = new HandlerTurns(
      { peer: 'quick', cost: 0.4, atOnce: 64 },
      { peer: 'bob', cost: 30, atOnce: 4 },
      { peer: 'carol', cost: 60, atOnce: 4 },
    ).until(8_000)
    const dear = [turns.of('bob').computed, turns.of('carol').computed]
    expect(Math.min(...dear)).toBeGreaterThan(600)
    expect(dear[0]! + dear[1]!).toBeLessThanOrEqual(2_000 + 60)
  })

  it('is shared by peers who are not dear, whatever each handler takes', () => {
    const costs = [0.3, 1, 2, 4]
    const turns = new HandlerTurns(...costs.map((cost) => ({ peer: `of ${cost}`, cost, atOnce: 32 }))).until(4_000)
    for (const cost of costs) {
      expect(turns.of(`of ${cost}`).computed).toBeGreaterThan(850)
      expect(turns.of(`of ${cost}`).computed).toBeLessThan(1_150)
    }
  })

  it('is not taken by one whose handler has once stood still for seconds and who always waits, nor for ever from it', () => {
    const costs = [0.3, 1, 4]
    const turns = new HandlerTurns(
      { peer: 'paused', first: 9_000, cost: 0.3, atOnce: 32 },
      ...costs.map((cost) => ({ peer: `of ${cost}`, cost, atOnce: 32 })),
    ).until(30_000)
    for (const cost of costs) expect(turns.of(`of ${cost}`).computed).toBeGreaterThan(4_000)
    expect(turns.of('paused').computed).toBeGreaterThan(9_000 + 2_000)
  })

  it('is shared by ranges of addresses, and their parts by the peers of each', () => {
    const address = '80.1.1.1'
    const turns = new HandlerTurns(
      { peer: 'quick', cost: 0.3, atOnce: 64, address },
      { peer: 'slow', cost: 3, atOnce: 64, address },
      { peer: 'other', cost: 0.3, atOnce: 64 },
    ).until(3_000)
    const [quick, slow, other] = ['quick', 'slow', 'other'].map((peer) => turns.of(peer).computed)
    expect(other).toBeGreaterThan(1_400)
    expect(quick).toBeGreaterThan(650)
    expect(slow).toBeGreaterThan(650)
  })

  it('is no more for a peer that comes later than for another one of its range', () => {
    const address = '80.1.1.1'
    const turns = new HandlerTurns(
      { peer: 'old', cost: 0.5, atOnce: 64, address },
      { peer: 'new', cost: 0.5, atOnce: 64, address, from: 2_000 },
    ).until(2_000)
    const before = turns.of('old').computed
    turns.until(3_000)
    expect(turns.of('old').computed - before).toBeGreaterThan(450)
    expect(turns.of('new').computed).toBeGreaterThan(450)
  })

  it('is there for one that is new, though many always ask for little', () => {
    const turns = new HandlerTurns(...hogs(50), { peer: 'new', cost: 0.2, each: 20, from: 1_000 }).until(2_000)
    expect(turns.of('new').waits).toHaveLength(50)
    expect(Math.max(...turns.of('new').waits)).toBeLessThan(15)
  })

  it('is there for one that asks now and then, though many come that are new and compute', () => {
    const fresh = Array.from({ length: 80 }, (_, i) => ({
      ...{ peer: `fresh ${i}`, cost: 50, atOnce: 1, from: 1_000 + 25 * i },
    }))
    const turns = new HandlerTurns({ peer: 'honest', cost: 0.1, each: 5 }, ...fresh).until(4_000)
    const { waits } = turns.of('honest')
    expect(waits.length).toBeGreaterThan(785)
    // One handler at most is in the way.
    expect(Math.max(...waits)).toBeLessThan(56)
  })

  it('is there for one that is new soon after many that were new have computed', () => {
    const fresh = Array.from({ length: 10 }, (_, i) => ({ peer: `fresh ${i}`, cost: 20, atOnce: 1, from: 50 * i }))
    const after = Array.from({ length: 20 }, (_, i) => ({
      peer: `new ${i}`,
      cost: 0.2,
      each: 1_000,
      from: 800 + 10 * i,
    }))
    const turns = new HandlerTurns(...hogs(20), ...fresh, ...after).until(1_500)
    const first = after.map(({ peer }) => turns.of(peer).waits[0] ?? Infinity)
    expect(Math.max(...first)).toBeLessThan(300)
    expect(first.at(-1)).toBeLessThan(20)
  })
})
