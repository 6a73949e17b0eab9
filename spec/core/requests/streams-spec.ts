/** The register of streams. */
import { describe, expect, it } from '@jest/globals'
import { createAskingSession } from '../../../src/core/requests/session/state.js'
import { createPace } from '../../../src/core/requests/session/pacing.js'
import * as streams from '../../../src/core/requests/streams.js'
import type { SessionCall } from '../../../src/core/requests/state.js'
import { runningState } from '../../support/core.js'

const session = (stream: number) =>
  createAskingSession<SessionCall>(stream, { id: 1, peer: 'bob', pace: createPace() }, 0)

describe('streams that we open', () => {
  it('have odd ids, each once', () => {
    const state = runningState()
    expect([1, 2, 3].map(() => streams.nextStream(state))).toEqual([1, 3, 5])
  })
})

describe('a session', () => {
  it('is flushed once, however much it has to send', () => {
    const state = runningState()
    const [one, other] = [session(1), session(3)]
    for (const busy of [one, other, one, other, one]) streams.scheduleFlush(state, busy)
    expect(state.streams.unflushed).toEqual([1, 3])
    streams.clearUnflushed(state)
    expect(state.streams.unflushed).toEqual([])
  })

  it('is found by its stream until it is removed', () => {
    const state = runningState()
    const one = session(1)
    streams.addSession(state, one)
    expect(state.streams.sessions.get(1)).toBe(one)
    streams.removeSession(state, one)
    expect(state.streams.sessions.size).toBe(0)
  })
})
