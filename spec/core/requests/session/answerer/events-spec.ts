/** The stream of a session over which a peer asks: how it is opened, closed by the asker, and how it ends. */
import { describe, expect, it } from '@jest/globals'
import { limitsOf } from '../../../../../src/core/limits/limits.js'
import type { Event } from '../../../../../src/core/events.js'
import { bytes, shorts } from '../../../../support/core.js'
import { answering, AnsweringCore, asked, inbound, left } from '../../../../support/session-cores.js'
import { filled, hello, request, SESSION, type Asked, cancel } from '../../../../support/session.js'
import type { Effect } from '../../../../../src/core/effects.js'

const RICH: Asked = { credit: 1_000_000 }
const ENDED: Event = { type: 'streamEnded', stream: 2 }

describe('a session that a peer opens', () => {
  it('is greeted with our limits, once', () => {
    const core = new AnsweringCore({ limits: limitsOf({ requestsPerPeer: 300 }), maxRequestSize: 5_000 })
    core.connect('bob')
    expect(core.in({ type: 'streamInbound', stream: 2, connection: 1, protocol: SESSION })).toEqual([])
    expect(core.lines(core.receive(hello({ 0: 1, 77: 5 })))).toEqual(['HELLO 0=7 1=300 2=65536 3=5000 5=16384'])
    expect(core.lines(core.receive(request(1, bytes('?'), RICH)))).toEqual(['handle -1 "?"'])
  })

  it('is told no more than its share of all requests, and may have that', () => {
    const core = new AnsweringCore({ limits: limitsOf({ requests: 628 }) })
    core.connect('bob')
    core.in({ type: 'streamInbound', stream: 2, connection: 1, protocol: SESSION })
    expect(core.lines(core.receive(hello()))[0]).toMatch(/^HELLO 0=7 1=256 /)
    const burst = Array.from({ length: 256 }, (_, i) => request(i + 1, bytes('?'), RICH))
    expect(core.lines(core.receive(...burst)).filter((text) => text.startsWith('FAIL'))).toEqual([])
    expect(core.lines(core.receive(request(257, bytes('?'), RICH)))).toEqual([
      'FAIL 257 Overloaded, after 1000 ms, "too many requests are open"',
    ])
  })

  it('is not greeted before it has said HELLO', () => {
    const core = new AnsweringCore()
    core.connect('bob')
    core.in({ type: 'streamInbound', stream: 2, connection: 1, protocol: SESSION })
    expect(core.receive(hello().slice(0, 2))).toEqual([])
    expect(core.lines(core.receive(hello().slice(2)))).toHaveLength(1)
  })

  it('may ask right behind its HELLO', () => {
    const core = new AnsweringCore()
    core.connect('bob')
    core.in({ type: 'streamInbound', stream: 2, connection: 1, protocol: SESSION })
    expect(core.lines(core.receive(hello(), request(1, bytes('?'), RICH)))).toEqual([
      'handle -1 "?"',
      'HELLO 0=7 1=1000 2=65536 3=1048576 5=16384',
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
      'FAIL 1 Timeout, "the request came too slowly: 5 of its 10 bytes have arrived"',
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
    const ends = core.lines(core.in({ type: 'shutdown', ask: 9 }))
    expect(ends).toEqual(['cancelHandler -1', 'cancelHandler -2', 'FAIL 1 Stopped', 'FAIL 2 Stopped', 'stop'])
    expect(core.state.exchanges.open.size + core.state.budget.accounts.size + core.state.budget.all.bytes).toBe(0)
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
