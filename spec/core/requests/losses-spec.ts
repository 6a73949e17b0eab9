/** What the caller of a request that is lost is told: may the other side have handled it? */
import { describe, expect, it } from '@jest/globals'
import { isUnsent, lost, noStream } from '../../../src/core/requests/losses.js'
import type { RequestAsk } from '../../../src/core/requests/state.js'
import { asking, type AskingCore } from '../../support/session-cores.js'
import { Core } from '../../support/core.js'
import { opened } from '../../support/v1-asker.js'

function ask(core: Core, id: number): RequestAsk {
  return core.state.asks.open.get(id) as RequestAsk
}

function session(): AskingCore {
  const core = asking({}, { 1: 2 })
  for (let id = 1; id <= 3; id++) core.in(core.asking(id))
  return core
}

describe('a request', () => {
  it('of version 1 is unsent until its stream is open', () => {
    const core = new Core({ maxEarlyStreams: 1 })
    core.request(1, 'bob')
    expect([ask(core, 1).stage, isUnsent(ask(core, 1))]).toEqual(['dialling', true])
    core.connect('bob')
    core.request(2, 'bob')
    expect([ask(core, 1).stage, isUnsent(ask(core, 1))]).toEqual(['opening', true])
    expect([ask(core, 2).stage, isUnsent(ask(core, 2))]).toEqual(['queued', true])
    core.in(opened(1))
    expect([ask(core, 1).stage, isUnsent(ask(core, 1))]).toEqual(['waiting', false])
  })

  it('of a session is unsent until its first frame is written', () => {
    const core = session()
    expect([1, 2, 3].map((id) => isUnsent(ask(core, id)))).toEqual([false, true, true])
    core.in({ type: 'writable', stream: 1 })
    expect([1, 2, 3].map((id) => isUnsent(ask(core, id)))).toEqual([false, false, true])
  })

  it('that is lost is DialError if it is unsent, and else perhaps handled', () => {
    const core = session()
    expect([1, 2].map((id) => lost(ask(core, id), 'the line was cut'))).toEqual([
      { code: 'ConnectionLost', message: 'no answer from bob: the line was cut' },
      { code: 'DialError', message: 'the request was not sent: the line was cut' },
    ])
  })

  it.each([
    ['unsupported', { code: 'RequestRejected', message: 'bob does not' }],
    ['failed', { code: 'DialError', message: 'no stream to bob: no' }],
    ['lost', { code: 'DialError', message: 'no stream to bob: no' }],
  ] as const)('that gets no stream: %s', (reason, refusal) => {
    const event = { type: 'streamOpenFailed', stream: 1, reason, failure: { message: 'no' } } as const
    expect(noStream('bob', event, 'bob does not')).toEqual(refusal)
  })
})
