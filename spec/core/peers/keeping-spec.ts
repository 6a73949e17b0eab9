/** Which connections are kept although they are idle. */
import { describe, expect, it } from '@jest/globals'
import { MESH } from '../../../src/core/parameters.js'
import { isInSmallNetwork, isPublishedTo } from '../../../src/core/peers/keeping.js'
import { Core } from '../../support/core.js'

describe('a small network', () => {
  function network(stayConnected: number): (id: number) => boolean {
    const core = new Core({ stayConnected })
    ;['alice', 'bob', 'bob', 'zoe', 'zoe'].forEach((peer, i) => core.connect(peer, i + 1))
    return (id) => isInSmallNetwork(core.state, core.state.connections.all.get(id)!)
  }

  it('has at most so many connected peers', () => {
    expect(network(3)(1)).toBe(true)
    expect(network(2)(1)).toBe(false)
  })

  it('keeps one connection to each peer: of the others the side with the smaller peer id is in charge', () => {
    const isKept = network(30)
    // "self" is greater than "bob", which closes the second one, and smaller than "zoe".
    expect([2, 3, 4, 5].map(isKept)).toEqual([true, true, true, false])
  })
})

describe('a peer in a topic that we publish on', () => {
  const PUBLISHES_FOR = 600

  /** We published at 0, and so many peers of the topic are connected. */
  function publishing(subscribers: number, others = 0): Core {
    const core = new Core({ publishesFor: PUBLISHES_FOR })
    const peers = Array.from({ length: subscribers }, (_, i) => `p${i}`)
    core.state.topics.subscribers.set(
      'news',
      new Set([...peers, ...Array.from({ length: others }, (_, i) => `away${i}`)]),
    )
    core.state.publishing.publishedAt.set('news', 0)
    ;[...peers, 'stranger'].forEach((peer, i) => core.connect(peer, i + 1))
    core.state.now = 0
    return core
  }

  it('is kept, and one that is not in it is not', () => {
    const { state } = publishing(2)
    expect([isPublishedTo(state, 'p1'), isPublishedTo(state, 'stranger')]).toEqual([true, false])
  })

  it('is kept for as long as we count as a publisher', () => {
    const { state } = publishing(1)
    state.now = PUBLISHES_FOR
    expect(isPublishedTo(state, 'p0')).toBe(true)
    state.now++
    expect(isPublishedTo(state, 'p0')).toBe(false)
  })

  it('is not kept when more of them are connected than a mesh has', () => {
    expect(isPublishedTo(publishing(MESH.Dhi).state, 'p0')).toBe(true)
    expect(isPublishedTo(publishing(MESH.Dhi + 1).state, 'p0')).toBe(false)
    expect(isPublishedTo(publishing(1, MESH.Dhi + 1).state, 'p0')).toBe(true)
  })

  it('is kept for one topic of several', () => {
    const { state } = publishing(1)
    state.publishing.publishedAt.clear()
    for (const topic of ['others', 'news']) state.publishing.publishedAt.set(topic, 0)
    expect(isPublishedTo(state, 'p0')).toBe(true)
  })
})
