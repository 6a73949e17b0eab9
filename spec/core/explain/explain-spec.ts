/** What `explain` says of topics and peers: `explain.ts`, and `explain-text.ts` for people. */
import { describe, expect, it } from '@jest/globals'
import type { PeerExplanation, TopicExplanation } from '../../../src/core/explanation.js'
import { limitsOf } from '../../../src/core/limits/limits.js'
import type { Settings } from '../../../src/core/settings.js'
import type { GossipPeer } from '../../../src/core/port.js'
import {
  broadcast,
  drained,
  GossipCore,
  mesh,
  message,
  published,
  publishHeld,
  subscribe,
  subscription,
} from '../../support/broadcasts.js'
import { V1 } from '../../support/core.js'

function topic(core: GossipCore, peers: Record<string, GossipPeer> = {}, name = 'block'): TopicExplanation {
  core.in({ type: 'explain', ask: 99, about: { topic: name } })
  const [settled] = core.in({ type: 'inspected', ask: 99, peers })
  return (settled as { value: unknown }).value as TopicExplanation
}

function peer(core: GossipCore, peers: Record<string, GossipPeer> = {}, name = 'bob'): PeerExplanation {
  core.in({ type: 'explain', ask: 99, about: { peer: name } })
  const [settled] = core.in({ type: 'inspected', ask: 99, peers })
  return (settled as { value: unknown }).value as PeerExplanation
}

function busy(settings: Partial<Settings> = {}): GossipCore {
  const core = new GossipCore({ guardedTopics: ['block'], ...settings })
  core.member('bob')
  core.member('carol')
  core.in(subscribe, mesh('bob'))
  return core
}

describe('the explanation of a topic', () => {
  it('asks the network for what it alone knows, of those in the topic', () => {
    const core = busy()
    expect(core.in({ type: 'explain', ask: 1, about: { topic: 'block' } })).toEqual([
      { type: 'inspect', ask: 1, peers: ['bob', 'carol'] },
    ])
    expect(core.in({ type: 'cancel', ask: 1 }, { type: 'inspected', ask: 1, peers: {} })).toEqual([])
    expect(core.state.asks.open.size).toBe(0)
  })

  it('says who is in it, who is in the mesh, and what waits for whom', () => {
    const core = busy()
    core.in(subscription('dave'))
    const { subscribers, subscribed, joined, validated, listeners, text, nobody } = topic(core, {
      bob: { score: -1.234, queued: 17 },
    })
    expect(subscribers).toEqual([
      { peer: 'bob', reachable: true, inMesh: true, score: -1.234, queued: 17 },
      { peer: 'carol', reachable: true, inMesh: false, score: undefined, queued: 0 },
      { peer: 'dave', reachable: false, inMesh: false, score: undefined, queued: 0 },
    ])
    expect({ subscribed, joined, validated, listeners, nobody }).toEqual({
      subscribed: true,
      joined: true,
      validated: true,
      listeners: 1,
      nobody: undefined,
    })
    expect(text).toContain('topic block: joined, 1 listener, validated')
    expect(text).toContain('bob: reachable, in the mesh, score -1.2, 17 bytes wait for it')
    expect(text).toContain('dave: no gossip stream yet')
  })

  it('says why a broadcast would reach nobody', () => {
    const core = new GossipCore()
    expect(topic(core)).toMatchObject({ nobody: 'we are connected to nobody', subscribed: false, listeners: 0 })
    core.connect('bob')
    const { text } = topic(core)
    expect(text).toContain('topic block: we are not in it')
    expect(text).toContain(
      'a broadcast would reach nobody now: none of the peers that we are connected to is in the topic (peers: 1)',
    )
  })

  it('counts what was sent, what waits, what was heard and what was dropped, and why', () => {
    const core = busy()
    core.in(broadcast(1), broadcast(2))
    core.in(published(1, ['bob', 'carol']), published(2, []))
    core.in(broadcast(3))
    core.in(publishHeld(3, 'bob'), broadcast(4), broadcast(5, { waitForPeers: { min: 9, timeout: 1_000 } }))
    core.in(message('a'), message('b'), message('c'))
    core.in({ type: 'validated', validation: 1, verdict: 'accept', failed: false })
    core.in({ type: 'validated', validation: 2, verdict: 'reject', failed: false })
    core.in({ type: 'gossipDropped', peer: 'carol', topic: 'block', reason: 'signature', count: 3 })
    const { sent, heard, dropped, text } = topic(core)
    expect(sent).toEqual({ broadcasts: 2, handedOver: 2, toNobody: 1, waiting: 3, held: 0, heldFor: ['bob'] })
    expect(heard).toEqual({ received: 3, delivered: 1, replayed: 0, remembered: 3 })
    expect(dropped).toEqual({ rejected: 1, signature: 3 })
    expect(text).toContain('sent: 2 broadcasts, handed over 2 times, 1 to nobody, 3 waiting, now for bob')
    expect(text).toContain('heard: 3 received, 1 delivered, 0 replayed, 3 remembered')
    expect(text).toContain('dropped: 1 rejected, 3 signature')
  })

  it('names the limits in force', () => {
    const core = busy({ maxMessageSize: 5_000, maxQueueSize: 6_000, validationTimeout: 700 })
    const { limits, text } = topic(core)
    expect(limits).toEqual({ maxMessageSize: 5_000, maxQueueSize: 6_000, validationTimeout: 700 })
    expect(text).toContain('limits: 5000 bytes a message, 6000 bytes waiting for one peer, 700 ms for the validator')
  })

  it('is the reader’s to keep: plain, and not what the node goes on with', () => {
    const core = busy()
    const explanation = topic(core)
    expect(structuredClone(explanation)).toEqual(explanation)
    explanation.dropped.busy = 7
    explanation.subscribers.length = 0
    expect(topic(core)).toMatchObject({ dropped: {}, subscribers: [{ peer: 'bob' }, { peer: 'carol' }] })
  })
})

describe('the explanation of a peer', () => {
  it('shows no limit that its share of what all have does not reach', () => {
    const limits = limitsOf({
      requests: 500,
      requestBytes: 1_000,
      requestBytesPerPeer: 2_000,
      answerBytes: 4_000,
      handlers: 100,
    })
    expect(peer(new GossipCore({ limits })).limits).toMatchObject({
      requests: 204,
      requestBytes: 407,
      answerBytes: 1_625,
      handlers: 41,
    })
  })

  it('of whom nothing is known says so', () => {
    const explanation = peer(new GossipCore())
    expect(explanation).toMatchObject({ connections: [], askedBy: 'not known yet', topics: [] })
    expect(explanation).not.toHaveProperty('dialling')
    expect(explanation).not.toHaveProperty('dialFailure')
    expect(explanation.text.split('\n').slice(0, 2)).toEqual(['peer bob: not connected', 'not in the routing table'])
    expect(structuredClone(explanation)).toEqual(explanation)
  })

  it('that speaks no protocol of requests says that it is asked by nothing', () => {
    const core = busy()
    const protocols = ['/meshsub/1.1.0']
    core.in({ type: 'identified', connection: 1, peer: 'bob', protocols, addresses: [], agent: '' })
    expect(peer(core)).toMatchObject({ protocols, askedBy: 'nothing' })
  })

  it('says how we are connected, what it speaks, and in which topics it is', () => {
    const core = busy()
    core.now = 500
    const protocols = [V1, '/meshsub/1.1.0']
    core.in({ type: 'identified', connection: 1, peer: 'bob', protocols, addresses: [], agent: '' })
    core.in(subscription('bob', 'tx'))
    const { connections, askedBy, topics, meshes, text, ...rest } = peer(core, { bob: { score: 2.06, queued: 5 } })
    expect(connections).toEqual([{ address: '/ip4/127.0.0.1/tcp/1', inbound: false, age: 500 }])
    expect([rest.protocols, askedBy, topics, meshes]).toEqual([protocols, 'version 1', ['block', 'tx'], ['block']])
    expect(rest.gossip).toEqual({ reachable: true, score: 2.06, queued: 5, tooSlow: false, held: 0 })
    expect(text).toContain('  we dialled /ip4/127.0.0.1/tcp/1, 500 ms ago')
    expect(text).toContain('in block, tx; in our mesh of block')
    expect(text).toContain('gossip: reachable, score 2.1, 5 bytes waiting')
  })

  it('names each address that was tried, and why it failed', () => {
    const core = new GossipCore()
    core.in({ type: 'tableChanged', peer: 'bob', addresses: ['/ip4/10.0.0.1/tcp/1', '/ip4/10.0.0.2/tcp/1'] })
    core.in({ type: 'dialPeer', ask: 1, target: 'bob', addresses: ['/ip4/10.0.0.1/tcp/1', '/ip4/10.0.0.2/tcp/1'] })
    core.now = 3_000
    const addresses = ['/ip4/10.0.0.1/tcp/1', '/ip4/10.0.0.2/tcp/1']
    expect(peer(core)).toMatchObject({ dialling: { age: 3_000, addresses } })
    expect(peer(core).text).toContain(`peer bob: being dialled for 3000 ms so far, at ${addresses.join(', ')}\n`)
    const tried = [
      { address: '/ip4/10.0.0.1/tcp/1', reason: 'connection refused' },
      { address: '/ip4/10.0.0.2/tcp/1', reason: 'no answer within 5000 ms' },
    ]
    core.in({ type: 'dialFailed', target: 'bob', failure: { message: 'all of 2 addresses failed' }, tried })
    core.now = 3_040
    const { dialFailure, table, text, dialling } = peer(core)
    expect(dialFailure).toEqual({ ago: 40, reason: 'all of 2 addresses failed', tried })
    expect([table, dialling]).toEqual([['/ip4/10.0.0.1/tcp/1/p2p/bob', '/ip4/10.0.0.2/tcp/1/p2p/bob'], undefined])
    expect(text).toContain('it could not be reached 40 ms ago: all of 2 addresses failed')
    expect(text).toContain('  /ip4/10.0.0.1/tcp/1: connection refused\n  /ip4/10.0.0.2/tcp/1: no answer within 5000 ms')
  })

  it('says nothing of a dial that failed once it was reached', () => {
    const core = new GossipCore()
    core.in({ type: 'dialPeer', ask: 1, target: 'bob', addresses: [] })
    core.in({ type: 'dialFailed', target: 'bob', failure: { message: 'down' }, tried: [] })
    expect(peer(core)).toMatchObject({ dialFailure: { reason: 'down' } })
    core.in({ type: 'dialPeer', ask: 2, target: 'bob', addresses: [] })
    core.connect('bob')
    expect(peer(core)).not.toHaveProperty('dialFailure')
  })

  it('counts no attempts as failed while it is connected, and says so again when it is not', () => {
    const core = new GossipCore({ bootNodes: { bob: ['/ip4/10.0.0.1/tcp/1/p2p/bob'] } })
    core.in({ type: 'tick' })
    core.in({ type: 'dialFailed', target: 'bob', failure: { message: 'down' }, tried: [] })
    expect(peer(core).text).toContain('it could not be reached 0 ms ago: down')
    core.connect('bob')
    core.in({ ...{ type: 'identified', connection: 1, peer: 'bob' }, protocols: [], addresses: [], agent: 'x' })
    core.now = 50
    expect(peer(core)).toMatchObject({ remembered: { ago: 0, failures: 0 } })
    expect(peer(core).text).not.toMatch(/reached|remembered/)
    core.in({ type: 'connectionClosed', connection: 1 })
    core.now = 60
    expect(peer(core).text).toContain('it could not be reached 10 ms ago: the connection was lost after 50 ms')
    expect(peer(core).text).toContain('remembered: connected 10 ms ago, 1 failed attempt in a row')
  })

  it('says that it reads too slowly, and what it did not get', () => {
    const core = busy({ slowPeerPatience: 1_000 })
    core.in(broadcast(1))
    core.in(publishHeld(1, 'bob'))
    core.at(1_000)
    core.in(published(1, ['carol']))
    expect(peer(core)).toMatchObject({ gossip: { tooSlow: true }, dropped: { slowPeer: 1 } })
    expect(peer(core).text).toContain('reads too slowly')
    expect(peer(core).text).toContain('dropped: 1 slowPeer')
    core.in(drained('bob'))
    expect(peer(core)).toMatchObject({ gossip: { tooSlow: false } })
  })

  it('counts the requests that are open, in both directions', () => {
    const core = busy()
    core.request(1, 'bob')
    core.inbound(2)
    core.in({ type: 'data', stream: 2, chunks: [new Uint8Array([1, 7])] })
    const { requests, text } = peer(core)
    expect(requests).toEqual({ ours: 1, its: 1 })
    expect(text).toContain('requests open: 1 of ours, 1 of its')
  })

  it('says what its handlers cost of late, and for how long its requests wait for that, until they do not', () => {
    const core = busy()
    core.inbound(2)
    core.in({ type: 'data', stream: 2, chunks: [new Uint8Array([1, 7])] })
    const took = (ms: number): unknown => core.in({ type: 'handlerTook', peer: 'bob', ms })
    took(32)
    expect(peer(core)).not.toHaveProperty('dear')
    took(800)
    core.now += 1_000
    expect(peer(core).dear).toEqual({ cost: 104, for: 9_000 })
    took(48)
    const { dear, text } = peer(core)
    expect(dear).toEqual({ cost: 104, for: 10_000 })
    expect(text).toContain(
      'dear: its handlers keep the event loop for 104 ms on average, so its requests wait while others ask, for 10000 ms more at most',
    )
    expect(peer(core, {}, 'carol')).not.toHaveProperty('dear')
    core.now += 10_000
    expect(peer(core)).not.toHaveProperty('dear')
    expect(peer(core).text).not.toContain('dear')
  })
})
