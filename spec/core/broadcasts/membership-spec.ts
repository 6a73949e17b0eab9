import { describe, expect, it } from '@jest/globals'
import { isJoined, nextSettled, reachable, whyNobody } from '../../../src/core/broadcasts/membership.js'
import { GossipCore, mesh, subscribe, subscription } from '../../support/broadcasts.js'

describe('who can be reached on a topic', () => {
  it('are those in it to whom there is a gossip stream', () => {
    const core = new GossipCore()
    core.member('bob')
    core.in(subscription('carol'), { type: 'gossipOpened', peer: 'dave' })
    expect(reachable(core.state, 'block')).toEqual(['bob'])
    expect(reachable(core.state, 'tx')).toEqual([])
    core.in({ type: 'gossipClosed', peer: 'bob' })
    expect(reachable(core.state, 'block')).toEqual([])
  })

  it('is nobody, and there is a reason', () => {
    const core = new GossipCore()
    expect(whyNobody(core.state, 'block')).toBe('we are connected to nobody')
    core.connect('bob')
    expect(whyNobody(core.state, 'block')).toBe('none of the peers that we are connected to is in the topic (peers: 1)')
    core.in(subscription('bob'))
    expect(whyNobody(core.state, 'block')).toBe('there is no gossip stream yet to bob')
    core.in({ type: 'gossipOpened', peer: 'bob' })
    expect(whyNobody(core.state, 'block')).toBeUndefined()
  })
})

describe('a topic is joined', () => {
  it('when we are in it, announced on every stream, and in its mesh or alone', () => {
    const core = new GossipCore()
    expect(isJoined(core.state, 'block')).toBe(false)
    core.in(subscribe)
    expect(isJoined(core.state, 'block')).toBe(true)
    core.member('bob')
    expect(isJoined(core.state, 'block')).toBe(false)
    core.in(mesh('bob'))
    expect(isJoined(core.state, 'block')).toBe(true)
    core.connect('carol', 9)
    expect(isJoined(core.state, 'block')).toBe(false)
  })

  it('as soon as the first connection without a stream is given up', () => {
    const core = new GossipCore({ gossipPatience: 100, gossipSettle: 0 })
    core.connect('bob', 1)
    core.now = 50
    core.connect('carol', 2)
    expect(nextSettled(core.state)).toBe(100)
    core.in({ type: 'gossipOpened', peer: 'bob' })
    expect(nextSettled(core.state)).toBe(150)
    core.at(150)
    expect(nextSettled(core.state)).toBe(Infinity)
  })
})
