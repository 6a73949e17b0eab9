import { describe, expect, it } from '@jest/globals'
import { countLoss, countsOf, lossesOf, recordOf } from '../../../src/core/broadcasts/counts.js'
import { snapshot } from '../../../src/core/explain/status.js'
import { GossipCore, message, subscribe, subscription } from '../../support/broadcasts.js'

describe('the counts of a topic', () => {
  it('are in the status of those that we are in', () => {
    const core = new GossipCore({ guardedTopics: ['block'] })
    core.in(subscribe, subscription('bob'), message('a'))
    core.in({ type: 'validated', validation: 1, verdict: 'ignore', failed: false })
    core.in({ type: 'discarded', topic: 'block', count: 3 })
    expect(snapshot(core.state).topics).toEqual({ block: { subscribers: 1, dropped: 4 } })
    expect(core.state.counts.topics.get('block')!.dropped).toEqual({ ignored: 1, bufferFull: 3 })
  })

  it('tell of a change when something is lost', () => {
    const core = new GossipCore()
    core.in(subscribe)
    expect(core.all({ type: 'discarded', topic: 'block', count: 1 })).toEqual([{ type: 'statusChanged' }])
    expect(core.all({ type: 'discarded', topic: 'of nobody', count: 1 })).toEqual([])
  })

  it('are of 1,000 topics and peers at most, the oldest are forgotten', () => {
    const { state } = new GossipCore()
    for (let i = 0; i < 1_500; i++) {
      countsOf(state, `${i}`)
      recordOf(state, `${i}`)
    }
    expect([state.counts.topics.size, state.counts.peers.size]).toEqual([1_000, 1_000])
    expect([...state.counts.topics.keys()][0]).toBe('500')
  })

  it('add up', () => {
    const { state } = new GossipCore()
    const counts = countsOf(state, 'block')
    countLoss(state, 'busy', { topic: 'block', count: 2 })
    countLoss(state, 'rejected', { topic: 'block', peer: 'bob' })
    expect(lossesOf(counts)).toBe(3)
    expect(recordOf(state, 'bob').dropped).toEqual({ rejected: 1 })
  })
})
