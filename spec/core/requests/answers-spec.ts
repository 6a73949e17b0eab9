/** Which answers count: the first one, and only while the exchange waits for it. */
import { describe, expect, it } from '@jest/globals'
import { limitsOf } from '../../../src/core/limits/limits.js'
import type { Command, Event } from '../../../src/core/events.js'
import { bytes, Core, data, shorts } from '../../support/core.js'

const respond: Command = { type: 'respond', exchange: 2, data: bytes('a') }
const next: Command = { type: 'next', exchange: 2, data: bytes('a') }
const complete: Command = { type: 'complete', exchange: 2 }
const reject: Command = { type: 'reject', exchange: 2 }

/** Bob has asked over version 1, and a handler works on it. */
function asked(): Core {
  const core = new Core()
  core.connect('bob')
  core.inbound(2)
  expect(shorts(core.in(data(2, [1, 63])))).toEqual(['handle 2 1'])
  return core
}

describe('an answer', () => {
  it.each<[string, Command[], string[]]>([
    ['a value', [respond, respond], ['write 2 2 end']],
    ['a value and a refusal', [respond, reject], ['write 2 2 end']],
    ['no value and a value', [complete, respond], ['write 2 0 end']],
    ['a refusal and a value', [reject, next], ['write 2 0 end']],
    ['several values, to an asker that takes one', [next, next, complete], ['write 2 2 end', 'cancelHandler 2']],
  ])('is the first: %s', (_what, commands, lines) => {
    expect(shorts(asked().in(...commands))).toEqual(lines)
  })

  it.each<[string, Event[]]>([
    ['never was', []],
    ['has ended', [{ type: 'streamClosed', stream: 2, reason: 'reset' }]],
  ])('to an exchange that %s is ignored', (_what, before) => {
    const core = before.length === 0 ? new Core() : asked()
    core.in(...before)
    expect(core.in(respond, next, complete, reject, { type: 'pullable', exchange: 2 })).toEqual([])
  })

  it('to a request that is not complete is ignored', () => {
    const core = new Core()
    core.connect('bob')
    core.inbound(2)
    core.in(data(2, [5, 63]))
    expect(core.in(respond, next, complete, reject)).toEqual([])
  })

  it('of a producer that can wait is one value, to an asker that takes one', () => {
    expect(asked().in({ type: 'pullable', exchange: 2 })).toEqual([{ type: 'produce', exchange: 2, allowance: 1 }])
  })
})

describe('freed room', () => {
  it('goes on to requests that wait, in their order, as far as it reaches', () => {
    const core = new Core({ limits: limitsOf({ requestBytesPerPeer: 4 }) })
    core.connect('bob')
    for (const stream of [2, 4, 6, 8]) core.inbound(stream)
    core.in(data(2, [2, 1, 2]), data(4, [2, 1, 2]))
    expect(shorts(core.in(data(6, [2, 1, 2]), data(8, [2, 1, 2])))).toEqual([])
    core.in(respond)
    expect(shorts(core.in({ type: 'streamClosed', stream: 2, reason: 'closed' }))).toEqual(['handle 6 2'])
    core.in({ type: 'respond', exchange: 4, data: bytes('a') })
    expect(shorts(core.in({ type: 'streamClosed', stream: 4, reason: 'closed' }))).toEqual(['handle 8 2'])
  })
})
