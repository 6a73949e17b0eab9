/** Replies of many values: how they arrive, what they cost, and how the consumer's pace reaches the answerer. */
import { describe, expect, it } from '@jest/globals'
import type { Effect, Refusal } from '../../../../../src/core/effects.js'
import type { TakeValues } from '../../../../../src/core/terms.js'
import { bytes } from '../../../../support/core.js'
import { asking, type AskingCore } from '../../../../support/session-cores.js'
import { end, fail, filled, reply, request } from '../../../../support/session.js'

const PULL: TakeValues = { mode: 'pull' }
const PUSH: TakeValues = { mode: 'push' }
const WINDOW = 65_536

/** A request, number 1, for a stream of values. */
function streaming(values: TakeValues): AskingCore {
  const core = asking()
  core.frames(core.ask(1, bytes('?'), values))
  return core
}

/** What CREDIT was given for request 1. */
function given(core: AskingCore, effects: Effect[]): number[] {
  return core.frames(effects).flatMap(({ name, id, amount }) => (name === 'CREDIT' && id === 1 ? [amount!] : []))
}

function refusal(effects: Effect[]): Refusal | undefined {
  return effects.find((effect) => effect.type === 'fail')?.refusal
}

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
    expect(refusal(core.receive(fail(1, 'Sold', 0, 'out')))).toMatchObject({
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

describe('credit for values', () => {
  it('comes back at once to those who push, when half of the window is used', () => {
    const core = streaming(PUSH)
    expect(given(core, core.receive(reply(1, filled(16_000))))).toEqual([])
    expect(given(core, core.receive(reply(1, filled(16_000))))).toEqual([])
    // 3 × (16,000 + 32): more than half.
    expect(given(core, core.receive(reply(1, filled(16_000))))).toEqual([48_096])
    expect(given(core, core.receive(reply(1, filled(16_000)), reply(1, filled(16_000))))).toEqual([])
  })

  it('comes back to those who pull when they have taken as much, and not before', () => {
    const core = streaming(PULL)
    const values = Array.from({ length: 4 }, () => reply(1, filled(16_000)))
    expect(given(core, core.receive(...values))).toEqual([])
    const take = (cost: number): number[] => given(core, core.run({ type: 'taken', ask: 1, cost }))
    expect(take(16_032)).toEqual([])
    expect(take(16_032)).toEqual([])
    expect(take(16_032)).toEqual([48_096])
    expect(take(16_032)).toEqual([])
  })

  it('is one CREDIT for all that was taken while a write was under way', () => {
    const core = streaming(PULL)
    core.in(core.asking(2))
    core.in(core.hears(...Array.from({ length: 4 }, () => reply(1, filled(16_000)))))
    for (let i = 0; i < 4; i++) expect(core.in({ type: 'taken', ask: 1, cost: 16_032 })).toEqual([])
    expect(given(core, core.in({ type: 'writable', stream: 1 }))).toEqual([48_096])
  })

  it('counts empty values', () => {
    const core = streaming(PUSH)
    const empty = Array.from({ length: 1_024 }, () => reply(1, bytes('')))
    expect(given(core, core.receive(...empty))).toEqual([32_768])
  })

  it('is given for the rest of a value that is larger than what is left', () => {
    const core = streaming(PULL)
    const value = filled(200_000)
    expect(given(core, core.receive(reply(1, value.slice(0, 16_384), { total: 200_000 })))).toEqual([
      200_000 + 32 - WINDOW,
    ])
    let sent = 16_384
    const pieces: Uint8Array[] = []
    for (; 200_000 - sent > 16_384; sent += 16_384) {
      pieces.push(reply(1, value.slice(sent, sent + 16_384), { more: true }))
    }
    const effects = core.receive(...pieces, reply(1, value.slice(sent)))
    expect(effects).toEqual([{ type: 'value', ask: 1, value }])
    expect(core.lines(core.receive(reply(1, bytes(''))))).toEqual(['reset 1', 'fail 1 ConnectionLost'])
  })

  it('for the next values comes when such a value was taken', () => {
    const core = streaming(PULL)
    core.frames(core.receive(reply(1, filled(16_384), { total: 66_000 })))
    core.receive(...[1, 2, 3].map(() => reply(1, filled(16_384), { more: true })), reply(1, filled(464)))
    expect(given(core, core.run({ type: 'taken', ask: 1, cost: 66_032 }))).toEqual([WINDOW])
  })

  it('is not given twice for what has arrived of a value and was not taken', () => {
    const core = streaming(PULL)
    core.receive(reply(1, filled(1_000)), reply(1, filled(10_000), { total: 60_000 }))
    core.receive(...[1, 2].map(() => reply(1, filled(16_000), { more: true })))
    // What is taken is 1,032 of it; the rest of the window holds the half of a value.
    expect(given(core, core.run({ type: 'taken', ask: 1, cost: 1_032 }))).toEqual([])
  })

  it('never lets more than the window wait here, whatever is sent and taken', () => {
    const core = streaming(PULL)
    let left = WINDOW
    let waits = 0
    for (let i = 0; i < 2_000; i++) {
      const size = (i * 7_919) % 3_000
      if (left >= size + 32) {
        left -= size + 32
        waits += size + 32
        left += given(core, core.receive(reply(1, filled(size)))).reduce((sum, amount) => sum + amount, 0)
      }
      if (i % 3 > 0) {
        const cost = Math.min(waits, 1_700)
        waits -= cost
        left += given(core, core.run({ type: 'taken', ask: 1, cost })).reduce((sum, amount) => sum + amount, 0)
      }
      expect(left + waits).toBeLessThanOrEqual(WINDOW)
      // It is never left without credit while half of it was taken.
      expect(left + waits).toBeGreaterThan(WINDOW / 2)
    }
  })
})
