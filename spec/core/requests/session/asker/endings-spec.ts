/** How a session over which we ask ends: by its peer, its connection, a violation, or our stop. And what goes on after it. */
import { describe, expect, it } from '@jest/globals'
import type { Effect } from '../../../../../src/core/effects.js'
import type { Event } from '../../../../../src/core/events.js'
import { bytes, shorts } from '../../../../support/core.js'
import { asking, AskingCore, BOTH } from '../../../../support/session-cores.js'
import * as wire from '../../../../support/session.js'

const { filled, reply, SESSION } = wire

/** What we said of a session that we reset. */
function reasonOf(effects: Effect[]): string | undefined {
  return effects.find((effect) => effect.type === 'reset')?.reason
}

/** Requests 1 (one value), 2 (a stream of values) and 3 (cancelled), all on their way; number 4 waits for room. */
function busy(): AskingCore {
  const core = asking({}, { 1: 3 })
  core.run(core.asking(1), core.asking(2, bytes('?'), { mode: 'push' }), core.asking(3))
  core.run({ type: 'cancel', ask: 3 }, core.asking(4))
  return core
}

describe('a session that ends', () => {
  it.each<[string, Event, string[]]>([
    ['is reset by the peer', { type: 'streamClosed', stream: 1, reason: 'reset' }, []],
    ['is closed', { type: 'streamClosed', stream: 1, reason: 'closed' }, []],
    ['is ended by the answerer', { type: 'streamEnded', stream: 1 }, ['reset 1']],
  ])('loses what was asked over it when it %s, and only that', (_how, event, before) => {
    const core = busy()
    expect(shorts(core.in(event))).toEqual([
      ...before,
      'fail 1 ConnectionLost',
      'fail 2 ConnectionLost',
      // What had not been sent gets another session.
      'open 3 on 1',
    ])
    expect([...core.state.asks.open.keys()]).toEqual([4])
    expect(core.state.asks.deadlines.size).toBe(1)
  })

  it('loses all that wait for the connection when that is lost', () => {
    const core = busy()
    expect(shorts(core.in({ type: 'connectionClosed', connection: 1 }))).toEqual([
      'fail 4 ConnectionLost',
      'fail 1 ConnectionLost',
      'fail 2 ConnectionLost',
    ])
    const { asks, streams, connections } = core.state
    const left = [asks.open, asks.deadlines, streams.sessions, connections.idle].map(({ size }) => size)
    expect(left).toEqual([0, 0, 0, 0])
  })

  it('says whom it lost and why', () => {
    const core = asking()
    core.ask(1)
    expect(core.in({ type: 'streamClosed', stream: 1, reason: 'reset' })).toEqual([
      {
        type: 'fail',
        ask: 1,
        refusal: { code: 'ConnectionLost', message: 'the session was lost before bob answered' },
      },
    ])
  })

  it('does not touch the session with another peer', () => {
    const core = asking()
    core.ask(1)
    core.connect('carol', 2)
    core.in({ ...core.asking(2), peer: 'carol' } as Event)
    core.in({ type: 'streamOpened', stream: 3, protocol: SESSION })
    expect(shorts(core.in({ type: 'streamClosed', stream: 1, reason: 'reset' }))).toEqual(['fail 1 ConnectionLost'])
    const answer = wire.join(wire.hello(), reply(1, bytes('a'), { last: true }))
    expect(shorts(core.in({ type: 'data', stream: 3, chunks: [answer] }))).toEqual(['settle 2'])
  })

  it('is followed by a new one, with ids from 1 and nothing of the old', () => {
    const core = asking()
    core.ask(1, filled(100_000))
    core.in(core.hears(wire.credit(1, 5).slice(0, 2)))
    core.in({ type: 'streamClosed', stream: 1, reason: 'reset' })
    expect(core.in(core.asking(2))).toEqual([{ type: 'open', stream: 3, connection: 1, protocols: [SESSION] }])
    core.stream = 3
    expect(core.lines(core.run({ type: 'streamOpened', stream: 3, protocol: SESSION }))).toEqual([
      'HELLO 0=3',
      'REQUEST 1 ONE, 10000 ms, credit 1048608, "?"',
    ])
    expect(core.lines(core.receive(wire.hello(), reply(1, bytes('a'), { last: true })))).toEqual(['settle 2 "a"'])
  })

  it('is not followed by another while nobody asks', () => {
    const core = asking()
    expect(core.in({ type: 'streamClosed', stream: 1, reason: 'reset' })).toEqual([])
    expect(core.state.streams.sessions.size).toBe(0)
  })

  it('is opened anew by negotiation when it was lost before it was open', () => {
    const core = new AskingCore()
    core.connect('bob')
    core.in(core.asking(1))
    core.in({ type: 'streamOpenFailed', stream: 1, reason: 'failed', failure: { message: 'no' } })
    expect(core.in(core.asking(2))).toMatchObject([{ type: 'open', protocols: BOTH }])
  })

  it('sends nothing over its stream after its end', () => {
    const core = busy()
    core.in({ type: 'streamClosed', stream: 1, reason: 'reset' })
    const late: Event[] = [
      { type: 'writable', stream: 1 },
      core.hears(reply(1, bytes('a'), { last: true })),
      { type: 'taken', ask: 2, cost: 99 },
      { type: 'cancel', ask: 2 },
      { type: 'streamEnded', stream: 1 },
    ]
    expect(core.in(...late)).toEqual([])
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
      expect([code, message]).toEqual(['ConnectionLost', `the session was reset (${why}) before bob answered`])
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
    expect(logged).toEqual([
      {
        type: 'log',
        level: 'warn',
        message: 'the session with bob was reset: a frame of type 0 is not for an asker',
      },
    ])
  })
})

describe('the connection of a session', () => {
  it('is in use while a request is open, and idle as soon as none is', () => {
    const core = asking()
    core.now = 3_000
    core.run(core.asking(1), core.asking(2, bytes('?'), { mode: 'push' }))
    expect(core.state.connections.idle.size).toBe(0)
    core.now = 4_000
    core.receive(reply(1, bytes('a'), { last: true }))
    expect(core.state.connections.idle.size).toBe(0)
    core.now = 5_000
    core.receive(wire.end(2))
    expect([...core.state.connections.idle]).toEqual([[1, 5_000]])
    expect(shorts(core.at(14_999))).not.toContain('closeConnection 1')
    expect(shorts(core.at(15_000))).toContain('closeConnection 1')
    expect(core.state.streams.sessions.size).toBe(0)
  })

  it('is idle again when its session was lost', () => {
    const core = asking()
    core.ask(1)
    core.now = 2_000
    core.in({ type: 'streamClosed', stream: 1, reason: 'reset' })
    expect([...core.state.connections.idle]).toEqual([[1, 2_000]])
  })
})

describe('a node that stops', () => {
  it('ends what is asked over sessions, and hears nothing of them any more', () => {
    const core = busy()
    expect(shorts(core.in({ type: 'shutdown', ask: 9 }))).toEqual([
      'fail 1 NodeStopped',
      'fail 2 NodeStopped',
      'fail 4 NodeStopped',
      'stop',
    ])
    expect(core.in(core.hears(reply(1, bytes('a'), { last: true })), { type: 'writable', stream: 1 })).toEqual([])
    expect(core.state.streams.sessions.size + core.state.asks.open.size + core.state.streams.unflushed.length).toBe(0)
  })
})
