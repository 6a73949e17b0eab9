/** The books of the peers that our broadcasts are handed to. */
import { describe, expect, it } from '@jest/globals'
import { laggards } from '../../../src/core/broadcasts/patience.js'
import * as recipients from '../../../src/core/broadcasts/recipients.js'
import type { Effects } from '../../../src/core/effects.js'
import { GossipCore, subscribe } from '../../support/broadcasts.js'

describe('a peer that reads too slowly', () => {
  it('is one until it takes more, and is logged once', () => {
    const { state } = new GossipCore()
    const out: Effects = []
    state.now = 100
    recipients.noteSlow(state, out, 'bob')
    state.now = 120
    recipients.noteSlow(state, out, 'bob')
    expect(state.recipients.slow.get('bob')).toBe(100)
    expect(out).toMatchObject([
      { type: 'log', level: 'warn', message: 'bob reads our broadcasts too slowly: they wait for it, or pass it over' },
    ])
    expect([recipients.takeSlow(state, 'bob', false), recipients.takeSlow(state, 'bob', false)]).toEqual([true, false])
  })

  it('does not block topics that it is not in', () => {
    const core = new GossipCore({ slowPeerPatience: 50 })
    core.in(subscribe)
    core.member('bob')
    recipients.noteSlow(core.state, [], 'bob')
    expect(laggards(core.state, 'tx')).toEqual([])
    expect(laggards(core.state, 'block')).toMatchObject([{ peer: 'bob', until: 50 }])
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
