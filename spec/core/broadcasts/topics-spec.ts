import { describe, expect, it } from '@jest/globals'
import type { Event } from '../../../src/core/events.js'
import { GossipCore, mesh, message, subscribe, subscription, unsubscribe } from '../../support/broadcasts.js'
import { shorts } from '../../support/core.js'

const joined = (ask: number, timeout = 5_000): Event => ({ type: 'joined', ask, topic: 'block', timeout })
const identified = (protocols: string[]): Event => ({
  type: 'identified',
  connection: 1,
  peer: 'bob',
  protocols,
  addresses: [],
  agent: '',
})

describe('a topic', () => {
  it('is joined with its first subscriber and left some time after its last', () => {
    const core = new GossipCore({ topicLinger: 100 })
    expect(core.lines(subscribe, subscribe)).toEqual(['join block'])
    expect(core.lines(unsubscribe)).toEqual([])
    expect(core.linesAt(1_000)).toEqual([])
    core.in(unsubscribe)
    expect(core.linesAt(1_099)).toEqual([])
    expect(core.linesAt(1_100)).toEqual(['leave block'])
    expect(core.lines(subscribe)).toEqual(['join block'])
  })

  it('is not left when somebody subscribes again in time: nothing is lost', () => {
    const core = new GossipCore({ topicLinger: 100 })
    core.in(subscribe, unsubscribe)
    core.now = 99
    expect(core.lines(subscribe)).toEqual([])
    expect(core.linesAt(10_000)).toEqual([])
  })

  it('of the config is joined at the start and never left', () => {
    const core = new GossipCore({ topics: ['block'], topicLinger: 100 })
    core.state.lifecycle.phase = 'starting'
    expect(core.lines({ type: 'listening', addresses: [] })).toEqual(['join block', 'ready'])
    core.in(subscribe, unsubscribe)
    expect(core.linesAt(1_000)).toEqual([])
  })

  it('is joined guarded when a validator is there, and guarded when it comes later, once', () => {
    const core = new GossipCore({ guardedTopics: ['tx'] })
    const guard = (topic: string): Event => ({ type: 'guardTopic', topic })
    expect(core.lines({ type: 'subscribe', topic: 'tx' }, subscribe)).toEqual(['join tx guarded', 'join block'])
    expect(core.lines(guard('block'), guard('block'), guard('tx'))).toEqual(['guard block guarded'])
    expect(core.lines(guard('later'))).toEqual([])
    expect(core.lines({ type: 'subscribe', topic: 'later' })).toEqual(['join later guarded'])
  })

  it('is always guarded where large messages are fetched before they are forwarded', () => {
    const core = new GossipCore({ maxLargeMessage: 1_000_000 })
    expect(core.lines(subscribe)).toEqual(['join block guarded'])
    expect(core.lines({ type: 'guardTopic', topic: 'block' })).toEqual([])
  })

  it('that was left is not remembered, and what still comes of it is not delivered', () => {
    const core = new GossipCore({ topicLinger: 100 })
    core.in(subscribe, message('a'), unsubscribe)
    core.at(100)
    expect(core.lines(message('b', { held: true }))).toEqual(['ignore b of carol'])
    core.in(subscribe)
    expect(core.state.topics.joined.get('block')!.history).toEqual([])
  })
})

describe('what is told of topics', () => {
  it('comes at most once a batch', () => {
    const core = new GossipCore({ topicLinger: 100 })
    const told = shorts(core.in(subscribe, { type: 'subscribe', topic: 'tx' }))
    expect(told.filter((line) => line === 'topicsChanged')).toHaveLength(1)
    expect(shorts(core.in(subscribe))).toEqual([])
    core.in(unsubscribe, unsubscribe)
    expect(shorts(core.at(100))).toEqual(['leave block', 'topicsChanged'])
  })

  it('names each topic whose subscribers have changed, once', () => {
    const core = new GossipCore()
    core.connect('bob')
    core.connect('carol', 2)
    const effects = core.in(subscription('bob'), subscription('carol'), subscription('bob', 'tx'))
    expect(effects).toEqual([
      { type: 'subscribersChanged', topic: 'block' },
      { type: 'subscribersChanged', topic: 'tx' },
    ])
    expect([...core.state.topics.subscribers.get('block')!]).toEqual(['bob', 'carol'])
    expect(core.in(subscription('bob', 'tx', false))).toEqual([{ type: 'subscribersChanged', topic: 'tx' }])
    expect(core.state.topics.subscribers.has('tx')).toBe(false)
  })

  it('is nothing when nothing has changed', () => {
    const core = new GossipCore()
    core.in(subscription('bob'))
    expect(core.in(subscription('bob'), subscription('carol', 'block', false))).toEqual([])
  })

  it('is bounded: who names topics without end is not listened to', () => {
    const core = new GossipCore()
    core.member('bob', 'block')
    core.in(...Array.from({ length: 5_000 }, (_, i) => subscription('carol', `topic ${i}`)))
    expect(core.state.topics.subscribers.size).toBe(1_025)
    // … but for the topics that are ours, and when it leaves some of them.
    core.in(subscribe, subscription('carol'))
    expect([...core.state.topics.subscribers.get('block')!]).toEqual(['bob', 'carol'])
    core.in(...[7, 8].map((i) => subscription('carol', `topic ${i}`, false)), subscription('carol', 'one more'))
    expect(core.state.topics.subscribers.has('one more')).toBe(true)
    core.in(...Array.from({ length: 5_000 }, (_, i) => subscription('carol', `topic ${i}`, false)))
    core.in(subscription('carol', 'one more', false), subscription('carol', 'block', false))
    expect(core.state.topics.topicCounts.has('carol')).toBe(false)
  })
})

describe('a mesh', () => {
  it('keeps the connections to its peers, of all topics', () => {
    const core = new GossipCore({ connectionKeepAlive: 100 })
    core.in(subscribe, { type: 'subscribe', topic: 'tx' })
    core.connect('bob')
    core.in(mesh('bob'), { ...mesh('bob'), topic: 'tx' })
    core.in(mesh())
    expect(core.linesAt(1_000)).toEqual([])
    core.in({ ...mesh(), topic: 'tx' })
    expect(core.linesAt(1_105)).toEqual(['closeConnection 1'])
  })

  it('of a topic that was left lets its connections go', () => {
    const core = new GossipCore({ connectionKeepAlive: 100, topicLinger: 10 })
    core.in(subscribe)
    core.connect('bob')
    core.in(mesh('bob'), unsubscribe)
    expect(core.linesAt(10)).toEqual(['leave block'])
    core.in(mesh())
    expect(core.linesAt(115)).toEqual(['closeConnection 1'])
  })
})

describe('who waits until a topic is joined', () => {
  it('is answered at once when we are alone', () => {
    const core = new GossipCore()
    expect(core.lines(subscribe, joined(1))).toEqual(['join block', 'settle 1'])
  })

  it('is answered when we are in the mesh, if others are in the topic', () => {
    const core = new GossipCore()
    core.member('bob')
    core.in(subscribe)
    expect(core.lines(joined(1))).toEqual([])
    expect(core.lines(mesh('bob'))).toEqual(['settle 1'])
  })

  it('waits for the gossip stream of each connection', () => {
    const core = new GossipCore()
    core.connect('bob')
    core.in(subscribe)
    expect(core.lines(joined(1))).toEqual([])
    expect(core.lines({ type: 'gossipOpened', peer: 'bob' })).toEqual([])
    // Bob has some time to name his topics: he may be in this one.
    expect(core.linesAt(999)).toEqual([])
    expect(core.linesAt(1_000)).toEqual(['settle 1'])
  })

  it('waits for a node that is dialling its first peer', () => {
    const core = new GossipCore()
    core.in({ type: 'dialPeer', ask: 9, target: 'bob', addresses: [] })
    expect(core.lines(subscribe, joined(1))).toEqual(['join block'])
    const failed: Event = { type: 'dialFailed', target: 'bob', failure: { message: 'down' }, tried: [] }
    expect(core.lines(failed)).toContain('settle 1')
  })

  it('does not wait for a peer that takes no gossip, once it has said so', () => {
    const core = new GossipCore()
    core.connect('bob')
    core.in(subscribe, joined(1))
    expect(core.lines(identified(['/meshsub/1.1.0']))).toEqual(['ping 1'])
    core.in(joined(2))
    expect(core.lines(identified(['/ipfs/ping/1.0.0']))).toEqual(['settle 1', 'settle 2'])
  })

  it('gives up a connection that has had no gossip stream for too long', () => {
    const core = new GossipCore({ gossipPatience: 3_000 })
    core.connect('bob')
    core.in(subscribe, joined(1))
    expect(core.linesAt(2_999)).toEqual([])
    expect(core.linesAt(3_000)).toEqual(['settle 1'])
  })

  it('is woken when that time has come, and not only when something else happens', () => {
    const core = new GossipCore({ gossipPatience: 3_000 })
    core.connect('bob')
    const woken = core.all(subscribe, joined(1)).flatMap((effect) => (effect.type === 'wakeAt' ? [effect.time] : []))
    expect(Math.min(core.state.due.wakeAt, ...woken)).toBeLessThanOrEqual(3_000)
  })

  it('is refused after its time', () => {
    const core = new GossipCore()
    core.member('bob')
    core.in(subscribe, joined(1, 1_000))
    expect(core.at(1_000)).toMatchObject([
      { type: 'fail', refusal: { code: 'RequestTimeout', message: 'block was not joined within 1000 ms' } },
    ])
    expect(core.lines(mesh('bob'))).toEqual([])
    expect(core.state.topics.joining.size).toBe(0)
  })

  it('is refused when nobody has subscribed, and when the topic is left meanwhile', () => {
    const core = new GossipCore({ topicLinger: 100 })
    expect(core.in(joined(1))).toMatchObject([
      { refusal: { code: 'NotSubscribed', message: 'we are not in block: subscribe to broadcasts$("block") first' } },
    ])
    core.member('bob')
    core.in(subscribe, joined(2), joined(3), { type: 'cancel', ask: 3 }, unsubscribe)
    expect(core.linesAt(100)).toEqual(['leave block', 'fail 2 NotSubscribed'])
    expect([core.state.topics.joining.size, core.state.asks.open.size]).toEqual([0, 0])
  })
})
