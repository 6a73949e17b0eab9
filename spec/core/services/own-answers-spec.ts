/** Answers to questions of the node itself: what is done with a value, and with the end. */
import { describe, expect, it } from '@jest/globals'
import type { Effects } from '../../../src/core/effects.js'
import { handleNews } from '../../../src/core/services/own-answers.js'
import { tellServices } from '../../../src/core/news.js'
import { openOwnAsk } from '../../../src/core/services/book.js'
import { broadcast, published, subscribe } from '../../support/broadcasts.js'
import { bytes, runningState } from '../../support/core.js'
import { ServiceCore } from '../../support/service-core.js'
import { end, filled, reply } from '../../support/session.js'

/** A subscriber that catches up has asked Bob for his last broadcasts. */
function catchingUp(count: number): ServiceCore {
  const core = new ServiceCore()
  core.peer('bob')
  core.run({ type: 'subscribe', topic: 'block', replay: { subscription: 1, count } })
  core.run({ type: 'meshChanged', topic: 'block', peers: ['bob'] })
  expect(core.asked('bob')).toEqual([{ id: 1, request: { kind: 'history', topic: 'block', count } }])
  return core
}

describe('a receipt', () => {
  it('is one value: the rest of the answer is cancelled', () => {
    const core = new ServiceCore()
    core.peer('bob')
    core.run(subscribe, broadcast(1, { receipts: { timeout: 1_000 } }))
    core.run(published(1))
    core.got('bob')
    expect(core.lines(core.hears('bob', reply(1, bytes('')), reply(1, bytes(''))))).toEqual([
      'receipt 1 bob 0 ms',
      'receiptsEnded 1',
    ])
    expect(core.gotLines('bob')).toEqual(['CANCEL 1'])
  })
})

describe('an answer with history', () => {
  it('is cancelled when it has as many values as were wanted', () => {
    const core = catchingUp(2)
    core.run(core.hears('bob', reply(1, bytes('a')), reply(1, bytes('b')), reply(1, bytes('c'))))
    expect(core.gotLines('bob')).toEqual(['CANCEL 1'])
  })

  it('is cancelled when it is larger than 4 MiB', () => {
    const core = catchingUp(1_000)
    const value = filled(16_384)
    for (let i = 0; i < 255; i++) core.run(core.hears('bob', reply(1, value)))
    expect(core.gotLines('bob')).not.toContain('CANCEL 1')
    core.run(core.hears('bob', reply(1, value)))
    expect(core.gotLines('bob')).toContain('CANCEL 1')
  })

  it('is over at its end, and nothing of the question is left', () => {
    const core = catchingUp(2)
    expect(core.lines(core.hears('bob', end(1)))).toEqual(['replayed 1:'])
    expect(core.state.services.purposes.size).toBe(0)
  })
})

describe('news', () => {
  it('of what has ended meanwhile is ignored', () => {
    const state = runningState()
    const out: Effects = []
    const network = openOwnAsk(state, { kind: 'idle', connection: 1 })
    tellServices(state, { kind: 'value', ask: -7, value: bytes('a') })
    tellServices(state, { kind: 'over', ask: -7 })
    tellServices(state, { kind: 'over', ask: network })
    tellServices(state, { kind: 'arrived', exchange: -1, data: bytes('?') })
    tellServices(state, { kind: 'cut', exchange: -1 })
    handleNews(state, out)
    expect([out, state.news.waiting]).toEqual([[], []])
    // The network answers it by an event.
    expect(state.services.purposes.size).toBe(1)
  })
})
