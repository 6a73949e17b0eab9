/** What is due is done in its time, and what is due next is found. */
import { describe, expect, it } from '@jest/globals'
import { nextDue } from '../../src/core/expire.js'
import type { State } from '../../src/core/state.js'
import { bytes, Core, shorts } from '../support/core.js'

/** Requests with these timeouts, all dialled; a topic is left after 70 ms, and nothing else is ever due. */
function waiting(...timeouts: number[]): Core {
  const core = new Core({ topicLinger: 70 })
  timeouts.forEach((timeout, i) => core.request(i + 1, 'bob', bytes('?'), timeout))
  core.in({ type: 'subscribe', topic: 'block' }, { type: 'unsubscribe', topic: 'block' })
  return core
}

function expired(core: Core, now: number): string[] {
  core.now = now
  return shorts(core.in())
}

describe('what is due', () => {
  it('is done in its own millisecond, and not before', () => {
    const core = waiting(50, 50, 100)
    expect(expired(core, 49)).toEqual([])
    expect(expired(core, 50)).toEqual(['fail 1 RequestTimeout', 'fail 2 RequestTimeout'])
    expect(core.state.due.next).toBe(70)
  })

  it('of several kinds is done together, and the next time is found among all of them', () => {
    const core = waiting(50, 100)
    expect(expired(core, 80)).toEqual(['fail 1 RequestTimeout', 'leave block', 'topicsChanged'])
    expect([core.state.due.next, nextDue(core.state)]).toEqual([100, 100])
    expect(expired(core, 100)).toEqual(['fail 2 RequestTimeout'])
    expect(core.state.due.next).toBe(Infinity)
  })

  it('is not looked for before something is due', () => {
    const core = waiting(50)
    core.state.due.next = 60
    expect(expired(core, 59)).toEqual([])
    expect(expired(core, 60)).toEqual(['fail 1 RequestTimeout'])
  })
})

describe('what is due next', () => {
  it.each<[string, (state: State) => void]>([
    ['the end of a connection that the peer does not close', ({ connections }) => (connections.nextUnclosed = 5)],
    ['a ping', ({ connections }) => (connections.nextPing = 5)],
    ['a probe', ({ discovery }) => (discovery.nextProbe = 5)],
    ['a dial of a remembered peer', ({ memory }) => (memory.nextTry = 5)],
    ['a look at twins', ({ twins }) => (twins.nextLook = 5)],
    ['the end of what peers say of our address', ({ observed }) => (observed.nextExpiry = 5)],
    ['the end of a stop', ({ lifecycle }) => (lifecycle.stopAt = 5)],
    ['a look at a drain', ({ lifecycle }) => (lifecycle.lookAt = 5)],
  ])('may be %s', (_, plan) => {
    const { state } = new Core()
    state.now = 0
    expect(nextDue(state)).toBe(Infinity)
    plan(state)
    expect(nextDue(state)).toBe(5)
  })

  it('is no joined topic when nobody waits for one', () => {
    const { state } = new Core({ gossipSettle: 10 })
    state.now = 0
    state.topics.gossipSince = 0
    expect(nextDue(state)).toBe(Infinity)
    state.topics.joining.add(1)
    expect(nextDue(state)).toBe(10)
  })
})
