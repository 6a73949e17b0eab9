import { describe, expect, it } from '@jest/globals'
import type { Event } from '../../../src/core/events.js'
import type { DropReason } from '../../../src/core/port.js'
import { GossipCore, message, repeated, subscribe } from '../../support/broadcasts.js'

const dropped = (reason: DropReason, count = 1, topic?: string): Event => ({
  type: 'gossipDropped',
  peer: 'carol',
  reason,
  count,
  ...(topic === undefined ? {} : { topic }),
})

describe('a message', () => {
  it('of a topic that we are not in goes no further, and counts as such for the peer alone', () => {
    const core = new GossipCore()
    expect(core.lines(message('a'), message('b', { held: true }))).toEqual(['ignore b of carol'])
    expect(core.state.counts.peers.get('carol')!.dropped).toEqual({ unknownTopic: 2 })
    expect(core.state.counts.topics.size).toBe(0)
  })

  it('that looks like an announcement is a message like others, where large ones are off', () => {
    const core = new GossipCore()
    core.in(subscribe)
    const data = new Uint8Array([0x9b, 0x1f, 0xe4, 0x6a, 3, 0xd7, 0x58, 0xc2, 0x71, 0xae, 12, 0x95, 61, 0xf8, 66, 0xb6])
    expect(core.lines(message('a', { data }))).toEqual(['deliver a'])
  })
})

describe('what the network drops', () => {
  it.each<[DropReason]>([['signature'], ['oversize'], ['queueFull'], ['unknownTopic']])(
    'for %s is counted for the topic and the peer, and costs no connection',
    (reason) => {
      const core = new GossipCore()
      core.member('carol')
      core.in(subscribe)
      expect(core.lines(dropped(reason, 3, 'block'), dropped(reason))).toEqual([])
      expect(core.state.counts.topics.get('block')!.dropped).toEqual({ [reason]: 3 })
      expect(core.state.counts.peers.get('carol')!.dropped).toEqual({ [reason]: 4 })
    },
  )

  it('because somebody has published it again is counted as a duplicate, and heard by nobody', () => {
    const core = new GossipCore()
    core.in(subscribe, message('a'))
    expect(core.lines(repeated('a', 'dave'), repeated('a', 'bob'))).toEqual([])
    expect(core.state.counts.topics.get('block')!).toMatchObject({
      received: 1,
      delivered: 1,
      dropped: { duplicate: 2 },
    })
    expect(core.state.counts.peers.get('dave')!.dropped).toEqual({ duplicate: 1 })
  })

  it('because it cannot be read costs the peer its connections: its stream is of no use any more', () => {
    const core = new GossipCore()
    core.connect('carol', 1)
    core.connect('carol', 2)
    core.connect('dave', 3)
    expect(core.lines(dropped('malformed'))).toEqual(['closeConnection 1', 'closeConnection 2'])
    expect([...core.state.connections.all.keys()]).toEqual([3])
  })

  it('is not counted for a topic of which we know nothing', () => {
    const core = new GossipCore()
    core.in(dropped('signature', 1, 'of a stranger'))
    expect(core.state.counts.topics.size).toBe(0)
  })
})
