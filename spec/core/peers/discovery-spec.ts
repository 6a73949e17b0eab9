import { describe, expect, it } from '@jest/globals'
import type { Effect } from '../../../src/core/effects.js'
import type { Event } from '../../../src/core/events.js'
import { Core, KAD, shorts } from '../../support/core.js'
import { REFUSED } from '../../support/peers.js'

const BOOT = { bootNodes: { boot: ['/ip4/10.0.0.9/tcp/1/p2p/boot'] } }
const tick: Event = { type: 'tick' }

function table(peer: string, ...addresses: string[]): Event {
  return { type: 'tableChanged', peer, addresses }
}

function dialFailed(target: string): Event {
  return { type: 'dialFailed', target, failure: { message: 'refused' }, tried: [] }
}

describe('discovery', () => {
  it('is paused, and says so, when no peer is known', () => {
    const core = new Core()
    expect(core.all(tick)).toContainEqual(
      expect.objectContaining({ type: 'log', level: 'info', message: '☕ discovery paused: no peer is known' }),
    )
    expect(core.in(tick)).toEqual([])
  })

  it('is paused, and says so, while none of those that are known is reached', () => {
    const pauses = (core: Core): unknown =>
      core
        .all(tick)
        .flatMap((effect) => (effect.type === 'log' && effect.message.includes('paused') ? [effect.message] : []))
    const core = new Core(BOOT)
    expect(pauses(core)).toEqual(['☕ discovery paused: none of the peers that we know (1) is reached yet'])
    core.connect('boot')
    expect(pauses(core)).toEqual(['☕ discovery paused: no connected peer takes part in it yet'])
  })

  it('asks the first peer at once, and then at each tick', () => {
    const core = new Core()
    expect(shorts(core.in(table('bob', '/ip4/10.0.0.1/tcp/1')))).toEqual(['tableQuery'])
    core.in({ type: 'tableQueried' })
    core.connect('bob')
    expect(shorts(core.in(tick))).toEqual(['tableQuery'])
  })

  it('does not begin a lookup while one is under way', () => {
    const core = new Core()
    core.in(table('bob', '/ip4/10.0.0.1/tcp/1'))
    core.connect('bob')
    expect(core.in(tick)).toEqual([])
    core.in({ type: 'tableQueried', failure: { message: 'no answer' } })
    expect(shorts(core.in(tick))).toEqual(['tableQuery'])
  })

  it('warns once of each reason for which a boot node is down, also when they take turns', () => {
    const core = new Core(BOOT)
    const levels = ['a', 'b', 'a', 'b', 'a'].map((message) => {
      core.in(tick)
      const effects = core.all({ ...dialFailed('boot'), failure: { message } } as Event)
      return effects.flatMap((one) => (one.type === 'log' && one.message.includes('is down') ? [one.level] : []))
    })
    expect(levels.flat()).toEqual(['warn', 'warn', 'debug', 'debug', 'debug'])
  })

  it('warns of a boot node that hangs up again and again before it says anything, once', () => {
    const core = new Core(BOOT)
    const levels = [1, 2, 3, 4, 5].flatMap((connection) => {
      core.in(tick)
      core.connect('boot', connection)
      const effects = core.all({ type: 'connectionClosed', connection })
      return effects.flatMap((one) =>
        one.type === 'log' && one.level === 'warn' ? [`${connection} ${one.message}`] : [],
      )
    })
    expect(levels).toEqual([`3 boot node boot hangs up on us again and again, and is tried again: ${REFUSED}`])
  })

  it('tries a boot node again at each tick until it is connected, and says that it is down', () => {
    const core = new Core(BOOT)
    expect(core.in(tick)).toEqual([{ type: 'dial', target: 'boot', addresses: BOOT.bootNodes.boot }])
    const down = core.all(dialFailed('boot')).find((effect) => effect.type === 'log')
    expect(down).toMatchObject({ level: 'warn', message: expect.stringContaining('boot node boot is down') as unknown })
    expect(shorts(core.in(tick))).toEqual(['dial boot'])
    core.connect('boot')
    expect(core.in(tick)).toEqual([])
  })

  it('does not dial ourselves when we are among the boot nodes', () => {
    expect(new Core({ bootNodes: { self: ['/ip4/10.0.0.9/tcp/1/p2p/self'] } }).in(tick)).toEqual([])
  })

  it('puts what a peer of the DHT says of itself into the table', () => {
    const core = new Core()
    core.connect('bob')
    const identified = (protocols: string[], addresses: string[]): Event => ({
      type: 'identified',
      connection: 1,
      peer: 'bob',
      protocols,
      addresses,
      agent: 'x',
    })
    expect(core.in(identified([KAD], ['/ip4/10.0.0.1/tcp/1']))).toEqual([
      { type: 'ping', connection: 1, timeout: 20_000, longest: 20_000 },
      { type: 'tableAdd', peer: 'bob', addresses: ['/ip4/10.0.0.1/tcp/1'] },
    ])
    expect(core.in(identified(['/other/1.0.0'], []))).toEqual([])
    expect(core.in(identified(['/other/1.0.0'], ['/ip4/10.0.0.1/tcp/1']))).toEqual([])
  })

  it('puts where it has reached a peer that tells no address into the table, and not whence one has come', () => {
    const core = new Core()
    core.connect('bob')
    const address = '/ip4/10.0.0.2/tcp/40000'
    core.in({ type: 'connectionOpened', connection: 2, peer: 'carol', address, inbound: true })
    const identified = (connection: number, peer: string): Effect[] =>
      core.in({ type: 'identified', connection, peer, protocols: [KAD], addresses: [], agent: 'x' })
    expect(identified(1, 'bob')).toContainEqual({ type: 'tableAdd', peer: 'bob', addresses: ['/ip4/127.0.0.1/tcp/1'] })
    expect(shorts(identified(2, 'carol')).join()).not.toContain('tableAdd')
  })

  it('probes members of the table that are not connected, and removes those that cannot be dialled', () => {
    const core = new Core()
    core.in(table('bob', '/ip4/10.0.0.1/tcp/1'), table('carol', '/ip4/10.0.0.2/tcp/1'), { type: 'tableQueried' })
    core.connect('carol')
    expect(shorts(core.in(tick))).toEqual(['tableQuery', 'dial bob'])
    expect(shorts(core.in(dialFailed('bob')))).toEqual(['tableRemove bob'])
    core.in({ type: 'tableChanged', peer: 'bob', addresses: undefined })
    expect([...core.state.discovery.table.keys()]).toEqual(['carol'])
    expect(core.in(tick)).toEqual([])
  })

  it('spreads the probes of a tick over its interval', () => {
    const core = new Core({ maxProbes: 3, discoveryInterval: 30_000 })
    core.in(...['a', 'b', 'c', 'd'].map((peer, i) => table(peer, `/ip4/10.0.0.${i}/tcp/1`)), { type: 'tableQueried' })
    const dialled = (effects: Effect[]): string[] => shorts(effects).filter((effect) => effect.startsWith('dial'))
    const seen: string[] = []
    core.in(tick).forEach((effect) => effect.type === 'dial' && seen.push(effect.target))
    for (const time of [10_000, 20_000]) {
      expect(dialled(core.at(time - 1))).toEqual([])
      core.in(...seen.map((peer) => dialFailed(peer)))
      core.at(time).forEach((effect) => effect.type === 'dial' && seen.push(effect.target))
    }
    expect(new Set(seen).size).toBe(3)
    expect(core.state.discovery.nextProbe).toBe(Infinity)
    expect(dialled(core.at(29_999))).toEqual([])
  })

  it('probes all of the table in turn, those that came together at different times', () => {
    const core = new Core({ maxProbes: 4, discoveryInterval: 4_000 })
    const peers = Array.from({ length: 32 }, (_, i) => `p${i}`)
    core.in(...peers.map((peer, i) => table(peer, `/ip4/10.0.0.${i}/tcp/1`)))
    const probed: string[] = []
    for (let time = 4_000; time < 36_000; time += 1_000) {
      core.now = time
      for (const effect of core.in(time % 4_000 === 0 ? tick : { type: 'woken' })) {
        if (effect.type !== 'dial') continue
        probed.push(effect.target)
        core.state.dials.delete(effect.target)
        core.state.discovery.probing.delete(effect.target)
      }
    }
    expect(new Set(probed.slice(0, 32)).size).toBe(32)
    for (let i = 1; i < probed.length; i++) {
      expect(Math.abs(peers.indexOf(probed[i]!) - peers.indexOf(probed[i - 1]!))).toBeGreaterThan(5)
    }
  })

  it('begins no probe while as many as are allowed have no answer', () => {
    const core = new Core({ maxProbes: 4, maxParallelProbes: 2, discoveryInterval: 4_000 })
    core.in(...['a', 'b', 'c', 'd'].map((peer, i) => table(peer, `/ip4/10.0.0.${i}/tcp/1`)), { type: 'tableQueried' })
    const probes = (effects: Effect[]): number => effects.filter(({ type }) => type === 'dial').length
    expect([probes(core.in(tick)), probes(core.at(1_000)), probes(core.at(2_000))]).toEqual([1, 1, 0])
    expect(probes(core.connect([...core.state.discovery.probing][0]!))).toBe(0)
    expect(probes(core.at(3_000))).toBe(1)
  })

  it('knows nobody who has no address', () => {
    const core = new Core()
    core.in(table('bob'))
    expect(core.state.discovery.table.size).toBe(0)
  })
})
