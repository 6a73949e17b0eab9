/** How a peer is asked: by the session, by version 1, or by what one negotiation finds out. And who waits meanwhile. */
import { describe, expect, it } from '@jest/globals'
import type { Event } from '../../../../../src/core/events.js'
import { bytes, shorts, V1 } from '../../../../support/core.js'
import { asking, AskingCore, BOTH } from '../../../../support/session-cores.js'
import { end, hello, reply, SESSION } from '../../../../support/session.js'

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
      'HELLO 0=3',
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
    expect(shorts(core.in(openFailed('failed')))).toEqual([1, 2, 3].map((ask) => `fail ${ask} ConnectionLost`))
    expect(core.in(core.asking(4))).toEqual([{ type: 'open', stream: 3, connection: 1, protocols: BOTH }])
    expect(core.state.streams.sessions.size).toBe(1)
  })

  it('closes a connection that can carry no streams any more', () => {
    const core = waiting()
    expect(shorts(core.in(openFailed('lost')))).toEqual([
      'closeConnection 1',
      ...[1, 2, 3].map((ask) => `fail ${ask} ConnectionLost`),
    ])
    expect([core.state.streams.sessions.size, core.state.asks.open.size, core.state.asks.deadlines.size]).toEqual([
      0, 0, 0,
    ])
  })

  it('can be cancelled while it waits, and nothing of it is sent', () => {
    const core = waiting()
    expect(core.in({ type: 'cancel', ask: 1 }, { type: 'cancel', ask: 3 })).toEqual([])
    expect(core.lines(core.in(opened(SESSION)))).toEqual(['HELLO 0=3', 'REQUEST 1 ONE, 10000 ms, credit 1048608, "?"'])
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
    expect(core.lines(core.run(opened(SESSION)))).toEqual(['HELLO 0=3'])
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
