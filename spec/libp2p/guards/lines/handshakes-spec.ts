import { beforeEach, describe, expect, it } from '@jest/globals'
import { Handshakes } from '../../../../src/libp2p/guards/lines/handshakes.js'

describe('handshakes', () => {
  let now: number
  let handshakes: Handshakes
  let broken: string[]
  let refused: string[]

  beforeEach(() => {
    now = 0
    broken = []
    refused = []
    const limits = { handshakes: 16, handshakesPerRange: 6, handshakeRate: 1_000 }
    handshakes = new Handshakes(limits, (address) => refused.push(address), () => now) // prettier-ignore
  })

  const begin = (host: string): (() => void) | undefined =>
    handshakes.begin(`/ip4/${host}/tcp/1`, () => broken.push(host))

  it('are bounded for a range, and one that has ended makes room', () => {
    const ends = Array.from({ length: 6 }, (_, i) => begin(`80.1.1.${i}`))
    expect(begin('80.1.1.9')).toBeUndefined()
    expect(refused).toEqual(['/ip4/80.1.1.9/tcp/1'])
    ends[3]!()
    ends[3]!()
    expect(begin('80.1.1.9')).toBeDefined()
    expect(begin('80.1.1.10')).toBeUndefined()
    expect(begin('80.1.2.1')).toBeDefined()
    expect(broken).toEqual([])
  })

  it('of one range make room for each other when they take long', () => {
    for (let i = 0; i < 6; i++) begin(`80.1.1.${i}`)
    now = 1_000
    expect(begin('80.1.1.9')).toBeDefined()
    expect(broken).toEqual(['80.1.1.0'])
  })

  it('of ranges that have many make room for others', () => {
    for (const range of [1, 2, 3]) for (let i = 0; i < 6; i++) begin(`80.1.${range}.${i}`)
    for (let range = 4; range < 20; range++) {
      expect(begin(`80.1.${range}.1`)).toBeDefined()
      now++
    }
    // Of each range one is left, and for the others the oldest ones make room.
    expect(broken.length).toBeGreaterThan(8)
    expect(begin('80.2.1.1')).toBeDefined()
    expect(begin('80.2.1.2')).toBeUndefined()
  })

  it('of this machine are each for itself', () => {
    for (let host = 1; host <= 8; host++) expect(begin(`127.0.0.${host}`)).toBeDefined()
    for (let i = 0; i < 10; i++) begin('127.0.0.9')
    expect(begin('127.0.0.10')).toBeDefined()
  })

  it('have a rate for each range, whatever others do', () => {
    const slow = new Handshakes({ handshakes: 1_000, handshakesPerRange: 1_000, handshakeRate: 10 }, () => undefined, () => now) // prettier-ignore
    const begun = (host: string): number =>
      Array.from({ length: 100 }, () => slow.begin(`/ip4/${host}/tcp/1`, () => undefined)).filter(Boolean).length
    expect(begun('80.1.1.1')).toBe(20)
    expect([2, 3, 4, 5, 6].map((range) => begun(`80.1.${range}.1`)).reduce((a, b) => a + b)).toBeLessThanOrEqual(90)
    expect(begun('80.1.7.1')).toBeGreaterThan(0)
    now = 1_000
    expect(begun('80.1.1.1')).toBe(10)
  })
})
