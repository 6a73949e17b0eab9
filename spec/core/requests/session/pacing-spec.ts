/** Credit for large values beside small requests: a little at a time, from whoever receives them, in either direction. */
import { describe, expect, it } from '@jest/globals'
import type { Effect } from '../../../../src/core/effects.js'
import { bytes } from '../../../support/core.js'
import { answering, asking, type SessionCore } from '../../../support/session-cores.js'
import { cancel, data, filled, reply, request } from '../../../support/session.js'

const MIB = 1_048_576
const PIECE = 16_384
/** What may come of a request before any credit. */
const FIRST = 65_536
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
function sendReply(core: SessionCore, id: number, credit: number, total = MIB): { given: number[]; most: number } {
  const given: number[] = []
  let left = credit - 32
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
  it('gets all its credit at once when nothing small is about', () => {
    expect(sendRequest(answering(), 1).flat()).toEqual([MIB - FIRST])
  })

  it('gets it in halves of 32,768 bytes beside small requests', () => {
    const given = sendRequest(answering().paced(), 1)
    expect(given.slice(0, 5)).toEqual([[], [], [], [WINDOW / 2], [WINDOW / 2]])
    expect(sum(given.flat())).toBe(MIB - FIRST)
  })

  it('gets the rest at once when the last small one is a second ago', () => {
    const core = answering().paced()
    core.receive(request(1, new Uint8Array(), { total: MIB }))
    for (let i = 0; i < 2; i++) core.receive(data(1, filled(PIECE), true))
    core.now += 999
    expect(credits(core, core.receive(data(1, filled(PIECE), true)), 1)).toEqual([WINDOW / 2])
    core.now += 1
    expect(credits(core, core.receive(data(1, filled(PIECE), true)), 1)).toEqual([MIB - FIRST - WINDOW / 2])
  })

  it('that had to wait for room gets it in pieces too', () => {
    const core = answering({ maxInboundBytes: MIB, maxInboundBytesPerPeer: MIB }).paced()
    core.receive(request(1, filled(PIECE), { total: MIB }))
    expect(credits(core, core.receive(request(2, filled(PIECE), { total: MIB })), 2)).toEqual([])
    for (let i = 0; i < 3; i++) expect(credits(core, core.receive(data(2, filled(PIECE), true)), 2)).toEqual([])
    // The first one is cancelled, so there is room.
    expect(credits(core, core.receive(cancel(1)), 2)).toEqual([WINDOW])
  })
})

describe('a large value of an answer', () => {
  it('has all its credit from the beginning when nothing small is about', () => {
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
