/** The states of peers as a caller sees them. */
import { describe, expect, it } from '@jest/globals'
import { peerState, peerStates, type PeerState } from '../../../src/core/peers/peer-states.js'
import { Core, KAD, SELF } from '../../support/core.js'
import { BOB, BOOT, closed, crowd, dialFailed, failAll, identified } from '../../support/peers.js'

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
    expect(lastError(core)).toEqual(['unreachable', 'the connection was lost after 3 ms'])
  })

  it('is not unreachable because a peer was lost in the midst of something, until a dial fails', () => {
    const core = new Core({ bootNodes: { boot: [BOOT] } })
    core.connect('boot')
    core.in(identified('boot'))
    core.request(1, 'boot')
    core.in(closed())
    expect(lastError(core, 'boot')).toEqual(['discovered', undefined])
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
    core.now = 40_000
    core.request(1, 'boot')
    core.in(closed())
    expect(lastError(core, 'boot')).toEqual(['discovered', undefined])
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
