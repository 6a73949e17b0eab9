/** A connection: in order and unchanged, or dead. Loss is delay, a partition holds back, patience ends. */
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { CONNECTION_TIMEOUT, Link, type Side } from '../../../src/testing/network/link.js'
import { Clock } from '../../../src/testing/network/clock.js'
import type { Host } from '../../../src/testing/network/host.js'
import { Random } from '../../../src/testing/network/random.js'
import { Wire, type WireOptions } from '../../../src/testing/network/wire.js'
import { Lab, type Member } from './lab.js'

/** A link between two ends that are no hosts. */
class Cable {
  readonly clock = new Clock()
  readonly wire: Wire<Host>
  readonly ending: string[] = []
  readonly closed: string[] = []
  readonly arrived: [string | number, number][] = []
  readonly link: Link

  constructor(options: Partial<WireOptions> = {}, seed = 1) {
    const all = { latency: 10, jitter: 0, loss: 0, bandwidth: Infinity, ...options }
    this.wire = new Wire<Host>(this.clock, new Random(seed), all)
    const end = (peerId: string) => ({
      peerId,
      nextConnection: 1,
      onLinkEnding: () => void this.ending.push(`${peerId} ${this.clock.time}`),
      onLinkClosed: () => void this.closed.push(`${peerId} ${this.clock.time}`),
      onUnproven: () => undefined,
    })
    this.link = new Link(this.wire, end('a'), end('b'), '/b', '/a')
    this.wire.links.add(this.link)
  }

  send(what: string | number, size = 100, from: Side = this.link.dialler): void {
    this.link.send(from, size, () => this.arrived.push([what, this.clock.time]))
  }

  run(ms: number): void {
    const end = this.clock.time + ms
    while (this.clock.next() <= end) this.clock.runInstant()
    this.clock.skipTo(end)
  }

  get order(): (string | number)[] {
    return this.arrived.map(([what]) => what)
  }
}

describe('a link', () => {
  it('takes the latency, in both directions', () => {
    const cable = new Cable({ latency: 25 })
    cable.send('there')
    cable.send('back', 100, cable.link.listener)
    cable.run(100)
    expect(cable.arrived).toEqual([['there', 25], ['back', 25]]) // prettier-ignore
  })

  it('takes up to the jitter more or less, and never leaves these bounds', () => {
    const cable = new Cable({ latency: 20, jitter: 15 })
    for (let i = 0; i < 500; i++) {
      cable.send(cable.clock.time)
      cable.run(50)
    }
    const times = cable.arrived.map(([sent, arrived]) => arrived - Number(sent))
    expect(Math.min(...times)).toBeLessThan(8)
    expect(Math.max(...times)).toBeGreaterThan(32)
    expect(times.every((time) => time >= 5 && time <= 35)).toBe(true)
  })

  it('takes what one side sends in one instant as one packet, and nothing else', () => {
    const cable = new Cable({ latency: 20, jitter: 10 })
    for (let i = 0; i < 50; i++) {
      cable.send('a')
      cable.send('b')
      cable.send('back', 100, cable.link.listener)
      cable.run(1)
    }
    cable.run(100)
    const times = (name: string): number[] => cable.arrived.filter(([what]) => what === name).map(([, at]) => at)
    expect(times('a')).toEqual(times('b'))
    expect(times('back')).not.toEqual(times('a'))
    expect(new Set(times('a')).size).toBeGreaterThan(10)
    expect(cable.wire.packets).toBe(100)
  })

  it('opens no more of a packet whose first part ended the connection', () => {
    const cable = new Cable()
    const { link } = cable
    link.send(link.dialler, 10, () => {
      link.die()
    })
    cable.send('after the end')
    cable.run(100)
    expect(cable.arrived).toEqual([])
  })

  it('takes as long as the bandwidth says: one packet after the other, in each direction', () => {
    const cable = new Cable({ bandwidth: 1_000 })
    for (const name of ['a', 'b', 'c']) cable.send(name, 100)
    cable.send('back', 50, cable.link.listener)
    cable.run(1_000)
    cable.send('d', 100)
    cable.run(1_000)
    expect(cable.arrived).toEqual([['back', 60], ['a', 110], ['b', 210], ['c', 310], ['d', 1_110]]) // prettier-ignore
  })

  it('sends again what is lost, later each time, and dies of the seventh loss in a row', () => {
    const delays = new Set<number>()
    let deaths = 0
    for (let seed = 0; seed < 300; seed++) {
      const cable = new Cable({ loss: 0.6 }, seed)
      cable.send('x')
      cable.run(100_000)
      if (cable.arrived.length > 0) delays.add(cable.arrived[0]![1])
      else deaths++
      expect(cable.arrived.length + cable.closed.length / 2).toBe(1)
    }
    expect([...delays].sort((x, y) => x - y)).toEqual([10, 210, 610, 1_410, 3_010, 6_210, 12_610])
    // 300 × 0.6^7 = 8.4
    expect(deaths).toBeGreaterThan(1)
    expect(deaths).toBeLessThan(20)
  })

  it('never lets a packet overtake another, whatever the network does', () => {
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.record({ send: fc.integer({ min: 0, max: 5_000 }) }) },
      { weight: 3, arbitrary: fc.record({ wait: fc.integer({ min: 0, max: 60 }) }) },
      { weight: 1, arbitrary: fc.record({ slow: fc.integer({ min: 0, max: 100 }) }) },
      { weight: 2, arbitrary: fc.record({ cut: fc.boolean() }) },
    )
    const options = fc.record({
      jitter: fc.integer({ min: 0, max: 20 }),
      loss: fc.constantFrom(0, 0.1),
      bandwidth: fc.constantFrom(Infinity, 100_000),
      seed: fc.integer({ min: 0, max: 1_000 }),
    })
    fc.assert(
      fc.property(options, fc.array(step, { maxLength: 80 }), ({ seed, ...wire }, steps) => {
        const cable = new Cable({ latency: 20, ...wire }, seed)
        let sent = 0
        for (const one of steps) {
          if ('send' in one) cable.send(sent++, one.send)
          else if ('wait' in one) cable.run(one.wait)
          else if ('slow' in one) cable.wire.slow('a', 'b', one.slow)
          else if (one.cut) cable.wire.partition([['a'], ['b']])
          else cable.wire.heal()
        }
        cable.wire.heal()
        cable.run(100_000)
        expect(cable.order).toEqual(Array.from({ length: cable.link.open ? sent : cable.order.length }, (_, i) => i))
      }),
      { numRuns: 500 },
    )
  })

  it('is slower by what slow says, until it says 0', () => {
    const cable = new Cable()
    cable.wire.slow('b', 'a', 500)
    cable.send('slow')
    cable.run(1_000)
    cable.wire.slow('a', 'b', 0)
    cable.send('fast')
    cable.run(1_000)
    expect(cable.arrived).toEqual([['slow', 510], ['fast', 1_010]]) // prettier-ignore
  })

  it('carries what limit says, in each direction, until it says there is none', () => {
    const cable = new Cable()
    cable.wire.limit('b', 'a', 1_000)
    for (const what of ['one', 'two']) cable.send(what, 500)
    cable.send('back', 500, cable.link.listener)
    cable.run(2_000)
    cable.wire.limit('a', 'b', Infinity)
    cable.send('fast', 500)
    cable.run(1_000)
    expect(cable.arrived).toEqual([['one', 510], ['back', 510], ['two', 1_010], ['fast', 2_010]]) // prettier-ignore
  })
})

describe('a link that is cut one way', () => {
  it('holds back what goes that way, lets through what comes the other way, and dies of either', () => {
    for (const from of ['dialler', 'listener'] as const) {
      const cable = new Cable()
      cable.wire.cut('a', 'b')
      cable.run(1_000)
      cable.send(from, 100, cable.link[from])
      cable.run(CONNECTION_TIMEOUT + 9)
      expect([cable.order, cable.closed]).toEqual([from === 'listener' ? ['listener'] : [], []])
      cable.run(1)
      const died = 1_010 + CONNECTION_TIMEOUT
      expect(cable.closed).toEqual([`a ${died}`, `b ${died}`])
    }
  })

  it('goes on when the cut ends in time, by itself or because the network heals', () => {
    for (const heals of [true, false]) {
      const cable = new Cable()
      const end = cable.wire.cut('a', 'b')
      cable.send('there')
      cable.send('back', 100, cable.link.listener)
      cable.run(CONNECTION_TIMEOUT - 1)
      expect(cable.order).toEqual(['back'])
      if (heals) cable.wire.heal()
      else end()
      cable.run(60_000)
      expect([cable.order, cable.closed]).toEqual([['back', 'there'], []])
    }
  })
})

describe('a link that is cut', () => {
  it('holds back what comes to the cut, and lets it through, in order, when it heals', () => {
    const cable = new Cable()
    cable.send('before')
    cable.run(5)
    cable.wire.partition([['a']])
    cable.run(100)
    cable.send('during')
    cable.run(1_000)
    expect(cable.arrived).toEqual([])
    cable.send('under way')
    cable.run(5)
    cable.wire.heal()
    cable.send('after')
    cable.run(1_000)
    expect(cable.arrived).toEqual([['before', 1_120], ['during', 1_120], ['under way', 1_120], ['after', 1_120]]) // prettier-ignore
  })

  it('holds on over a partition that does not concern it', () => {
    const cable = new Cable()
    cable.wire.partition([['a', 'b'], ['c']])
    cable.send('x')
    cable.run(10)
    cable.wire.partition([['c']])
    cable.send('y')
    cable.run(10)
    expect(cable.order).toEqual(['x', 'y'])
  })

  it('goes on holding when it is cut again before it has healed', () => {
    const cable = new Cable()
    cable.wire.partition([['a']])
    cable.send('x')
    cable.run(100)
    cable.wire.heal()
    cable.run(5)
    cable.wire.partition([['b']])
    cable.run(15_000)
    expect(cable.order).toEqual([])
    cable.wire.heal()
    cable.run(10)
    expect(cable.order).toEqual(['x'])
    cable.run(60_000)
    expect(cable.link.open).toBe(true)
  })

  it('dies when that lasts longer than its patience, on both sides, and what was held is for nobody', () => {
    const cable = new Cable()
    cable.wire.partition([['a']])
    cable.send('x')
    cable.run(CONNECTION_TIMEOUT + 9)
    expect(cable.closed).toEqual([])
    cable.run(1)
    expect(cable.closed).toEqual(['a 20010', 'b 20010'])
    cable.wire.heal()
    cable.send('y')
    cable.run(1_000)
    expect(cable.arrived).toEqual([])
    expect(cable.wire.links.size).toBe(0)
  })

  it('does not die of it when nothing wants to pass', () => {
    const cable = new Cable()
    cable.wire.partition([['a']])
    cable.run(1_000_000)
    expect(cable.link.open).toBe(true)
  })
})

describe('the end of a link', () => {
  it('is at once where it is closed, and there when the news has come', () => {
    const cable = new Cable()
    cable.send('last words')
    cable.link.close(cable.link.dialler)
    cable.link.close(cable.link.dialler)
    cable.send('too late', 100, cable.link.listener)
    cable.run(1_000)
    expect(cable.ending).toEqual(['b 10'])
    expect(cable.closed[0]).toBe('a 0')
    expect(['b 10', 'b 11', 'b 12', 'b 13']).toContain(cable.closed[1])
    expect(cable.order).toEqual(['last words'])
  })

  it('comes to its streams some time before it comes to the connection, if it is closed in good order', () => {
    const gaps = Array.from({ length: 20 }, (_, seed) => {
      const cable = new Cable({}, seed)
      cable.link.close(cable.link.listener)
      cable.run(1_000)
      return Number(cable.closed[1]!.slice(2)) - Number(cable.ending[0]!.slice(2))
    })
    expect(new Set(gaps).size).toBeGreaterThan(2)
  })

  it('comes to all at once when a process is gone', () => {
    const cable = new Cable()
    cable.link.abort(cable.link.dialler)
    cable.run(1_000)
    expect([cable.ending, cable.closed]).toEqual([[], ['a 0', 'b 10']])
  })

  it('comes at once to both when a packet is damaged: Noise demands it', () => {
    const cable = new Cable()
    cable.wire.corrupt('b', 'a')
    cable.run(1_000)
    expect(cable.link.open).toBe(true)
    cable.send('x')
    cable.run(1_000)
    expect([cable.arrived, cable.closed]).toEqual([[], ['a 1010', 'b 1010']])
  })

  it('does not come to others', () => {
    const lab = new Lab()
    const [a, b, c] = lab.membersOf(3) as [Member, Member, Member]
    lab.connect(a, b)
    lab.connect(a, c)
    lab.wire.corrupt('peer1', 'peer3')
    lab.run(30_000)
    // Only the two of them, and only when something passes between them.
    a.run({ type: 'ping', connection: 1, timeout: 1_000, longest: 1_000 })
    lab.run(1_000)
    expect([a, b, c].map((member) => member.heard('connectionClosed').length)).toEqual([0, 0, 0])
    a.run({ type: 'ping', connection: 2, timeout: 1_000, longest: 1_000 })
    lab.run(1_000)
    expect([a, b, c].map((member) => member.heard('connectionClosed').length)).toEqual([1, 0, 1])
    expect(a.heard('pinged').map(({ connection, rtt }) => [connection, rtt])).toEqual([[1, 20]])
  })
})
