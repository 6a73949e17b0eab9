/** Answers over a session: one value or many, in whatever order our callers say what they say. */
import { describe, expect, it } from '@jest/globals'
import type { Command } from '../../../../../src/core/events.js'
import { bytes } from '../../../../support/core.js'
import { answering, AnsweringCore } from '../../../../support/session-cores.js'
import { data, filled, frame, hello, join, reply, request, SESSION, type Asked } from '../../../../support/session.js'

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

describe('a session that a peer opens', () => {
  it('is greeted with our limits, once', () => {
    const core = new AnsweringCore({ maxInboundPerPeer: 300, maxRequestSize: 5_000 })
    core.connect('bob')
    expect(core.in({ type: 'streamInbound', stream: 2, connection: 1, protocol: SESSION })).toEqual([])
    expect(core.lines(core.receive(hello({ 0: 1, 77: 5 })))).toEqual(['HELLO 0=1 1=300 2=65536 3=5000'])
    expect(core.lines(core.receive(request(1, bytes('?'), RICH)))).toEqual(['handle -1 "?"'])
  })

  it('is not greeted before it has said HELLO', () => {
    const core = new AnsweringCore()
    core.connect('bob')
    core.in({ type: 'streamInbound', stream: 2, connection: 1, protocol: SESSION })
    expect(core.receive(hello().slice(0, 2))).toEqual([])
    expect(core.lines(core.receive(hello().slice(2)))).toHaveLength(1)
  })

  it('may ask right behind its HELLO', () => {
    const core = new AnsweringCore()
    core.connect('bob')
    core.in({ type: 'streamInbound', stream: 2, connection: 1, protocol: SESSION })
    expect(core.lines(core.receive(hello(), request(1, bytes('?'), RICH)))).toEqual([
      'handle -1 "?"',
      'HELLO 0=1 1=1000 2=65536 3=1048576',
    ])
  })
})

describe('a request', () => {
  it('is handed over with the name of its asker, also without a byte in it', () => {
    const core = answering()
    expect(core.receive(request(1, bytes('')), request(2, bytes('?')))).toEqual([
      { type: 'handle', exchange: -1, from: 'bob', data: bytes('') },
      { type: 'handle', exchange: -2, from: 'bob', data: bytes('?') },
    ])
  })

  it('in pieces is handed over when the last one is here', () => {
    const core = answering()
    const payload = filled(30_000)
    expect(core.receive(request(1, payload.slice(0, 10), { total: 30_000 }))).toEqual([])
    expect(core.receive(data(1, payload.slice(10, 16_000), true))).toEqual([])
    expect(core.receive(data(1, payload.slice(16_000)))).toEqual([
      { type: 'handle', exchange: -1, from: 'bob', data: payload },
    ])
  })

  it('in pieces may be mixed with others', () => {
    const core = answering()
    const [first, second] = [filled(20, 1), filled(20, 2)]
    const effects = core.receive(
      request(1, first.slice(0, 9), { total: 20 }),
      request(2, second.slice(0, 11), { total: 20 }),
      data(1, first.slice(9, 15), true),
      data(2, second.slice(11)),
      request(7, bytes('?')),
      data(1, first.slice(15)),
    )
    expect(effects).toMatchObject([
      { exchange: -2, data: second },
      { exchange: -3, data: bytes('?') },
      { exchange: -1, data: first },
    ])
  })

  it('larger than the first window gets the credit for its rest at once, where there is room', () => {
    const core = answering()
    const lines = core.lines(core.receive(request(1, filled(16_384), { total: 100_000 })))
    expect(lines).toEqual([`CREDIT 1 ${100_000 - 65_536}`])
    expect(core.receive(request(2, filled(16_384), { total: 65_536 }))).toEqual([])
  })

  it('stands between frames of a later version, which are skipped', () => {
    const core = answering()
    const unknown = frame(0x8f, 9, filled(30))
    expect(core.lines(core.receive(unknown, request(1, bytes('?')), unknown))).toEqual(['handle -1 "?"'])
  })
})

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
