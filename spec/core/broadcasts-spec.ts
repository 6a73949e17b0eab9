import { describe, expect, it } from '@jest/globals'
import type { Event } from '../../src/core/events.js'
import { bytes, Core, shorts } from '../support/core.js'

const proof = bytes('signed')
const message: Event = {
  type: 'message',
  topic: 'block',
  data: bytes('b'),
  from: 'bob',
  via: 'carol',
  id: '1',
  held: false,
  proof,
}

describe('a topic', () => {
  it('is joined with its first subscriber and left some time after its last', () => {
    const core = new Core({ topicLinger: 100 })
    expect(shorts(core.in({ type: 'subscribe', topic: 'block' }, { type: 'subscribe', topic: 'block' }))).toEqual([
      'join block',
      'topicsChanged',
    ])
    expect(core.in({ type: 'unsubscribe', topic: 'block' })).toEqual([])
    expect(core.at(1_000)).toEqual([])
    core.in({ type: 'unsubscribe', topic: 'block' })
    expect(core.at(1_099)).toEqual([])
    expect(shorts(core.at(1_100))).toEqual(['leave block', 'topicsChanged'])
    expect(shorts(core.in({ type: 'subscribe', topic: 'block' }))).toEqual(['join block', 'topicsChanged'])
  })

  it('is not left when somebody subscribes again in time: nothing is lost', () => {
    const core = new Core({ topicLinger: 100 })
    core.in({ type: 'subscribe', topic: 'block' }, { type: 'unsubscribe', topic: 'block' })
    core.now = 99
    expect(core.in({ type: 'subscribe', topic: 'block' })).toEqual([])
    expect(core.at(10_000)).toEqual([])
  })

  it('of the config is joined at the start and never left', () => {
    const core = new Core({ topics: ['block'], topicLinger: 100 })
    core.state.phase = 'starting'
    expect(shorts(core.in({ type: 'listening', addresses: [] }))).toEqual(['join block', 'ready', 'topicsChanged'])
    core.in({ type: 'subscribe', topic: 'block' }, { type: 'unsubscribe', topic: 'block' })
    expect(core.at(1_000)).toEqual([])
  })

  it('delivers what comes while we are in it', () => {
    const core = new Core({ topicLinger: 100 })
    expect(core.in(message)).toEqual([])
    core.in({ type: 'subscribe', topic: 'block' })
    expect(core.in(message)).toEqual([
      { type: 'deliver', topic: 'block', data: bytes('b'), from: 'bob', via: 'carol', id: '1' },
    ])
  })
})

describe('a broadcast', () => {
  const publish = (size: number): Event => ({ type: 'broadcast', ask: 1, topic: 'block', data: new Uint8Array(size) })

  it('is answered with its recipients', () => {
    const core = new Core()
    expect(shorts(core.in(publish(3)))).toEqual(['publish block'])
    expect(core.in({ type: 'published', ask: 1, recipients: ['bob'], id: '1', proof })).toEqual([
      { type: 'settle', ask: 1, value: { recipients: ['bob'] } },
    ])
  })

  it('that the network would suppress is an error', () => {
    const core = new Core()
    core.in(publish(3))
    const failed: Event = { type: 'publishFailed', ask: 1, code: 'DuplicateMessage', failure: { message: 'seen' } }
    expect(shorts(core.in(failed))).toEqual(['fail 1 DuplicateMessage'])
  })

  it('is measured as it is encoded, and refused above the limit before anything is sent', () => {
    const core = new Core({ maxBroadcastFrame: 1_000 })
    expect(shorts(core.in(publish(1_000)))).toEqual(['fail 1 MessageTooLarge'])
    expect(shorts(core.in(publish(700)))).toEqual(['publish block'])
  })

  it('that its caller cancelled is not answered', () => {
    const core = new Core()
    core.in(publish(3), { type: 'cancel', ask: 1 })
    expect(core.in({ type: 'published', ask: 1, recipients: [], id: '1', proof })).toEqual([])
  })
})
