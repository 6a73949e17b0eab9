/** Who is tried again when: the table of docs/architecture.md. */
import { describe, expect, it } from '@jest/globals'
import type { Effect } from '../../../src/core/effects.js'
import type { Event } from '../../../src/core/events.js'
import { inTurn, lastGood } from '../../../src/core/peers/pace.js'
import { peerState } from '../../../src/core/peers/peer-states.js'
import type { Settings } from '../../../src/core/settings.js'
import { Core, shorts } from '../../support/core.js'
import { BOB, BOOT, closed, dialFailed, failAll, identified, rememberedAfter } from '../../support/peers.js'

const TICK = 30_000
const HOUR = 3_600_000
const DAY = 24 * HOUR
const QUIET = { connectionKeepAlive: 1e12, pingInterval: 1e12, discoveryInterval: TICK }

/** A network in which every dial fails after some time, and a tick comes each interval. */
class Void {
  readonly core: Core
  readonly dials: { at: number; target: string; looksUp: boolean }[] = []
  private pending: { at: number; target: string }[] = []

  constructor(
    settings: Partial<Settings>,
    private readonly takes = 1,
  ) {
    this.core = new Core({ ...QUIET, ...settings })
    this.core.state.lifecycle.phase = 'starting'
    this.in({ type: 'listening', addresses: ['/ip4/10.9.0.1/tcp/1'] })
  }

  in(...events: Event[]): void {
    this.take(this.core.in(...events))
  }

  /** Connects, and is identified. */
  meet(peer: string, connection: number, address = `/ip4/52.0.${connection}.1/tcp/1`): void {
    this.in({ type: 'connectionOpened', connection, peer, address, inbound: false })
    this.in(identified(peer, [address], connection))
  }

  private take(effects: Effect[]): void {
    for (const effect of effects) {
      if (effect.type !== 'dial') continue
      const { target } = effect
      this.dials.push({ at: this.core.now, target, looksUp: effect.addresses.length === 0 })
      this.pending.push({ at: this.core.now + this.takes, target })
    }
  }

  run(until: number): void {
    const { core } = this
    while (core.now < until) {
      const tick = (Math.floor(core.now / TICK) + 1) * TICK
      const next = Math.min(core.state.memory.nextTry, ...this.pending.map(({ at }) => at), tick, until)
      core.now = Math.max(core.now, next)
      const due = this.pending.filter(({ at }) => at <= core.now)
      this.pending = this.pending.filter(({ at }) => at > core.now)
      if (due.length > 0) this.in(...due.map(({ target }) => dialFailed(target)))
      else if (next === tick) this.in({ type: 'tick' })
      else this.in({ type: 'woken' })
    }
  }

  /** The longest time without a dial of the peer. */
  longestGap(peer: string, from: number, to: number): number {
    const times = this.dials.filter(({ at, target }) => target === peer && at >= from && at <= to).map(({ at }) => at)
    return Math.max(...[...times, to].map((time, i) => time - (times[i - 1] ?? from)))
  }

  amount(from: number, to: number, isCounted = (_: string): boolean => true): number {
    return this.dials.filter(({ at, target }) => at >= from && at < to && isCounted(target)).length
  }
}

/** Peers of other sites, that were good some ms ago; the first was good last. */
function gone(amount: number, age = 5, site = (i: number) => `51.${i % 250}.${i >> 8}`) {
  return Array.from({ length: amount }, (_, i) => ({
    peer: `p${i}`,
    addresses: [`/ip4/${site(i)}.1/tcp/1`],
    age: age + i,
  }))
}

describe.each([
  ['refuse', 1],
  ['hang', 6_000],
])('hundreds of remembered peers that are gone, and %s', (_, takes) => {
  it('cost some dials a second, fewer later, and do not delay one that was good a moment ago', () => {
    const net = new Void({ remembered: gone(400) }, takes)
    net.meet('other', 1)
    net.run(600_000)
    expect(net.amount(0, 600_000) / 600).toBeLessThan(3)
    net.meet('bob', 2)
    const lostAt = net.core.now
    net.in(closed(2), { type: 'tableChanged', peer: 'bob', addresses: undefined })
    net.run(lostAt + HOUR)
    // Two ticks.
    expect(net.longestGap('bob', lostAt, lostAt + HOUR)).toBeLessThan(2 * TICK)
    net.run(3 * HOUR)
    expect(net.amount(2 * HOUR, 3 * HOUR) / 3_600).toBeLessThan(1.5)
    // They all have their turn.
    const tried = new Set(net.dials.filter(({ at }) => at > HOUR).map(({ target }) => target))
    expect(tried.size).toBe(401)
  })
})

describe('peers that are away', () => {
  it('are tried after a sixteenth of the time that they are away, an hour at most, but for the last eight', () => {
    const net = new Void({ remembered: gone(20) })
    net.meet('other', 1)
    for (const [from, longest] of [
      [600_000, TICK + 20_000],
      [2 * HOUR, (3 * HOUR) / 16 + 1_000],
      [20 * HOUR, HOUR + 1_000],
    ] as const) {
      net.run(from + HOUR)
      expect(net.longestGap('p15', from, from + Math.min(HOUR, 2 * longest))).toBeLessThanOrEqual(longest)
      expect(net.longestGap('p3', from, from + HOUR)).toBeLessThanOrEqual(TICK + 1)
    }
    // Each pause is half of that at least.
    expect(net.amount(20 * HOUR, 21 * HOUR, (peer) => peer === 'p15')).toBeLessThanOrEqual(2)
  })

  it('are tried sooner as soon as nobody is connected any more', () => {
    const net = new Void({ remembered: gone(20) })
    net.meet('other', 1)
    net.run(20 * HOUR)
    const aloneAt = net.core.now
    net.in(closed(1))
    net.run(aloneAt + HOUR)
    expect(net.longestGap('p15', aloneAt, aloneAt + HOUR)).toBeLessThanOrEqual(TICK + 1)
  })

  it('are tried for ever if they are among the last eight: less often after a day, more often while nobody is connected', () => {
    const net = new Void({ remembered: gone(3) })
    net.meet('other', 1)
    net.run(30 * HOUR)
    const isOurs = (peer: string): boolean => peer.startsWith('p')
    expect(net.amount(22 * HOUR, 23 * HOUR, isOurs)).toBeGreaterThan(300)
    expect(net.amount(26 * HOUR, 30 * HOUR, isOurs)).toBeGreaterThanOrEqual(12)
    expect(net.amount(26 * HOUR, 30 * HOUR, isOurs)).toBeLessThanOrEqual(30)
    expect(peerState(net.core.state, 'p1').state).toBe('unreachable')
    net.in(closed(1))
    net.run(31 * HOUR)
    expect(net.amount(30 * HOUR, 31 * HOUR, isOurs)).toBeGreaterThan(300)
  })

  it('are tried after a restart although they were good long ago', () => {
    const net = new Void({ remembered: gone(9, 2 * DAY) })
    expect(net.dials.map(({ target }) => target)).toEqual(gone(8).map(({ peer }) => peer))
    net.run(HOUR)
    expect(net.longestGap('p0', 0, HOUR)).toBeLessThanOrEqual(TICK + 1)
    expect([...net.core.state.memory.peers.keys()].sort()).toEqual(gone(8).map(({ peer }) => peer))
  })

  it('of one site are the last after the first ones of other sites, whatever their number', () => {
    const core = new Core()
    for (let i = 0; i < 3; i++) core.state.memory.peers.set(`bob ${i}`, { ...rememberedAfter(1), host: `site ${i}` })
    for (let i = 0; i < 100; i++) core.state.memory.peers.set(`liar ${i}`, { ...rememberedAfter(1), host: 'liar' })
    for (const peer of core.state.memory.peers.keys()) core.state.memory.retries.set(peer, 0)
    expect([...lastGood(core.state)]).toEqual([
      ...['liar 99', 'bob 2', 'bob 1', 'bob 0'],
      ...['liar 98', 'liar 97', 'liar 96', 'liar 95'],
    ])
    core.connect('bob 1')
    core.state.memory.retries.delete('bob 1')
    expect(lastGood(core.state).has('bob 1')).toBe(false)
    expect(lastGood(core.state, 'bob 1').has('bob 1')).toBe(true)
  })

  it('have their turn after the peers of the config and the last eight by how long they are away, then by how long they wait', () => {
    const core = new Core({ keep: { boot: [BOOT] }, discoveryInterval: TICK })
    core.connect('other')
    const away = { old: 10 * HOUR, late: 600_000, early: 700_000, last: 5 }
    for (const [peer, age] of Object.entries(away))
      core.state.memory.peers.set(peer, { ...rememberedAfter(1), livedAt: -age })
    const times = { old: -9, late: -1, early: -5, last: 0, boot: 0, future: 1 }
    for (const [peer, time] of Object.entries(times)) core.state.memory.retries.set(peer, time)
    expect(inTurn(core.state, new Set(['last']))).toEqual(['boot', 'last', 'early', 'late', 'old'])
  })

  it('are those that were good last by when they were lost, and not by when they came', () => {
    const core = new Core({ connectionKeepAlive: 1e9 })
    for (const [i, peer] of ['bob', 'carol'].entries()) {
      core.connect(peer, i)
      core.in(identified(peer, [BOB], i))
    }
    core.in(closed(1))
    core.in(closed(0))
    expect([...core.state.memory.peers.keys()]).toEqual(['carol', 'bob'])
  })
})

describe('a peer of the config that is away', () => {
  /** It was connected, and is gone; others are connected. */
  function away(keep: Record<string, string[]>): Void {
    const net = new Void({ keep })
    net.meet('other', 1)
    for (const [i, peer] of Object.keys(keep).entries()) {
      net.meet(peer, 10 + i)
      net.in(closed(10 + i))
    }
    return net
  }

  const lookupsOf = (net: Void, from: number, to: number): number =>
    net.dials.filter(({ at, looksUp }) => looksUp && at >= from && at < to).length

  it('is looked up at ticks, because it may have moved, and less often the longer it is away', () => {
    const net = away({ bob: ['/ip4/51.1.0.1/tcp/1/p2p/bob'] })
    net.run(24 * HOUR)
    // At the first tick, and soon again.
    expect(lookupsOf(net, 0, TICK + 1)).toBe(1)
    expect(lookupsOf(net, 0, 120_001)).toBeGreaterThanOrEqual(3)
    expect(lookupsOf(net, 0, HOUR)).toBeLessThan(60)
    expect(lookupsOf(net, 20 * HOUR, 24 * HOUR)).toBe(4)
    // Where it was before it is dialled all the same.
    expect(net.longestGap('bob', TICK, 24 * HOUR)).toBeLessThanOrEqual(4_001)
  })

  it('is not looked up while nobody is connected who could be asked', () => {
    const net = away({ bob: ['/ip4/51.1.0.1/tcp/1/p2p/bob'] })
    net.in(closed(1))
    net.run(HOUR)
    expect(lookupsOf(net, 0, HOUR)).toBe(0)
  })

  it('is one of four at most that are looked up at a tick, in turn', () => {
    const peers = Array.from({ length: 10 }, (_, i) => `bob ${i}`)
    const net = away(Object.fromEntries(peers.map((peer) => [peer, [BOB]])))
    net.run(3 * TICK)
    const lookups = net.dials.filter(({ looksUp }) => looksUp)
    expect(lookupsOf(net, 0, TICK + 1)).toBe(4)
    expect(new Set(lookups.map(({ target }) => target)).size).toBe(10)
  })

  it('is looked up less and less often also when no address of it is known', () => {
    const net = new Void({ keep: { bob: [] } })
    net.meet('other', 1)
    net.run(24 * HOUR)
    expect(lookupsOf(net, 0, 10_000)).toBeGreaterThanOrEqual(5)
    expect(lookupsOf(net, 20 * HOUR, 24 * HOUR)).toBeLessThanOrEqual(8)
    net.in(closed(1))
    net.run(25 * HOUR)
    expect(net.longestGap('bob', 24 * HOUR, 25 * HOUR)).toBeLessThanOrEqual(TICK + 1)
  })

  it('is dialled while it is looked up, and the dial fails when both have', () => {
    const core = new Core({ keep: { bob: [BOB] }, ...QUIET })
    core.connect('other', 9)
    failAll(core, 0, core.in({ type: 'tick' }))
    core.now = TICK
    const dials = core.in({ type: 'tick' }).filter(({ type }) => type === 'dial')
    expect(dials).toEqual([
      { type: 'dial', target: 'bob', addresses: [`${BOB}/p2p/bob`] },
      { type: 'dial', target: 'bob', addresses: [] },
    ])
    core.in(dialFailed('bob'))
    expect(core.state.dials.has('bob')).toBe(true)
    core.in(dialFailed('bob'))
    expect([core.state.dials.has('bob'), shorts(core.in({ type: 'woken' }))]).toEqual([false, []])
  })
})
