/** Questions: the one exit for answers, how many may be open, and how long. */
import { describe, expect, it } from '@jest/globals'
import {
  acceptAsk,
  closeAsk,
  emitValue,
  endDeadline,
  endValues,
  extendAsk,
  fail,
  openAsk,
  settle,
} from '../../src/core/asks.js'
import { nextDeadline } from '../../src/core/due.js'
import type { Effects } from '../../src/core/effects.js'
import { takeNews } from '../../src/core/news.js'
import type { Ask } from '../../src/core/state.js'
import { bytes, refusalOf, runningState, shorts } from '../support/core.js'

const question = (id: number): Ask => ({ kind: 'dial', id, connection: undefined, moves: 0, target: 'bob' })
const timed = (id: number, timeout: number): Ask => ({ kind: 'online', id, peers: 1, timeout })

describe('an answer', () => {
  it('to a caller leaves as an effect', () => {
    const state = runningState()
    const out: Effects = []
    settle(state, out, 1, undefined)
    emitValue(state, out, 2, bytes('a'))
    endValues(state, out, 2)
    fail(state, out, 3, { code: 'DialError', message: 'no' })
    expect(shorts(out)).toEqual(['settle 1', 'value', 'valuesEnded', 'fail 3 DialError'])
    expect(takeNews(state)).toEqual([])
  })

  it('to the node itself is news for its services, with exactly one end', () => {
    const state = runningState()
    const out: Effects = []
    settle(state, out, -3, bytes('a'))
    emitValue(state, out, -2, bytes('b'))
    endValues(state, out, -2)
    fail(state, out, -1, { code: 'DialError', message: 'no' })
    expect(out).toEqual([])
    expect(takeNews(state)).toEqual([
      { kind: 'value', ask: -3, value: bytes('a') },
      { kind: 'over', ask: -3 },
      { kind: 'value', ask: -2, value: bytes('b') },
      { kind: 'over', ask: -2 },
      { kind: 'over', ask: -1 },
    ])
  })
})

describe('one more question', () => {
  it('is refused when as many as are allowed are open', () => {
    const state = runningState({ maxPendingRequests: 1 })
    const out: Effects = []
    expect(acceptAsk(state, out, 1)).toBe(true)
    openAsk(state, question(1))
    expect(acceptAsk(state, out, 2)).toBe(false)
    expect(refusalOf(out)).toBe('Overloaded: 1 requests are pending already: wait for some of them')
  })

  it('is refused when the node does not run', () => {
    const state = runningState()
    state.lifecycle.phase = 'stopping'
    const out: Effects = []
    expect(acceptAsk(state, out, 1)).toBe(false)
    expect(shorts(out)).toEqual(['fail 1 NodeStopped'])
  })
})

describe('the deadline of a question', () => {
  it('is one, also after it was extended', () => {
    const state = runningState()
    state.now = 100
    openAsk(state, timed(1, 50))
    expect(nextDeadline(state, 'asks')).toBe(150)
    extendAsk(state, 1, 50, 300)
    expect(nextDeadline(state, 'asks')).toBe(400)
    expect(closeAsk(state, 1, 300)).toBe(true)
    expect([state.asks.deadlines.size, state.asks.open.size]).toEqual([0, 0])
    expect(closeAsk(state, 1, 300)).toBe(false)
  })

  it('can be taken away while the question stays open', () => {
    const state = runningState()
    openAsk(state, timed(1, 50))
    endDeadline(state, 1, 50)
    expect([state.asks.deadlines.size, state.asks.open.size]).toEqual([0, 1])
  })
})
