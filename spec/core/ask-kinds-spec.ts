/** Each kind of question ends without an answer: by its caller, or by its deadline. */
import { describe, expect, it } from '@jest/globals'
import type { Event } from '../../src/core/events.js'
import type { Ask } from '../../src/core/state.js'
import { broadcast, GossipCore, subscribe } from '../support/broadcasts.js'
import { bytes, refusalOf, shorts } from '../support/core.js'

const BY_KIND: Record<Ask['kind'], [Event, refusal: string | undefined]> = {
  request: [
    { type: 'request', ask: 1, peer: 'dave', addresses: [], data: bytes('?'), timeout: 100 },
    'RequestTimeout: no answer from dave within 100 ms while it was being dialled',
  ],
  broadcast: [
    broadcast(1, { waitForPeers: { min: 2, timeout: 100 } }),
    'PublishError: 0 of 2 subscribers of block could be reached within 100 ms: nothing was sent',
  ],
  joined: [
    { type: 'joined', ask: 1, topic: 'block', timeout: 100 },
    'RequestTimeout: block was not joined within 100 ms',
  ],
  dial: [{ type: 'dialPeer', ask: 1, target: 'dave', addresses: [] }, undefined],
  explain: [{ type: 'explain', ask: 1, about: { topic: 'block' } }, undefined],
  online: [
    { type: 'online', ask: 1, peers: 3, timeout: 100 },
    'DialError: 0 of 3 peers are connected after 100 ms; name peers that are up in bootNodes or keep',
  ],
}
const QUESTIONS = Object.entries(BY_KIND).map(([kind, [question, refusal]]) => [kind, question, refusal] as const)

/** In a topic that is not joined, because Carol, who is connected, may still open a gossip stream. */
function asked(question: Event): GossipCore {
  const core = new GossipCore({ gossipPatience: 1e9 })
  core.connect('carol')
  core.in(subscribe)
  core.in(question)
  expect(core.state.asks.open.size).toBe(1)
  return core
}

describe('a question', () => {
  it.each(QUESTIONS)('of kind %s is cancelled without an answer, and leaves nothing', (_kind, question) => {
    const core = asked(question)
    expect(shorts(core.in({ type: 'cancel', ask: 1 }))).toEqual([])
    const { asks, dials, topics, publishing } = core.state
    expect([asks.open.size, asks.deadlines.size, topics.joining.size, publishing.waiting.size]).toEqual([0, 0, 0, 0])
    expect(dials.get('dave')?.waiting.size ?? 0).toBe(0)
    expect(core.at(100)).toEqual([])
  })

  it.each(QUESTIONS)('of kind %s has the deadline that it should have', (_kind, question, refusal) => {
    const core = asked(question)
    expect(core.at(99)).toEqual([])
    expect(refusalOf(core.at(100))).toBe(refusal ?? 'none')
    expect(core.state.asks.open.size).toBe(refusal === undefined ? 1 : 0)
  })

  it('that is not open cannot be cancelled', () => {
    expect(new GossipCore().in({ type: 'cancel', ask: 7 })).toEqual([])
  })
})
