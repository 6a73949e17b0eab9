/** Answers over a session: one value or several, in whatever order the commands come, and their deadlines. */
import { describe, expect, it } from '@jest/globals'
import { limitsOf } from '../../../../../src/core/limits/limits.js'
import type { Command } from '../../../../../src/core/events.js'
import { accountsInUse, bytes, shorts } from '../../../../support/core.js'
import { answering, type AnsweringCore } from '../../../../support/session-cores.js'
import { cancel, credit, data, filled, frame, join, reply, request, type Asked } from '../../../../support/session.js'

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
    expect(core.state.exchanges.open.size + accountsInUse(core.state) + core.state.exchanges.deadlines.size).toBe(0)
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
  const unpinged = { pingInterval: 1_000_000 }

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
    expect(core.lines(core.at(10_000))).toEqual([
      'FAIL 1 Timeout, "the request came too slowly: 5 of its 10 bytes have arrived"',
    ])
    expect(core.receive(data(1, filled(5)))).toEqual([])
  })

  it('does not end a request of which 1,000 bytes a second arrive', () => {
    const core = answering(unpinged)
    core.receive(request(1, new Uint8Array(), { timeout: 60_000, total: 50_000 }))
    for (let seconds = 10; seconds <= 40; seconds += 10) {
      core.receive(data(1, filled(10_000), true))
      expect(core.lines(core.at(seconds * 1_000))).toEqual([])
    }
    core.receive(data(1, filled(9_999), true))
    expect(core.lines(core.at(50_000))).toEqual([
      'FAIL 1 Timeout, "the request came too slowly: 49999 of its 50000 bytes have arrived"',
    ])
    expect([core.state.exchanges.open.size, core.state.exchanges.deadlines.size]).toEqual([0, 0])
  })

  it('does not end a request while 1,000 bytes a second of others arrive, which take turns with it', () => {
    const core = answering(unpinged)
    core.receive(...[1, 2].map((id) => request(id, new Uint8Array(), { timeout: 60_000, total: 50_000 })))
    for (let seconds = 10; seconds <= 20; seconds += 10) {
      core.receive(data(1, filled(10_000), true))
      expect(core.lines(core.at(seconds * 1_000))).toEqual([])
    }
    expect(core.lines(core.at(30_000))).toEqual([
      'FAIL 1 Timeout, "the request came too slowly: 20000 of its 50000 bytes have arrived"',
      'FAIL 2 Timeout, "the request came too slowly: 0 of its 50000 bytes have arrived"',
    ])
  })

  it('does not end an answer while what was sent to the peer may be under way, over a line of 25 kB/s', () => {
    const core = answering(unpinged)
    core.receive(
      request(1, bytes('a'), { credit: 600_000, timeout: 120_000 }),
      request(2, bytes('b'), { timeout: 120_000 }),
    )
    core.run(
      { type: 'respond', exchange: -1, data: filled(700_000) },
      { type: 'respond', exchange: -2, data: filled(9) },
    )
    for (const seconds of [10, 20]) expect(shorts(core.at(seconds * 1_000))).toEqual([])
    // By then 100,000 more bytes have left.
    expect(shorts(core.at(30_000))).toEqual([])
    expect(shorts(core.at(40_000))).toEqual(['write 2 129'])
  })

  it('of the asker ends it however fast it arrives, and its handler has what is left', () => {
    const core = answering(unpinged)
    core.receive(request(1, new Uint8Array(), { timeout: 15_000, total: 50_000 }))
    core.receive(request(2, new Uint8Array(), { timeout: 15_000, total: 50_000, credit: 100 }))
    core.receive(data(1, filled(16_000), true), data(2, filled(16_000), true))
    expect(core.lines(core.at(10_000))).toEqual([])
    core.receive(data(1, filled(16_000), true), data(2, filled(16_000), true))
    core.now = 14_000
    core.receive(data(2, filled(16_000), true), data(2, filled(2_000)))
    expect(core.lines(core.at(15_000))).toEqual([
      'cancelHandler -2',
      'FAIL 1 Timeout, "the request came too slowly: 32000 of its 50000 bytes have arrived"',
      'FAIL 2 Timeout, "nobody answered within 1000 ms"',
    ])
  })

  it('ends a request that gets no room, which is another try at another time', () => {
    const core = answering({ ...unpinged, limits: limitsOf({ requestBytes: 100_000, requestBytesPerPeer: 100_000 }) })
    core.receive(request(1, filled(10), { total: 90_000 }), request(2, filled(16_000), { total: 90_000 }))
    core.receive(data(1, filled(16_000), true))
    expect(core.lines(core.at(10_000))).toEqual([
      'FAIL 2 Overloaded, after 1000 ms, "there was no room for its 90000 bytes within the 10000 ms that it could wait"',
    ])
  })

  it('begins when there is room, for a request that waited for it', () => {
    const core = answering({ ...unpinged, limits: limitsOf({ requestBytes: 100_000, requestBytesPerPeer: 100_000 }) })
    core.receive(request(1, filled(10), { total: 90_000 }), request(2, filled(16_000), { total: 90_000 }))
    core.now = 9_000
    core.receive(cancel(1))
    expect(core.lines(core.at(18_999))).toEqual([])
    expect(core.lines(core.at(19_000))).toEqual([
      'FAIL 2 Timeout, "the request came too slowly: 16000 of its 90000 bytes have arrived"',
    ])
  })

  it('does not end an answer of which 1,000 bytes a second are taken', () => {
    const core = answering(unpinged)
    core.receive(request(1, bytes('a'), { credit: 10_032 }))
    core.frames(core.run({ type: 'respond', exchange: -1, data: filled(50_000) }))
    for (let seconds = 10; seconds <= 30; seconds += 10) {
      expect(core.lines(core.at(seconds * 1_000))).toEqual([])
      core.frames(core.receive(credit(1, 10_000)))
    }
    expect(core.lines(core.at(40_000))).toEqual([])
    expect(core.lines(core.at(50_000))).toEqual([
      'FAIL 1 Timeout, "the answer went too slowly: 40000 bytes of it are sent"',
    ])
  })

  it('ends an answer of one value that is not taken', () => {
    const core = answering(unpinged)
    core.receive(request(1, bytes('a'), { credit: 10 }))
    core.run({ type: 'respond', exchange: -1, data: bytes('b') })
    expect(core.lines(core.at(10_000))).toEqual([
      'FAIL 1 Timeout, "the answer went too slowly: 0 bytes of it are sent"',
    ])
  })

  it('begins anew with the answer, of one value or none, however late that is', () => {
    const settings = { ...unpinged, requestTimeout: 300_000 }
    for (const command of [
      { type: 'respond', exchange: -1, data: filled(1_000_000) },
      { type: 'reject', exchange: -1, code: 'Late' },
      { type: 'complete', exchange: -1 },
    ] satisfies Command[]) {
      const core = answering(settings)
      core.receive(request(1, bytes('a'), { credit: 2_000_000, timeout: 0 }), request(2, bytes('b')))
      core.now = 299_900
      // A write is under way, so it does not leave at once, or not all of it.
      core.in({ type: 'complete', exchange: -2 })
      core.in(command)
      expect(core.lines(core.at(300_000))).toEqual([])
      expect(core.lines(core.in({ type: 'writable', stream: 2 })).join()).toMatch(/REPLY 1|FAIL 1 Late|END 1/)
    }
  })

  it('begins anew with an answer that is more than one write', () => {
    const core = answering({ ...unpinged, requestTimeout: 300_000 })
    core.receive(request(1, bytes('a'), { credit: 2_000_000, timeout: 0 }))
    core.now = 299_900
    const effects = core.in({ type: 'respond', exchange: -1, data: filled(1_000_000) })
    effects.push(...core.at(300_000), ...core.run({ type: 'writable', stream: 2 }))
    expect(core.lines(effects).at(-1)).toMatch(/^REPLY 1 LAST/)
  })

  it('of the asker is never passed: not by an answer, nor by a request that waited for room', () => {
    const core = answering({ ...unpinged, limits: limitsOf({ requestBytes: 120_000, requestBytesPerPeer: 100_000 }) })
    core.receive(request(1, bytes('a'), { timeout: 9_000, credit: 10 }))
    core.receive(request(2, filled(10), { total: 90_000 }), request(3, filled(10), { timeout: 9_000, total: 90_000 }))
    core.now = 5_000
    core.run({ type: 'respond', exchange: -1, data: bytes('b') }, core.hears(cancel(2)))
    expect(core.lines(core.at(8_999))).toEqual([])
    expect(core.lines(core.at(9_000))).toEqual([
      'FAIL 1 Timeout, "the answer went too slowly: 0 bytes of it are sent"',
      'FAIL 3 Timeout, "the request came too slowly: 10 of its 90000 bytes have arrived"',
    ])
    expect([core.state.exchanges.open.size, core.state.exchanges.deadlines.size]).toEqual([0, 0])
  })

  it('is over with the first of many values', () => {
    const core = askedFor('a')
    core.lines(core.run({ type: 'next', exchange: -1, data: bytes('x') }))
    core.at(12_000)
    expect(core.lines(core.run({ type: 'next', exchange: -1, data: bytes('y') }))).toEqual(['REPLY 1, "y"'])
  })
})
