import { describe, expect, it } from '@jest/globals'
import { noteOutcome, outcomeOf } from '../../../src/core/broadcasts/history.js'
import { GossipCore } from '../../support/broadcasts.js'

describe('what became of a message', () => {
  it('is known for a while: of the last 2,048 messages at least, and of 4,096 at most', () => {
    const { state } = new GossipCore()
    for (let i = 0; i < 10_000; i++) {
      noteOutcome(state, `${i}`, i % 3 === 0 ? 'refused' : 'accepted')
      if (i >= 2_047) expect(outcomeOf(state, `${i - 2_047}`)).toBe((i - 2_047) % 3 === 0 ? 'refused' : 'accepted')
    }
    expect(outcomeOf(state, '0')).toBeUndefined()
    expect(state.outcomes.recent.size + state.outcomes.older.size).toBeLessThanOrEqual(4_096)
  })

  it('is the last word on it', () => {
    const { state } = new GossipCore()
    noteOutcome(state, 'a', 'refused')
    noteOutcome(state, 'a', 'accepted')
    expect(outcomeOf(state, 'a')).toBe('accepted')
  })
})
