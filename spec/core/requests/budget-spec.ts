/** Room for requests that come over a session: who gets it, who waits, and who is refused. */
import { describe, expect, it } from '@jest/globals'
import { limitsOf } from '../../../src/core/limits/limits.js'
import { peerState } from '../../../src/core/peers/peer-states.js'
import type { Settings } from '../../../src/core/settings.js'
import { answering, type AnsweringCore } from '../../support/session-cores.js'
import { accountsInUse, bytes } from '../../support/core.js'
import { cancel, data, filled, hello, join, request, SESSION } from '../../support/session.js'

const WINDOW = 65_536
/** What of them comes without CREDIT in any case. */
const FLIGHT = 16_384

/** As large as all the room of the spec that uses it. */
const TOTAL = 4 * WINDOW

function begin(id: number, total: number): Uint8Array {
  return request(id, filled(1_000, id), { credit: 100, total })
}

/** What is missing of a request of `total` bytes that `begin` has begun, from `from` on. */
function rest(id: number, total: number, from = 1_000): Uint8Array {
  const frames: Uint8Array[] = []
  for (let at = from; at < total; at += 16_384) {
    frames.push(data(id, filled(Math.min(16_384, total - at)), at + 16_384 < total))
  }
  return join(...frames)
}

function books(core: AnsweringCore): unknown {
  const { exchanges, budget } = core.state
  for (const exchange of core.state.turns.lingering.keys()) core.in({ type: 'released', exchange })
  const { bytes: inboundBytes, admitted } = budget.all
  const accounts = accountsInUse(core.state)
  return { exchanges: exchanges.open.size, waiting: budget.waiting.size, accounts, inboundBytes, admitted }
}

const NOTHING = { exchanges: 0, waiting: 0, accounts: 0, inboundBytes: 0, admitted: 0 }

describe('a request over our limit', () => {
  it('is refused as TooLarge by what it says, and what was under way of it is ignored', () => {
    const core = answering({ maxRequestSize: 2_000 })
    expect(core.lines(core.receive(begin(1, 2_001), rest(1, 2_001)))).toEqual([
      'FAIL 1 TooLarge, "the limit is 2000 bytes"',
    ])
    expect(core.lines(core.receive(request(2, filled(2_001))))).toEqual(['FAIL 2 TooLarge, "the limit is 2000 bytes"'])
    expect(core.lines(core.receive(request(3, filled(2_000))))).toEqual(['handle -1 2000 bytes'])
  })
})

describe('requests that find no room', () => {
  const ROOM: Partial<Settings> = { limits: limitsOf({ requestBytes: 300_000, requestBytesPerPeer: 240_000 }) }

  it('whole: are refused as Overloaded, with a time to come back', () => {
    const core = answering({ limits: limitsOf({ requestBytesPerPeer: 20_000 }) })
    core.receive(request(1, filled(15_000)))
    expect(core.lines(core.receive(request(2, filled(6_000)), request(3, filled(5_000))))).toEqual([
      'handle -3 5000 bytes',
      'FAIL 2 Overloaded, after 1000 ms, "no room for a request of this size"',
    ])
  })

  it('too many: are refused as Overloaded while the others go on', () => {
    const core = answering({ limits: limitsOf({ requestsPerPeer: 2 }) })
    core.receive(request(1, bytes('a')), request(2, bytes('b')))
    expect(core.lines(core.receive(request(3, bytes('c'))))).toEqual([
      'FAIL 3 Overloaded, after 1000 ms, "too many requests are open"',
    ])
    expect(core.lines(core.run({ type: 'complete', exchange: -1 }))).toEqual(['END 1'])
    expect(core.lines(core.receive(request(4, bytes('d'))))).toEqual(['handle -3 "d"'])
  })

  it('are told by `peers$` a second after the first of them', () => {
    const core = answering({ limits: limitsOf({ requestsPerPeer: 1 }) })
    const seen: unknown[] = []
    const look = (after: number): void => {
      core.now += after
      const tells = core.all({ type: 'woken' }).some(({ type }) => type === 'peersChanged')
      seen.push([tells, peerState(core.state, 'bob').refused])
    }
    core.receive(request(1, bytes('a')), request(2, bytes('b')))
    look(999)
    core.receive(request(3, bytes('c')))
    for (const after of [1, 5_000]) look(after)
    expect(seen).toEqual([
      [false, undefined],
      [true, 2],
      [false, 2],
    ])
  })

  it('in pieces: get no credit before another has made room, then all of it', () => {
    const core = answering(ROOM)
    expect(core.lines(core.receive(begin(1, 150_000)))).toEqual([`CREDIT 1 ${150_000 - FLIGHT}`])
    expect(core.receive(begin(2, 100_000))).toEqual([])
    // Its first window may come all the same.
    expect(core.receive(join(data(2, filled(16_384), true), data(2, filled(16_384), true)))).toEqual([])
    expect(core.lines(core.receive(rest(1, 150_000)))).toEqual(['handle -1 150000 bytes'])
    expect(core.lines(core.run({ type: 'complete', exchange: -1 }))).toEqual(['END 1', `CREDIT 2 ${WINDOW}`])
    expect(core.lines(core.receive(rest(2, 100_000, 1_000 + 2 * 16_384)))).toEqual(['handle -2 100000 bytes'])
    core.run({ type: 'complete', exchange: -2 })
    expect(books(core)).toEqual(NOTHING)
  })

  it('in pieces: are refused when not even their first window fits', () => {
    const core = answering({ limits: limitsOf({ requestBytesPerPeer: 200_000 }) })
    core.receive(begin(1, 150_000))
    // First windows have 200,000 bytes of their own: three fit.
    expect(core.lines(core.receive(...[2, 3, 4, 5].map((id) => begin(id, 100_000))))).toEqual([
      'FAIL 5 Overloaded, after 1000 ms, "no room for a request of this size"',
    ])
  })

  it('in pieces: need no more room when the first window is all of it, and get credit at once', () => {
    const core = answering({ limits: limitsOf({ requestBytesPerPeer: 100_000 }) })
    core.receive(begin(1, 90_000))
    expect(core.lines(core.receive(begin(2, WINDOW)))).toEqual([`CREDIT 2 ${WINDOW}`])
    expect(books(core)).toMatchObject({ waiting: 0, admitted: 1 })
    expect(core.lines(core.receive(rest(2, WINDOW)))).toEqual([`handle -2 ${WINDOW} bytes`])
    core.run({ type: 'complete', exchange: -2 }, core.hears(cancel(1)))
    expect(books(core)).toEqual(NOTHING)
  })

  it('in pieces: get that credit in the measure of the line, too', () => {
    const core = answering({ limits: limitsOf({ requestBytesPerPeer: 100_000 }) }).unknown()
    core.receive(begin(1, 90_000))
    expect(core.receive(begin(2, 20_000))).toEqual([])
    expect(core.lines(core.receive(data(2, filled(FLIGHT - 1_000), true)))).toEqual(['CREDIT 2 3616'])
    // One that is larger waits, and gets none.
    expect(core.receive(begin(3, WINDOW + 1), data(3, filled(FLIGHT - 1_000), true))).toEqual([])
    expect(books(core)).toMatchObject({ waiting: 1 })
  })

  it('in pieces: go in their order, whoever ended', () => {
    const core = answering({ limits: limitsOf({ requestBytesPerPeer: 599_999 }) })
    core.frames(core.receive(begin(1, 400_000)))
    core.receive(begin(2, 300_000), begin(3, 300_000))
    expect(core.lines(core.receive(cancel(1)))).toEqual([`FAIL 1 Cancelled`, `CREDIT 2 ${300_000 - FLIGHT}`])
    expect(core.lines(core.receive(cancel(2)))).toEqual([`FAIL 2 Cancelled`, `CREDIT 3 ${300_000 - FLIGHT}`])
  })

  it('in pieces: wait for those of other peers, and hear of it when they have ended', () => {
    const core = answering({ limits: limitsOf({ requestBytes: 230_000 }) })
    core.connect('carol', 2)
    core.in({ type: 'streamInbound', stream: 4, connection: 2, protocol: SESSION })
    core.in({ type: 'data', stream: 4, chunks: [join(hello(), begin(1, 150_000))] })
    expect(core.receive(begin(1, 180_000))).toEqual([])
    expect(core.lines(core.in({ type: 'connectionClosed', connection: 2 }))).toEqual([`CREDIT 1 ${180_000 - FLIGHT}`])
  })

  it('in pieces: one that is larger than all of the room goes when it stands alone', () => {
    const core = answering({
      limits: limitsOf({ requestBytes: 100_000, requestBytesPerPeer: 100_000 }),
      maxRequestSize: 500_000,
    })
    core.receive(request(1, bytes('small')))
    expect(core.receive(begin(2, 400_000))).toEqual([])
    expect(core.lines(core.run({ type: 'complete', exchange: -1 }))).toEqual(['END 1', `CREDIT 2 ${400_000 - FLIGHT}`])
    expect(core.lines(core.receive(rest(2, 400_000)))).toEqual(['handle -2 400000 bytes'])
  })

  it('in pieces: none is stuck for ever, however many fill the room with their first windows', () => {
    const core = answering({ limits: limitsOf({ requestBytesPerPeer: 4 * WINDOW }) })
    core.receive(request(1, bytes('small')))
    // Three times the first window fits beside it, and none of the three as a whole.
    expect(core.receive(...[2, 3, 4].map((id) => begin(id, TOTAL)))).toEqual([])
    expect(books(core)).toMatchObject({ waiting: 3, admitted: 1 })
    for (const exchange of [-1, -2, -3]) {
      const id = 1 - exchange
      const lines = core.lines(core.run({ type: 'complete', exchange }))
      expect(lines).toEqual([`END ${id - 1}`, `CREDIT ${id} ${TOTAL - FLIGHT}`])
      expect(core.lines(core.receive(rest(id, TOTAL)))).toEqual([`handle ${exchange - 1} ${TOTAL} bytes`])
    }
    core.run({ type: 'complete', exchange: -4 })
    expect(books(core)).toEqual(NOTHING)
  })

  it('while they wait: are given up by CANCEL, by their deadline and by the end of the session, and leave nothing', () => {
    for (const way of ['cancel', 'deadline', 'session'] as const) {
      const core = answering(ROOM)
      core.receive(begin(1, 150_000), begin(2, 100_000))
      expect(core.state.budget.waiting.size).toBe(1)
      if (way === 'cancel') core.receive(cancel(2), cancel(1))
      else if (way === 'deadline') core.at(10_000)
      else core.in({ type: 'streamClosed', stream: 2, reason: 'reset' })
      expect(books(core)).toEqual(NOTHING)
      expect(core.state.exchanges.deadlines.size).toBe(0)
    }
  })
})

describe('an asker that asks and does not read', () => {
  /** Requests with these ids, in one chunk; the session has a write that nobody has taken. */
  function stuck(settings: Partial<Settings> = {}): AnsweringCore {
    const core = answering(settings)
    core.in(core.hears(request(1, filled(100))))
    core.in({ type: 'complete', exchange: -1 })
    return core
  }

  const ids = (from: number, count: number): number[] => Array.from({ length: count }, (_, i) => from + i)

  it('may have 256 requests open, though we take fewer; one more is a violation', () => {
    const core = stuck({ limits: limitsOf({ requestsPerPeer: 10 }) })
    core.in(core.hears(...ids(2, 256).map((id) => request(id, bytes('?')))))
    expect(core.state.streams.sessions.size).toBe(1)
    expect(core.in(core.hears(request(258, bytes('?')))).map(({ type }) => type)).toContain('reset')
    expect(books(core)).toEqual(NOTHING)
  })

  it('cannot make refusals wait here without end', () => {
    const core = stuck({ maxRequestSize: 10 })
    core.in(core.hears(...ids(2, 1_000).map((id) => request(id, filled(11)))))
    expect(core.state.connections.all.get(1)!.answering!.failures).toHaveLength(1_000)
    expect(core.in(core.hears(request(1_002, filled(11))))).toMatchObject([
      { type: 'reset', reason: 'too many requests are open' },
    ])
  })

  it('cannot make answers to CANCEL wait here without end', () => {
    const core = stuck()
    core.in(core.hears(...ids(2, 1_000).flatMap((id) => [request(id, bytes('?')), cancel(id)])))
    expect(core.state.connections.all.get(1)!.answering!.failures).toHaveLength(1_000)
    expect(core.in(core.hears(request(1_002, bytes('?'))))).toMatchObject([{ type: 'reset' }])
  })

  it('may go on for ever as long as it reads', () => {
    const core = answering({ maxRequestSize: 10 })
    for (let id = 1; id <= 3_000; id += 2) {
      const lines = core.lines(core.receive(request(id, filled(11)), request(id + 1, bytes('?')), cancel(id + 1)))
      expect(lines.filter((line) => line.startsWith('FAIL'))).toHaveLength(2)
    }
  })
})
