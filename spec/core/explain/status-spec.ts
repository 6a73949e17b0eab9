/** The status: what it shows, and that it is a copy. */
import { describe, expect, it } from '@jest/globals'
import { fullAddresses, knownPeers, snapshot } from '../../../src/core/explain/status.js'
import { GossipCore, subscribe } from '../../support/broadcasts.js'

function node(): GossipCore {
  const core = new GossipCore()
  core.in({ type: 'listening', addresses: ['/ip4/10.0.0.1/tcp/1'] }, subscribe)
  core.member('bob')
  core.member('carol', 'tx')
  core.in({ type: 'tableChanged', peer: 'bob', addresses: ['/ip4/10.0.0.2/tcp/1'] })
  core.in({ type: 'discarded', topic: 'block', count: 3 }, { type: 'discarded', topic: 'block', count: 2 })
  return core
}

describe('the status', () => {
  it('shows addresses with the peer id, the table, connections, and our topics alone', () => {
    expect(snapshot(node().state)).toEqual({
      peerId: 'self',
      addresses: ['/ip4/10.0.0.1/tcp/1/p2p/self'],
      knownPeersCount: 1,
      knownPeers: { bob: ['/ip4/10.0.0.2/tcp/1/p2p/bob'] },
      connections: ['bob', 'carol'],
      topics: { block: { subscribers: 1, dropped: 5 } },
    })
  })

  it('is a copy, which its reader may change', () => {
    const { state } = node()
    const before = structuredClone(snapshot(state))
    const mine = snapshot(state)
    mine.knownPeers['bob']!.push('/ip4/10.0.0.3/tcp/1')
    mine.connections.pop()
    knownPeers(state)['bob']!.push('/ip4/10.0.0.4/tcp/1')
    fullAddresses(state).push('/ip4/10.0.0.4/tcp/1')
    expect(snapshot(state)).toEqual(before)
  })
})
