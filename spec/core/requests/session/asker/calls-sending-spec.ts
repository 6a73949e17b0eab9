/** What an asker sends: requests, in one frame or in pieces. */
import { describe, expect, it } from '@jest/globals'
import type { Effect } from '../../../../../src/core/effects.js'
import { bytes, shorts } from '../../../../support/core.js'
import { asking, AskingCore } from '../../../../support/session-cores.js'
import { credit, fail, filled, hello, join, request, SESSION } from '../../../../support/session.js'

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
    expect(sizes).toEqual([0, 16_384, 16_384, 16_384, 16_384, 7_232, 4_096, 3_136])
  })

  it('that was begun before HELLO came gets the rest of the announced window with it', () => {
    const core = new AskingCore()
    core.connect('bob')
    core.in(core.asking(1, filled(100_000)))
    core.frames(core.run({ type: 'streamOpened', stream: 1, protocol: SESSION }))
    const sizes = core.frames(core.receive(hello({ 2: 70_000 }))).map(({ payload }) => payload!.length)
    expect(sizes).toEqual([16_384, 16_384, 16_384, 4_096, 368])
  })

  it('begins with the first flight that HELLO announced, until a CREDIT has shown that the line carries more', () => {
    const core = asking({}, { 5: 10_000 })
    const begun = (ask: number): number =>
      core.frames(core.ask(ask, filled(100_000))).reduce((sum, { payload }) => sum + payload!.length, 0)
    expect(begun(1)).toBe(10_000)
    core.frames(core.receive(credit(1, 65_535)))
    expect(begun(2)).toBe(10_000)
    core.frames(core.receive(credit(1, 65_536)))
    expect(begun(3)).toBe(65_536)
    core.frames(core.receive(credit(3, 5_000)))
    expect(begun(4)).toBe(10_000)
  })

  it('begins with a frame before HELLO has come', () => {
    const core = new AskingCore()
    core.connect('bob')
    core.in(core.asking(1, filled(100_000)))
    const first = core.frames(core.run({ type: 'streamOpened', stream: 1, protocol: SESSION }))
    expect(first.map(({ payload }) => payload?.length)).toEqual([undefined, 0, 16_384])
    expect(core.frames(core.receive(hello({ 5: 16_384 })))).toEqual([])
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
