/** The books of services. */
import { describe, expect, it } from '@jest/globals'
import { endServing, keepServing, mayWantHistory, openOwnAsk, takeOwnAsk } from '../../../src/core/services/book.js'
import { runningState } from '../../support/core.js'

describe('a question of the node itself', () => {
  it('has a number below zero, and is closed only by an answer of its kind', () => {
    const state = runningState()
    const [one, other] = [1, 2].map((connection) => openOwnAsk(state, { kind: 'idle', connection }))
    expect([one, other]).toEqual([-1, -2])
    expect(takeOwnAsk(state, -1, 'verify')).toBeUndefined()
    expect(takeOwnAsk(state, -1, 'idle')).toEqual({ kind: 'idle', connection: 1 })
    expect(takeOwnAsk(state, -1, 'idle')).toBeUndefined()
    expect(state.services.purposes.size).toBe(1)
  })
})

describe('a request of another node', () => {
  it('is kept until it is answered', () => {
    const state = runningState()
    keepServing(state, -1, { kind: 'receipt', message: 'a' })
    expect(state.services.serving.get(-1)).toEqual({ kind: 'receipt', message: 'a' })
    endServing(state, -1)
    expect(state.services.serving.size).toBe(0)
  })

  it('for a history may wait, when many peers have come one after the other and all want as many as they may', () => {
    const state = runningState()
    let id = 0
    for (const peer of Array.from({ length: 20 }, (_, i) => `peer ${i}`)) {
      while (mayWantHistory(state, peer))
        keepServing(state, --id, { kind: 'history', peer, topic: 'block', count: 1, until: 1 })
    }
    expect(mayWantHistory(state, 'newcomer')).toBe(true)
  })
})
