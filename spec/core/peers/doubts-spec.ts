/** A caller names an address of a connected peer: where it goes, and which way a request takes. */
import { describe, expect, it } from '@jest/globals'
import type { Event } from '../../../src/core/events.js'
import { Core, KAD, bytes, refusalOf, shorts, V1 } from '../../support/core.js'

const THERE = '/ip4/10.0.0.1/tcp/1'
const NEWS = '/ip4/10.0.0.2/tcp/1'

/** `bob` is connected, and has said where it listens. */
function connected(): Core {
  const core = new Core({ pingInterval: 1e9, stayConnected: 30 })
  core.connect('bob')
  core.in({ type: 'identified', connection: 1, peer: 'bob', addresses: [THERE], protocols: [V1, KAD], agent: '' })
  core.in({ type: 'pinged', connection: 1, rtt: 2 })
  return core
}

const request = (ask: number, ...addresses: string[]): Event => ({
  ...{ type: 'request', ask, peer: 'bob', addresses, data: bytes('?'), timeout: 10_000 },
})
const dial = (ask: number, ...addresses: string[]): Event => ({ type: 'dialPeer', ask, target: 'bob', addresses })
const alive = (connection = 1): Event => ({ type: 'pinged', connection, rtt: 2 })
const silent: Event = { type: 'pingFailed', connection: 1, failure: { message: 'no answer' }, heard: false }
const refused: Event = {
  ...{ type: 'dialFailed', target: 'bob', failure: { message: `${NEWS}: refused` } },
  tried: [{ address: NEWS, reason: 'refused' }],
}
const opened: Event = { type: 'connectionOpened', connection: 2, peer: 'bob', address: NEWS, inbound: false }

describe('an address of a connected peer that a caller names', () => {
  it.each([
    ['leads to where a connection leads', '/ip4/127.0.0.1/tcp/1'],
    ['is one that the peer has told', `${THERE}/p2p/bob`],
  ])('is no news when it %s', (_, address) => {
    const core = connected()
    expect(shorts(core.in(request(1, address)))).toEqual(['open 1 on 1'])
    expect(shorts(core.in(dial(2, address)))).toEqual(['settle 2'])
  })

  it('is no news while the peer has not said where it listens', () => {
    const core = new Core()
    core.connect('bob')
    expect(shorts(core.in(request(1, NEWS)))).toEqual(['open 1 on 1'])
  })

  it('is dialled if it is news, and the connection is tested; a request waits', () => {
    const core = connected()
    const effects = core.in(request(1, NEWS))
    expect(shorts(effects)).toEqual(['dial bob', 'ping 1'])
    expect(effects[0]).toEqual({ type: 'dial', target: 'bob', addresses: [NEWS], anew: true })
  })

  it.each([
    ['the peer is there', [opened], ['ping 2', 'settle 1', 'open 1 on 2']],
    ['the connection answers', [alive()], ['settle 1', 'open 1 on 1']],
  ])('is waited for until %s', (_, events, expected) => {
    const core = connected()
    core.in(dial(1, NEWS), request(2, NEWS))
    const effects = [...core.in(...events), ...core.in(alive(2))]
    expect(shorts(effects).sort()).toEqual(expected.sort())
  })

  it('is not waited for again, whatever has come of it, for a minute', () => {
    const core = connected()
    core.in(request(1, NEWS))
    core.in(alive())
    core.in(refused)
    expect(core.state.dials.size).toBe(0)
    expect(shorts(core.in(request(2, NEWS)))).toEqual(['open 3 on 1'])
    core.now = 60_000
    expect(shorts(core.in(request(3, NEWS))).slice(0, 2)).toEqual(['dial bob', 'ping 1'])
  })

  it('that leads nowhere costs a connected peer nothing: neither its place in the table nor a word that it is down', () => {
    const core = connected()
    core.in({ type: 'tableChanged', peer: 'bob', addresses: [THERE] })
    core.in(request(1, NEWS))
    expect(shorts(core.in(refused))).toEqual([])
    expect(core.state.counts.peers.get('bob')?.failure).toBeUndefined()
    expect(shorts(core.in(alive()))).toEqual(['open 1 on 1'])
    expect(core.state.dials.size).toBe(0)
  })

  it('that leads nowhere is the reason when the connection is dead too', () => {
    const core = connected()
    core.in(request(1, NEWS))
    core.in(refused)
    const effects = core.in(silent)
    expect(refusalOf(effects)).toBe(`DialError: cannot reach bob: ${NEWS}: refused`)
    expect(core.state.asks.open.size).toBe(0)
    expect(core.state.dials.size).toBe(0)
  })

  it('is waited for when the connection is dead', () => {
    const core = connected()
    core.in(request(1, NEWS))
    expect(shorts(core.in(silent))).toEqual(['closeConnection 1'])
    expect(shorts(core.in(opened))).toEqual(['open 1 on 2'])
  })

  it('is waited for by all that want the peer meanwhile', () => {
    const core = connected()
    core.in(request(1, NEWS), request(2))
    expect(shorts(core.in(request(3, NEWS), dial(4, THERE)))).toEqual([])
    expect(shorts(core.in(opened, alive(2)))).toEqual(
      expect.arrayContaining(['settle 4', 'open 1 on 2', 'open 3 on 2', 'open 5 on 2']),
    )
  })

  it('is not waited for by a caller that has gone', () => {
    const core = connected()
    core.in(request(1, NEWS))
    core.in(refused)
    core.in({ type: 'cancel', ask: 1 })
    core.in(alive())
    expect([core.state.dials.size, core.state.asks.open.size]).toEqual([0, 0])
  })

  it('is one of so many that are remembered', () => {
    const core = connected()
    for (let i = 0; i < 300; i++) core.in(request(i + 1, `/ip4/10.1.${i >> 8}.${i & 255}/tcp/1`))
    expect(core.state.followed.size).toBe(256)
  })

  it('goes over the connection if too many dials are under way', () => {
    const core = new Core({ maxDials: 0 })
    core.connect('bob')
    core.in({ type: 'identified', connection: 1, peer: 'bob', addresses: [THERE], protocols: [V1], agent: '' })
    expect(shorts(core.in(request(1, NEWS)))).toEqual(['open 1 on 1'])
  })
})
