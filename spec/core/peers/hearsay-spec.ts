import { describe, expect, it } from '@jest/globals'
import { Hearsay, type Teller } from '../../../src/core/peers/hearsay.js'
import { HEARSAY } from '../../../src/core/parameters.js'

const { lifetime, perPeer, ofStranger, inAllOfStrangers, inAll, tries, pause } = HEARSAY
const teller = (peer: string, range = peer): Teller => ({ peer, range, via: 'public' })
const BOB = teller('bob')
const at = (host: number, port = 1): string => `/ip4/8.8.${host >> 8}.${host & 255}/tcp/${port}`
const ports = (amount: number, host = 1): string[] => Array.from({ length: amount }, (_, i) => at(host, i + 1))

describe('what is said of a peer', () => {
  it('is where it may be, until it ends', () => {
    const hearsay = new Hearsay()
    expect(hearsay.hear(BOB, 'x', [at(1), '/ip4/10.0.0.1/tcp/1'], 0)).toEqual([at(1)])
    expect(hearsay.addressesOf('x', lifetime - 1)).toEqual([at(1)])
    expect([hearsay.addressesOf('x', lifetime), hearsay.held]).toEqual([[], 0])
  })

  it('has a few addresses of each teller, which take turns', () => {
    const hearsay = new Hearsay()
    expect(hearsay.hear(BOB, 'x', ports(20), 0)).toHaveLength(perPeer)
    hearsay.hear(teller('carol'), 'x', ports(2, 2), 0)
    const found = hearsay.addressesOf('x', 0)
    expect(found.slice(0, 4)).toEqual([at(1, 1), at(2, 1), at(1, 2), at(2, 2)])
    expect(found).toHaveLength(perPeer)
  })

  it('costs nothing when it was said before', () => {
    const hearsay = new Hearsay()
    for (const name of ['bob', 'carol']) hearsay.hear(teller(name), 'x', ports(3), 0)
    expect(hearsay.held).toBe(3)
  })

  it('is held against its teller no more when the peer is found; what was tried before is', () => {
    const hearsay = new Hearsay()
    hearsay.hear(BOB, 'x', ports(4), 0)
    hearsay.failed('x', at(1, 1), 0)
    hearsay.found('x', at(1, 2))
    expect([hearsay.held, hearsay.addressesOf('x', 0)]).toEqual([1, []])
    hearsay.found('x')
    hearsay.found('y')
    expect(hearsay.held).toBe(1)
  })

  it('is tried some times, with pauses', () => {
    const hearsay = new Hearsay()
    hearsay.hear(BOB, 'x', [at(1)], 0)
    for (let i = 0; i < tries; i++) {
      expect(hearsay.hear(BOB, 'x', [at(1)], i * pause)).toEqual([at(1)])
      hearsay.failed('x', at(1), i * pause)
      expect(hearsay.hear(BOB, 'x', [at(1)], (i + 1) * pause - 1)).toEqual([])
    }
    expect(hearsay.hear(BOB, 'x', [at(1)], tries * pause)).toEqual([])
  })
})

describe('a liar', () => {
  it('is soon at an end, and may go on when what it said has ended', () => {
    const hearsay = new Hearsay()
    const taken = (now: number): number => {
      let sum = 0
      for (let i = 0; i < 1_000; i++) sum += hearsay.hear(BOB, `x${now} ${i}`, [at(i)], now).length
      return sum
    }
    expect([taken(0), hearsay.isSpent(BOB, 0)]).toEqual([ofStranger, true])
    expect(taken(lifetime - 1)).toBe(0)
    expect(taken(lifetime)).toBe(ofStranger)
  })

  it('is one of many whose sum has a bound, and there is room for one that was right', () => {
    const hearsay = new Hearsay()
    hearsay.hear(BOB, 'there', [at(1)], 0)
    hearsay.found('there', at(1))
    for (let i = 0; i < 10_000; i++) hearsay.hear(teller(`liar${i}`), `x${i}`, [at(i)], 0)
    expect(hearsay.held).toBeLessThanOrEqual(inAllOfStrangers)
    let taken = 0
    for (let i = 0; i < 1_000; i++) taken += hearsay.hear(BOB, `y${i}`, [at(i)], 0).length
    expect(taken).toBeGreaterThanOrEqual(2 * ofStranger)
    expect(hearsay.held).toBeLessThanOrEqual(inAll)
  })

  it('leaves something to say for a newcomer, though a dozen have come before, one after the other', () => {
    const hearsay = new Hearsay()
    for (let i = 0; i < 12; i++) {
      for (let j = 0; j < 100; j++) hearsay.hear(teller(`liar${i}`), `x${i} ${j}`, [at(j)], 0)
    }
    expect(hearsay.hear(BOB, 'y', ports(2), 0)).toHaveLength(2)
  })

  it('shares what it may with those of its range', () => {
    const hearsay = new Hearsay()
    for (let i = 0; i < 1_000; i++) hearsay.hear(teller(`liar${i}`, 'one'), `x${i}`, [at(i)], 0)
    expect(hearsay.held).toBeLessThanOrEqual(inAllOfStrangers / 2)
    expect(hearsay.isSpent(BOB, 0)).toBe(false)
  })

  it('is trusted no more when it was wrong as often as right', () => {
    const hearsay = new Hearsay()
    hearsay.hear(BOB, 'x', [at(1)], 0)
    hearsay.found('x', at(1))
    hearsay.hear(BOB, 'y', [at(2)], 0)
    hearsay.failed('y', at(2), 0)
    let taken = 0
    for (let i = 0; i < 1_000; i++) taken += hearsay.hear(BOB, `y${i}`, [at(i + 9)], 0).length
    expect(taken).toBe(ofStranger - 1)
  })
})
