/** Changes are announced once, at the end of a batch. */
import { describe, expect, it } from '@jest/globals'
import { statusChanged, subscribersChanged, tellChanges, topicsChanged } from '../../src/core/changes.js'
import type { Effects } from '../../src/core/effects.js'
import type { State } from '../../src/core/state.js'
import { runningState } from '../support/core.js'

function told(state: State): Effects {
  const out: Effects = []
  tellChanges(state, out)
  return out
}

describe('a change', () => {
  it('is announced once, however often it happened, and not again', () => {
    const state = runningState()
    for (let i = 0; i < 3; i++) {
      statusChanged(state)
      subscribersChanged(state, 'block')
      subscribersChanged(state, 'tx')
    }
    expect(told(state)).toEqual([
      { type: 'subscribersChanged', topic: 'block' },
      { type: 'subscribersChanged', topic: 'tx' },
      { type: 'statusChanged' },
    ])
    expect(told(state)).toEqual([])
  })

  it('is announced, whichever it is', () => {
    for (const what of Object.keys(runningState().changes) as (keyof State['changes'])[]) {
      const state = runningState()
      const { changes } = state
      if (what === 'subscribers') changes.subscribers.add('block')
      else changes[what] = true
      expect([what, told(state).length > 0, changes]).toEqual([what, true, runningState().changes])
    }
  })

  it('of our topics is one of the status too', () => {
    const state = runningState()
    topicsChanged(state)
    expect(told(state)).toEqual([{ type: 'topicsChanged' }, { type: 'statusChanged' }])
  })

  it('of the subscribers of a topic alone is none of the status', () => {
    const state = runningState()
    subscribersChanged(state, 'block')
    expect(told(state)).toEqual([{ type: 'subscribersChanged', topic: 'block' }])
  })
})
