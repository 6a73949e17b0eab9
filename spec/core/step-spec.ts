/** `step` itself: it is deterministic, its time does not go back, and the events of an instant come before deadlines. */
import { describe, expect, it } from '@jest/globals'
import { createState } from '../../src/core/state.js'
import { step } from '../../src/core/step.js'
import type { Event } from '../../src/core/events.js'
import { bytes, Core, data, settingsWith, shorts, V1 } from '../support/core.js'

const BOOT = { bootNodes: { boot: ['/ip4/10.0.0.9/tcp/1/p2p/boot'] } }

describe('a step', () => {
  it('gives the same effects and the same state for the same events', () => {
    const events: Event[][] = [
      [{ type: 'start' }],
      [{ type: 'listening', addresses: ['/ip4/10.0.0.1/tcp/1'] }],
      [{ type: 'request', ask: 1, peer: 'bob', addresses: [], data: bytes('?'), timeout: 100 }],
      [{ type: 'connectionOpened', connection: 1, peer: 'bob', address: '/ip4/10.0.0.2/tcp/1', inbound: false }],
      [{ type: 'streamOpened', stream: 1, protocol: 'x' }, { type: 'tick' }],
      [{ type: 'data', stream: 1, chunks: [new Uint8Array([1, 2])] }],
    ]
    const run = (): unknown => {
      const state = createState('self', settingsWith(BOOT))
      return [events.map((batch, i) => step(state, { at: i * 10, events: batch })), state]
    }
    expect(run()).toEqual(run())
  })

  it('does not let the time go backwards', () => {
    const core = new Core()
    core.now = 100
    core.request(1, 'bob', bytes('?'), 50)
    core.now = 10
    core.request(2, 'bob', bytes('?'), 60)
    expect(shorts(core.at(149))).toEqual([])
    expect(shorts(core.at(150))).toEqual(['fail 1 RequestTimeout'])
    expect(shorts(core.at(160))).toEqual(['fail 2 RequestTimeout'])
  })

  it('runs the events of an instant before what is due in it', () => {
    const core = new Core()
    core.connect('bob')
    core.request(1, 'bob', bytes('?'), 50)
    core.in({ type: 'streamOpened', stream: 1, protocol: V1 })
    core.now = 50
    expect(shorts(core.in({ type: 'woken' }, data(1, [1, 7])))).toEqual(['settle 1', 'reset 1'])
  })

  it('logs an effect that failed', () => {
    const effects = new Core().all({ type: 'effectFailed', effect: 'dial', failure: { message: 'oops' } })
    expect(effects).toContainEqual(
      expect.objectContaining({
        level: 'error',
        message: 'the effect dial failed: oops',
        kind: 'the effect … failed: …',
      }),
    )
  })
})
