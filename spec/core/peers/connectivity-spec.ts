/** What follows when a connection opens, is idle, fails its ping or is lost. */
import { describe, expect, it } from '@jest/globals'
import type { Event } from '../../../src/core/events.js'
import { limitsOf } from '../../../src/core/limits/limits.js'
import { Core, shorts, V1 } from '../../support/core.js'

const BOOT = { bootNodes: { boot: ['/ip4/10.0.0.9/tcp/1/p2p/boot'] } }

const known: Event = { type: 'tableChanged', peer: 'bob', addresses: ['/ip4/10.0.0.1/tcp/1'] }

function pingFailed(connection: number, heard = false): Event {
  return { type: 'pingFailed', connection, failure: { message: 'no answer' }, heard }
}

function dialFailed(target: string): Event {
  return { type: 'dialFailed', target, failure: { message: 'refused' }, tried: [] }
}

describe('a connection', () => {
  it('that nothing uses is closed after its keep-alive time', () => {
    const core = new Core({ connectionKeepAlive: 100 })
    core.connect('bob')
    expect(core.at(99)).toEqual([])
    expect(shorts(core.at(105))).toEqual(['closeConnection 1'])
    expect(core.state.connections.byPeer.size).toBe(0)
  })

  it('is closed with those that became idle shortly after it, and none before its time', () => {
    const core = new Core({ connectionKeepAlive: 100 })
    core.connect('bob', 1)
    core.now = 5
    core.connect('carol', 2)
    core.now = 6
    core.connect('dave', 3)
    expect(core.at(104)).toEqual([])
    expect(shorts(core.at(105))).toEqual(['closeConnection 1', 'closeConnection 2'])
    expect(core.at(110)).toEqual([])
    expect(shorts(core.at(111))).toEqual(['closeConnection 3'])
  })

  it('stays while a request goes over it, and counts its idle time from the end of that', () => {
    const core = new Core({ connectionKeepAlive: 100 })
    core.connect('bob')
    core.now = 50
    core.request(1, 'bob')
    core.in({ type: 'streamOpened', stream: 1, protocol: V1 })
    expect(core.at(500)).toEqual([])
    core.in({ type: 'data', stream: 1, chunks: [new Uint8Array([0])] }, { type: 'streamEnded', stream: 1 })
    expect(core.at(599)).toEqual([])
    expect(shorts(core.at(605))).toEqual(['closeConnection 1'])
  })

  it('stays while a request of the peer is open', () => {
    const core = new Core({ connectionKeepAlive: 100 })
    core.connect('bob')
    core.inbound(2)
    expect(core.at(200)).toEqual([])
    core.in({ type: 'streamClosed', stream: 2, reason: 'reset' })
    expect(shorts(core.at(305))).toEqual(['closeConnection 1'])
  })

  it('stays while its peer is in a mesh, and while it leads to a boot node', () => {
    const core = new Core({ connectionKeepAlive: 100, ...BOOT })
    core.in({ type: 'subscribe', topic: 'block' })
    core.connect('bob', 1)
    core.connect('boot', 2)
    core.in({ type: 'meshChanged', topic: 'block', peers: ['bob'] })
    expect(core.at(1_000)).toEqual([])
    core.in({ type: 'meshChanged', topic: 'block', peers: [] })
    expect(shorts(core.at(1_105))).toEqual(['closeConnection 1'])
  })

  it('is pinged once a period, and again only when the answer is there', () => {
    const core = new Core({ pingInterval: 100, connectionKeepAlive: 1_000_000 })
    core.connect('bob')
    expect(core.at(99)).toEqual([])
    expect(core.at(100)).toEqual([{ type: 'ping', connection: 1, timeout: 20_000, longest: 20_000 }])
    expect(core.at(200)).toEqual([])
    core.in({ type: 'pinged', connection: 1, rtt: 3 })
    expect(shorts(core.at(300))).toEqual(['ping 1'])
  })

  it('is closed, and its peer removed from the table, when a ping fails', () => {
    const core = new Core()
    core.connect('bob')
    core.in(known)
    expect(shorts(core.in(pingFailed(1)))).toEqual(['tableRemove bob', 'closeConnection 1'])
  })

  it('is not closed for a ping that failed while other bytes came, and is pinged again at once', () => {
    const core = new Core({ connectionKeepAlive: 1e9 })
    core.connect('bob')
    core.in(known)
    expect(shorts(core.at(15_000))).toEqual(['ping 1'])
    expect(shorts(core.in(pingFailed(1, true)))).toEqual(['ping 1'])
    expect(shorts(core.in(pingFailed(1)))).toEqual(['tableRemove bob', 'closeConnection 1'])
  })

  it('that was lost while it was in use has its peer looked after at once', () => {
    const core = new Core()
    core.in(known)
    core.connect('bob')
    core.in({ type: 'pinged', connection: 1, rtt: 1 })
    core.in({ type: 'subscribe', topic: 'block' }, { type: 'meshChanged', topic: 'block', peers: ['bob'] })
    expect(shorts(core.in({ type: 'connectionClosed', connection: 1 }))).toEqual(['dial bob'])
    expect(shorts(core.in(dialFailed('bob')))).toEqual(['tableRemove bob'])
  })

  it('that was lost while it was idle says nothing about its peer', () => {
    const core = new Core()
    core.in(known)
    core.connect('bob')
    expect(core.in({ type: 'connectionClosed', connection: 1 })).toEqual([])
  })

  it('is tested at once when its peer opens another one, which is used until it answers', () => {
    const core = new Core()
    core.connect('bob', 1)
    // Nothing is known of its round trip.
    const times = { timeout: 6_000, longest: 20_000, avoidAfter: 3_000 }
    expect(core.connect('bob', 2)).toEqual([{ type: 'ping', connection: 1, ...times }])
    expect(shorts(core.request(1, 'bob'))).toEqual(['open 1 on 2'])
    core.in({ type: 'pinged', connection: 1, rtt: 3 })
    expect(shorts(core.request(2, 'bob'))).toEqual(['open 3 on 1'])
  })

  it.each([
    { rtt: 3, times: { timeout: 2_000, avoidAfter: 1_000 } },
    { rtt: 400, times: { timeout: 3_200, avoidAfter: 1_600 } },
    { rtt: 600, times: { timeout: 4_800, avoidAfter: 2_400 } },
    { rtt: 4_000, times: { timeout: 20_000, avoidAfter: 16_000 } },
    { rtt: 9_000, times: { timeout: 20_000 } },
    { rtt: 3, pingTimeout: 1_500, times: { timeout: 1_500, avoidAfter: 1_000 } },
    { rtt: 3, pingTimeout: 1_000, times: { timeout: 1_000 } },
  ])(
    'that has a round trip of $rtt ms is tested for $times.timeout ms, and gossip leaves it before',
    ({ rtt, pingTimeout = 20_000, times }) => {
      const core = new Core({ pingTimeout })
      core.connect('bob', 1)
      core.in({ type: 'pinged', connection: 1, rtt })
      expect(core.connect('bob', 2)).toEqual([{ type: 'ping', connection: 1, longest: pingTimeout, ...times }])
    },
  )

  it('is tested once, however many its peer opens meanwhile', () => {
    const core = new Core({ limits: limitsOf({ connectionsPerPeer: 200, connectionsPerRange: 200 }) })
    let pings = 0
    for (let id = 1; id <= 100; id++)
      pings += shorts(core.connect('bob', id)).filter((s) => s.startsWith('ping')).length
    expect(pings).toBe(99)
    expect(core.state.connections.all.get(1)!.pings).toBe(1)
    core.in({ type: 'pinged', connection: 1, rtt: 3 })
    expect(shorts(core.connect('bob', 101))).toEqual(['ping 1', 'ping 100'])
  })

  it('of many that all answer costs few tests, and all of them have their turn', () => {
    const core = new Core({
      pingInterval: 1e9,
      limits: limitsOf({ connectionsPerPeer: 200, connectionsPerRange: 200 }),
    })
    const tested: number[] = []
    for (let id = 1; id <= 100; id++) {
      core.now += 10
      const pings = core.connect('bob', id).flatMap((effect) => (effect.type === 'ping' ? [effect.connection] : []))
      expect(pings.length).toBeLessThanOrEqual(4)
      core.in(...pings.map((connection): Event => ({ type: 'pinged', connection, rtt: 1 })))
      tested.push(...pings)
    }
    expect(tested.filter((id) => id === 1)).toHaveLength(99)
    expect(new Set(tested).size).toBe(99)
  })

  it('has more time for that when its round trip is long', () => {
    const core = new Core({ connectionKeepAlive: 1e9 })
    core.connect('bob', 1)
    core.at(15_000)
    core.in({ type: 'pinged', connection: 1, rtt: 600 })
    const times = { timeout: 4_800, longest: 20_000, avoidAfter: 2_400 }
    expect(core.connect('bob', 2)).toEqual([{ type: 'ping', connection: 1, ...times }])
  })

  it('that does not answer then takes with it what was sent over it, and its peer stays known', () => {
    const core = new Core({ maxEarlyStreams: 1 })
    core.connect('bob', 1)
    core.in(known)
    core.request(1, 'bob')
    core.request(2, 'bob')
    core.in({ type: 'streamOpened', stream: 1, protocol: V1 })
    core.connect('bob', 2)
    const effects = ['closeConnection 1', 'reset 1', 'fail 1 ConnectionLost', 'open 5 on 2']
    expect(shorts(core.in(pingFailed(1)))).toEqual(effects)
  })

  it('that is slow, for bytes come, is trusted again', () => {
    const core = new Core()
    core.connect('bob', 1)
    core.connect('bob', 2)
    core.in(pingFailed(1, true))
    expect(shorts(core.request(1, 'bob'))).toEqual(['open 1 on 1'])
  })

  it('is the newest that is used, when none of the others has answered', () => {
    const core = new Core()
    core.connect('bob', 1)
    core.connect('bob', 2)
    expect(shorts(core.connect('bob', 3))).toEqual(['ping 2'])
    expect(shorts(core.request(1, 'bob'))).toEqual(['open 1 on 3'])
    core.in({ type: 'pinged', connection: 2, rtt: 3 })
    expect(shorts(core.request(2, 'bob'))).toEqual(['open 3 on 2'])
  })

  it('beside another one to the same peer takes over when that is lost', () => {
    const core = new Core()
    core.connect('bob', 1)
    core.connect('bob', 2)
    core.in({ type: 'pinged', connection: 1, rtt: 1 })
    expect(shorts(core.request(1, 'bob'))).toEqual(['open 1 on 1'])
    expect(shorts(core.in({ type: 'connectionClosed', connection: 1 }))).toEqual(['open 3 on 2'])
  })
})
