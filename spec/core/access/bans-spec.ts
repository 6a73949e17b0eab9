import { describe, expect, it } from '@jest/globals'
import { textOfEntry, type AccessChange } from '../../../src/core/access/lists.js'
import { prefixOf } from '../../../src/core/access/ranges.js'
import type { Effect } from '../../../src/core/effects.js'
import type { Event } from '../../../src/core/events.js'
import type { RefusedKind } from '../../../src/core/port.js'
import { bytes, Core, shorts } from '../../support/core.js'
import { BOOT } from '../../support/peers.js'

const MINUTE = 60_000

/** A malformed request over version 1, on a stream of its own. */
let stream = 0
function violate(core: Core, connection: number, times = 10): Effect[] {
  return Array.from({ length: times }).flatMap(() => {
    stream += 2
    core.in({ type: 'streamInbound', stream, connection, protocol: '/tinyp2p/req-resp/1.0.0' })
    return core.all({ type: 'data', stream, chunks: [bytes('\x01??')] })
  })
}

/** The same in one instant. */
function violations(connection: number, times = 10): Event[] {
  return Array.from({ length: times }).flatMap((): Event[] => {
    stream += 2
    return [
      { type: 'streamInbound', stream, connection, protocol: '/tinyp2p/req-resp/1.0.0' },
      { type: 'data', stream, chunks: [bytes('\x01??')] },
    ]
  })
}

/** `own`: for what the peer itself has done. */
function refused(peer: string, own: boolean, what: RefusedKind = 'kadRate'): Event {
  return { type: 'refused', peer, what, count: 500, ...(own && { own }) }
}

function inbound(core: Core, peer: string, connection: number, address: string): void {
  core.in({ type: 'connectionOpened', connection, peer, address, inbound: true })
}

const bans = (effects: Effect[]) =>
  effects.flatMap((effect) => {
    const all = effect.type === 'access' ? effect.changes : []
    return all.flatMap(({ list, entry, until }) => {
      return list === 'bans' && until !== undefined ? [`${textOfEntry(entry)} until ${until}`] : []
    })
  })

describe('a peer that breaks a protocol', () => {
  it('again and again is banned for a minute, with a line in the log', () => {
    const core = new Core()
    core.connect('bob')
    expect(bans(violate(core, 1, 9))).toEqual([])
    const effects = violate(core, 1, 1)
    expect(bans(effects)).toEqual([`bob until ${MINUTE}`])
    expect(shorts(effects)).toContain('closeConnection 1')
    expect(effects).toContainEqual(
      expect.objectContaining({
        type: 'log',
        level: 'warn',
        message: expect.stringContaining('banned bob: it sent a request that is longer than declared, for 60000 ms'),
      }),
    )
    expect(shorts(core.request(1, 'bob'))).toEqual(['fail 1 Denied'])
    core.in({ type: 'explain', ask: 5, about: { peer: 'bob' } })
    const [explained] = core.in({ type: 'inspected', ask: 5, peers: {} })
    expect(explained).toMatchObject({
      value: {
        barred: {
          why: 'banned by this node for a while: it sent a request that is longer than declared',
          for: MINUTE,
        },
        offences: { points: 0, bans: 1 },
      },
    })
    core.at(MINUTE)
    expect(shorts(core.request(2, 'bob'))).toEqual(['dial bob'])
  })

  it('is banned for twice as long each time, up to a day', () => {
    const core = new Core()
    let connection = 0
    const durations = Array.from({ length: 13 }, () => {
      core.connect('bob', ++connection)
      const [, until] = /until (\d+)/.exec(bans(violate(core, connection))[0]!)!
      const duration = Number(until) - core.now
      core.at(Number(until))
      return duration / MINUTE
    })
    expect(durations).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024, 1_440, 1_440])
  })

  it('now and then is not: points fade', () => {
    const core = new Core()
    core.connect('bob')
    for (let i = 0; i < 50; i++) {
      expect(bans(violate(core, 1, 1))).toEqual([])
      core.at(core.now + 10_000 * 5)
    }
  })

  it('and is named by the config is not', () => {
    const core = new Core({ bootNodes: { boot: [BOOT] } })
    core.connect('boot')
    expect(bans(violate(core, 1, 50))).toEqual([])
  })

  it('is welcome at once when it is allowed, as if nothing had been', () => {
    const core = new Core()
    core.connect('bob')
    violate(core, 1)
    core.in({ type: 'allow', ask: 9, entries: [{ peer: 'bob' }] })
    core.connect('bob', 2)
    expect(core.state.connections.all.size).toBe(1)
    expect(bans(violate(core, 2))).toEqual([`bob until ${MINUTE}`])
  })

  it('in the same instant in which it is allowed is not banned, and begins anew', () => {
    const core = new Core()
    core.connect('bob')
    const effects = core.in(...violations(1), { type: 'allow', ask: 9, entries: [{ peer: 'bob' }] })
    expect(bans(effects)).toEqual([])
    expect(shorts(effects)).toContain('settle 9')
    expect(bans(violate(core, 1, 9))).toEqual([])
    expect(bans(violate(core, 1, 1))).toEqual([`bob until ${MINUTE}`])
  })

  it('in the same instant in which it is denied, or the node stops, harms nobody', () => {
    const all: Event[] = [
      { type: 'deny', ask: 9, entries: [{ peer: 'bob' }] },
      { type: 'shutdown', ask: 9 },
    ]
    for (const then of all) {
      const core = new Core()
      core.connect('bob')
      core.in(...violations(1), then)
      expect(core.state.offenders.due.size).toBe(0)
    }
  })

  it('is banned, however many others offend in the same instant', () => {
    const core = new Core()
    core.connect('bob')
    const others = Array.from({ length: 5_000 }, (_, i) => refused(`eve ${i}`, true))
    expect(bans(core.in(...violations(1), ...others))).toEqual([`bob until ${MINUTE}`])
    expect(core.state.offenders.peers.size).toBe(4_096)
  })

  it('ends its connection when its gossip is no gossip, and is banned if it comes again with it', () => {
    const core = new Core()
    const malformed = (connection: number): Effect[] => {
      core.connect('bob', connection)
      return core.in({ type: 'gossipDropped', peer: 'bob', reason: 'malformed', count: 1 })
    }
    const all = [1, 2, 3, 4, 5].map((connection) => bans(malformed(connection)))
    expect(all.map(({ length }) => length)).toEqual([0, 0, 0, 0, 1])
  })
})

describe('a peer that exceeds its rates', () => {
  const exceed = (core: Core, seconds: number, what: RefusedKind = 'kadRate', own = true): Effect[] =>
    Array.from({ length: seconds }).flatMap(() => {
      core.now += 1_000
      return core.in(refused('bob', own, what))
    })

  it('for a moment is not banned, and for minutes it is', () => {
    const core = new Core()
    core.connect('bob')
    expect(bans(exceed(core, 60))).toEqual([])
    expect(bans(exceed(core, 120))).toHaveLength(1)
  })

  it.each(['kadMalformed', 'kadAnswer', 'frameMalformed'] as const)('or breaks one (%s) is banned sooner', (what) => {
    const core = new Core()
    core.connect('bob')
    expect(bans(exceed(core, 9, what))).toEqual([])
    expect(bans(exceed(core, 3, what))).toHaveLength(1)
  })

  it('is not banned for what others did: what was refused for that counts in explain alone', () => {
    const core = new Core()
    core.connect('bob')
    expect(bans(exceed(core, 1_000, 'streamRate', false))).toEqual([])
    expect(core.state.offenders.peers.size).toBe(0)
    expect(core.state.counts.peers.get('bob')?.refused).toEqual({ streamRate: 500_000 })
  })
})

describe('a place', () => {
  const THERE = '/ip4/198.51.100.7/tcp/'

  /** Peers come from a place and are banned, so many ms apart. */
  function banAll(core: Core, peers: string[], address = THERE, apart = 100_000): string[] {
    return peers.flatMap((peer, index) => {
      core.at(core.now + apart)
      const connection = 100 + index
      inbound(core, peer, connection, `${address}${connection}`)
      return bans(violate(core, connection))
    })
  }
  const placesIn = (all: string[]): string[] =>
    all.filter((text) => text.includes('/')).map((text) => text.split(' ')[0]!)
  const EVES = ['eve 1', 'eve 2', 'eve 3']

  it('from which three peers were banned within minutes is banned too, but never one of this machine', () => {
    for (const [address, expected] of [
      [THERE, ['198.51.100.7/32']],
      ['/ip6/2001:db8:1:2:3::4/tcp/', ['2001:db8:1:2::/64']],
      ['/ip4/127.0.0.1/tcp/', []],
    ] as const) {
      const core = new Core()
      expect(placesIn(banAll(core, EVES, address))).toEqual(expected)
      inbound(core, 'eve 4', 4, `${address}4`)
      expect(core.state.connections.all.size).toBe(expected.length === 0 ? 1 : 0)
    }
  })

  it('is not when they were hours apart, or when it was one peer each time', () => {
    expect(placesIn(banAll(new Core(), EVES, THERE, 3_600_000))).toEqual([])
    const again = banAll(new Core(), ['eve', 'eve', 'eve'], THERE, 150_000)
    expect(again.map((text) => text.split(' ')[0])).toEqual(['eve', 'eve', 'eve'])
  })

  it('is banned also when their connections ended with what they did', () => {
    const core = new Core()
    const all = EVES.flatMap((peer, index) => {
      return [1, 2, 3, 4, 5].flatMap((time) => {
        const connection = 10 * index + time
        inbound(core, peer, connection, `${THERE}${connection}`)
        return bans(core.in({ type: 'gossipDropped', peer, reason: 'malformed', count: 1 }))
      })
    })
    expect(placesIn(all)).toEqual(['198.51.100.7/32'])
  })

  it('that is banned bars nobody whom the config names, and its door is told of them', () => {
    const core = new Core({ bootNodes: { boot: [BOOT] }, keep: { kept: [] } })
    inbound(core, 'kept', 1, `${THERE}1`)
    inbound(core, 'carol', 2, `${THERE}2`)
    const changes: AccessChange[] = []
    for (const peer of EVES) {
      inbound(core, peer, 3, `${THERE}3`)
      for (const effect of violate(core, 3)) if (effect.type === 'access') changes.push(...effect.changes)
    }
    expect([...core.state.connections.byPeer.keys()]).toEqual(['kept'])
    inbound(core, 'boot', 4, `${THERE}4`)
    expect([...core.state.connections.byPeer.keys()]).toEqual(['kept', 'boot'])
    expect(changes.flatMap(({ list, entry }) => (list === 'spared' ? [entry] : []))).toEqual([
      { peer: 'boot' },
      { peer: 'kept' },
    ])
    // What the user says holds for all.
    core.in({ type: 'deny', ask: 1, entries: [{ range: prefixOf('198.51.100.0/24')! }] })
    expect(core.state.connections.all.size).toBe(0)
  })

  it('that we have dialled is not', () => {
    const core = new Core()
    const all = [1, 2, 3, 4].flatMap((connection) => {
      const address = '/ip4/198.51.100.7/tcp/1'
      core.in({ type: 'connectionOpened', connection, peer: `eve ${connection}`, address, inbound: false })
      return bans(violate(core, connection))
    })
    expect(all.every((text) => text.startsWith('eve'))).toBe(true)
  })
})

describe('what is remembered of offenders', () => {
  it('is bounded', () => {
    const core = new Core()
    for (let i = 0; i < 10_000; i++) core.in(refused(`eve ${i}`, true))
    expect(core.state.offenders.peers.size).toBe(4_096)
  })
})
