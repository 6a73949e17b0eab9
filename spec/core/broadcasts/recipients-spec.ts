/** Peers that read too slowly: what waits for them, and for how long. */
import { describe, expect, it } from '@jest/globals'
import * as recipients from '../../../src/core/broadcasts/recipients.js'
import type { Effects } from '../../../src/core/effects.js'
import { GossipCore, subscribe } from '../../support/broadcasts.js'

/** Bob and Carol are in the topic; Bob reads too slowly since 100 ms. */
function slowBob(): { core: GossipCore; out: Effects } {
  const core = new GossipCore({ slowPeerPatience: 50 })
  core.in(subscribe)
  for (const peer of ['bob', 'carol']) core.member(peer)
  core.state.now = 100
  const out: Effects = []
  recipients.noteSlow(core.state, out, 'bob')
  return { core, out }
}

describe('a peer that reads too slowly', () => {
  it('blocks its topics for its patience, and is left out after that', () => {
    const { state } = slowBob().core
    expect(recipients.nextStall(state)).toBe(150)
    state.now = 149
    expect([recipients.isBlocked(state, 'block'), recipients.stalledPeers(state, 'block')]).toEqual([true, []])
    state.now = 150
    expect([recipients.isBlocked(state, 'block'), recipients.stalledPeers(state, 'block')]).toEqual([false, ['bob']])
    expect(recipients.nextStall(state)).toBe(Infinity)
  })

  it('does not block topics that it is not in', () => {
    const { state } = slowBob().core
    expect(recipients.isBlocked(state, 'tx')).toBe(false)
    state.now = 150
    expect(recipients.stalledPeers(state, 'tx')).toEqual([])
  })

  it('keeps its time when it is reported again, and is logged once', () => {
    const { core, out } = slowBob()
    core.state.now = 120
    recipients.noteSlow(core.state, out, 'bob')
    expect(recipients.nextStall(core.state)).toBe(150)
    expect(out).toMatchObject([
      { type: 'log', level: 'warn', message: 'bob reads our broadcasts too slowly: they wait for it' },
    ])
  })

  it('blocks nothing once it takes more', () => {
    const { state } = slowBob().core
    expect(recipients.takeSlow(state, 'bob')).toBe(true)
    expect(recipients.takeSlow(state, 'bob')).toBe(false)
    expect(recipients.isBlocked(state, 'block')).toBe(false)
  })
})

describe('a peer that a broadcast was handed to', () => {
  it('is noted until that is taken', () => {
    const { state } = new GossipCore()
    recipients.noteRecipient(state, 'bob')
    expect([recipients.isRecipient(state, 'bob'), recipients.isRecipient(state, 'carol')]).toEqual([true, false])
    expect([recipients.takeRecipient(state, 'bob'), recipients.takeRecipient(state, 'bob')]).toEqual([true, false])
  })
})
