/** The stream of a session over which we ask: how it is opened, how it ends, and what follows for requests that wait. */
import { describe, expect, it } from '@jest/globals'
import type { Event } from '../../../../../src/core/events.js'
import { bytes, shorts, V1 } from '../../../../support/core.js'
import { asking, AskingCore, BOTH } from '../../../../support/session-cores.js'
import { hello, reply, SESSION, filled } from '../../../../support/session.js'
import * as wire from '../../../../support/session.js'

function identified(...protocols: string[]): Event {
  return { type: 'identified', connection: 1, peer: 'bob', protocols, addresses: [], agent: '' }
}

function opened(protocol: string, stream = 1): Event {
  return { type: 'streamOpened', stream, protocol }
}

function openFailed(reason: 'unsupported' | 'lost' | 'failed', stream = 1): Event {
  return { type: 'streamOpenFailed', stream, reason, failure: { message: 'no' } }
}

/** Bob is connected, and has said these protocols if any; three requests wait for a stream to him. */
function waiting(...protocols: string[]): AskingCore {
  const core = new AskingCore()
  core.connect('bob')
  if (protocols.length > 0) core.in(identified(...protocols))
  core.in(core.asking(1), core.asking(2), core.asking(3))
  return core
}

/** Requests 1 (one value), 2 (a stream of values) and 3 (cancelled), all on their way; number 4 waits for room. */
function busy(): AskingCore {
  const core = asking({}, { 1: 3 })
  core.run(core.asking(1), core.asking(2, bytes('?'), { mode: 'push' }), core.asking(3))
  core.run({ type: 'cancel', ask: 3 }, core.asking(4))
  return core
}

describe('the first request to a peer', () => {
  it('that has not said what it speaks offers both protocols in one negotiation, also for those who come later', () => {
    const core = new AskingCore()
    core.connect('bob')
    expect(core.in(core.asking(1))).toEqual([{ type: 'open', stream: 1, connection: 1, protocols: BOTH }])
    expect(core.in(core.asking(2))).toEqual([])
  })

  it('that named the session offers nothing else', () => {
    const core = new AskingCore()
    core.connect('bob')
    core.in(identified(V1, SESSION))
    expect(core.in(core.asking(1))).toEqual([{ type: 'open', stream: 1, connection: 1, protocols: [SESSION] }])
  })

  it('that named version 1 alone goes by that, a stream for each', () => {
    const core = new AskingCore()
    core.connect('bob')
    core.in(identified(V1, '/other/1.0.0'))
    expect(core.in(core.asking(1), core.asking(2))).toEqual([
      { type: 'open', stream: 1, connection: 1, protocols: [V1] },
      { type: 'open', stream: 3, connection: 1, protocols: [V1] },
    ])
  })

  it('sends all that waited with our HELLO in one write, in order, when the session is open', () => {
    const core = waiting()
    const effects = core.in(opened(SESSION))
    expect(effects).toHaveLength(1)
    expect(core.lines(effects)).toEqual([
      'HELLO 0=7',
      'REQUEST 1 ONE, 10000 ms, credit 1048608, "?"',
      'REQUEST 2 ONE, 10000 ms, credit 1048608, "?"',
      'REQUEST 3 ONE, 10000 ms, credit 1048608, "?"',
    ])
  })

  it('uses the negotiated stream for itself when it turns out to be of version 1, and opens others for the rest', () => {
    const core = waiting()
    expect(shorts(core.in(opened(V1)))).toEqual(['write 1 2 end', 'open 3 on 1', 'open 5 on 1'])
    expect(core.state.streams.sessions.size).toBe(0)
    expect(core.in(core.asking(4))).toEqual([{ type: 'open', stream: 7, connection: 1, protocols: [V1] }])
  })

  it('goes by version 1 when the peer refuses the session that it had named', () => {
    const core = waiting(SESSION, V1)
    expect(core.in(openFailed('unsupported'))).toEqual(
      [3, 5, 7].map((stream) => ({ type: 'open', stream, connection: 1, protocols: [V1] })),
    )
  })

  it('is rejected, with all that wait, by a peer that speaks neither', () => {
    expect(shorts(waiting().in(openFailed('unsupported')))).toEqual(
      [1, 2, 3].map((ask) => `fail ${ask} RequestRejected`),
    )
    expect(shorts(waiting(SESSION).in(openFailed('unsupported')))).toEqual(
      [1, 2, 3].map((ask) => `fail ${ask} RequestRejected`),
    )
  })

  it('is lost, with all that wait, when no stream can be opened; the next one tries anew', () => {
    const core = waiting()
    expect(shorts(core.in(openFailed('failed')))).toEqual([1, 2, 3].map((ask) => `fail ${ask} DialError`))
    expect(core.in(core.asking(4))).toEqual([{ type: 'open', stream: 3, connection: 1, protocols: BOTH }])
    expect(core.state.streams.sessions.size).toBe(1)
  })

  it('closes a connection that can carry no streams any more', () => {
    const core = waiting()
    core.in({ type: 'pinged', connection: 1, rtt: 1 })
    expect(shorts(core.in(openFailed('lost')))).toEqual(['closeConnection 1', 'dial bob'])
    expect([...core.state.dials.get('bob')!.waiting]).toEqual([1, 2, 3])
    expect([core.state.streams.sessions.size, core.state.asks.open.size, core.state.asks.deadlines.size]).toEqual([
      0, 3, 1,
    ])
  })

  it('can be cancelled while it waits, and nothing of it is sent', () => {
    const core = waiting()
    expect(core.in({ type: 'cancel', ask: 1 }, { type: 'cancel', ask: 3 })).toEqual([])
    expect(core.lines(core.in(opened(SESSION)))).toEqual(['HELLO 0=7', 'REQUEST 1 ONE, 10000 ms, credit 1048608, "?"'])
    core.receive(hello())
    expect(core.lines(core.receive(reply(1, bytes('a'), { last: true })))).toEqual(['settle 2 "a"'])
  })

  it('leaves a stream of version 1 that nobody needs any more', () => {
    const core = new AskingCore()
    core.connect('bob')
    core.in(core.asking(1))
    core.in({ type: 'cancel', ask: 1 })
    expect(shorts(core.in(opened(V1)))).toEqual(['reset 1'])
  })

  it('gives up at its deadline while the session is being opened, and the session is kept for the next', () => {
    const core = waiting()
    expect(shorts(core.at(10_000))).toEqual([1, 2, 3].map((ask) => `fail ${ask} RequestTimeout`))
    expect(core.lines(core.run(opened(SESSION)))).toEqual(['HELLO 0=7'])
    core.receive(hello())
    expect(core.lines(core.ask(4))).toEqual(['REQUEST 1 ONE, 10000 ms, credit 1048608, "?"'])
  })

  it('is cancelled while it is being dialled without a trace', () => {
    const core = new AskingCore()
    expect(shorts(core.in(core.asking(1)))).toEqual(['dial bob'])
    expect(core.in({ type: 'cancel', ask: 1 })).toEqual([])
    expect(shorts(core.connect('bob'))).toEqual([])
    expect(core.state.asks.open.size + core.state.asks.deadlines.size + core.state.streams.sessions.size).toBe(0)
  })
})

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
      // Of another one nothing had been sent.
      'dial bob',
      'fail 1 ConnectionLost',
      'fail 2 ConnectionLost',
    ])
    const { asks, streams, connections, dials } = core.state
    expect([...dials.get('bob')!.waiting]).toEqual([4])
    const left = [asks.open, asks.deadlines, streams.sessions, connections.idle].map(({ size }) => size)
    expect(left).toEqual([1, 1, 0, 0])
  })

  it.each<[string, Event]>([
    ['the session', { type: 'streamClosed', stream: 1, reason: 'reset' }],
    ['the connection', { type: 'connectionClosed', connection: 1 }],
  ])('leaves a request that waited for a write, of which nothing was sent: %s', (what, event) => {
    const core = asking()
    core.in(core.asking(1))
    core.in(core.asking(2))
    const [lost, goesOn] = core.in(event)
    expect(lost).toMatchObject({
      ask: 1,
      refusal: { code: 'ConnectionLost', message: `no answer from bob: ${what} was lost` },
    })
    expect(goesOn).toMatchObject({ type: what === 'the session' ? 'open' : 'dial' })
    expect(core.state.asks.open.get(2)).toMatchObject({ data: { length: 1 }, call: undefined, moves: 1 })
  })

  it('says whom it lost and why', () => {
    const core = asking()
    core.ask(1)
    expect(core.in({ type: 'streamClosed', stream: 1, reason: 'reset' })).toEqual([
      {
        type: 'fail',
        ask: 1,
        refusal: { code: 'ConnectionLost', message: 'no answer from bob: the session was lost' },
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
      'HELLO 0=7',
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
