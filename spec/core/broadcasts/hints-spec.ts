/** Mistakes that lose broadcasts without an error are told once. */
import { describe, expect, it } from '@jest/globals'
import type { Effect } from '../../../src/core/effects.js'
import type { Event } from '../../../src/core/events.js'
import { whyNobody } from '../../../src/core/broadcasts/membership.js'
import { GossipCore, message, repeated, subscribe } from '../../support/broadcasts.js'

const tick: Event = { type: 'tick' }

function isIn(peer: string, topic: string): Event {
  return { type: 'subscriptionChanged', peer, topic, subscribed: true }
}

function warnings(effects: Effect[]): string[] {
  return effects.flatMap((effect) => (effect.type === 'log' && effect.level === 'warn' ? [effect.message] : []))
}

describe('a topic in which nobody is', () => {
  const HINT = 'no peer is in the topic block, and some are in blocks: one of the two names may be misspelt'

  it('is told when peers are in one that is nearly called so, once, and explained', () => {
    const core = new GossipCore()
    core.connect('bob')
    core.all(subscribe, isIn('bob', 'blocks'), isIn('bob', 'quite another'))
    expect(warnings(core.all(tick))).toEqual([HINT])
    expect(warnings(core.all(tick))).toEqual([])
    expect(whyNobody(core.state, 'block')).toContain('some are in blocks: one of the two names may be misspelt')
  })

  it('is not, when somebody is in it, or nobody in one like it', () => {
    const core = new GossipCore()
    core.connect('bob')
    core.all(subscribe, isIn('bob', 'block'), isIn('bob', 'blocks'))
    expect(warnings(core.all(tick))).toEqual([])
    const other = new GossipCore()
    other.connect('bob')
    other.all(subscribe, isIn('bob', 'transactions'))
    expect(warnings(other.all(tick))).toEqual([])
    expect(whyNobody(other.state, 'block')).not.toContain('misspelt')
  })
})

describe('the same bytes of one peer again and again', () => {
  it('are told once, at the third time: its ids may be others', () => {
    const core = new GossipCore()
    core.member('bob')
    core.all(subscribe, message('a', { from: 'bob' }))
    const told = Array.from({ length: 6 }, () => warnings(core.all(repeated('a', 'bob'))).length)
    expect(told).toEqual([0, 0, 1, 0, 0, 0])
  })
})
