/** Dials: one per target, for every question that waits for it. */
import { describe, expect, it } from '@jest/globals'
import type { Event } from '../../../src/core/events.js'
import { candidatesOf } from '../../../src/core/peers/dials.js'
import { identified, REFUSED, rememberedAfter } from '../../support/peers.js'
import { Core, shorts, bytes } from '../../support/core.js'
import type { Effect } from '../../../src/core/effects.js'

const known: Event = { type: 'tableChanged', peer: 'bob', addresses: ['/ip4/10.0.0.1/tcp/1'] }

function dialFailed(target: string): Event {
  return { type: 'dialFailed', target, failure: { message: 'refused' }, tried: [] }
}

describe('a dial by hand', () => {
  it('is answered with the peer that was reached', () => {
    const core = new Core()
    expect(
      shorts(core.in({ type: 'dialPeer', ask: 1, target: '/ip4/10.0.0.1/tcp/1', addresses: ['/ip4/10.0.0.1/tcp/1'] })),
    ).toEqual(['dial /ip4/10.0.0.1/tcp/1'])
    core.connect('bob')
    const dialled: Event = { type: 'dialled', target: '/ip4/10.0.0.1/tcp/1', peer: 'bob', connection: 1 }
    // Only when the peer has answered does it surely know of the connection.
    expect(shorts(core.in(dialled))).toEqual(['ping 1'])
    expect(core.in({ type: 'pinged', connection: 1, rtt: 1 })).toEqual([{ type: 'settle', ask: 1, value: 'bob' }])
  })

  it('of this node itself, and a request of it, fail at once and leave nothing behind', () => {
    const core = new Core()
    const dial: Event = { type: 'dialPeer', ask: 1, target: 'self', addresses: ['/ip4/10.0.0.1/tcp/1'] }
    const message = 'self is this node itself, which neither dials nor asks itself'
    const refusal = { code: 'DialError', message }
    expect(core.in(dial)).toEqual([{ type: 'fail', ask: 1, refusal }])
    expect(core.request(2, 'self')).toEqual([{ type: 'fail', ask: 2, refusal }])
    expect([core.state.dials.size, core.state.asks.open.size, core.state.counts.peers.size]).toEqual([0, 0, 0])
  })

  it('fails when its connection is lost before the peer has said anything, and is not tried again', () => {
    const core = new Core()
    core.in({ type: 'dialPeer', ask: 1, target: 'bob', addresses: [] })
    core.connect('bob')
    const message = `no answer from bob: ${REFUSED}`
    expect(core.in({ type: 'connectionClosed', connection: 1 })).toContainEqual({
      type: 'fail',
      ask: 1,
      refusal: { code: 'DialError', message },
    })
    expect(core.state.asks.open.size + core.state.dials.size).toBe(0)
  })

  it('begins anew when its connection is lost before the peer has answered, and fails when that happens again and again', () => {
    const core = new Core()
    core.in({ type: 'dialPeer', ask: 1, target: 'bob', addresses: [] })
    const ends = [1, 2, 3, 4].map((connection) => {
      core.connect('bob', connection)
      core.in(identified('bob', undefined, connection))
      return shorts(core.in({ type: 'connectionClosed', connection }))
    })
    // To where it was, and it is looked up.
    const anew = ['dial bob', 'dial bob']
    expect(ends).toEqual([anew, anew, anew, ['fail 1 DialError']])
    expect(core.state.asks.open.size + core.state.dials.size).toBe(0)
  })

  it('goes by another connection, when there is one', () => {
    const core = new Core()
    core.in({ type: 'dialPeer', ask: 1, target: 'bob', addresses: [] })
    core.connect('bob', 1)
    core.connect('bob', 2)
    core.in({ type: 'connectionClosed', connection: 1 })
    expect(core.in({ type: 'pinged', connection: 2, rtt: 1 })).toEqual([{ type: 'settle', ask: 1, value: 'bob' }])
  })

  it('that its caller cancels then is not answered', () => {
    const core = new Core()
    core.in({ type: 'dialPeer', ask: 1, target: 'bob', addresses: [] })
    core.connect('bob')
    core.in({ type: 'cancel', ask: 1 })
    expect(core.in({ type: 'pinged', connection: 1, rtt: 1 })).toEqual([])
  })

  it('to a peer that is connected is answered at once', () => {
    const core = new Core()
    core.connect('bob')
    core.in({ type: 'pinged', connection: 1, rtt: 1 })
    expect(core.in({ type: 'dialPeer', ask: 1, target: 'bob', addresses: [] })).toEqual([
      { type: 'settle', ask: 1, value: 'bob' },
    ])
  })

  it('to made-up addresses that fail does not remove a peer whose right ones are in the table', () => {
    const core = new Core()
    core.in(known)
    core.in({ type: 'dialPeer', ask: 1, target: 'bob', addresses: ['/ip4/10.9.9.9/tcp/1'] })
    expect(shorts(core.in(dialFailed('bob')))).toEqual(['fail 1 DialError'])
  })

  it('that reached a connection which is gone again fails', () => {
    const core = new Core()
    core.in({ type: 'dialPeer', ask: 1, target: '/ip4/10.0.0.1/tcp/1', addresses: ['/ip4/10.0.0.1/tcp/1'] })
    const dialled: Event = { type: 'dialled', target: '/ip4/10.0.0.1/tcp/1', peer: 'bob', connection: 7 }
    expect(shorts(core.in(dialled))).toEqual(['fail 1 DialError'])
  })

  it('that its caller cancelled is not answered', () => {
    const core = new Core()
    core.in({ type: 'dialPeer', ask: 1, target: 'bob', addresses: [] }, { type: 'cancel', ask: 1 })
    expect(core.connect('bob')).toEqual([])
  })
})

describe('a dial for requests', () => {
  it('adds the addresses that a second asker offers to the dial under way, and fails when all of them have', () => {
    const core = new Core()
    const ask = (id: number, address: string): Effect[] =>
      core.in({ type: 'request', ask: id, peer: 'bob', addresses: [address], data: bytes('?'), timeout: 1_000 })
    const failed: Event = { type: 'dialFailed', target: 'bob', failure: { message: 'refused' }, tried: [] }
    expect(ask(1, '/ip4/10.0.0.1/tcp/1')).toEqual([{ type: 'dial', target: 'bob', addresses: ['/ip4/10.0.0.1/tcp/1'] }])
    expect(ask(2, '/ip4/10.0.0.2/tcp/1')).toEqual([{ type: 'dial', target: 'bob', addresses: ['/ip4/10.0.0.2/tcp/1'] }])
    expect(ask(3, '/ip4/10.0.0.1/tcp/1')).toEqual([])
    expect(core.in(failed)).toEqual([])
    expect(shorts(core.in(failed))).toEqual(['fail 1 DialError', 'fail 2 DialError', 'fail 3 DialError'])
  })

  it('tries the addresses of the config beside what the table and the network know, however often they have failed', () => {
    const boot = ['/ip4/10.0.0.1/tcp/1/p2p/bob']
    const core = new Core({ bootNodes: { bob: boot } })
    const failed: Event = { type: 'dialFailed', target: 'bob', failure: { message: 'refused' }, tried: [] }
    const both = [
      { type: 'dial', target: 'bob', addresses: boot },
      { type: 'dial', target: 'bob', addresses: [] },
    ]
    expect(core.request(1, 'bob')).toEqual(both)
    expect(core.request(2, 'bob')).toEqual([])
    expect(shorts(core.in(failed, failed))).toEqual(['fail 1 DialError', 'fail 2 DialError'])
    expect(core.request(3, 'bob')).toEqual(both)
  })

  it('says of addresses that have failed why, also when a lookup that ended later had none', () => {
    const boot = ['/ip4/10.0.0.1/tcp/1/p2p/bob']
    const core = new Core({ bootNodes: { bob: boot } })
    core.request(1, 'bob')
    const [address] = boot
    const failed = { type: 'dialFailed', target: 'bob' } as const
    core.in({ ...failed, failure: { message: 'down' }, tried: [{ address: address!, reason: 'refused' }] })
    const message = `cannot reach bob: ${address}: refused; nobody knows it`
    expect(core.in({ ...failed, failure: { message: 'nobody knows it' }, tried: [] })).toContainEqual(
      expect.objectContaining({ type: 'fail', ask: 1, refusal: { code: 'DialError', message } }),
    )
  })

  it('begins where the peer was last, and goes on with what the config says', () => {
    const core = new Core({ keep: { bob: ['/ip4/10.0.0.1/tcp/1', '/ip4/10.0.0.2/tcp/1'] } })
    const addresses = ['/ip4/10.0.0.2/tcp/1', '/ip4/10.0.0.3/tcp/1']
    core.state.memory.peers.set('bob', rememberedAfter(0, addresses))
    expect(candidatesOf(core.state, 'bob')).toEqual([2, 1, 3].map((host) => `/ip4/10.0.0.${host}/tcp/1/p2p/bob`))
  })

  it('is refused when too many dials are under way', () => {
    const core = new Core({ maxDials: 1 })
    core.request(1, 'bob')
    expect(shorts(core.request(2, 'carol'))).toEqual(['fail 2 Overloaded'])
    expect(core.state.asks.open.size).toBe(1)
  })
})

describe('a dial that nothing waits for', () => {
  it('is not begun by a node that is about to leave; one that is waited for is', () => {
    const core = new Core({ keep: { boot: ['/ip4/10.0.0.9/tcp/1'] }, discoveryInterval: 1e9 })
    core.connect('carol', 2)
    core.request(1, 'carol')
    core.in({ type: 'shutdown', ask: 9, drain: 60_000 })
    core.connect('boot')
    core.in({ type: 'connectionClosed', connection: 1 }, known)
    expect(core.state.memory.retries.has('boot')).toBe(true)
    expect(shorts(core.at(30_000)).filter((text) => text.startsWith('dial'))).toEqual([])
    expect(core.state.lifecycle.phase).toBe('draining')
  })
})
