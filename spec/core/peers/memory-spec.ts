import { describe, expect, it } from '@jest/globals'
import type { Effect, Effects } from '../../../src/core/effects.js'
import type { Event } from '../../../src/core/events.js'
import { TABLE } from '../../../src/core/parameters.js'
import { tryAgain } from '../../../src/core/peers/memory.js'
import type { RememberedPeer } from '../../../src/core/peers/state.js'
import { peerState } from '../../../src/core/peers/peer-states.js'
import { Core, shorts } from '../../support/core.js'
import { SESSION } from '../../support/session.js'
import {
  BOB,
  BOOT,
  closed,
  crowd,
  dialFailed,
  failAll,
  identified,
  loseEight,
  rememberedAfter,
} from '../../support/peers.js'

/** Connections stay. */
const STILL = { pingInterval: 1e9, connectionKeepAlive: 1e9 }

/** Dials of all others fail. */
function failAllBut(peer: string, core: Core, effects: Effect[]): void {
  const others = effects.flatMap((effect) => (effect.type === 'dial' && effect.target !== peer ? [effect.target] : []))
  core.in(...others.map(dialFailed))
}

function lost(core: Core, peer = 'bob'): void {
  core.connect(peer)
  core.in(identified(peer))
  core.in({ type: 'tableChanged', peer, addresses: [BOB] }, { type: 'tableQueried' })
  core.in(closed())
  core.in({ type: 'tick' })
}

describe('the memory of peers', () => {
  it('tries one that was good and cannot be dialled again after 1, 2, 4 … s, for a day, but for the eight that were good last', () => {
    const core = new Core({
      discoveryInterval: 8_000,
      memoryLifetime: 100_000,
      pingInterval: 1e9,
      connectionKeepAlive: 1e9,
    })
    crowd(core)
    lost(core)
    core.in(dialFailed('bob'))
    core.in({ type: 'tableChanged', peer: 'bob', addresses: undefined })
    core.now = 50
    loseEight(core)
    const times = failAll(core, 200_000, [], 'bob')
    const pauses = times.map((time, i) => time - (times[i - 1] ?? 0))
    ;[1_000, 2_000, 4_000, 8_000, 8_000].forEach((whole, i) => {
      expect(pauses[i]).toBeGreaterThanOrEqual(whole / 2)
      expect(pauses[i]).toBeLessThanOrEqual(whole)
    })
    expect(times.at(-1)).toBeLessThanOrEqual(100_000)
    expect(times.at(-1)).toBeGreaterThan(90_000)
    expect(peerState(core.state, 'bob').state).toBe('forgotten')
    expect([...core.state.memory.retries.keys()].sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8].map((i) => `later ${i}`))
  })

  it.each([0, 1])(
    'tries one that hangs up before it has said who it is as one that fails, after %d failures',
    (failures) => {
      // As far away as the eight that were good last.
      const remembered = [{ peer: 'old', addresses: ['/ip4/127.0.0.1/tcp/1'], age: 0 }]
      const core = new Core({ ...STILL, remembered, discoveryInterval: 8_000, memoryLifetime: 100_000 })
      core.state.lifecycle.phase = 'starting'
      core.in({ type: 'listening', addresses: [BOB] })
      crowd(core)
      loseEight(core)
      if (failures > 0) {
        core.in(dialFailed('old'))
        core.at(core.state.memory.retries.get('old')!)
      }
      const pauses: number[] = []
      const isKnown = (): boolean => core.now < 200_000 && core.state.memory.peers.has('old')
      for (let id = 1_000; id < 1_100 && isKnown(); id++) {
        core.connect('old', id)
        core.in(closed(id))
        pauses.push(core.state.memory.retries.get('old')! - core.now)
        while (!core.state.dials.has('old') && isKnown()) {
          failAllBut('old', core, core.at(core.state.memory.nextTry))
        }
      }
      ;[1_000, 2_000, 4_000, 8_000, 8_000].slice(failures).forEach((whole, i) => {
        expect(pauses[i]).toBeGreaterThanOrEqual(whole / 2)
        expect(pauses[i]).toBeLessThanOrEqual(whole)
      })
      expect(core.now).toBeGreaterThan(90_000)
    },
  )

  it.each([0, 29_999, 30_000])(
    'tries one that is lost without a goodbye after a second, stayed it %d ms or not',
    (ms) => {
      const core = new Core({ ...STILL, protocols: [SESSION], discoveryInterval: 30_000 })
      core.connect('bob')
      core.in({ ...identified('bob'), protocols: [SESSION] } as Event, { type: 'pinged', connection: 1, rtt: 1 })
      core.now = ms
      core.in(closed())
      expect(core.state.memory.retries.get('bob')! - ms).toBeGreaterThanOrEqual(500)
      expect(core.state.memory.retries.get('bob')! - ms).toBeLessThanOrEqual(1_000)
    },
  )

  it('tries one that hangs up again and again, and says nothing, after ever longer pauses', () => {
    const core = new Core({ ...STILL, protocols: [SESSION], discoveryInterval: 30_000 })
    const pauses = [1, 2, 3, 4].map((connection) => {
      core.connect('bob', connection)
      const named = { ...identified('bob'), connection, protocols: [SESSION] } as Event
      core.in(named, { type: 'pinged', connection, rtt: 1 })
      core.in(closed(connection))
      const pause = core.state.memory.retries.get('bob')! - core.now
      core.at(core.state.memory.retries.get('bob')!)
      return pause
    })
    for (const [i, whole] of [1_000, 2_000, 4_000, 8_000].entries()) {
      expect(pauses[i]).toBeGreaterThanOrEqual(whole / 2)
      expect(pauses[i]).toBeLessThanOrEqual(whole)
    }
  })

  it('dials it where it was, and puts it back into the table when it is there again', () => {
    const core = new Core()
    lost(core)
    core.in(dialFailed('bob'))
    core.in({ type: 'tableChanged', peer: 'bob', addresses: undefined })
    const [dial] = core.at(1_000)
    // The address that led to it comes first.
    expect(dial).toEqual({ type: 'dial', target: 'bob', addresses: ['/ip4/127.0.0.1/tcp/1/p2p/bob', `${BOB}/p2p/bob`] })
    core.connect('bob', 2)
    expect(shorts(core.in(identified('bob', [BOB], 2)))).toEqual(['ping 2', 'tableAdd bob'])
    expect(core.state.memory.retries.size).toBe(0)
  })

  it('dials at once whose connection began at an address that we have no more', () => {
    const core = new Core()
    core.connect('bob')
    core.in(identified('bob'))
    core.in({ type: 'tableChanged', peer: 'bob', addresses: [BOB] }, { type: 'tableQueried' })
    expect(shorts(core.in({ ...closed(), moved: true } as Event))).toEqual(['dial bob'])
    // We may have no network yet, and then the table loses it.
    core.in(dialFailed('bob'))
    expect(core.state.memory.retries.has('bob')).toBe(true)
  })

  it('takes addresses from the peer itself, and from no table', () => {
    const core = new Core()
    core.connect('bob')
    core.in(identified('bob'))
    const before = core.state.memory.peers.get('bob')!.addresses
    core.in({ type: 'tableChanged', peer: 'bob', addresses: ['/ip4/10.6.6.6/tcp/6'] }, { type: 'tableQueried' })
    core.in(closed())
    expect(core.state.memory.peers.get('bob')!.addresses).toEqual(before)
    expect(before).toEqual(['/ip4/127.0.0.1/tcp/1', BOB])
  })

  it('tries one again that has left the table by itself', () => {
    const core = new Core()
    core.connect('bob')
    core.in(identified('bob'))
    core.in({ type: 'tableChanged', peer: 'bob', addresses: [BOB] }, { type: 'tableQueried' })
    core.in(closed())
    core.in({ type: 'tableChanged', peer: 'bob', addresses: undefined })
    expect(shorts(core.at(1_000))).toEqual(['dial bob'])
  })

  it('asks the network for other addresses beside those that it remembers when a caller waits', () => {
    const core = new Core()
    core.connect('bob')
    core.in(identified('bob'))
    core.in(closed())
    core.in({ type: 'tableChanged', peer: 'carol', addresses: [BOB] }, { type: 'tableQueried' })
    expect(core.request(1, 'bob')).toEqual([
      { type: 'dial', target: 'bob', addresses: ['/ip4/127.0.0.1/tcp/1/p2p/bob', `${BOB}/p2p/bob`] },
      { type: 'dial', target: 'bob', addresses: [] },
    ])
    expect(core.in(dialFailed('bob'))).toEqual([])
    expect(shorts(core.in(dialFailed('bob')))).toEqual(['fail 1 DialError'])
  })

  it('has a bound: who was good longest ago makes room, but nobody who is connected', () => {
    const core = new Core({ maxRemembered: 2 })
    core.connect('bob', 1)
    core.in(identified('bob'))
    ;['carol', 'dave'].forEach((peer, i) => {
      core.connect(peer, 2 + i)
      core.in(identified(peer, [BOB], 2 + i))
      core.in(closed(2 + i))
    })
    expect([...core.state.memory.peers.keys()]).toEqual(['bob', 'dave'])
  })

  /** Connects once, over this address, and says that it is at `said`. */
  function visit(core: Core, peer: string, from: string, said: string[], inbound = true): void {
    core.in({ type: 'connectionOpened', connection: 1, peer, address: from, inbound })
    core.in(identified(peer, said), closed())
  }

  describe('of where a peer is', () => {
    const [OLD, NEW, DOOR] = ['/ip4/10.0.0.1/tcp/1', '/ip4/10.0.0.1/tcp/2', '/dns4/bob.example/tcp/443']
    const places = (core: Core): string[] | undefined => core.state.memory.peers.get('bob')?.addresses

    it('leaves out where it said that it was, once it says something else', () => {
      const core = new Core()
      visit(core, 'bob', OLD, [OLD], false)
      visit(core, 'bob', '/ip4/10.0.0.1/tcp/50000', [NEW])
      expect(places(core)).toEqual([NEW])
      expect(peerState(core.state, 'bob').addresses).toEqual([`${NEW}/p2p/bob`])
    })

    it('keeps an address that has led to it and that it never told, until a dial of it fails', () => {
      const core = new Core()
      visit(core, 'bob', DOOR, [OLD], false)
      visit(core, 'bob', '/ip4/10.0.0.1/tcp/50000', [NEW])
      expect(places(core)).toEqual([DOOR, NEW])
      const tried = [{ address: `${DOOR}/p2p/bob`, reason: 'refused' }]
      core.request(1, 'bob')
      for (let i = 0; i < 2; i++) core.in({ ...dialFailed('bob'), tried } as Event)
      visit(core, 'bob', '/ip4/10.0.0.1/tcp/50001', [OLD])
      expect(places(core)).toEqual([OLD])
    })

    it('keeps all of it when it says nothing', () => {
      const core = new Core()
      visit(core, 'bob', DOOR, [OLD], false)
      visit(core, 'bob', '/ip4/10.0.0.1/tcp/50000', [])
      expect(places(core)).toEqual([DOOR, OLD])
    })
  })

  it('is not for peers that are nowhere', () => {
    const core = new Core()
    visit(core, 'bob', '/ip4/66.1.0.1/tcp/1', [])
    expect(core.state.memory.peers.size).toBe(0)
  })

  it('keeps those whom we have dialled, and those of other hosts, when a stranger comes with a thousand names', () => {
    const core = new Core({ maxRemembered: 100 })
    visit(core, 'dialled', '/ip4/51.1.0.1/tcp/1', [BOB], false)
    visit(core, 'guest', '/ip4/51.2.0.1/tcp/1', [BOB])
    for (let i = 0; i < 1_000; i++) visit(core, `liar ${i}`, `/ip6/2a00:1:2:${i % 256}::1/tcp/1`, [BOB])
    const { peers } = core.state.memory
    expect([peers.size, peers.has('dialled'), peers.has('guest'), peers.has('liar 999')]).toEqual([
      ...[100, true, true, true],
    ])
    for (let i = 0; i < 1_000; i++) visit(core, `many ${i}`, `/ip4/${i % 250}.${i % 4}.0.1/tcp/1`, [BOB])
    expect([peers.size, peers.has('dialled')]).toEqual([100, true])
  })

  it('keeps those who have stayed for ten minutes', () => {
    const core = new Core({ maxRemembered: 2, connectionKeepAlive: 1e9, pingInterval: 1e9 })
    core.in({ type: 'connectionOpened', connection: 9, peer: 'bob', address: '/ip4/51.2.0.1/tcp/1', inbound: true })
    core.in(identified('bob', [BOB], 9))
    core.now = 600_000
    core.in(closed(9))
    visit(core, 'a', '/ip4/66.1.0.1/tcp/1', [BOB])
    visit(core, 'b', '/ip4/66.1.0.1/tcp/1', [BOB])
    expect([...core.state.memory.peers.keys()]).toEqual(['bob', 'b'])
  })

  it('keeps an address that has led to the peer beside those that it tells, and four of them at most', () => {
    const core = new Core()
    const inside = '/ip4/192.168.1.5/tcp/4001'
    const addresses = (): string[] => core.state.memory.peers.get('bob')!.addresses
    visit(core, 'bob', '/ip4/51.1.0.1/tcp/4001', [inside], false)
    visit(core, 'bob', '/ip4/51.1.0.1/tcp/50001', [inside])
    expect(addresses()).toEqual(['/ip4/51.1.0.1/tcp/4001', inside])
    const many = Array.from({ length: 50 }, (_, i) => `/ip4/10.0.3.${i}/tcp/1`)
    for (let i = 2; i <= 6; i++) visit(core, 'bob', `/ip4/51.1.0.${i}/tcp/4001`, many, false)
    expect(addresses()).toHaveLength(16)
    expect(addresses().filter((address) => address.startsWith('/ip4/51.'))).toEqual([
      ...[6, 5, 4, 3].map((i) => `/ip4/51.1.0.${i}/tcp/4001`),
    ])
  })

  it('keeps what the disk had of a peer that has not been dialled since', () => {
    const core = new Core({ remembered: [{ peer: 'bob', addresses: ['/ip4/51.1.0.1/tcp/4001'], age: 5 }] })
    core.state.lifecycle.phase = 'starting'
    core.in({ type: 'listening', addresses: [BOB] })
    visit(core, 'bob', '/ip4/51.1.0.1/tcp/50001', [BOB])
    expect(core.state.memory.peers.get('bob')!.addresses).toEqual(['/ip4/51.1.0.1/tcp/4001', BOB])
  })

  const REMEMBERED = Array.from({ length: 20 }, (_, i) => ({ peer: `p${i}`, addresses: [BOB], age: 5 }))

  it('does not end while nobody is connected: the fault may be ours', () => {
    const core = new Core({ memoryLifetime: 100_000, remembered: REMEMBERED, connectionKeepAlive: 1e9 })
    core.state.lifecycle.phase = 'starting'
    failAll(core, 1_000_000, core.in({ type: 'listening', addresses: [BOB] }))
    expect(core.state.memory.peers.size).toBe(20)
    core.now += 1_000
    failAll(core, 1_000_000 + 50_000, [...core.connect('p0'), ...core.in(identified('p0'))])
    expect(core.state.memory.peers.size).toBe(20)
    failAll(core, 1_000_000 + 200_000)
    // The one that is connected, and eight that are away.
    expect(core.state.memory.peers.size).toBe(9)
    expect(core.state.memory.peers.has('p0')).toBe(true)
  })

  it('does not end in a sleep', () => {
    const core = new Core({ memoryLifetime: 100_000, remembered: REMEMBERED, connectionKeepAlive: 1e9 })
    core.state.lifecycle.phase = 'starting'
    failAll(core, 0, core.in({ type: 'listening', addresses: [BOB] }))
    core.connect('p0')
    core.in(identified('p0'))
    core.now = 10_000_000
    core.in({ type: 'late', by: 10_000_000 })
    failAll(core, 10_050_000, core.at(core.now + 1_000))
    expect(core.state.memory.peers.size).toBe(20)
    failAll(core, 10_200_000)
    // The one that is connected, and eight that are away.
    expect(core.state.memory.peers.size).toBe(9)
  })

  it('dials no more of them at once than the settings say, and the next when one dial is over', () => {
    const remembered = REMEMBERED.slice(0, 12)
    const core = new Core({ maxReturns: 2, remembered })
    core.state.lifecycle.phase = 'starting'
    const dials = core.in({ type: 'listening', addresses: [BOB] }).filter(({ type }) => type === 'dial')
    // Eight have places of their own.
    expect(shorts(dials)).toEqual(Array.from({ length: 10 }, (_, i) => `dial p${i}`))
    expect(shorts(core.in(dialFailed('p0')))).toEqual([])
    expect(shorts(core.in(dialFailed('p9')))).toEqual(['dial p10'])
  })
})

describe('peers that the config names', () => {
  /** Until the time, from the start on, or with another peer connected before. */
  function pausesUntil(core: Core, end: number, other?: string): number[] {
    core.state.lifecycle.phase = other === undefined ? 'starting' : 'running'
    if (other !== undefined) core.connect(other)
    const begin = core.in(other === undefined ? { type: 'listening', addresses: [BOB] } : { type: 'tick' })
    const times = failAll(core, end, begin)
    expect(times.at(-1)).toBeGreaterThan(0.98 * end)
    return times.slice(1).map((time, i) => time - times[i]!)
  }

  it('are tried each second while nobody is connected, for ever: a boot node may come at any time', () => {
    const pauses = pausesUntil(new Core({ bootNodes: { boot: [BOOT] } }), 600_000)
    expect(Math.max(...pauses)).toBeLessThanOrEqual(800)
    expect(Math.min(...pauses.slice(2))).toBeGreaterThanOrEqual(400)
    // Not all of them at once.
    expect(new Set(pauses).size).toBeGreaterThan(200)
  })

  it('are tried so again as soon as nobody is connected any more', () => {
    const core = new Core({ bootNodes: { boot: [BOOT] }, connectionKeepAlive: 1e9 })
    pausesUntil(core, 190_000, 'bob')
    expect(core.state.memory.nextTry).toBeGreaterThan(core.now + 800)
    core.in(closed())
    expect(core.state.memory.nextTry).toBeLessThanOrEqual(core.now + 800)
  })

  it.each([
    ['nobody else is', 4_000],
    ['others are', 30_000],
  ])('are tried slowly if they hang up on us again and again, while %s connected', (others, longest) => {
    const core = new Core({ keep: { boot: [BOOT] }, connectionKeepAlive: 1e9 })
    if (others === 'others are') core.connect('other', 99)
    for (let id = 1; id <= 10; id++) {
      core.connect('boot', id)
      core.in(identified('boot', [BOB], id))
      core.in(closed(id))
    }
    const pause = core.state.memory.retries.get('boot')! - core.now
    expect(pause).toBeGreaterThanOrEqual(longest / 2)
    expect(pause).toBeLessThanOrEqual(longest)
  })

  it('are tried as slowly when another one hangs up and leaves nobody', () => {
    const core = new Core({ bootNodes: { boot: [BOOT], other: [BOB] }, connectionKeepAlive: 1e9 })
    for (let id = 1; id <= 20; id += 2) {
      core.connect('boot', id)
      core.connect('other', id + 1)
      core.in(closed(id), closed(id + 1))
    }
    for (const peer of ['boot', 'other']) expect(core.state.memory.retries.get(peer)).toBeGreaterThanOrEqual(2_000)
  })

  it('are tried slowly if they hang up before they have said who they are, although they were never good', () => {
    const core = new Core({ keep: { boot: [BOOT] } })
    for (let id = 1; id <= 10; id++) {
      core.connect('boot', id)
      core.in(closed(id))
    }
    expect(core.state.memory.retries.get('boot')).toBeGreaterThanOrEqual(core.now + 2_000)
  })

  it.each([0, 5_000, 600_000])(
    'are tried at once when they hang up, though they were down for %d ms before',
    (down) => {
      const core = new Core({ bootNodes: { boot: [BOOT] }, pingInterval: 1e9, discoveryInterval: 30_000 })
      core.state.lifecycle.phase = 'starting'
      failAll(core, down, core.in({ type: 'listening', addresses: [BOB] }))
      core.connect('boot')
      core.in(identified('boot'))
      core.now += 5_000
      core.in(closed())
      expect(core.state.memory.nextTry - core.now).toBeLessThanOrEqual(500)
      // It is being restarted.
      const times = failAll(core, core.now + 5_000)
      expect(Math.max(...times.map((time, i) => time - (times[i - 1] ?? time)))).toBeLessThanOrEqual(800)
      // And when it is up, that it hung up before is over, because it was down.
      core.connect('boot', 2)
      core.in(identified('boot', [BOB], 2))
      core.in(closed(2))
      expect(core.state.memory.nextTry - core.now).toBeLessThanOrEqual(500)
    },
  )

  it('are tried after 250 ms, 500 ms … up to the discovery interval when others are connected, for ever', () => {
    const core = new Core({ bootNodes: { boot: [BOOT] }, discoveryInterval: 2_000, connectionKeepAlive: 1e9 })
    const pauses = pausesUntil(core, 200_000, 'bob')
    ;[250, 500, 1_000, 2_000, 2_000].forEach((whole, i) => {
      expect(pauses[i]).toBeGreaterThanOrEqual(whole / 2)
      expect(pauses[i]).toBeLessThanOrEqual(whole)
    })
    expect(Math.max(...pauses)).toBeLessThanOrEqual(2_000)
  })

  it('are tried after four seconds at most, however rare discovery is', () => {
    const core = new Core({ bootNodes: { boot: [BOOT] }, discoveryInterval: 60_000, connectionKeepAlive: 1e9 })
    const pauses = pausesUntil(core, 400_000, 'bob')
    expect(Math.max(...pauses)).toBeLessThanOrEqual(4_000)
    expect(Math.min(...pauses.slice(6))).toBeGreaterThanOrEqual(2_000)
  })

  it('are dialled where the config says when a caller wants them, whatever failed before', () => {
    const core = new Core({ keep: { boot: [BOOT] } })
    core.in({ type: 'tick' })
    core.in(dialFailed('boot'))
    expect(core.request(1, 'boot')).toEqual([
      { type: 'dial', target: 'boot', addresses: [BOOT] },
      { type: 'dial', target: 'boot', addresses: [] },
    ])
  })

  it('are looked up when the config gives no address, and their connections are not closed for being idle', () => {
    const core = new Core({ keep: { bob: [] }, connectionKeepAlive: 10 })
    expect(core.in({ type: 'tick' })).toEqual([{ type: 'dial', target: 'bob', addresses: [] }])
    core.connect('bob')
    expect(shorts(core.at(10_000))).toEqual([])
  })

  it('are dialled again when they hang up, at ever longer pauses while nothing goes on', () => {
    const core = new Core({ bootNodes: { boot: [BOOT] }, discoveryInterval: 30_000, connectionKeepAlive: 1e9 })
    core.connect('other', 99)
    const pauses: number[] = []
    for (let id = 1; id <= 5; id++) {
      core.connect('boot', id)
      core.in(identified('boot', [BOB], id))
      core.now += 1_000
      core.in(closed(id))
      pauses.push(core.state.memory.nextTry - core.now)
      core.at(core.state.memory.nextTry)
    }
    ;[500, 1_000, 2_000, 4_000, 8_000].forEach((whole, i) => {
      expect(pauses[i]).toBeGreaterThanOrEqual(whole / 2)
      expect(pauses[i]).toBeLessThanOrEqual(whole)
    })
  })

  it('keep the reason of an earlier failure beside that of the last', () => {
    const core = new Core({ bootNodes: { boot: [BOOT] } })
    core.in({ type: 'tick' })
    core.in(dialFailed('boot'))
    core.now = 500
    core.in({ type: 'tick' })
    core.in({ type: 'dialFailed', target: 'boot', failure: { message: 'nobody knows it' }, tried: [] })
    core.in({ type: 'explain', ask: 1, about: { peer: 'boot' } })
    const [settle] = core.in({ type: 'inspected', ask: 1, peers: {} })
    expect(settle).toMatchObject({
      value: {
        dialFailure: { reason: 'nobody knows it', ago: 0 },
        earlierDialFailure: { reason: 'refused', ago: 500 },
      },
    })
  })

  it.each([
    ['at once', 1],
    ['after it had stayed', 60_000],
  ])('count one failure when they do not answer pings, %s', (_, stayed) => {
    const core = new Core({ bootNodes: { boot: [BOOT] }, discoveryInterval: 30_000, pingInterval: 1e9 })
    core.in({ type: 'tick' })
    core.in(dialFailed('boot'))
    core.connect('boot')
    core.in(identified('boot'))
    core.now += stayed
    core.in({ type: 'pingFailed', connection: 1, failure: { message: 'no answer' }, heard: false })
    expect(core.state.memory.peers.get('boot')!.failures).toBe(1)
    expect(core.state.memory.retries.get('boot')! - core.now).toBeLessThanOrEqual(250)
  })
})

interface Known extends RememberedPeer {
  peer: string
}

describe('a tick', () => {
  const remembered = (amount: number): Known[] =>
    Array.from({ length: amount }, (_, i) => ({ peer: `p${i}`, ...rememberedAfter(0) }))

  /** What is dialled at a tick, of peers that are remembered and have no time for a dial. */
  function dialled(core: Core): string[] {
    return shorts(core.in({ type: 'tick' })).filter((line) => line.startsWith('dial'))
  }

  function remembering(...peers: Known[]): Core {
    const core = new Core({ maxReturns: 2, bootNodes: {} })
    for (const { peer, ...known } of peers) core.state.memory.peers.set(peer, known)
    return core
  }

  it('tries a few of them while the table is poor', () => {
    const core = remembering(...remembered(4))
    // The one that was good last is the last in the map.
    expect(dialled(core)).toEqual(['dial p3', 'dial p2'])
    // The others have no time for a dial still.
    expect(core.state.memory.retries.size).toBe(0)
  })

  it('tries none once the table has a bucket of peers', () => {
    const core = remembering(...remembered(1))
    for (let i = 1; i < TABLE.bucketSize; i++) core.state.discovery.table.set(`t${i}`, [BOB])
    core.state.settings.maxProbes = 0
    expect(dialled(core)).toEqual(['dial p0'])
    const rich = remembering(...remembered(1))
    for (let i = 0; i < TABLE.bucketSize; i++) rich.state.discovery.table.set(`t${i}`, [BOB])
    expect(dialled(rich)).not.toContain('dial p0')
  })

  it('leaves out who has no address, has a time of its own, is in the table, is connected or is being dialled', () => {
    const [a, b, c, d, e, f] = remembered(6) as [Known, Known, Known, Known, Known, Known]
    const core = remembering({ ...a, addresses: [] }, b, c, d, e, f)
    core.state.memory.retries.set(b.peer, 1e9)
    core.state.discovery.table.set(c.peer, [BOB])
    core.connect(d.peer)
    core.request(1, e.peer)
    const effects = shorts(core.in({ type: 'tick' })).filter((line) => line.startsWith('dial'))
    expect(effects).toContain(`dial ${f.peer}`)
    expect(effects).not.toContain(`dial ${a.peer}`)
    expect(effects).not.toContain(`dial ${b.peer}`)
    expect(core.state.memory.trying.size).toBe(1)
  })
})

describe('peers whose pause is over', () => {
  it('are dialled in the order of their times', () => {
    const core = new Core({ maxReturns: 1 })
    core.state.memory.retries.set('late', 20).set('early', 10)
    for (const peer of ['late', 'early']) core.state.memory.peers.set(peer, rememberedAfter(1))
    for (let i = 1; i <= 8; i++) {
      core.state.memory.retries.set(`last ${i}`, 1e9)
      core.state.memory.peers.set(`last ${i}`, rememberedAfter(1))
    }
    core.state.memory.nextTry = 10
    core.now = 30
    const out: Effects = []
    core.state.now = 30
    tryAgain(core.state, out)
    expect(shorts(out)).toEqual(['dial early'])
    // The end of that dial is waited for, and nothing else.
    expect(core.state.memory.nextTry).toBe(1e9)
  })

  it('are dialled no more once somebody has connected', () => {
    const core = new Core()
    core.connect('bob')
    core.state.memory.retries.set('bob', 0)
    core.state.memory.nextTry = 0
    const out: Effects = []
    tryAgain(core.state, out)
    expect([shorts(out), core.state.memory.retries.size]).toEqual([[], 0])
  })

  it('are looked at again soon when there was no room for a dial', () => {
    const core = new Core({ maxDials: 0 })
    core.state.memory.retries.set('bob', 0)
    core.state.memory.peers.set('bob', rememberedAfter(1))
    core.state.memory.nextTry = 0
    core.state.now = 0
    tryAgain(core.state, [])
    expect([core.state.memory.retries.has('bob'), core.state.memory.nextTry]).toEqual([true, 1_000])
  })
})
