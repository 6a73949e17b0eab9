/** What an answerer sends: one value, many values, refusals, and violations of the protocol. */
import { describe, expect, it } from '@jest/globals'
import type { Effect, Refusal } from '../../../../../src/core/effects.js'
import { bytes, shorts } from '../../../../support/core.js'
import { asking, AskingCore } from '../../../../support/session-cores.js'
import { end, fail, filled, MORE, reply, request, frame, SESSION } from '../../../../support/session.js'
import type { TakeValues } from '../../../../../src/core/terms.js'
import * as wire from '../../../../support/session.js'

function refusalOf(effects: Effect[]): unknown {
  const failed = effects.find((effect) => effect.type === 'fail')
  return failed?.refusal
}

const PULL: TakeValues = { mode: 'pull' }
const PUSH: TakeValues = { mode: 'push' }
const WINDOW = 65_536

/** A request, number 1, for a stream of values. */
function streaming(values: TakeValues): AskingCore {
  const core = asking()
  core.frames(core.ask(1, bytes('?'), values))
  return core
}

function refusedWith(effects: Effect[]): Refusal | undefined {
  return effects.find((effect) => effect.type === 'fail')?.refusal
}

/** What we said of a session that we reset. */
function reasonOf(effects: Effect[]): string | undefined {
  return effects.find((effect) => effect.type === 'reset')?.reason
}

describe('an answer', () => {
  it('of one frame settles the request, to the byte', () => {
    const core = asking()
    core.ask(1)
    expect(core.receive(reply(1, bytes('yes'), { last: true }))).toEqual([
      { type: 'settle', ask: 1, value: bytes('yes') },
    ])
    expect(core.state.asks.open.size + core.state.asks.deadlines.size).toBe(0)
  })

  it('in pieces is put together', () => {
    const core = asking()
    core.ask(1)
    const value = filled(30_000)
    expect(core.receive(reply(1, value.slice(0, 10), { total: 30_000 }))).toEqual([])
    expect(core.receive(reply(1, value.slice(10, 16_000), { more: true }))).toEqual([])
    expect(core.receive(reply(1, value.slice(16_000), { last: true }))).toEqual([{ type: 'settle', ask: 1, value }])
  })

  it.each([1, 100, 5_000])('of %i bytes keeps nothing else of the chunk that it came in', (size) => {
    const core = asking()
    core.ask(1)
    const [effect] = core.receive(reply(1, filled(size), { last: true }), frame(0x8f, 9, filled(16_384)))
    expect(effect).toEqual({ type: 'settle', ask: 1, value: filled(size) })
    expect((effect as { value: Uint8Array }).value.buffer.byteLength).toBe(size)
  })

  it('goes to its own request, in whatever order they come', () => {
    const core = asking()
    core.run(...[11, 12, 13].map((ask) => core.asking(ask)))
    const answers = [3, 1, 2].map((id) => reply(id, bytes(`${id}`), { last: true }))
    expect(core.lines(core.receive(...answers))).toEqual(['settle 13 "3"', 'settle 11 "1"', 'settle 12 "2"'])
  })

  it('may be mixed with the pieces of another', () => {
    const core = asking()
    core.run(core.asking(1), core.asking(2))
    const [first, second] = [filled(20, 1), filled(20, 2)]
    const effects = core.receive(
      reply(1, first.slice(0, 9), { total: 20 }),
      reply(2, second.slice(0, 11), { total: 20 }),
      reply(1, first.slice(9), { last: true }),
      reply(2, second.slice(11), { last: true }),
    )
    expect(effects).toEqual([
      { type: 'settle', ask: 1, value: first },
      { type: 'settle', ask: 2, value: second },
    ])
  })

  it('may be as large as our limit, and not a byte larger', () => {
    const core = asking({ maxResponseSize: 10 })
    core.lines(core.run(core.asking(1), core.asking(2), core.asking(3)))
    expect(shorts(core.receive(reply(1, filled(10), { last: true })))).toEqual(['settle 1'])
    expect(core.lines(core.receive(reply(2, filled(11), { last: true })))).toEqual(['fail 2 ResponseTooLarge'])
    expect(core.lines(core.receive(reply(3, filled(1), { total: 11 })))).toEqual([
      'fail 3 ResponseTooLarge',
      'CANCEL 3',
    ])
    expect(core.lines(core.receive(reply(3, filled(9), { more: true }), fail(3, 'Cancelled')))).toEqual([])
  })

  it('that ends without a value is a rejection', () => {
    const core = asking()
    core.ask(1)
    expect(refusalOf(core.receive(end(1)))).toEqual({
      code: 'RequestRejected',
      message: 'bob answered without a value',
    })
  })

  it('says when to come again, and is believed up to a minute', () => {
    const core = asking()
    core.ask(1)
    const effects = core.receive(fail(core.state.streams.sessions.get(1)!.lastId, 'Overloaded', 2 ** 40))
    expect(effects).toMatchObject([{ type: 'fail', refusal: { code: 'Overloaded', retryAfterMs: 60_000 } }])
  })

  it.each([
    ['Rejected', { code: 'RequestRejected', message: 'bob rejected the request: why not', retryAfterMs: 250 }],
    ['Timeout', { code: 'RequestTimeout', message: 'bob did not answer in time: why not' }],
    ['Overloaded', { code: 'Overloaded', message: 'bob is overloaded: why not', retryAfterMs: 250 }],
    ['TooLarge', { code: 'RequestTooLarge', message: 'bob refused the request for its size: why not' }],
    [
      'NoSuchThing',
      {
        code: 'RequestRejected',
        message: 'bob rejected the request (NoSuchThing): why not',
        remoteCode: 'NoSuchThing',
        retryAfterMs: 250,
      },
    ],
  ])('that is FAIL %s is an error that the caller can act on', (code, refusal) => {
    const core = asking()
    core.ask(1)
    expect(refusalOf(core.receive(fail(1, code, 250, 'why not')))).toEqual(refusal)
  })

  it('that is FAIL may say neither when to come back nor why', () => {
    const core = asking()
    core.ask(1)
    expect(refusalOf(core.receive(fail(1, 'Overloaded')))).toEqual({ code: 'Overloaded', message: 'bob is overloaded' })
  })

  it('may fail in the middle of its value', () => {
    const core = asking()
    core.ask(1)
    core.receive(reply(1, filled(5), { total: 10 }))
    expect(core.lines(core.receive(fail(1, 'Rejected')))).toEqual(['fail 1 RequestRejected'])
    expect(core.lines(core.ask(2))).toHaveLength(1)
  })

  it('in the instant of the deadline wins', () => {
    const core = asking()
    core.ask(1)
    core.now = 10_000
    expect(core.lines(core.run({ type: 'woken' }, core.hears(reply(1, bytes('a'), { last: true }))))).toContain(
      'settle 1 "a"',
    )
  })

  it('may stand between frames of a later version, which are skipped', () => {
    const core = asking()
    core.ask(1)
    const unknown = frame(0x8c | MORE, 77, filled(100))
    expect(core.lines(core.receive(unknown, reply(1, bytes('a'), { last: true }), unknown))).toEqual(['settle 1 "a"'])
  })
})

describe('a request for a stream of values', () => {
  it('gives a window of 65,536, and no ONE', () => {
    expect(asking().ask(1, bytes('?'), PULL)).toMatchObject([
      { chunks: [request(1, bytes('?'), { timeout: 10_000, credit: WINDOW })] },
    ])
  })

  it.each<[Partial<TakeValues>, { policy: number; buffer: number }]>([
    [
      { overflow: 'error', buffer: 3 },
      { policy: 0, buffer: 3 },
    ],
    [
      { overflow: 'dropOldest', buffer: 3 },
      { policy: 1, buffer: 3 },
    ],
    [{ overflow: 'conflate' }, { policy: 2, buffer: 16 }],
    [{ buffer: 7 }, { policy: 0, buffer: 7 }],
  ])('says with %j what the answerer may do with too many values', (values, lossy) => {
    expect(asking().ask(1, bytes('?'), { mode: 'push', ...values })).toMatchObject([
      { chunks: [request(1, bytes('?'), { timeout: 10_000, credit: WINDOW, lossy })] },
    ])
  })

  it('says nothing of it without a bound, whether or not the default policy is named', () => {
    expect(asking().ask(1, bytes('?'), { mode: 'push', overflow: 'error' })).toMatchObject([
      { chunks: [request(1, bytes('?'), { timeout: 10_000, credit: WINDOW })] },
    ])
  })

  it('hands over each value as it comes, and the end', () => {
    const core = streaming(PUSH)
    expect(core.lines(core.receive(reply(1, bytes('a')), reply(1, bytes('')), reply(1, bytes('c'))))).toEqual([
      'value 1 "a"',
      'value 1 ""',
      'value 1 "c"',
    ])
    expect(core.lines(core.receive(end(1)))).toEqual(['ended 1'])
    expect(core.state.asks.open.size).toBe(0)
  })

  it.each([1, 100, 5_000])('keeps nothing else of the chunk that a value of %i bytes came in', (size) => {
    const values = streaming(PUSH).receive(
      reply(1, filled(size)),
      reply(1, filled(size), { last: true }),
      frame(0x8f, 9, filled(16_384)),
    )
    expect(values.map(({ type }) => type)).toEqual(['value', 'settle'])
    for (const { value } of values as { value: Uint8Array }[]) expect(value.buffer.byteLength).toBe(size)
  })

  it('ends by no value at all, or with the last one', () => {
    expect(streaming(PUSH).receive(end(1))).toEqual([{ type: 'valuesEnded', ask: 1 }])
    const core = streaming(PUSH)
    const lines = core.lines(core.receive(reply(1, bytes('a')), reply(1, bytes('b'), { last: true })))
    expect(lines).toEqual(['value 1 "a"', 'settle 1 "b"'])
    expect(core.state.asks.open.size).toBe(0)
  })

  it('ends by FAIL after values, also in the middle of one', () => {
    const core = streaming(PUSH)
    core.receive(reply(1, bytes('a')), reply(1, filled(5), { total: 9 }))
    expect(refusedWith(core.receive(fail(1, 'Sold', 0, 'out')))).toMatchObject({
      code: 'RequestRejected',
      remoteCode: 'Sold',
    })
  })

  it('has its deadline for the first value only', () => {
    const core = streaming(PUSH)
    core.now = 9_999
    core.receive(reply(1, bytes('a')))
    expect(core.state.asks.deadlines.size).toBe(0)
    core.now = 12_000
    expect(core.lines(core.receive(reply(1, bytes('b')), end(1)))).toEqual(['value 1 "b"', 'ended 1'])
  })

  it('does not take the first piece of its first value for a value', () => {
    const core = streaming(PUSH)
    core.receive(reply(1, filled(5), { total: 9 }))
    core.now = 10_000
    expect(core.lines(core.run({ type: 'woken' }))).toContain('fail 1 RequestTimeout')
  })

  it('takes values that are larger than one frame', () => {
    const core = streaming(PUSH)
    const value = filled(40_000)
    const effects = core.receive(
      reply(1, value.slice(0, 16_384), { total: 40_000 }),
      reply(1, value.slice(16_384, 32_768), { more: true }),
      reply(1, value.slice(32_768)),
      reply(1, bytes('b')),
    )
    expect(effects.slice(0, 2)).toMatchObject([
      { type: 'value', ask: 1, value },
      { type: 'value', ask: 1, value: bytes('b') },
    ])
  })

  it('refuses a value over our limit and cancels the rest', () => {
    const core = asking({ maxResponseSize: 100 })
    core.lines(core.ask(1, bytes('?'), PUSH))
    expect(core.lines(core.receive(reply(1, filled(100)), reply(1, filled(101))))).toEqual([
      'value 1 100 bytes',
      'fail 1 ResponseTooLarge',
      'CANCEL 1',
    ])
    expect(core.receive(reply(1, filled(101)), end(1))).toEqual([])
  })

  it('hears nothing more once it was cancelled, and the answerer is told', () => {
    const core = streaming(PULL)
    core.receive(reply(1, bytes('a')))
    expect(core.lines(core.run({ type: 'cancel', ask: 1 }))).toEqual(['CANCEL 1'])
    expect(core.run({ type: 'taken', ask: 1, cost: 33 })).toEqual([])
    expect(core.receive(reply(1, bytes('b')), fail(1, 'Cancelled'))).toEqual([])
    expect(core.state.connections.all.get(1)!.asking!.cancelled.size).toBe(0)
  })
})

describe('a violation by the answerer', () => {
  /** Two requests are open, the second for many values; a third one never was. */
  function violated(...frames: Uint8Array[]): Effect[] {
    const core = asking()
    core.run(core.asking(1), core.asking(2, bytes('?'), { mode: 'pull' }))
    return core.run(core.hears(...frames))
  }

  it.each<[string, Uint8Array[], string]>([
    ['a second HELLO', [wire.hello()], 'a frame of type 0 is not for an asker'],
    ['a REQUEST', [wire.request(1, bytes('?'))], 'a frame of type 1 is not for an asker'],
    ['DATA', [wire.data(1, bytes('?'))], 'a frame of type 2 is not for an asker'],
    ['CANCEL', [wire.cancel(1)], 'a frame of type 6 is not for an asker'],
    ['a REPLY that nobody asked for', [reply(3, bytes('a'))], 'it answered a request that is not open'],
    ['a REPLY with the id 0', [reply(0, bytes('a'))], 'a frame has no id'],
    ['CREDIT with the id 0', [wire.credit(0, 1)], 'a frame has no id'],
    ['END that nobody asked for', [wire.end(3)], 'it ended a request that is not open'],
    ['FAIL that nobody asked for', [wire.fail(3, 'x')], 'it refused a request that is not open'],
    ['CREDIT for what never was', [wire.credit(3, 1)], 'it gave credit to a request that never was'],
    ['CREDIT of 0', [wire.frame(7, 1, wire.varint(0))], 'CREDIT is broken'],
    ['credit over 2^32', [wire.credit(1, 2 ** 32)], 'it gave too much credit'],
    ['a second answer', [reply(1, bytes('a'), { last: true }), wire.end(1)], 'it ended a request that is not open'],
    ['a second value for one', [reply(1, bytes('a'))], 'it goes on after the one value that was asked for'],
    [
      'LAST in the middle of a value',
      [reply(1, filled(5), { total: 9, last: true })],
      'a value is the last one and not complete',
    ],
    [
      'LAST in the middle of one of many',
      [reply(2, filled(5), { total: 9, last: true })],
      'a value is the last one and not complete',
    ],
    ['MORE and no total', [wire.frame(3 | wire.MORE, 1)], 'a number is broken'],
    ['MORE of a value that is complete', [reply(2, filled(9), { total: 9 })], 'a value is not as long as it said'],
    ['MORE of nothing', [reply(2, filled(0), { total: 0 })], 'a value is not as long as it said'],
    [
      'more than the total',
      [reply(2, filled(5), { total: 9 }), reply(2, filled(5))],
      'a value is not as long as it said',
    ],
    [
      'less than the total',
      [reply(2, filled(5), { total: 9 }), reply(2, filled(3))],
      'a value is not as long as it said',
    ],
    [
      'END in the middle of a value',
      [reply(2, filled(5), { total: 9 }), wire.end(2)],
      'it ended an answer in the middle of a value',
    ],
    ['END with a body', [wire.frame(4, 1, bytes('x'))], 'END has a body'],
    ['FAIL without a code', [wire.frame(5, 1)], 'FAIL is broken'],
    ['a payload over 16,384', [reply(1, filled(16_385), { last: true })], 'a payload is too long for one frame'],
    ['a piece over 16,384', [reply(2, filled(16_385), { total: 20_000 })], 'a payload is too long for one frame'],
    [
      'values without credit',
      Array.from({ length: 5 }, () => reply(2, filled(16_000))),
      'it sent more than its credit allows',
    ],
    ['an unknown frame', [wire.frame(9, 1)], 'frames of type 9 are unknown'],
  ])('resets the session for %s, and says so', (_what, frames, why) => {
    const effects = violated(...frames)
    expect(reasonOf(effects)).toBe(`the session was reset (${why})`)
    const failed = effects.flatMap((effect) => (effect.type === 'fail' ? [effect.refusal] : []))
    for (const { code, message } of failed) {
      expect([code, message]).toEqual(['ConnectionLost', `no answer from bob: the session was reset (${why})`])
    }
    expect(effects.some((effect) => effect.type === 'closeConnection')).toBe(false)
  })

  it('may be in its first frame, which must be HELLO', () => {
    for (const first of [wire.credit(1, 1), wire.frame(0x89, 0), wire.frame(0, 1)]) {
      const core = new AskingCore()
      core.connect('bob')
      core.in(core.asking(1))
      core.run({ type: 'streamOpened', stream: 1, protocol: SESSION })
      expect(shorts(core.receive(first))).toEqual(['reset 1', 'fail 1 ConnectionLost'])
    }
  })

  it('still lets count what came whole before it', () => {
    const core = asking()
    core.run(core.asking(1), core.asking(2))
    expect(shorts(core.receive(reply(1, bytes('a'), { last: true }), reply(9, bytes('b'))))).toEqual([
      'settle 1',
      'reset 1',
      'fail 2 ConnectionLost',
    ])
  })

  it('is logged once, for whoever runs the node', () => {
    const core = asking()
    const logged = core.all(core.hears(wire.hello())).filter((effect) => effect.type === 'log')
    expect(logged).toMatchObject([
      {
        type: 'log',
        level: 'warn',
        message: 'the session with bob was reset: a frame of type 0 is not for an asker',
      },
    ])
  })
})
