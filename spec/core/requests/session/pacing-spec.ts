/** Credit for large values beside small requests: a little at a time, from whoever receives them, in either direction. */
import { describe, expect, it } from '@jest/globals'
import { limitsOf } from '../../../../src/core/limits/limits.js'
import type { Effect } from '../../../../src/core/effects.js'
import {
  createPace,
  nextCredit,
  onPiece,
  onRoundTrip,
  windowOf,
  type Arrival,
  type Pace,
} from '../../../../src/core/requests/session/pacing.js'
import { bytes } from '../../../support/core.js'
import { answering, asking, type SessionCore } from '../../../support/session-cores.js'
import { cancel, credit, data, filled, reply, request } from '../../../support/session.js'

const MIB = 1_048_576
const PIECE = 16_384
/** What may come of a request before any credit, and what is counted on. */
const FIRST = 65_536
const FLIGHT = 16_384
const WINDOW = 32_768
/** What may be on its way to a consumer that pulls. */
const STREAM = 65_536

/** The CREDITs for a request in these writes. */
function credits(core: SessionCore, effects: Effect[], id: number): number[] {
  const given = core.frames(effects).filter((seen) => seen.name === 'CREDIT' && seen.id === id)
  return given.map(({ amount }) => amount!)
}

const sum = (amounts: number[]): number => amounts.reduce((total, amount) => total + amount, 0)

/** The other side sends all of a request that its credit allows, piece by piece; the CREDITs for each piece. */
function sendRequest(core: SessionCore, id: number, total = MIB): number[][] {
  const given = [credits(core, core.receive(request(id, new Uint8Array(), { total })), id)]
  let left = FIRST + sum(given[0]!)
  for (let sent = 0; sent < total;) {
    const size = Math.min(PIECE, left, total - sent)
    expect(size).toBeGreaterThan(0)
    sent += size
    const amounts = credits(core, core.receive(data(id, filled(size), sent < total)), id)
    left += sum(amounts) - size
    given.push(amounts)
  }
  return given
}

/** The other side answers with one value, as far as its credit allows; the credit that it had at most. */
function sendReply(core: SessionCore, id: number, first: number, total = MIB): { given: number[]; most: number } {
  const given: number[] = []
  let left = first - 32
  let most = left
  for (let sent = 0; sent < total;) {
    const size = Math.min(PIECE, left, total - sent)
    expect(size).toBeGreaterThan(0)
    const head = sent === 0 ? { total } : {}
    sent += size
    const ends = sent === total ? { last: true } : { more: true }
    const amounts = credits(core, core.receive(reply(id, filled(size), { ...head, ...ends })), id)
    given.push(...amounts)
    left += sum(amounts) - size
    most = Math.max(most, left)
  }
  return { given, most }
}

describe('a large request', () => {
  it('gets all its credit at once when nothing small is about and the line is fast', () => {
    expect(sendRequest(answering(), 1).flat()).toEqual([MIB - FLIGHT])
  })

  it('gets it in halves of 32,768 bytes beside small requests', () => {
    const given = sendRequest(answering().paced(), 1).flat()
    expect(new Set(given)).toEqual(new Set([WINDOW / 2]))
    expect(sum(given)).toBe(MIB - FLIGHT)
  })

  it('gets it all at once when the last small one is a second ago', () => {
    const core = answering().paced()
    const begin = (id: number): number[] => credits(core, core.receive(request(id, filled(PIECE), { total: MIB })), id)
    core.now += 999
    expect(begin(1)).toEqual([WINDOW])
    core.now += 1
    expect(begin(2)).toEqual([MIB - PIECE])
  })

  it('that had to wait for room gets it in pieces too', () => {
    const core = answering({ limits: limitsOf({ requestBytes: MIB, requestBytesPerPeer: MIB }) }).paced()
    core.receive(request(1, filled(PIECE), { total: MIB }))
    expect(credits(core, core.receive(request(2, filled(PIECE), { total: MIB })), 2)).toEqual([])
    for (let i = 0; i < 3; i++) expect(credits(core, core.receive(data(2, filled(PIECE), true)), 2)).toEqual([])
    // The first one is cancelled, so there is room.
    expect(credits(core, core.receive(cancel(1)), 2)).toEqual([WINDOW])
  })
})

/** Nothing of it is kept back: 65,536 bytes come at once, and then what CREDIT allows, a second later each time. What is under way then. */
function sendUnasked(core: SessionCore, total: number): number[] {
  const first = Array.from({ length: FIRST / PIECE }, () => data(1, filled(PIECE), true))
  let left = sum(credits(core, core.receive(request(1, new Uint8Array(), { total }), ...first), 1))
  const underWay = [left]
  for (let sent = FIRST; sent < total;) {
    const size = Math.min(PIECE, Math.ceil(left / 2), total - sent)
    expect(size).toBeGreaterThan(0)
    sent += size
    core.now += size / RATE
    left += sum(credits(core, core.receive(data(1, filled(size), sent < total)), 1)) - size
    underWay.push(left)
  }
  return underWay
}

/** Of the slow line, bytes per ms. */
const RATE = 25

/** It has shown what it carries. */
function slow(core: SessionCore): SessionCore {
  Object.assign(core.state.connections.all.get(1)!.pace, { rate: RATE, carried: 1e6, roundTrip: 1 })
  return core
}

describe('a large request of an asker that does not wait for CREDIT with the rest of its first window', () => {
  const calm = { pingInterval: 1e9 }

  it('has no more under way than the line carries in a moment', () => {
    const core = slow(answering(calm))
    expect(Math.max(...sendUnasked(core, 400_000))).toBeLessThanOrEqual(RATE * 502)
    expect(core.lines(core.run({ type: 'complete', exchange: -1 }))).toEqual(['END 1'])
  })

  it('does not show a rate by bytes that were under way before', () => {
    const core = slow(answering(calm))
    const { pace } = core.state.connections.all.get(1)!
    sendUnasked(core, FIRST + 1)
    expect(pace.rate).toBeLessThanOrEqual(RATE)
  })

  it('has one frame under way where nothing is known of the line', () => {
    const core = answering(calm).unknown()
    const [first] = sendUnasked(core, 400_000)
    expect(first).toBe(PIECE)
  })

  it('says nothing of the next request, which may keep it back', () => {
    const core = slow(answering(calm))
    sendUnasked(core, 100_000)
    core.run({ type: 'complete', exchange: -1 })
    const { pace } = core.state.connections.all.get(1)!
    const given = credits(core, core.receive(request(2, filled(PIECE), { total: MIB })), 2)
    expect(given).toEqual([windowOf(pace, core.now)])
  })
})

describe('a line of which nothing is known', () => {
  it('has one frame of a request under way, then four times as much in each round in which that comes fast', () => {
    const core = answering().unknown()
    expect(credits(core, core.receive(request(1, filled(PIECE), { total: MIB })), 1)).toEqual([PIECE])
    let left = PIECE
    const given: number[] = []
    for (let size = PIECE; given.length < 3; size = Math.min(PIECE, left)) {
      const amounts = credits(core, core.receive(data(1, filled(size), true)), 1)
      given.push(...amounts)
      left += sum(amounts) - size
    }
    expect(given).toEqual([4 * PIECE, 4 * PIECE, 12 * PIECE])
    const { pace } = core.state.connections.all.get(1)!
    expect(windowOf(pace, core.now)).toBe(16 * PIECE)
  })

  it('has one frame of an answer under way, then four times as much in each round in which that comes fast', () => {
    const core = asking().unknown()
    const [asked] = core.frames(core.ask(1))
    expect(asked!.credit).toBe(PIECE + 32)
    const { given, most } = sendReply(core, asked!.id, asked!.credit!)
    expect(given.slice(0, 3)).toEqual([PIECE, 4 * PIECE, 2 * PIECE])
    expect(sum(given)).toBe(MIB - PIECE)
    expect(most).toBeGreaterThan(16 * PIECE)
  })

  it('sends the first frame of a request, and the rest as CREDIT comes', () => {
    const core = asking({}, { 2: FIRST, 5: PIECE }).unknown()
    const sent = (effects: Effect[]): number => sum(core.frames(effects).map(({ payload }) => payload?.length ?? 0))
    expect(sent(core.ask(1, filled(100_000)))).toBe(PIECE)
    expect(sent(core.receive(credit(1, PIECE)))).toBe(PIECE)
    expect(sent(core.receive(credit(1, FIRST)))).toBe(FIRST)
    // By such a CREDIT the line carries the first window of the next one.
    expect(sent(core.ask(2, filled(100_000)))).toBe(FIRST)
  })
})

describe('a large value of an answer', () => {
  it('has all its credit from the beginning when nothing small is about and the line is fast', () => {
    const core = asking()
    const [asked] = core.frames(core.ask(1))
    expect(asked!.credit).toBe(MIB + 32)
    expect(sendReply(core, asked!.id, asked!.credit!).given).toEqual([])
  })

  it('has 32,768 bytes on its way at most beside small requests', () => {
    const core = asking().paced()
    const [asked] = core.frames(core.ask(1))
    expect(asked!.credit).toBe(WINDOW + 32)
    const { given, most } = sendReply(core, asked!.id, asked!.credit!)
    expect(most).toBe(WINDOW)
    expect(new Set(given)).toEqual(new Set([WINDOW / 2]))
    expect(sum(given)).toBe(MIB - WINDOW)
  })

  it('is completed when it is larger than the window of its stream', () => {
    const core = asking().paced()
    const [asked] = core.frames(core.ask(1, bytes('?'), { mode: 'pull' }))
    expect(sum(sendReply(core, asked!.id, asked!.credit!).given)).toBeGreaterThanOrEqual(MIB - STREAM)
  })

  it('may have more on its way where a round trip takes long', () => {
    const core = asking()
    core.in({ type: 'pinged', connection: 1, rtt: 30 })
    core.in({ type: 'pinged', connection: 1, rtt: 20 })
    core.in({ type: 'pinged', connection: 1, rtt: 40 })
    const [asked] = core.frames(core.paced().ask(1))
    expect(asked!.credit).toBe(20 * 8_192 + 32)
    expect(sendReply(core, asked!.id, asked!.credit!).most).toBe(20 * 8_192)
  })
})

describe('the window of a line', () => {
  /** A line with this round trip over which values have come: credit for so many bytes, all of them here so many ms later. */
  function shown(roundTrip: number, ...rounds: [bytes: number, ms: number][]): Pace {
    const pace = createPace()
    onRoundTrip(pace, roundTrip)
    let now = 0
    for (const [size, ms] of rounds) {
      const arrival: Arrival = { credit: 0, total: Infinity, gathered: { received: 0 }, round: undefined }
      nextCredit(pace, now, arrival)
      arrival.round = { ...arrival.round!, bytes: size, until: size }
      onPiece(pace, now + ms - 1, arrival, size - 1)
      onPiece(pace, (now += ms), arrival, size)
      expect(arrival.round).toBeUndefined()
    }
    return pace
  }
  const calm = (pace: Pace): number => windowOf(pace, 1e9)
  const busy = (pace: Pace): number => windowOf({ ...pace, smallAt: 1e9 }, 1e9)

  it('of which nothing is known is one frame', () => {
    expect([calm(createPace()), busy(createPace())]).toEqual([PIECE, PIECE])
  })

  it('is what it carries in two round trips and half a second, or 300 ms beside small requests', () => {
    const line = shown(80, [20_000, 800])
    expect(calm(line)).toBe(25 * (160 + 500))
    expect(busy(line)).toBe(25 * (160 + 300))
  })

  it('is 8,192 bytes at least', () => {
    expect(calm(shown(80, [1_000, 800]))).toBe(8_192)
  })

  it('grows fourfold at most in one round, because buffers take the first bytes faster than the line', () => {
    expect(calm(shown(1, [PIECE, 1]))).toBe(4 * PIECE)
    expect(calm(shown(1, [PIECE, 1], [4 * PIECE, 2]))).toBe(16 * PIECE)
  })

  it('falls bit by bit after short rounds, which may be pauses of ours, and at once after a second', () => {
    expect(shown(1, [80_000, 100], [4_000, 100]).rate).toBe(800 * (7 / 8))
    expect(shown(1, [80_000, 100], [4_000, 999]).rate).toBe(800 * (7 / 8))
    expect(calm(shown(1, [80_000, 100], [25_000, 1_000]))).toBe(25 * 502)
  })

  it('rises at once', () => {
    expect(shown(1, [4_000, 100], [80_000, 100]).rate).toBe(800)
  })

  it('is learnt from what had all its credit before only if that took more than a second', () => {
    const learnt = (ms: number): number => {
      const pace = shown(1, [80_000, 100])
      const arrival: Arrival = { credit: 60_000, total: 60_000, gathered: { received: 0 }, round: undefined }
      expect(nextCredit(pace, 0, arrival)).toBe(0)
      onPiece(pace, ms, arrival, 60_000)
      return pace.rate
    }
    expect([1, 999, 2_000].map(learnt)).toEqual([800, 800, 30])
  })
})

describe('a small request', () => {
  const creditOfTheNext = (core: ReturnType<typeof asking>): number => core.frames(core.ask(99))[0]!.credit!

  it('is one whose payload and answer fit into a frame each', () => {
    const after = (payload: number, answer: number): number => {
      const core = asking()
      const { id } = core.frames(core.ask(1, filled(payload)))[0]!
      const pieces = answer > PIECE ? [reply(id, filled(PIECE), { total: answer, more: true })] : []
      core.receive(...pieces, reply(id, filled(answer - pieces.length * PIECE), { last: true }))
      return creditOfTheNext(core)
    }
    expect(after(PIECE, PIECE)).toBe(WINDOW + 32)
    expect(after(PIECE + 1, 0)).toBe(MIB + 32)
    expect(after(0, PIECE + 1)).toBe(MIB + 32)
  })

  it('counts in either direction of the connection', () => {
    const core = answering()
    core.receive(request(1, bytes('?'), { credit: MIB }))
    core.run({ type: 'respond', exchange: -1, data: bytes('!') })
    expect(sendRequest(core, 2)[3]).toEqual([WINDOW / 2])
    const other = core.state.connections.all.get(1)!
    expect(other.pace.smallAt).toBe(core.now)
  })
})
