import { describe, expect, it } from '@jest/globals'
import type { Effect } from '../../../src/core/effects.js'
import type { Event } from '../../../src/core/events.js'
import { peerState, peerStates } from '../../../src/core/peers/peer-states.js'
import { Core, KAD, shorts } from '../../support/core.js'

const BOB = '/ip4/10.0.0.1/tcp/1'
const BOOT = '/ip4/10.0.0.9/tcp/1/p2p/boot'

const dialFailed = (target: string): Event => ({
  type: 'dialFailed',
  target,
  failure: { message: 'refused' },
  tried: [],
})

const identified = (peer: string, addresses = [BOB], connection = 1): Event => ({
  type: 'identified',
  connection,
  peer,
  protocols: [KAD],
  addresses,
  agent: 'x',
})

const closed = (connection = 1): Event => ({ type: 'connectionClosed', connection })

/** Runs until the time, failing every dial at once: when each peer was dialled. */
function failAll(core: Core, until: number, effects: Effect[] = []): number[] {
  const times: number[] = []
  for (let more = effects; ;) {
    for (const effect of more) if (effect.type === 'dial') times.push(core.now)
    const failed = more.flatMap((effect) => (effect.type === 'dial' ? [dialFailed(effect.target)] : []))
    if (failed.length > 0) core.in(...failed)
    const next = core.state.memory.nextTry
    if (next > until) return times
    more = core.at(next)
  }
}

function lost(core: Core, peer = 'bob'): void {
  core.connect(peer)
  core.in(identified(peer))
  core.in({ type: 'tableChanged', peer, addresses: [BOB] }, { type: 'tableQueried' })
  core.in(closed())
  core.in({ type: 'tick' })
}

describe('the memory of peers', () => {
  it('tries one that was good and cannot be dialled again after 1, 2, 4 … s, up to the discovery interval, for a day', () => {
    const core = new Core({ discoveryInterval: 8_000, memoryLifetime: 100_000 })
    lost(core)
    core.in(dialFailed('bob'))
    core.in({ type: 'tableChanged', peer: 'bob', addresses: undefined })
    const times = failAll(core, 200_000)
    const pauses = times.map((time, i) => time - (times[i - 1] ?? 0))
    ;[1_000, 2_000, 4_000, 8_000, 8_000].forEach((whole, i) => {
      expect(pauses[i]).toBeGreaterThanOrEqual(whole / 2)
      expect(pauses[i]).toBeLessThanOrEqual(whole)
    })
    expect(times.at(-1)).toBeLessThanOrEqual(100_000)
    expect(times.at(-1)).toBeGreaterThan(90_000)
    expect(peerState(core.state, 'bob').state).toBe('forgotten')
    expect(core.state.memory.retries.size).toBe(0)
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
    expect(shorts(core.in(identified('bob', [BOB], 2)))).toEqual(['tableAdd bob'])
    expect(core.state.memory.retries.size).toBe(0)
  })

  it('tries all that are away at once, and from then on as if they had not failed, when our addresses change', () => {
    const core = new Core()
    lost(core)
    core.in(dialFailed('bob'))
    core.in({ type: 'tableChanged', peer: 'bob', addresses: undefined })
    failAll(core, 20_000)
    expect(core.state.memory.peers.get('bob')!.failures).toBeGreaterThan(4)
    expect(shorts(core.in({ type: 'listening', addresses: ['/ip4/10.1.0.1/tcp/1'] }))).toEqual(['dial bob'])
    core.in(dialFailed('bob'))
    expect(core.state.memory.nextTry).toBeLessThanOrEqual(core.now + 1_000)
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

  it('dials no more of them at once than the settings say, and the next when one dial is over', () => {
    const remembered = ['a', 'b', 'c'].map((peer) => ({ peer, addresses: [BOB], age: 5 }))
    const core = new Core({ maxReturns: 2, remembered })
    core.state.lifecycle.phase = 'starting'
    const dials = core.in({ type: 'listening', addresses: [BOB] }).filter(({ type }) => type === 'dial')
    expect(shorts(dials)).toEqual(['dial a', 'dial b'])
    expect(shorts(core.in(dialFailed('a')))).toEqual(['dial c'])
  })
})

describe('peers that the config names', () => {
  it('are tried from the start, after 250 ms, 500 ms … up to the discovery interval, for ever', () => {
    const core = new Core({ bootNodes: { boot: [BOOT] }, discoveryInterval: 2_000 })
    core.state.lifecycle.phase = 'starting'
    const begin = core.in({ type: 'listening', addresses: [BOB] })
    const times = failAll(core, 200_000_000 / 1_000, begin)
    const pauses = times.slice(1).map((time, i) => time - times[i]!)
    ;[250, 500, 1_000, 2_000, 2_000].forEach((whole, i) => {
      expect(pauses[i]).toBeGreaterThanOrEqual(whole / 2)
      expect(pauses[i]).toBeLessThanOrEqual(whole)
    })
    expect(Math.max(...pauses)).toBeLessThanOrEqual(2_000)
    expect(times.at(-1)).toBeGreaterThan(197_000)
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
    const core = new Core({ bootNodes: { boot: [BOOT] }, discoveryInterval: 30_000 })
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
})

describe('the state of a peer', () => {
  it('goes from discovered to forgotten', () => {
    const core = new Core({ memoryLifetime: 5_000 })
    const seen = (): string => peerState(core.state, 'bob').state
    const states = [seen()]
    core.in({ type: 'tableChanged', peer: 'bob', addresses: [BOB] })
    states.push(seen())
    core.in({ type: 'tick' })
    states.push(seen())
    core.connect('bob')
    states.push(seen())
    core.in(identified('bob'))
    states.push(seen())
    core.in({ type: 'pinged', connection: 1, rtt: 7 })
    expect(peerState(core.state, 'bob')).toEqual({
      peer: 'bob',
      state: 'identified',
      addresses: ['/ip4/127.0.0.1/tcp/1/p2p/bob', `${BOB}/p2p/bob`],
      connections: 1,
      rtt: 7,
      protocols: [KAD],
    })
    core.in({ type: 'pingFailed', connection: 1, failure: { message: 'no answer' }, heard: false })
    core.in({ type: 'tableChanged', peer: 'bob', addresses: undefined })
    states.push(seen())
    failAll(core, 20_000)
    states.push(seen())
    expect(states).toEqual([
      ...['forgotten', 'discovered', 'dialling', 'connected', 'identified', 'unreachable', 'forgotten'],
    ])
    expect(peerStates(core.state)).toEqual([])
  })

  it('says why the last dial failed', () => {
    const core = new Core({ bootNodes: { boot: [BOOT] } })
    core.in({ type: 'tick' })
    core.in(dialFailed('boot'))
    expect(peerStates(core.state)).toMatchObject([
      { peer: 'boot', state: 'unreachable', addresses: [BOOT], lastError: 'refused' },
    ])
  })

  it('is told as changed once a batch', () => {
    const core = new Core()
    core.connect('bob')
    const changes = core.all(identified('bob'), { type: 'pinged', connection: 1, rtt: 1 })
    expect(changes.filter(({ type }) => type === 'peersChanged')).toHaveLength(1)
  })
})

describe('online', () => {
  const online = (ask: number, peers = 1): Event => ({ type: 'online', ask, peers, timeout: 100 })

  it('is answered when so many peers have said who they are', () => {
    const core = new Core()
    core.in(online(1), online(2, 2))
    expect(core.connect('bob', 1)).toEqual([])
    expect(shorts(core.in(identified('bob')))).toEqual(['tableAdd bob', 'settle 1'])
    core.connect('carol', 2)
    expect(shorts(core.in(identified('carol', [BOB], 2)))).toEqual(['tableAdd carol', 'settle 2'])
    expect(shorts(core.in(online(3, 2)))).toEqual(['settle 3'])
    expect(core.state.online.size).toBe(0)
  })

  it('fails after its time, and says why', () => {
    const core = new Core({ bootNodes: { boot: [BOOT] }, firstTick: 1 })
    core.in({ type: 'tick' })
    core.in(dialFailed('boot'), online(1))
    const [fail] = core.at(100)
    expect(fail).toMatchObject({
      refusal: { code: 'DialError', message: expect.stringMatching(/^0 of 1 peers.*boot: refused/) as unknown },
    })
    core.in(online(2))
    core.in({ type: 'cancel', ask: 2 })
    expect(core.state.online.size).toBe(0)
  })
})
