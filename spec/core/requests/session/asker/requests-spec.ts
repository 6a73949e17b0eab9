/** One request for one value over a session: how it is sent, what ends it, and what the answerer hears of its end. */
import { describe, expect, it } from '@jest/globals'
import type { Effect } from '../../../../../src/core/effects.js'
import { bytes, shorts } from '../../../../support/core.js'
import { asking, AskingCore } from '../../../../support/session-cores.js'
import {
  cancel,
  credit,
  end,
  fail,
  filled,
  hello,
  join,
  MORE,
  reply,
  request,
  frame,
  SESSION,
} from '../../../../support/session.js'

function refusalOf(effects: Effect[]): unknown {
  const failed = effects.find((effect) => effect.type === 'fail')
  return failed?.refusal
}

describe('what is sent', () => {
  it('is byte for byte what the specification says', () => {
    const core = asking()
    const [write] = core.ask(1, bytes('hi'))
    expect(write).toEqual({
      type: 'write',
      stream: 1,
      chunks: [request(1, bytes('hi'), { timeout: 10_000, credit: 1_048_608, one: true })],
      end: false,
    })
  })

  it('is one write for all requests of an instant, with ids that rise', () => {
    const core = asking()
    const effects = core.in(...[5, 3, 9].map((ask) => core.asking(ask)))
    expect(shorts(effects)).toHaveLength(1)
    expect(core.frames(effects).map(({ id }) => id)).toEqual([1, 2, 3])
    core.in({ type: 'writable', stream: 1 })
    expect(core.frames(core.in(core.asking(10))).map(({ id }) => id)).toEqual([4])
  })

  it('waits while a write is not answered, and then goes all at once', () => {
    const core = asking()
    expect(core.in(core.asking(1))).toHaveLength(1)
    expect(core.in(core.asking(2))).toEqual([])
    expect(core.in(core.asking(3))).toEqual([])
    core.frames(core.in({ type: 'writable', stream: 1 }))
    expect(core.in({ type: 'writable', stream: 1 })).toEqual([])
    expect(core.in(core.asking(4))).toHaveLength(1)
  })

  it('says how long it still waits when it is sent, and not when it was asked', () => {
    const core = asking()
    core.lines(core.in(core.asking(1)))
    core.in(core.asking(2, bytes('?'), undefined, 500))
    core.now = 400
    expect(core.lines(core.in({ type: 'writable', stream: 1 }))).toEqual(['REQUEST 2 ONE, 100 ms, credit 1048608, "?"'])
  })

  it('asks for no more than our limit of responses', () => {
    expect(asking({ maxResponseSize: 100 }).ask(1)).toMatchObject([
      { chunks: [request(1, bytes('?'), { timeout: 10_000, credit: 132, one: true })] },
    ])
  })

  it('is nothing at all for one that is cancelled in its own instant; its id is not used again', () => {
    const core = asking()
    expect(core.in(core.asking(1), { type: 'cancel', ask: 1 })).toEqual([])
    expect(core.frames(core.ask(2)).map(({ id }) => id)).toEqual([2])
  })
})

describe('a request that is larger than a frame', () => {
  it('is cut into pieces that add up to it', () => {
    const core = asking()
    const payload = filled(40_000)
    const frames = core.frames(core.ask(1, payload))
    expect(frames.map(({ name, more, total, payload: piece }) => [name, more, total, piece!.length])).toEqual([
      ['REQUEST', true, 40_000, 0],
      ['DATA', true, undefined, 16_384],
      ['DATA', true, undefined, 16_384],
      ['DATA', false, undefined, 7_232],
    ])
    expect(join(...frames.map((one) => one.payload!))).toEqual(payload)
  })

  it('is begun before those that were asked after it, for ids must rise, and goes on behind them', () => {
    const core = asking()
    const frames = core.frames(core.in(core.asking(1, filled(20_000)), core.asking(2), core.asking(3, filled(30_000))))
    expect(frames.map(({ name, id, payload }) => [name, id, payload!.length])).toEqual([
      ['REQUEST', 1, 0],
      ['REQUEST', 2, 1],
      ['REQUEST', 3, 0],
      ['DATA', 1, 16_384],
      ['DATA', 3, 16_384],
      ['DATA', 1, 3_616],
      ['DATA', 3, 13_616],
    ])
  })

  it('fits into one frame up to 16,384 bytes', () => {
    const core = asking()
    expect(core.frames(core.ask(1, filled(16_384))).map(({ name, more }) => [name, more])).toEqual([['REQUEST', false]])
    expect(core.frames(core.ask(2, filled(16_385)))).toHaveLength(3)
  })

  it('stops at the window of 65,536 and goes on as far as CREDIT lets it', () => {
    const core = asking()
    const sizes = (effects: Effect[]): number[] => core.frames(effects).map(({ payload }) => payload!.length)
    expect(sizes(core.ask(1, filled(100_000)))).toEqual([0, 16_384, 16_384, 16_384, 16_384])
    expect(sizes(core.receive(credit(1, 1)))).toEqual([1])
    expect(sizes(core.receive(credit(1, 20_000)))).toEqual([16_384, 3_616])
    expect(sizes(core.receive(credit(1, 1_000_000)))).toEqual([14_463])
    expect(core.receive(credit(1, 10))).toEqual([])
  })

  it('begins with the window that HELLO announced', () => {
    const core = asking({}, { 2: 80_000 })
    const sizes = core.frames(core.ask(1, filled(100_000))).map(({ payload }) => payload!.length)
    expect(sizes).toEqual([0, 16_384, 16_384, 16_384, 16_384, 14_464])
  })

  it('that was begun before HELLO came gets the rest of the announced window with it', () => {
    const core = new AskingCore()
    core.connect('bob')
    core.in(core.asking(1, filled(100_000)))
    core.frames(core.run({ type: 'streamOpened', stream: 1, protocol: SESSION }))
    const sizes = core.frames(core.receive(hello({ 2: 70_000 }))).map(({ payload }) => payload!.length)
    expect(sizes).toEqual([4_464])
  })

  it('is not sent to its end when it is answered before', () => {
    const core = asking()
    core.lines(core.ask(1, filled(100_000)))
    expect(core.lines(core.receive(fail(1, 'TooLarge')))).toEqual(['fail 1 RequestTooLarge'])
    expect(core.receive(credit(1, 100_000))).toEqual([])
    expect(core.lines(core.ask(2))).toEqual(['REQUEST 2 ONE, 10000 ms, credit 1048608, "?"'])
  })

  it('is not sent to its end when it is cancelled: CANCEL goes in its place', () => {
    const core = asking()
    core.frames(core.in(core.asking(1, filled(1_000_000))))
    core.in({ type: 'cancel', ask: 1 })
    expect(core.lines(core.in({ type: 'writable', stream: 1 }))).toEqual(['CANCEL 1'])
  })
})

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

  it.each([
    ['Rejected', { code: 'RequestRejected', message: 'bob rejected the request: why not' }],
    ['Timeout', { code: 'RequestTimeout', message: 'bob did not answer in time: why not' }],
    ['Overloaded', { code: 'Overloaded', message: 'bob is overloaded: why not', retryAfterMs: 250 }],
    ['TooLarge', { code: 'RequestTooLarge', message: 'bob refused the request for its size: why not' }],
    [
      'NoSuchThing',
      {
        code: 'RequestRejected',
        message: 'bob rejected the request (NoSuchThing): why not',
        remoteCode: 'NoSuchThing',
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

describe('an asker that does not wait any longer', () => {
  it('sends CANCEL once, ignores what was under way, and is done with the final frame', () => {
    const core = asking()
    core.lines(core.ask(1))
    expect(core.lines(core.run({ type: 'cancel', ask: 1 }))).toEqual(['CANCEL 1'])
    expect(core.run({ type: 'cancel', ask: 1 })).toEqual([])
    expect(core.receive(reply(1, filled(9), { total: 20 }), reply(1, filled(11)), fail(1, 'Cancelled'))).toEqual([])
    const session = core.state.connections.all.get(1)!.asking!
    expect([session.requests.size, session.cancelled.size, session.cancels.length]).toEqual([0, 0, 0])
  })

  it('sends CANCEL at its deadline too', () => {
    const core = asking()
    core.lines(core.ask(1, bytes('?'), undefined, 50))
    core.now = 50
    expect(core.lines(core.run({ type: 'woken' }))).toEqual(['fail 1 RequestTimeout', 'CANCEL 1'])
    expect(core.receive(reply(1, bytes('late'), { last: true }))).toEqual([])
  })

  it('waits for the write that is under way, and leaves the CANCEL of an answered one as it is', () => {
    const core = asking()
    core.lines(core.in(core.asking(1)))
    core.in({ type: 'cancel', ask: 1 })
    expect(core.in(core.hears(reply(1, bytes('a'), { last: true })))).toEqual([])
    expect(core.lines(core.in({ type: 'writable', stream: 1 }))).toEqual(['CANCEL 1'])
  })

  it('does not keep the connection in use', () => {
    const core = asking()
    core.at(5_000)
    core.ask(1)
    expect(core.state.connections.idle.size).toBe(0)
    core.run({ type: 'cancel', ask: 1 })
    expect([...core.state.connections.idle]).toEqual([[1, 5_000]])
    expect(shorts(core.at(15_000))).toContain('closeConnection 1')
  })
})

describe('the other direction', () => {
  it('is a session of its own: both may use the same ids', () => {
    const core = asking()
    core.in({ type: 'streamInbound', stream: 2, connection: 1, protocol: SESSION })
    core.ask(1)
    const inbound = join(hello(), request(1, bytes('theirs')), cancel(1))
    expect(shorts(core.in({ type: 'data', stream: 2, chunks: [inbound] }))).toEqual([
      'handle -1 6',
      'cancelHandler -1',
      expect.stringMatching(/^write 2 /),
    ])
    expect(core.lines(core.receive(reply(1, bytes('ours'), { last: true })))).toEqual(['settle 1 "ours"'])
  })
})
