/** How much may be under validation at once. */
import { describe, expect, it } from '@jest/globals'
import type { Event } from '../../../src/core/events.js'
import {
  books,
  freshBooks,
  subscription,
  unsubscribe,
  guarded,
  judged,
  lossesOf,
  validated,
} from '../../support/broadcasts.js'

describe('what is judged at once', () => {
  const heavy = (text: string, via: string): Event => guarded(text, { via, data: new Uint8Array(744) })

  it('has a bound for each peer: more of it is ignored, and counts against the peer', () => {
    const core = judged({ maxValidatingPerPeer: 2_000 })
    core.in(heavy('a', 'carol'), heavy('b', 'carol'))
    expect(core.lines(heavy('c', 'carol'))).toEqual(['penalize carol 1', 'ignore c of carol'])
    expect(lossesOf(core)).toEqual({ busy: 1 })
    expect(core.lines(heavy('d', 'dave'))).toEqual(['validate 3: d'])
    core.in(validated(1, 'ignore'))
    expect(core.lines(heavy('e', 'carol'))).toEqual(['validate 4: e'])
  })

  it('has a bound for all of them: more is ignored, and nobody is to blame', () => {
    const core = judged({ maxValidating: 2_000 })
    core.in(heavy('a', 'carol'), heavy('b', 'dave'))
    expect(core.lines(heavy('c', 'erin'))).toEqual(['ignore c of erin'])
    core.in(validated(1, 'accept'))
    expect(core.lines(heavy('d', 'erin'))).toEqual(['validate 3: d'])
  })

  it('holds empty messages too', () => {
    const core = judged({ maxValidatingPerPeer: 2_560 })
    const many = Array.from({ length: 20 }, (_, i) => guarded(`${i}`, { data: new Uint8Array() }))
    const lines = core.lines(...many)
    expect(lines.filter((line) => line.startsWith('validate'))).toHaveLength(10)
    expect(lines.filter((line) => line === 'penalize carol 1')).toHaveLength(10)
  })

  it('leaves nothing in the books when it is over', () => {
    const core = judged({ validationTimeout: 50, topicLinger: 0 })
    core.in(subscription('bob'), heavy('a', 'carol'), heavy('b', 'carol'), heavy('c', 'dave'))
    core.in(validated(2, 'reject'), validated(1, 'accept'))
    core.at(50)
    core.in(unsubscribe, subscription('bob', 'block', false))
    core.at(60)
    expect(books(core)).toEqual(freshBooks({ guardedTopics: ['block'] }))
  })
})
