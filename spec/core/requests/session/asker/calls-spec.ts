/** Requests in a session: how many may be open, how they are cancelled, and the credit for their values. */
import { describe, expect, it } from '@jest/globals'
import type { Event } from '../../../../../src/core/events.js'
import { bytes, refusalOf, shorts } from '../../../../support/core.js'
import { asking, AskingCore } from '../../../../support/session-cores.js'
import { end, hello, reply, SESSION, cancel, fail, filled, join, request } from '../../../../support/session.js'
import type { Effect } from '../../../../../src/core/effects.js'
import type { TakeValues } from '../../../../../src/core/terms.js'

function opened(protocol: string, stream = 1): Event {
  return { type: 'streamOpened', stream, protocol }
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

/** What CREDIT was given for request 1. */
function given(core: AskingCore, effects: Effect[]): number[] {
  return core.frames(effects).flatMap(({ name, id, amount }) => (name === 'CREDIT' && id === 1 ? [amount!] : []))
}

describe('the time of a request', () => {
  it('says how much of it had gone out, if that was not all', () => {
    const core = asking()
    const [size, timeout] = [300_000, 100]
    core.in({ type: 'request', ask: 1, peer: 'bob', addresses: [], data: new Uint8Array(size), timeout })
    expect(refusalOf(core.at(timeout))).toMatch(
      /^RequestTimeout: no answer from bob within 100 ms while the request was being sent: [1-9]\d* of 300000 bytes had gone out$/,
    )
    const small = asking()
    small.in({ type: 'request', ask: 1, peer: 'bob', addresses: [], data: bytes('?'), timeout })
    expect(refusalOf(small.at(timeout))).toBe('RequestTimeout: no answer from bob within 100 ms to the request')
  })
})

describe('how many requests may be open', () => {
  it('is 256 until HELLO says more, and the rest goes with it', () => {
    const core = new AskingCore()
    core.connect('bob')
    core.in(...Array.from({ length: 300 }, (_, i) => core.asking(i + 1)))
    expect(core.frames(core.run(opened(SESSION)))).toHaveLength(1 + 256)
    const more = core.frames(core.receive(hello({ 1: 299 })))
    expect(more.map(({ id }) => id)).toEqual(Array.from({ length: 43 }, (_, i) => 257 + i))
    expect(core.lines(core.receive(reply(7, bytes(''), { last: true })))).toEqual([
      'settle 7 ""',
      'REQUEST 300 ONE, 10000 ms, credit 32800, "?"',
    ])
  })

  it('is what HELLO says when that is less; those who wait go in their order as others are over', () => {
    const core = asking({}, { 1: 2 })
    const lines = core.lines(core.run(...[1, 2, 3, 4].map((ask) => core.asking(ask, bytes(`${ask}`)))))
    expect(lines.map((line) => line.split(' ONE')[0])).toEqual(['REQUEST 1', 'REQUEST 2'])
    expect(core.lines(core.receive(end(2), reply(1, bytes('a'), { last: true })))).toEqual([
      'fail 2 RequestRejected',
      'settle 1 "a"',
      'REQUEST 3 ONE, 10000 ms, credit 32800, "3"',
      'REQUEST 4 ONE, 10000 ms, credit 32800, "4"',
    ])
  })

  it('counts one that was cancelled until its final frame is here', () => {
    const core = asking({}, { 1: 1 })
    core.lines(core.ask(1))
    expect(core.lines(core.run({ type: 'cancel', ask: 1 }, core.asking(2)))).toEqual(['CANCEL 1'])
    expect(core.lines(core.receive(reply(1, bytes('late'))))).toEqual([])
    expect(core.lines(core.receive(end(1)))).toEqual(['REQUEST 2 ONE, 10000 ms, credit 1048608, "?"'])
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

describe('the idle time of a stream', () => {
  const late = (core: AskingCore, now: number): string[] => {
    core.now = now
    return core.lines(core.run({ type: 'woken' }))
  }
  const gaveUp = ['fail 1 RequestTimeout', 'CANCEL 1']

  it('begins with the first value, and anew with whatever comes', () => {
    const core = streaming({ ...PUSH, idleTimeout: 100 })
    expect(late(core, 5_000)).toEqual([])
    core.receive(reply(1, bytes('a')))
    expect(late(core, 5_099)).toEqual([])
    // A piece of a value is life too.
    core.receive(reply(1, filled(9), { total: 20 }))
    expect(late(core, 5_198)).toEqual([])
    core.receive(reply(1, filled(11)))
    expect(late(core, 5_297)).toEqual([])
    expect(late(core, 5_298)).toEqual(gaveUp)
    expect(core.state.asks.deadlines.size).toBe(0)
  })

  it('names itself', () => {
    const core = streaming({ ...PUSH, idleTimeout: 100 })
    core.receive(reply(1, bytes('a')))
    core.now = 100
    expect(refusalOf(core.run({ type: 'woken' }))).toBe(
      'RequestTimeout: no answer from bob within 100 ms after the last value of the stream (idleTimeout)',
    )
  })

  it('ends with the stream', () => {
    const core = streaming({ ...PUSH, idleTimeout: 100 })
    core.receive(reply(1, bytes('a')), end(1))
    expect(core.state.asks.deadlines.size).toBe(0)
  })

  it('does not count while values wait for a loop, and begins when the last one is taken', () => {
    const core = streaming({ ...PULL, idleTimeout: 100 })
    core.receive(reply(1, bytes('a')), reply(1, bytes('b')))
    expect(late(core, 100)).toEqual([])
    expect(late(core, 250)).toEqual([])
    core.run({ type: 'taken', ask: 1, cost: 66 })
    expect(late(core, 349)).toEqual([])
    expect(late(core, 350)).toEqual(gaveUp)
  })

  it('has no end where the caller says none', () => {
    const core = streaming(PUSH)
    core.receive(reply(1, bytes('a')))
    expect(late(core, 14_000)).toEqual([])
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
