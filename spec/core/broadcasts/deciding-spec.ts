/** The way of a whole message, from its arrival to the verdict. */
import { describe, expect, it } from '@jest/globals'
import type { Verdict } from '../../../src/core/port.js'
import {
  books,
  freshBooks,
  GossipCore,
  message,
  subscribe,
  unsubscribe,
  guarded,
  judged,
  lossesOf,
  validated,
} from '../../support/broadcasts.js'

describe('a message that nobody judges', () => {
  it('is delivered, remembered and counted', () => {
    const core = new GossipCore()
    core.in(subscribe)
    expect(core.lines(message('a'))).toEqual(['deliver a'])
    expect(core.state.counts.topics.get('block')).toMatchObject({ received: 1, delivered: 1 })
    expect(core.state.topics.joined.get('block')!.history).toMatchObject([{ id: 'a', from: 'bob', via: 'carol' }])
    expect([...core.state.outcomes.recent]).toEqual([['a', { kind: 'accepted', from: 'bob', at: core.now }]])
  })

  it('is forwarded, where the network holds it back', () => {
    const core = new GossipCore()
    core.in(subscribe)
    expect(core.lines(guarded('a'))).toEqual(['accept a of carol', 'deliver a'])
  })
})

describe('a message that is judged', () => {
  it('is delivered and forwarded when it is accepted, and not before', () => {
    const core = judged()
    expect(core.lines(guarded('a'))).toEqual(['validate 1: a'])
    expect(core.lines(validated(1, 'accept'))).toEqual(['accept a of carol', 'deliver a'])
    expect(lossesOf(core)).toEqual({})
  })

  it.each<[string, Verdict, boolean, string, string]>([
    ['ignored', 'ignore', false, 'ignore a of carol', 'ignored'],
    ['rejected: that counts against its sender', 'reject', false, 'reject a of carol', 'rejected'],
    ['ignored when the validator has failed', 'ignore', true, 'ignore a of carol', 'validatorFailed'],
  ])('is %s', (_what, verdict, failed, line, reason) => {
    const core = judged()
    core.in(guarded('a'))
    expect(core.lines(validated(1, verdict, failed))).toEqual([line])
    expect(lossesOf(core)).toEqual({ [reason]: 1 })
    expect(core.state.counts.peers.get('carol')!.dropped).toEqual({ [reason]: 1 })
    expect(core.state.counts.topics.get('block')).toMatchObject({ received: 1, delivered: 0 })
    expect(core.state.topics.joined.get('block')!.history).toEqual([])
    expect([...core.state.outcomes.recent]).toEqual([['a', { kind: 'refused', from: 'bob', at: core.now }]])
  })

  it('is ignored when no verdict comes in time, and a late one is not heard', () => {
    const core = judged({ validationTimeout: 1_000 })
    core.in(guarded('a'))
    expect(core.linesAt(999)).toEqual([])
    expect(core.linesAt(1_000)).toEqual(['cancelValidation 1', 'ignore a of carol'])
    expect(core.lines(validated(1, 'accept'))).toEqual([])
    expect(lossesOf(core)).toEqual({ validatorFailed: 1 })
  })

  it('does not wait for those before it', () => {
    const core = judged()
    core.in(guarded('slow'), guarded('quick'))
    expect(core.lines(validated(2, 'accept'))).toEqual(['accept quick of carol', 'deliver quick'])
    expect(core.lines(message('free', { topic: 'tx' }), { type: 'subscribe', topic: 'tx' })).toEqual(['join tx'])
    expect(core.lines(message('free', { topic: 'tx' }))).toEqual(['deliver free'])
    expect(core.lines(validated(1, 'accept'))).toEqual(['accept slow of carol', 'deliver slow'])
  })

  it('is forwarded but not delivered when the topic was left meanwhile', () => {
    const core = judged({ topicLinger: 10 })
    core.in(guarded('a'), unsubscribe)
    core.at(10)
    expect(core.lines(validated(1, 'accept'))).toEqual(['accept a of carol'])
    expect(core.state.counts.topics.get('block')).toMatchObject({ delivered: 0 })
  })

  it('is judged, though it was not held: the validator came later', () => {
    const core = new GossipCore()
    core.in(subscribe, { type: 'guardTopic', topic: 'block' })
    expect(core.lines(message('a'))).toEqual(['validate 1: a'])
    expect(core.lines(validated(1, 'reject'))).toEqual([])
    expect(lossesOf(core)).toEqual({ rejected: 1 })
  })

  it('is told that nobody waits for the verdict when the node stops', () => {
    const core = judged()
    core.in(guarded('a'), guarded('b'))
    expect(core.lines({ type: 'shutdown', ask: 1 })).toEqual(['cancelValidation 1', 'cancelValidation 2', 'stop'])
    expect(core.lines(validated(1, 'accept'))).toEqual([])
    expect(books(core)).toEqual(freshBooks({ guardedTopics: ['block'] }))
  })
})
