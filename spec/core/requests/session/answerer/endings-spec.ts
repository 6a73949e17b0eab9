/** How requests that come over a session end early, and the session itself: cancel, deadlines, violations, half-closes. */
import { describe, expect, it } from '@jest/globals'
import type { Effect } from '../../../../../src/core/effects.js'
import type { Event } from '../../../../../src/core/events.js'
import { bytes, shorts } from '../../../../support/core.js'
import { answering, AnsweringCore } from '../../../../support/session-cores.js'
import * as wire from '../../../../support/session.js'

const { cancel, credit, data, filled, hello, request, SESSION } = wire

const ENDED: Event = { type: 'streamEnded', stream: 2 }

/** Bob has asked these texts, as 1, 2, 3 …: exchanges -1, -2, -3 … */
function asked(...texts: string[]): AnsweringCore {
  const core = answering()
  core.receive(...texts.map((text, i) => request(i + 1, bytes(text), { credit: 1_000 })))
  return core
}

function inbound(stream: number): Event {
  return { type: 'streamInbound', stream, connection: 1, protocol: SESSION }
}

/** What the core still keeps of requests of others. */
function left({ state: { exchanges, budget, streams } }: AnsweringCore): number[] {
  const sizes = [exchanges.open, exchanges.deadlines, budget.accounts, budget.waiting, streams.sessions]
  return [...sizes.map(({ size }) => size), budget.bytes, budget.admitted]
}

describe('CANCEL', () => {
  it('stops whoever works on the request, and is answered by one FAIL', () => {
    const core = asked('a', 'b')
    expect(core.lines(core.receive(cancel(1)))).toEqual(['cancelHandler -1', 'FAIL 1 Cancelled'])
    expect(core.receive(cancel(1), credit(1, 5))).toEqual([])
    expect(core.run({ type: 'respond', exchange: -1, data: bytes('late') })).toEqual([])
    expect([...core.state.exchanges.open.keys()]).toEqual([-2])
  })

  it('stops a producer in the middle of its values, and of one of them', () => {
    const core = asked('a')
    core.lines(
      core.run({ type: 'next', exchange: -1, data: filled(500) }, { type: 'next', exchange: -1, data: filled(900) }),
    )
    expect(core.lines(core.receive(cancel(1)))).toEqual(['cancelHandler -1', 'FAIL 1 Cancelled'])
    expect(core.run({ type: 'next', exchange: -1, data: bytes('x') }, { type: 'complete', exchange: -1 })).toEqual([])
  })

  it('of an answer that waits for credit tells nobody, for nobody works on it any more', () => {
    const core = asked('a')
    core.lines(core.run({ type: 'respond', exchange: -1, data: filled(5_000) }))
    expect(core.lines(core.receive(cancel(1)))).toEqual(['FAIL 1 Cancelled'])
  })

  it('of a request that is not whole yet hands nothing over, and its rest is ignored', () => {
    const core = answering()
    core.receive(request(1, filled(5), { total: 20 }))
    expect(core.lines(core.receive(data(1, filled(5), true), cancel(1), data(1, filled(10))))).toEqual([
      'FAIL 1 Cancelled',
    ])
    expect(core.state.budget.bytes).toBe(0)
  })

  it('of one that is over is ignored', () => {
    const core = asked('a')
    core.run({ type: 'respond', exchange: -1, data: bytes('x') })
    expect(core.receive(cancel(1))).toEqual([])
  })

  it('right behind its request lets the handler hear of both', () => {
    const core = answering()
    expect(core.lines(core.receive(request(1, bytes('a')), cancel(1)))).toEqual([
      'handle -1 "a"',
      'cancelHandler -1',
      'FAIL 1 Cancelled',
    ])
  })
})

describe('a deadline', () => {
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
    expect(core.lines(core.at(10_000))).toEqual(['FAIL 1 Rejected, "it took longer than 10000 ms"'])
    expect(core.receive(data(1, filled(5)))).toEqual([])
  })

  it('ends an answer of one value that is not taken', () => {
    const core = answering()
    core.receive(request(1, bytes('a'), { credit: 10 }))
    core.run({ type: 'respond', exchange: -1, data: bytes('b') })
    expect(core.lines(core.at(10_000))).toEqual(['FAIL 1 Rejected, "it took longer than 10000 ms"'])
  })

  it('is over with the first of many values', () => {
    const core = asked('a')
    core.lines(core.run({ type: 'next', exchange: -1, data: bytes('x') }))
    expect(core.state.exchanges.deadlines.size).toBe(0)
    core.now = 12_000
    expect(core.lines(core.run({ type: 'next', exchange: -1, data: bytes('y') }))).toEqual(['REPLY 1, "y"'])
  })
})

describe('a violation by the asker', () => {
  it.each<[string, Uint8Array[], string]>([
    ['a second HELLO', [hello()], 'a frame of type 0 is not for an answerer'],
    ['REPLY', [wire.reply(1, bytes('x'))], 'a frame of type 3 is not for an answerer'],
    ['END', [wire.end(1)], 'a frame of type 4 is not for an answerer'],
    ['FAIL', [wire.fail(1, 'x')], 'a frame of type 5 is not for an answerer'],
    ['REQUEST with the id 0', [request(0, bytes('x'))], 'a frame has no id'],
    ['DATA with the id 0', [data(0, bytes('x'))], 'a frame has no id'],
    ['CANCEL with the id 0', [cancel(0)], 'a frame has no id'],
    ['CREDIT with the id 0', [credit(0, 1)], 'a frame has no id'],
    ['an id that was used', [request(1, bytes('x'))], 'an id was used again'],
    ['an id that does not rise', [request(9, bytes('x')), request(8, bytes('x'))], 'an id was used again'],
    ['DATA for what never was', [data(3, bytes('x'))], 'there is more of a request that never was'],
    ['DATA for what is complete', [data(1, bytes('x'))], 'there is more of a request that is complete'],
    ['CANCEL of what never was', [cancel(3)], 'it cancelled a request that never was'],
    ['CANCEL with a body', [wire.frame(6, 1, bytes('x'))], 'CANCEL has a body'],
    ['CREDIT for what never was', [credit(3, 1)], 'it gave credit to a request that never was'],
    ['CREDIT of 0', [wire.frame(7, 1, wire.varint(0))], 'CREDIT is broken'],
    ['credit over 2^32', [credit(1, 2 ** 32)], 'it gave too much credit'],
    ['a REQUEST that is cut', [wire.frame(1, 3)], 'a number is broken'],
    [
      'more than the total',
      [request(3, filled(5), { total: 9 }), data(3, filled(5))],
      'a request is not as long as it said',
    ],
    [
      'less than the total',
      [request(3, filled(5), { total: 9 }), data(3, filled(3))],
      'a request is not as long as it said',
    ],
    ['MORE of a request that is complete', [request(3, filled(9), { total: 9 })], 'a request is longer than it said'],
    ['MORE of nothing', [request(3, filled(0), { total: 0 })], 'a request is longer than it said'],
    [
      'DATA with MORE that completes it',
      [request(3, filled(5), { total: 9 }), data(3, filled(4), true)],
      'a request is not as long as it said',
    ],
    ['a payload over 16,384', [request(3, filled(16_385))], 'a payload is too long for one frame'],
    [
      'a piece over 16,384',
      [request(3, filled(5), { total: 50_000 }), data(3, filled(16_385), true)],
      'a payload is too long for one frame',
    ],
    [
      'more than the first window without CREDIT',
      // Another one fills the room, so there is none for this one.
      [
        request(3, filled(1), { total: 1_000_000 }),
        request(4, filled(1), { total: 1_000_000 }),
        ...[1, 2, 3, 4].map(() => data(4, filled(16_384), true)),
      ],
      'it sent more than its credit allows',
    ],
    ['an unknown frame', [wire.frame(9, 1)], 'frames of type 9 are unknown'],
  ])('resets the session for %s: all of its requests are over, the connection stays', (_what, frames, why) => {
    const core = answering({ maxInboundBytesPerPeer: 1_200_000 })
    core.receive(request(1, bytes('a'), { credit: 9 }), request(2, bytes('b'), { credit: 9 }))
    const effects = core.run(core.hears(...frames))
    expect(effects.filter(({ type }) => type === 'reset')).toEqual([{ type: 'reset', stream: 2, reason: why }])
    expect(
      shorts(effects)
        .filter((line) => line.startsWith('cancelHandler'))
        .slice(0, 2),
    ).toEqual(['cancelHandler -1', 'cancelHandler -2'])
    expect(effects.some(({ type }) => type === 'closeConnection' || type === 'write')).toBe(false)
    expect(left(core)).toEqual([0, 0, 0, 0, 0, 0, 0])
    // What our callers say then is said to nobody.
    expect(core.run({ type: 'respond', exchange: -1, data: bytes('x') }, core.hears(cancel(1)))).toEqual([])
  })

  it('may be in its first frame, which must be HELLO', () => {
    for (const first of [
      request(1, bytes('x')),
      wire.frame(0x89, 0),
      wire.frame(0, 1),
      wire.frame(0, 0, wire.varint(1)),
    ]) {
      const core = new AnsweringCore()
      core.connect('bob')
      core.in(inbound(2))
      expect(shorts(core.receive(first))).toEqual(['reset 2'])
      expect(core.state.streams.sessions.size).toBe(0)
    }
  })

  it('lets the peer open another session', () => {
    const core = asked('a')
    core.run(core.hears(hello()))
    core.stream = 4
    core.in(inbound(4))
    expect(core.lines(core.receive(hello(), request(1, bytes('b'))))).toEqual([
      'handle -2 "b"',
      'HELLO 0=3 1=1000 2=65536 3=1048576',
    ])
  })
})

describe('sessions that a peer opens', () => {
  it('are one at a time: a second one is reset, and the first goes on', () => {
    const core = asked('a')
    expect(shorts(core.in(inbound(4)))).toEqual(['reset 4'])
    expect(core.in({ type: 'data', stream: 4, chunks: [hello()] })).toEqual([])
    expect(core.lines(core.run({ type: 'respond', exchange: -1, data: bytes('x') }))).toEqual(['REPLY 1 LAST, "x"'])
  })

  it('are eight in the life of a connection; the ninth costs it', () => {
    const core = answering()
    for (let stream = 4; stream <= 16; stream += 2) {
      core.in({ type: 'streamClosed', stream: stream - 2, reason: 'closed' })
      expect(core.in(inbound(stream))).toEqual([])
    }
    expect(shorts(core.in(inbound(18)))).toEqual(['closeConnection 1'])
    expect([core.state.streams.sessions.size, core.state.connections.all.size]).toEqual([0, 0])
  })

  it('count when they were refused, too', () => {
    const core = answering()
    for (let stream = 4; stream <= 16; stream += 2)
      expect(shorts(core.in(inbound(stream)))).toEqual([`reset ${stream}`])
    expect(shorts(core.in(inbound(18)))).toEqual(['closeConnection 1'])
  })
})

describe('an asker that closes its side', () => {
  it('gets our end at once when nothing is open', () => {
    const core = answering()
    expect(core.lines(core.in(ENDED))).toEqual(['write 2 end'])
    expect(core.state.streams.sessions.size).toBe(0)
  })

  it.each([
    ['with its HELLO', [{ type: 'data', stream: 2, chunks: [hello()] }]],
    ['without a word', []],
  ] satisfies [string, Event[]][])('at once, %s, gets our HELLO before our end', (_how, before) => {
    const core = new AnsweringCore()
    core.connect('bob')
    core.in(inbound(2))
    const lines = core.lines(core.run(...before, ENDED))
    expect(lines.map((line) => line.split(' ')[0])).toEqual(['HELLO', 'write'])
    expect(core.state.streams.sessions.size).toBe(0)
  })

  it('gets its answers before our end', () => {
    const core = asked('a', 'b', 'c')
    expect(core.in(ENDED)).toEqual([])
    expect(
      core.lines(core.run({ type: 'respond', exchange: -2, data: bytes('x') }, { type: 'reject', exchange: -1 })),
    ).toEqual(['REPLY 2 LAST, "x"', 'FAIL 1 Rejected'])
    expect(core.lines(core.run({ type: 'next', exchange: -3, data: bytes('y') }))).toEqual(['REPLY 3, "y"'])
    expect(core.lines(core.run({ type: 'complete', exchange: -3 }))).toEqual(['END 3', 'write 2 end'])
    expect([core.state.streams.sessions.size, core.state.exchanges.open.size]).toEqual([0, 0])
  })

  it('gets our end behind a write that is under way, and not before', () => {
    const core = asked('a')
    core.in({ type: 'respond', exchange: -1, data: bytes('x') })
    expect(core.in(ENDED)).toEqual([])
    expect(shorts(core.in({ type: 'writable', stream: 2 }))).toEqual(['write 2 0 end'])
  })

  it('is still told of deadlines', () => {
    const core = asked('a')
    core.in(ENDED)
    core.now = 10_000
    expect(core.lines(core.run({ type: 'woken' }))).toEqual([
      'cancelHandler -1',
      'FAIL 1 Rejected, "nobody answered within 10000 ms"',
      'write 2 end',
    ])
  })

  it('in the middle of a request lets its deadline end that', () => {
    const core = answering()
    core.receive(request(1, filled(5), { total: 10 }))
    expect(core.in(ENDED)).toEqual([])
    core.now = 10_000
    expect(core.lines(core.run({ type: 'woken' }))).toEqual([
      'FAIL 1 Rejected, "it took longer than 10000 ms"',
      'write 2 end',
    ])
  })

  it('must not send anything after that', () => {
    const core = asked('a')
    core.in(ENDED)
    expect(shorts(core.in(core.hears(cancel(1))))).toEqual(['reset 2', 'cancelHandler -1'])
  })
})

describe('the end of a session', () => {
  it.each<[string, Event]>([
    ['by a reset', { type: 'streamClosed', stream: 2, reason: 'reset' }],
    ['with its connection', { type: 'connectionClosed', connection: 1 }],
  ])('%s stops whoever works for it, once, and leaves nothing', (_how, event) => {
    const core = asked('a', 'b', 'c')
    core.run({ type: 'next', exchange: -2, data: bytes('x') }, { type: 'respond', exchange: -3, data: filled(5_000) })
    expect(shorts(core.in(event))).toEqual(['cancelHandler -1', 'cancelHandler -2'])
    expect(left(core)).toEqual([0, 0, 0, 0, 0, 0, 0])
    const late: Effect[] = core.in({ type: 'complete', exchange: -2 }, { type: 'writable', stream: 2 }, ENDED)
    expect(late).toEqual([])
  })

  it('by our stop tells the handlers', () => {
    const core = asked('a', 'b')
    expect(shorts(core.in({ type: 'shutdown', ask: 9 }))).toEqual(['cancelHandler -1', 'cancelHandler -2', 'stop'])
    expect(core.state.exchanges.open.size + core.state.budget.accounts.size + core.state.budget.bytes).toBe(0)
  })
})

describe('the connection of a session over which we are asked', () => {
  it('is in use while a request is open', () => {
    const core = answering()
    core.now = 4_000
    core.receive(request(1, bytes('a'), { credit: 100 }), request(2, filled(5), { total: 10 }))
    expect(core.state.connections.idle.size).toBe(0)
    core.now = 5_000
    core.run({ type: 'respond', exchange: -1, data: bytes('x') })
    expect(core.state.connections.idle.size).toBe(0)
    core.receive(cancel(2))
    expect([...core.state.connections.idle]).toEqual([[1, 5_000]])
  })
})
