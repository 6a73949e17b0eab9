import { describe, expect, it } from '@jest/globals'
import type { Event } from '../../../src/core/events.js'
import type { Settings } from '../../../src/core/settings.js'
import {
  books,
  broadcast,
  drained,
  freshBooks,
  GossipCore,
  publishHeld,
  published,
  subscribe,
  subscription,
} from '../../support/broadcasts.js'
import { bytes, refusalOf, shorts } from '../../support/core.js'

const cancel = (ask: number): Event => ({ type: 'cancel', ask })
const waiting = (ask: number, min: number, timeout = 1_000): Event => broadcast(ask, { waitForPeers: { min, timeout } })

/** With Bob, who is in the topic. */
function withBob(settings: Partial<Settings> = {}): GossipCore {
  const core = new GossipCore(settings)
  core.member('bob')
  return core
}

describe('a broadcast', () => {
  it('goes at once, and is answered with its recipients', () => {
    const core = new GossipCore()
    const data = bytes('b')
    expect(core.in(broadcast(1, { data }))).toEqual([{ type: 'publish', ask: 1, topic: 'block', data, except: [] }])
    expect(core.lines(published(1, ['bob']))).toEqual(['settle 1 {"recipients":["bob"]}'])
  })

  it('that nobody gets is no error, and counts as such', () => {
    const core = new GossipCore()
    core.in(subscribe, broadcast(1))
    const effects = core.all(published(1, []))
    expect(effects).toContainEqual({ type: 'settle', ask: 1, value: { recipients: [] } })
    const said = effects.flatMap((effect) => (effect.type === 'log' ? [effect.message] : []))
    expect(said).toEqual(['a broadcast on block reached nobody: we are connected to nobody'])
    expect(core.state.counts.topics.get('block')).toMatchObject({ published: 1, handedOver: 0, toNobody: 1 })
    // Whoever comes late may want it.
    expect(core.state.topics.joined.get('block')!.history).toHaveLength(1)
  })

  it.each<['DuplicateMessage' | 'PublishError']>([['DuplicateMessage'], ['PublishError']])(
    'that the network refuses fails with %s, and is counted nowhere',
    (code) => {
      const core = new GossipCore()
      core.in(broadcast(1))
      expect(shorts(core.in({ type: 'publishFailed', ask: 1, code, failure: { message: 'no' } }))).toEqual([
        `fail 1 ${code}`,
      ])
      expect(core.state.counts.topics.get('block')).toMatchObject({ published: 0, toNobody: 0 })
    },
  )

  it('is measured as it is encoded, and refused above the limit, with both numbers, before anything is sent', () => {
    const core = new GossipCore({ maxMessageSize: 1_000 })
    const effects = core.in(broadcast(1, { data: new Uint8Array(900) }))
    expect(shorts(effects)).toEqual(['fail 1 MessageTooLarge'])
    expect(refusalOf(effects)).toMatch(/takes 10\d\d bytes on the wire \(900 of data.*the limit is 1000/)
    expect(core.lines(broadcast(2, { data: new Uint8Array(700) }))).toEqual(['publish 2'])
    expect(core.state.asks.open.size).toBe(1)
  })

  it('counts to whom it was handed', () => {
    const core = new GossipCore()
    core.in(broadcast(1), broadcast(2))
    core.in(published(1, ['bob', 'carol']), published(2, ['bob']))
    expect(core.state.counts.topics.get('block')).toMatchObject({ published: 2, handedOver: 3, toNobody: 0 })
  })
})

describe('a broadcast that waits for subscribers', () => {
  it('goes when the last that was missing can be reached, and not before', () => {
    const core = new GossipCore()
    expect(core.lines(waiting(1, 2))).toEqual([])
    core.connect('bob', 1)
    expect(core.lines({ type: 'gossipOpened', peer: 'bob' }, subscription('bob'))).toEqual([])
    core.connect('carol', 2)
    // In the topic, but there is no stream on which she would get it.
    expect(core.lines(subscription('carol'))).toEqual([])
    expect(core.lines(subscription('dave', 'other'), { type: 'gossipOpened', peer: 'dave' })).toEqual([])
    expect(core.lines({ type: 'gossipOpened', peer: 'carol' })).toEqual(['publish 1'])
  })

  it('goes at once when they are there', () => {
    expect(withBob().lines(waiting(1, 1))).toEqual(['publish 1'])
  })

  it('fails when they have not come in time, says how many were there, and nothing is sent', () => {
    const core = withBob()
    core.in(waiting(1, 2, 500))
    expect(core.at(499)).toEqual([])
    const effects = core.at(500)
    expect(refusalOf(effects)).toBe(
      'PublishError: 1 of 2 subscribers of block could be reached within 500 ms: nothing was sent',
    )
    expect(shorts(effects)).toEqual(['fail 1 PublishError'])
    core.member('carol')
    expect(core.lines(published(1))).toEqual([])
    expect(core.state.publishing.waiting.size).toBe(0)
  })

  it('has the time of every broadcast from then on, whatever it waited', () => {
    const core = new GossipCore({ requestTimeout: 1_000, slowPeerPatience: 60_000 })
    core.in(waiting(1, 1, 10_000))
    core.at(9_000)
    core.member('bob')
    core.in(publishHeld(1, 'bob'))
    expect(core.lines()).toEqual([])
    expect(core.linesAt(9_999)).toEqual([])
    expect(core.linesAt(10_000)).toEqual(['fail 1 Overloaded'])
  })

  it('does not hold up one that waits for nobody, and goes before those that come later', () => {
    const core = new GossipCore()
    core.in(waiting(1, 1))
    expect(core.lines(broadcast(2))).toEqual(['publish 2'])
    core.connect('bob', 1)
    expect(core.lines({ type: 'gossipOpened', peer: 'bob' }, subscription('bob'), broadcast(3))).toEqual([
      'publish 1',
      'publish 3',
    ])
  })
})

describe('the queue of a topic', () => {
  it('has at most so many that the network has not answered, and goes on in order', () => {
    const core = withBob({ maxPublishing: 2 })
    expect(core.lines(broadcast(1), broadcast(2), broadcast(3), broadcast(4))).toEqual(['publish 1', 'publish 2'])
    expect(core.lines(published(2))).toEqual(['settle 2 {"recipients":["bob"]}', 'publish 3'])
    const failed: Event = { type: 'publishFailed', ask: 1, code: 'PublishError', failure: { message: 'no' } }
    expect(core.lines(failed)).toEqual(['fail 1 PublishError', 'publish 4'])
  })

  it('waits for a peer that takes nothing, and goes on in the same order when it does', () => {
    const core = withBob()
    core.in(broadcast(1), broadcast(2))
    expect(core.lines(publishHeld(1, 'bob'), publishHeld(2, 'bob'), broadcast(3))).toEqual([])
    expect(core.lines(drained('bob'))).toEqual(['publish 1', 'publish 2', 'publish 3'])
    // It was not passed over, so nothing is lost.
    expect(core.lines(published(1), published(2), published(3))).toHaveLength(3)
    expect(core.state.counts.topics.get('block')!.dropped).toEqual({})
  })

  it('goes on when that peer has gone', () => {
    const core = withBob()
    core.in(broadcast(1))
    core.in(publishHeld(1, 'bob'))
    expect(core.lines({ type: 'gossipClosed', peer: 'bob' })).toEqual(['publish 1'])
  })

  it('passes over a peer that has taken nothing for too long, and counts what it missed', () => {
    const core = withBob({ slowPeerPatience: 2_000, keep: { bob: [] } })
    core.member('carol')
    core.in(broadcast(1))
    core.in(publishHeld(1, 'bob'), broadcast(2))
    expect(core.linesAt(1_999)).toEqual([])
    expect(core.linesAt(2_000)).toEqual(['publish 1 but for bob', 'publish 2 but for bob'])
    core.in(published(1, ['carol']), published(2, ['carol']))
    expect(core.state.counts.topics.get('block')!.dropped).toEqual({ slowPeer: 2 })
    expect(core.state.counts.peers.get('bob')!.dropped).toEqual({ slowPeer: 2 })
    // It is passed over until it takes something.
    expect(core.lines(broadcast(3))).toEqual(['publish 3 but for bob'])
    expect(core.lines(drained('bob'), broadcast(4))).toEqual(['publish 4'])
  })

  it('does not wait for a slow peer that is in another topic', () => {
    const core = withBob()
    core.in(broadcast(1))
    core.in(publishHeld(1, 'bob'))
    expect(core.lines(broadcast(2, { topic: 'tx' }), broadcast(3))).toEqual(['publish 2'])
  })

  it('refuses what waits too long, and says for whom', () => {
    const core = withBob({ requestTimeout: 1_000, slowPeerPatience: 60_000 })
    core.in(broadcast(1))
    core.in(publishHeld(1, 'bob'), broadcast(2))
    const effects = core.at(1_000)
    expect(shorts(effects)).toEqual(['fail 1 Overloaded', 'fail 2 Overloaded'])
    expect(refusalOf(effects)).toBe(
      'Overloaded: the broadcast could not be sent within 1000 ms, because too much waits for bob',
    )
    expect(core.lines(drained('bob'))).toEqual([])
  })

  it('refuses what the network gives back when its time is over already', () => {
    const core = withBob({ requestTimeout: 1_000, slowPeerPatience: 60_000 })
    core.in(broadcast(1))
    expect(core.linesAt(1_500)).toEqual([])
    expect(core.lines(publishHeld(1, 'bob'))).toEqual(['fail 1 Overloaded'])
    expect(core.lines(drained('bob'))).toEqual([])
  })

  it('refuses what is more than may wait, and takes one that is too large for it when nothing waits', () => {
    const core = withBob({ maxQueuedBroadcasts: 2_000 })
    const large = (ask: number, size: number): Event => broadcast(ask, { data: new Uint8Array(size) })
    core.in(large(1, 1_000))
    const effects = core.in(large(2, 1_000))
    expect(refusalOf(effects)).toMatch(/^Overloaded: 1\d\d\d bytes of broadcasts wait to be sent already/)
    expect(effects).toMatchObject([{ refusal: { retryAfterMs: 1_000 } }])
    core.in(published(1))
    expect(core.state.publishing.queuedBytes).toBe(0)
    expect(core.lines(large(3, 5_000))).toEqual(['publish 3'])
  })
})

describe('a broadcast whose caller gives up', () => {
  /** How it gets there, and what the network still says of what it was given. */
  const stages: [string, (core: GossipCore) => void, Event[], Partial<Settings>?][] = [
    ['waits for subscribers', (core) => void core.in(waiting(1, 9)), []],
    ['is in the queue', (core) => void core.in(broadcast(8), broadcast(1)), [published(8)], { maxPublishing: 1 }],
    ['is with the network', (core) => void core.in(broadcast(1)), [published(1)]],
    [
      'was given back',
      (core) => {
        core.in(broadcast(1))
        core.in(publishHeld(1, 'bob'))
      },
      [drained('bob')],
    ],
    [
      'is hashed',
      (core) => void core.in(broadcast(1, { data: new Uint8Array(70_000) })),
      [{ type: 'digested', digest: 1, hash: new Uint8Array(32) }],
      { maxLargeMessage: 100_000 },
    ],
  ]

  it.each(stages)('while it %s is not answered, and leaves nothing behind', (_stage, reach, rest, settings = {}) => {
    const core = withBob(settings)
    reach(core)
    expect(core.lines(cancel(1))).toEqual([])
    expect(core.lines(...rest).filter((line) => !line.startsWith('settle 8'))).toEqual([])
    core.in({ type: 'gossipClosed', peer: 'bob' }, subscription('bob', 'block', false))
    expect(books(core)).toEqual(freshBooks())
  })

  it('is not in the way of the next, nor of what explains the topic', () => {
    const core = withBob()
    core.in(broadcast(1), broadcast(2))
    core.in(publishHeld(1, 'bob'), publishHeld(2, 'bob'), cancel(1))
    core.in({ type: 'explain', ask: 9, about: { topic: 'block' } })
    const [settled] = core.in({ type: 'inspected', ask: 9, peers: {} })
    expect(settled).toMatchObject({ value: { sent: { waiting: 1 } } })
    expect(core.lines(drained('bob'))).toEqual(['publish 2'])
  })
})

describe('a node that stops', () => {
  it('rejects its broadcasts, wherever they are', () => {
    const core = withBob({ maxPublishing: 2 })
    core.in(broadcast(1), broadcast(2), broadcast(3), waiting(4, 5))
    core.in(publishHeld(1, 'bob'))
    const effects = shorts(core.in({ type: 'shutdown', ask: 5 }))
    expect(effects).toEqual([1, 2, 3, 4].map((ask) => `fail ${ask} NodeStopped`).concat('stop'))
    expect(books(core)).toEqual(freshBooks())
  })
})
