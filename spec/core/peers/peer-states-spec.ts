/** The states of peers as a caller sees them. */
import { describe, expect, it } from '@jest/globals'
import { peerState, peerStates, type PeerState } from '../../../src/core/peers/peer-states.js'
import type { Event } from '../../../src/core/events.js'
import { Core, KAD, SELF, V1 } from '../../support/core.js'
import { BOB, BOOT, REFUSED, closed, crowd, dialFailed, failAll, identified, loseEight } from '../../support/peers.js'
import { asking } from '../../support/session-cores.js'
import { goodbye, SESSION } from '../../support/session.js'

/** One that is missing is a type error, and one that no peer has ever fails below. */
const STATES: Record<PeerState['state'], true> = {
  discovered: true,
  dialling: true,
  connected: true,
  identified: true,
  unreachable: true,
  forgotten: true,
}

describe('the state of a peer', () => {
  it('goes from discovered to forgotten', () => {
    const core = new Core({ memoryLifetime: 5_000, connectionKeepAlive: 1e9 })
    crowd(core)
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
      protocols: [KAD, V1],
    })
    core.in({ type: 'pingFailed', connection: 1, failure: { message: 'no answer' }, heard: false })
    core.in({ type: 'tableChanged', peer: 'bob', addresses: undefined })
    states.push(seen())
    loseEight(core)
    failAll(core, 20_000)
    states.push(seen())
    expect(states).toEqual([
      ...['forgotten', 'discovered', 'dialling', 'connected', 'identified', 'unreachable', 'forgotten'],
    ])
    expect(new Set(states)).toEqual(new Set(Object.keys(STATES)))
    expect(peerStates(core.state).map(({ peer }) => peer)).not.toContain('bob')
  })

  it('says why the last dial failed, when it is unreachable', () => {
    const core = new Core({ bootNodes: { boot: [BOOT] } })
    core.in({ type: 'tick' })
    core.in(dialFailed('boot'))
    expect(peerStates(core.state)).toMatchObject([
      { peer: 'boot', state: 'unreachable', addresses: [BOOT], lastError: 'refused' },
    ])
  })

  it('stays unreachable, with the reason, however many strangers have their messages dropped', () => {
    const core = new Core({ bootNodes: { boot: [BOOT] } })
    core.connect('bob')
    core.in(identified('bob'), closed(), { type: 'tick' }, dialFailed('bob'), dialFailed('boot'))
    for (let i = 0; i < 3_000; i++)
      core.in({ type: 'gossipDropped', peer: `stranger ${i}`, reason: 'signature', count: 1 })
    for (const peer of ['boot', 'bob'])
      expect(peerState(core.state, peer)).toMatchObject({ state: 'unreachable', lastError: 'refused' })
    expect(core.state.counts.peers.size).toBe(1_000)
  })

  const lastError = (core: Core, peer = 'bob') => {
    const { state, lastError: error } = peerState(core.state, peer)
    return [state, error]
  }

  it('is unreachable with a reason when the peer does not answer pings', () => {
    const core = new Core()
    core.connect('bob')
    core.in(identified('bob'))
    core.in({ type: 'pingFailed', connection: 1, failure: { message: 'no answer' }, heard: false })
    expect(lastError(core)).toEqual(['unreachable', 'the peer does not answer pings'])
  })

  it('is unreachable with a reason when a peer that the config names hangs up at once', () => {
    const core = new Core({ bootNodes: { boot: [BOOT] } })
    core.connect('boot')
    core.in(identified('boot'))
    core.now = 7
    core.in(closed())
    expect(lastError(core, 'boot')).toEqual(['unreachable', 'the connection was lost after 7 ms'])
  })

  it('is unreachable with a reason when a peer that is known hangs up before it is identified', () => {
    const core = new Core()
    core.connect('bob')
    core.in(identified('bob'), closed())
    core.connect('bob', 2)
    core.now = 3
    core.in(closed(2))
    expect(lastError(core)).toEqual(['unreachable', REFUSED])
  })

  it('has the reason when a peer of which nothing is known hangs up at once, until it is connected', () => {
    const core = new Core()
    core.request(1, 'bob')
    core.connect('bob')
    core.in(closed())
    core.at(60_000)
    expect(lastError(core)).toEqual(['forgotten', REFUSED])
    core.connect('bob', 2)
    expect(lastError(core)).toEqual(['connected', undefined])
  })

  it('has no reason when it was not we who dialled', () => {
    const core = new Core()
    core.in({ type: 'connectionOpened', connection: 1, peer: 'bob', address: BOB, inbound: true }, closed())
    expect(lastError(core)).toEqual(['forgotten', undefined])
    expect(core.state.counts.peers.size).toBe(0)
  })

  it('is unreachable, until it is being dialled, when the connection was lost in the midst of something', () => {
    const core = new Core({ bootNodes: { boot: [BOOT] } })
    core.connect('boot')
    core.in(identified('boot'))
    core.request(1, 'boot')
    core.in({ type: 'streamOpened', stream: 1, protocol: V1 }, closed())
    expect(lastError(core, 'boot')).toEqual(['unreachable', 'the connection was lost after 0 ms'])
    core.at(300)
    expect(lastError(core, 'boot')).toEqual(['dialling', 'the connection was lost after 0 ms'])
  })

  /** Bob has these protocols, and his connection ends when nothing has gone on over it for 40 s. */
  function gone(protocols: string[], ...before: Event[]): Core {
    const core = new Core({ connectionKeepAlive: 1e9, pingInterval: 1e9, protocols: [SESSION] })
    core.connect('bob')
    core.in({ ...identified('bob'), protocols } as Event, ...before)
    core.now = 40_000
    core.in(closed())
    return core
  }

  it('is unreachable at once, and it is dialled soon, when a peer is gone that would have said goodbye', () => {
    const core = gone([SESSION])
    expect(lastError(core)).toEqual(['unreachable', 'the connection was lost after 40000 ms'])
    core.at(41_000)
    expect(lastError(core)[0]).toBe('dialling')
  })

  it('is no more than discovered when a peer closes an idle connection that knows no goodbye', () => {
    expect(lastError(gone([KAD]))).toEqual(['discovered', undefined])
  })

  it('is no more than discovered when a peer closes an idle connection with our consent, or because it stops', () => {
    for (const word of [0, 4]) {
      const core = asking({ connectionKeepAlive: 1e9, pingInterval: 1e9, stayConnected: 0 }, { 0: 7 })
      core.in({ ...identified('bob'), protocols: [SESSION] } as Event)
      core.receive(goodbye(1, word))
      core.in(closed())
      expect(lastError(core)).toEqual(['discovered', undefined])
    }
  })

  it('is without a fault when a boot node stops, however short the connection was', () => {
    const core = asking({ bootNodes: { bob: [BOB] }, pingInterval: 1e9 }, { 0: 7 })
    core.in({ ...identified('bob'), protocols: [SESSION] } as Event)
    core.receive(goodbye(1, 4))
    core.in(closed())
    expect(peerState(core.state, 'bob').lastError).toBeUndefined()
  })

  it('is connected, and not identified, while the peer stops; over another connection it can be asked', () => {
    const core = asking({ pingInterval: 1e9 }, { 0: 7 })
    core.in({ ...identified('bob'), protocols: [SESSION] } as Event)
    expect(peerState(core.state, 'bob')).toMatchObject({ state: 'identified' })
    const changes = core.all(core.hears(goodbye(1, 4))).filter(({ type }) => type === 'peersChanged')
    expect(changes).toHaveLength(1)
    expect(peerState(core.state, 'bob')).toMatchObject({ state: 'connected', stopping: true, protocols: [SESSION] })
    core.connect('bob', 2)
    core.in({ ...identified('bob', [BOB], 2), protocols: [SESSION] } as Event)
    expect(peerState(core.state, 'bob')).toMatchObject({ state: 'identified', connections: 2 })
    expect(peerState(core.state, 'bob')).not.toHaveProperty('stopping')
  })

  it('has a round trip that follows the line, an eighth of the way with each ping', () => {
    const core = new Core({ connectionKeepAlive: 1e9 })
    core.connect('bob')
    const trips = [100, 100, 400, 400, 400, 100].map((rtt) => {
      core.in({ type: 'pinged', connection: 1, rtt })
      return peerState(core.state, 'bob').rtt
    })
    expect(trips).toEqual([100, 100, 138, 170, 199, 187])
    // Large values are paced by what the line can do at its best.
    expect(core.state.connections.all.get(1)!.pace.roundTrip).toBe(100)
  })

  it('has no error any more when it is connected, whichever side has dialled', () => {
    const core = new Core({ bootNodes: { boot: [BOOT] } })
    core.in({ type: 'tick' }, dialFailed('boot'))
    core.in({
      ...{ type: 'connectionOpened', connection: 1, peer: 'boot' },
      ...{ address: '/ip4/10.0.0.9/tcp/50000', inbound: true },
    })
    expect(lastError(core, 'boot')).toEqual(['connected', undefined])
    core.in(identified('boot'))
    expect(lastError(core, 'boot')).toEqual(['identified', undefined])
  })

  it('is told as changed once a batch', () => {
    const core = new Core()
    core.connect('bob')
    const changes = core.all(identified('bob'), { type: 'pinged', connection: 1, rtt: 1 })
    expect(changes.filter(({ type }) => type === 'peersChanged')).toHaveLength(1)
  })

  it('is there once for each peer, and never for this node or an address', () => {
    const core = new Core({ keep: { bob: [], [SELF]: [] } })
    core.in({ type: 'tick' }, { type: 'dialPeer', ask: 1, target: '/ip4/10.0.0.7/tcp/1', addresses: [] })
    core.in({ type: 'tableChanged', peer: 'bob', addresses: [BOB] })
    core.state.discovery.table.set(SELF, [BOB])
    expect(peerStates(core.state).map(({ peer }) => peer)).toEqual(['bob'])
  })

  it('has the shortest round trip of those that were measured', () => {
    const core = new Core()
    core.connect('bob', 1)
    core.connect('bob', 2)
    core.connect('bob', 3)
    expect(peerState(core.state, 'bob').rtt).toBeUndefined()
    core.in({ type: 'pinged', connection: 1, rtt: 9 }, { type: 'pinged', connection: 2, rtt: 7 })
    expect(peerState(core.state, 'bob')).toMatchObject({ rtt: 7, connections: 3 })
  })

  it('has each address once, with its peer id', () => {
    const core = new Core({ keep: { bob: [`${BOB}/p2p/bob`] } })
    core.in({ type: 'tableChanged', peer: 'bob', addresses: [BOB] })
    expect(peerState(core.state, 'bob').addresses).toEqual([`${BOB}/p2p/bob`])
  })
})
