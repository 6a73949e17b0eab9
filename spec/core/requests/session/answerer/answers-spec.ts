/** Answers over a session: one value or several, in whatever order the commands come, and their deadlines. */
import { describe, expect, it } from '@jest/globals'
import type { Command } from '../../../../../src/core/events.js'
import { bytes } from '../../../../support/core.js'
import { answering, type AnsweringCore } from '../../../../support/session-cores.js'
import { data, filled, frame, join, reply, request, type Asked } from '../../../../support/session.js'

const RICH: Asked = { credit: 1_000_000 }
const respond = (text: string): Command => ({ type: 'respond', exchange: -1, data: bytes(text) })
const next = (text: string): Command => ({ type: 'next', exchange: -1, data: bytes(text) })
const complete: Command = { type: 'complete', exchange: -1 }
const reject: Command = { type: 'reject', exchange: -1 }

/** Bob has asked: exchange -1, id 1. */
function asked(how: Asked = RICH): AnsweringCore {
  const core = answering()
  core.receive(request(1, bytes('?'), how))
  return core
}

/** Bob has asked these texts, as 1, 2, 3 …: exchanges -1, -2, -3 … */
function askedFor(...texts: string[]): AnsweringCore {
  const core = answering()
  core.receive(...texts.map((text, i) => request(i + 1, bytes(text), { credit: 1_000 })))
  return core
}

describe('an answer', () => {
  it('of one value is one REPLY with LAST, byte for byte', () => {
    const core = asked({ credit: 100, one: true })
    expect(core.in(respond('yes'))).toEqual([
      { type: 'write', stream: 2, chunks: [reply(1, bytes('yes'), { last: true })], end: false },
    ])
    expect(core.state.exchanges.open.size + core.state.budget.accounts.size + core.state.exchanges.deadlines.size).toBe(
      0,
    )
  })

  it.each<[string, Command[], string[]]>([
    ['respond', [respond('a')], ['REPLY 1 LAST, "a"']],
    ['complete', [complete], ['END 1']],
    ['reject', [reject], ['FAIL 1 Rejected']],
    ['respond, then anything', [respond('a'), respond('b'), next('c'), complete, reject], ['REPLY 1 LAST, "a"']],
    ['complete, then anything', [complete, respond('b'), next('c'), complete, reject], ['END 1']],
    ['reject, then anything', [reject, reject, respond('b'), next('c'), complete], ['FAIL 1 Rejected']],
    ['next, then complete', [next('a'), complete], ['REPLY 1 LAST, "a"']],
    ['values, then complete', [next('a'), next(''), complete, next('d')], ['REPLY 1, "a"', 'REPLY 1 LAST, ""']],
    [
      'values, then reject',
      [next('a'), next('b'), reject, complete],
      ['REPLY 1, "a"', 'REPLY 1, "b"', 'FAIL 1 Rejected'],
    ],
    ['next, then respond', [next('a'), respond('b'), complete], ['REPLY 1 LAST, "a"']],
  ])('that is said as %s is sent so', (_how, commands, lines) => {
    const core = asked()
    expect(core.lines(core.run(...commands))).toEqual(lines)
    expect([core.state.exchanges.open.size, core.state.connections.all.get(1)!.answering!.requests.size]).toEqual([
      0, 0,
    ])
  })

  it('of several steps sends each value when it is there, and the end behind them', () => {
    const core = asked()
    expect(core.lines(core.run(next('a')))).toEqual(['REPLY 1, "a"'])
    expect(core.lines(core.run(next('b'), next('c')))).toEqual(['REPLY 1, "b"', 'REPLY 1, "c"'])
    expect(core.lines(core.run(complete))).toEqual(['END 1'])
    expect(core.run(complete, reject, next('d'), respond('e'))).toEqual([])
  })

  it('of several values to an asker that takes one is the first of them, and the producer is stopped', () => {
    const core = asked({ credit: 100, one: true })
    expect(core.lines(core.run(next('a'), next('b'), complete))).toEqual(['cancelHandler -1', 'REPLY 1 LAST, "a"'])
  })

  it('of no value to an asker that takes one is END', () => {
    expect(asked({ credit: 100, one: true }).in(complete)).toMatchObject([{ chunks: [frame(4, 1)] }])
  })

  it('that refuses carries the code, the time and the words of whoever refused', () => {
    const core = asked()
    const refusal: Command = { ...reject, code: 'SoldOut', reason: 'come später', retryAfterMs: 300 }
    expect(core.lines(core.run(refusal))).toEqual(['FAIL 1 SoldOut, after 300 ms, "come später"'])
  })

  it('larger than a frame goes in pieces that add up to it', () => {
    const core = asked()
    const value = filled(40_000)
    const frames = core.frames(core.run({ type: 'respond', exchange: -1, data: value }))
    expect(frames.map(({ more, last, total, payload }) => [more, last, total, payload!.length])).toEqual([
      [true, false, 40_000, 16_384],
      [true, false, undefined, 16_384],
      [false, true, undefined, 7_232],
    ])
    expect(join(...frames.map(({ payload }) => payload!))).toEqual(value)
  })

  it('can be given while the one before it waits to be written, and leaves with it', () => {
    const core = answering()
    core.in(core.hears(request(1, bytes('?'), RICH), request(2, bytes('?'), RICH), request(3, bytes('?'), RICH)))
    expect(core.lines(core.in(respond('a')))).toEqual(['REPLY 1 LAST, "a"'])
    expect(core.in({ type: 'respond', exchange: -3, data: bytes('c') })).toEqual([])
    expect(core.in({ type: 'reject', exchange: -2 })).toEqual([])
    expect(core.lines(core.in({ type: 'writable', stream: 2 }))).toEqual(['REPLY 3 LAST, "c"', 'FAIL 2 Rejected'])
    expect(core.in({ type: 'writable', stream: 2 })).toEqual([])
  })

  it('to a request that does not exist is nothing', () => {
    const core = answering()
    const commands = [respond('a'), next('b'), complete, reject, { type: 'pullable', exchange: -1 } as Command]
    expect(core.run(...commands)).toEqual([])
  })

  it('before the request is whole is nothing', () => {
    const core = answering()
    core.receive(request(1, filled(5), { ...RICH, total: 9 }))
    expect(core.run(respond('a'), next('b'), complete, reject)).toEqual([])
    expect(core.lines(core.receive(data(1, filled(4))))).toEqual(['handle -1 9 bytes'])
  })
})

describe('a deadline', () => {
  it.each([
    ["the asker's, when that is sooner", 700, 700, 'Timeout'],
    ['ours, when that is sooner', 60_000, 10_000, 'Rejected'],
    ['ours, when the asker says none', 0, 10_000, 'Rejected'],
  ])('is %s', (_whose, timeout, due, code) => {
    const core = answering()
    core.receive(request(1, bytes('a'), { timeout, credit: 100 }))
    expect(core.at(due - 1)).toEqual([])
    expect(core.lines(core.at(due))).toEqual(['cancelHandler -1', `FAIL 1 ${code}, "nobody answered within ${due} ms"`])
    expect(core.run({ type: 'respond', exchange: -1, data: bytes('late') })).toEqual([])
    expect([core.state.exchanges.open.size, core.state.exchanges.deadlines.size]).toEqual([0, 0])
  })

  it('of the asker goes on while the request arrives', () => {
    const core = answering()
    core.receive(request(1, filled(5), { timeout: 1_000, credit: 100, total: 10 }))
    core.now = 600
    core.receive(data(1, filled(5)))
    expect(core.at(999)).toEqual([])
    expect(core.lines(core.at(1_000))).toEqual(['cancelHandler -1', 'FAIL 1 Timeout, "nobody answered within 400 ms"'])
  })

  it('ends a request that does not arrive', () => {
    const core = answering()
    core.receive(request(1, filled(5), { total: 10 }))
    expect(core.lines(core.at(10_000))).toEqual(['FAIL 1 Rejected, "it took longer than 10000 ms"'])
    expect(core.receive(data(1, filled(5)))).toEqual([])
  })

  it('ends an answer of one value that is not taken', () => {
    const core = answering()
    core.receive(request(1, bytes('a'), { credit: 10 }))
    core.run({ type: 'respond', exchange: -1, data: bytes('b') })
    expect(core.lines(core.at(10_000))).toEqual(['FAIL 1 Rejected, "it took longer than 10000 ms"'])
  })

  it('is over with the first of many values', () => {
    const core = askedFor('a')
    core.lines(core.run({ type: 'next', exchange: -1, data: bytes('x') }))
    expect(core.state.exchanges.deadlines.size).toBe(0)
    core.now = 12_000
    expect(core.lines(core.run({ type: 'next', exchange: -1, data: bytes('y') }))).toEqual(['REPLY 1, "y"'])
  })
})
