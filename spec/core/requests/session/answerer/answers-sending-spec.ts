/** What an answerer sends as credit comes: values, in pieces, and their end. */
import { describe, expect, it } from '@jest/globals'
import type { Command } from '../../../../../src/core/events.js'
import type { Settings } from '../../../../../src/core/settings.js'
import { bytes } from '../../../../support/core.js'
import { answering, type AnsweringCore } from '../../../../support/session-cores.js'
import { credit, request, type Asked } from '../../../../support/session.js'

const next = (data: Uint8Array): Command => ({ type: 'next', exchange: -1, data })
const complete: Command = { type: 'complete', exchange: -1 }

/** Bob has asked for many values, and gives this credit. */
function asked(how: Asked, settings: Partial<Settings> = {}): AnsweringCore {
  const core = answering(settings)
  core.receive(request(1, bytes('?'), how))
  return core
}

describe('values without credit', () => {
  it('wait, cost 32 beside their bytes, and go as far as CREDIT lets them', () => {
    const core = asked({ credit: 31 })
    expect(core.run(next(bytes('')), next(bytes('b')))).toEqual([])
    expect(core.lines(core.receive(credit(1, 1)))).toEqual(['REPLY 1, ""'])
    expect(core.lines(core.receive(credit(1, 32)))).toEqual(['REPLY 1 MORE, of 1, ""'])
    expect(core.lines(core.receive(credit(1, 1)))).toEqual(['REPLY 1, "b"'])
    expect(core.receive(credit(1, 1_000))).toEqual([])
  })

  it('go in pieces as small as the credit is', () => {
    const core = asked({ credit: 32 + 5 })
    expect(core.lines(core.run(next(bytes('abcdefghij'))))).toEqual(['REPLY 1 MORE, of 10, "abcde"'])
    expect(core.lines(core.receive(credit(1, 3)))).toEqual(['REPLY 1 MORE, "fgh"'])
    expect(core.lines(core.receive(credit(1, 2)))).toEqual(['REPLY 1, "ij"'])
  })

  it('do not hold up the end: END and FAIL cost nothing, but stand behind the values', () => {
    const empty = asked({ credit: 0 })
    expect(empty.lines(empty.run(complete))).toEqual(['END 1'])
    const core = asked({ credit: 0 })
    expect(core.run(next(bytes('a')), { type: 'reject', exchange: -1 })).toEqual([])
    expect(core.lines(core.receive(credit(1, 33)))).toEqual(['REPLY 1, "a"', 'FAIL 1 Rejected'])
  })

  it('are told by LAST when the last one leaves after the end was said', () => {
    const core = asked({ credit: 0 })
    core.run(next(bytes('a')), next(bytes('b')), complete)
    expect(core.lines(core.receive(credit(1, 33)))).toEqual(['REPLY 1, "a"'])
    expect(core.lines(core.receive(credit(1, 33)))).toEqual(['REPLY 1 LAST, "b"'])
    expect(core.receive(credit(1, 33))).toEqual([])
  })
})
