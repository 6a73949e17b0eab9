/** Explanations as text: which lines there are, and how they count. */
import { describe, expect, it } from '@jest/globals'
import type { PeerExplanation, TopicExplanation } from '../../../src/core/explanation.js'
import { peerText, topicText } from '../../../src/core/explain/text.js'

const topic: Omit<TopicExplanation, 'text'> = {
  topic: 'block',
  subscribed: true,
  joined: true,
  validated: false,
  listeners: 1,
  subscribers: [{ peer: 'bob', reachable: true, inMesh: true, score: -0.26, queued: 0 }],
  sent: { broadcasts: 1, handedOver: 2, toNobody: 0, waiting: 0, held: 0, heldFor: [] },
  heard: { received: 3, delivered: 2, replayed: 1, remembered: 2 },
  dropped: {},
  limits: { maxMessageSize: 1_000, maxQueueSize: 2_000, validationTimeout: 500 },
}

const peer: Omit<PeerExplanation, 'text'> = {
  peer: 'bob',
  connections: [],
  askedBy: 'not known yet',
  topics: [],
  meshes: [],
  gossip: { reachable: false, score: undefined, queued: 0, tooSlow: false, held: 0 },
  requests: { ours: 0, its: 0 },
  uses: { requestBytes: 5, answerBytes: 6, responseBytes: 11, handlers: 1, queued: 2, answered: 7, refused: 8 },
  dropped: {},
  limits: {
    maxStreams: 1,
    requests: 2,
    requestBytes: 3,
    answerBytes: 9,
    responseBytes: 12,
    handlers: 10,
    maxQueueSize: 4,
  },
  refused: {},
}

describe('the text of a topic', () => {
  it('has a line for each fact', () => {
    expect(topicText(topic).split('\n')).toEqual([
      'topic block: joined, 1 listener',
      '1 peer in it that we are connected to',
      '  bob: reachable, in the mesh, score -0.3',
      'sent: 1 broadcast, handed over 2 times, 0 to nobody, 0 waiting',
      'heard: 3 received, 2 delivered, 1 replayed, 2 remembered',
      'dropped: nothing',
      'limits: 1000 bytes a message, 2000 bytes waiting for one peer',
    ])
  })

  it('says what is wrong', () => {
    const [bob] = topic.subscribers
    const text = topicText({
      ...topic,
      joined: false,
      validated: true,
      nobody: 'there is no gossip stream yet to bob',
      subscribers: [{ ...bob!, reachable: false, inMesh: false, score: undefined, queued: 7 }],
      dropped: { ignored: 2, queueFull: 1 },
    })
    expect(text).toContain('subscribed, not announced everywhere or without a mesh yet, 1 listener, validated')
    expect(text).toContain('a broadcast would reach nobody now: there is no gossip stream yet to bob')
    expect(text).toContain('  bob: no gossip stream yet, 7 bytes wait for it\n')
    expect(text).toContain('dropped: 2 ignored, 1 queueFull')
    expect(text).toContain(', 500 ms for the validator')
    expect(topicText({ ...topic, subscribed: false })).toContain('topic block: we are not in it')
  })
})

describe('the text of a peer', () => {
  it('leaves out what is not known', () => {
    expect(peerText(peer).split('\n')).toEqual([
      'peer bob: not connected',
      'not in the routing table',
      'asked by: not known yet; requests open: 0 of ours, 0 of its',
      'in no topic that we know of',
      'gossip: no stream, 0 bytes waiting',
      'it uses 5 bytes of requests, 6 bytes of answers, 11 bytes of answers of its own, 1 handler; waiting for one: 2 requests; answered: 7, refused: 8',
      'dropped: nothing',
      'limits: 2 requests of its at once, 3 bytes of them, 9 bytes of answers, 12 bytes of answers of its own, 10 handlers, 1 streams of ours, 4 bytes of broadcasts waiting',
    ])
    const dialled = (...addresses: string[]): string =>
      peerText({ ...peer, dialling: { age: 7, addresses } }).split('\n')[0]!
    expect(dialled()).toBe('peer bob: being dialled for 7 ms so far, wherever the network knows it')
    expect(dialled('/a', '/b')).toBe('peer bob: being dialled for 7 ms so far, at /a, /b')
    expect(dialled('/a', '/b', '/c', '/d', '/e')).toMatch(/at \/a, \/b, \/c, \/d and 1 more$/)
  })

  it('tells of connections, of the last dial and of meshes', () => {
    const text = peerText({
      ...peer,
      connections: [{ address: '/ip4/10.0.0.1/tcp/1', inbound: true, age: 5 }],
      dialFailure: { ago: 9, reason: 'refused', tried: [{ address: '/ip4/10.0.0.2/tcp/1', reason: 'timed out' }] },
      protocols: ['/a', '/b'],
      topics: ['block', 'tx'],
      meshes: ['tx'],
      gossip: { reachable: true, score: 1, queued: 2, tooSlow: true, held: 0 },
    })
    expect(text).toContain('peer bob: connected\n  it dialled us from /ip4/10.0.0.1/tcp/1, 5 ms ago')
    expect(text).toContain('it could not be reached 9 ms ago: refused\n  /ip4/10.0.0.2/tcp/1: timed out')
    expect(text).toContain('speaks /a, /b')
    expect(text).toContain('in block, tx; in our mesh of tx')
    expect(text).toContain('gossip: reachable, score 1, 2 bytes waiting, reads too slowly')
  })
})
