/** What answers to our own requests may hold while they come: shares by peer, and none of them waits for ever. */
import { describe, expect, it } from '@jest/globals'
import { limitsOf, type Limits } from '../../../src/core/limits/limits.js'
import type { Effect } from '../../../src/core/effects.js'
import type { Event } from '../../../src/core/events.js'
import type { Settings } from '../../../src/core/settings.js'
import { Core, refusalOf, shorts, used } from '../../support/core.js'
import { asking, type AskingCore } from '../../support/session-cores.js'
import { fail, filled, join, reply, varint } from '../../support/session.js'
import { opened } from '../../support/v1-asker.js'

const KIB = 1_024
const MIB = 1_024 * KIB
const FRAME = 16 * KIB

const low = (limits: Partial<Limits>, more: Partial<Settings> = {}): Partial<Settings> => ({
  limits: limitsOf(limits),
  pingInterval: 1e9,
  ...more,
})

/** Nothing of any answer is booked any more. */
function expectNothing({ state }: Core): void {
  expect(used(state.budget)).toMatchObject({ responses: 0, early: 0 })
  expect([state.responses.waiting.size, state.responses.lent]).toEqual([0, 0])
}

/** Ids of those that were answered, or failed. */
function ended(effects: Effect[]): number[] {
  return effects.flatMap((effect) => (effect.type === 'settle' || effect.type === 'fail' ? [effect.ask] : []))
}

describe('an answer over version 1 that comes in parts', () => {
  /** So many requests to each of these, from stream 1 on in turn: the streams by peer. */
  function asked(core: Core, peers: string[], count: number): Map<string, number[]> {
    const streams = new Map<string, number[]>()
    let id = 0
    for (const [at, peer] of peers.entries()) {
      core.connect(peer, at + 1)
      const opens: Effect[] = []
      for (let i = 0; i < count; i++) opens.push(...core.request(++id, peer))
      for (let next = 0; next < opens.length; next++) {
        const effect = opens[next]!
        if (effect.type === 'open') opens.push(...core.in(opened(effect.stream)))
      }
      streams.set(
        peer,
        opens.flatMap((effect) => (effect.type === 'open' ? [effect.stream] : [])),
      )
    }
    return streams
  }

  const part = (stream: number, ...parts: Uint8Array[]): Event => ({ type: 'data', stream, chunks: [join(...parts)] })

  it('is read on while there is room for all of it, and otherwise not', () => {
    const core = new Core(low({ responseBytesPerPeer: 100_000 }))
    const [first, second] = asked(core, ['bob'], 2).get('bob')!
    expect(core.in(part(first!, varint(60_000), filled(10)))).toEqual([])
    expect(shorts(core.in(part(second!, varint(60_000), filled(10))))).toEqual([`pause ${second}`])
    expect(used(core.state.budget)).toMatchObject({ responses: 60_000, early: 60_000 })
    expect(shorts(core.in(part(first!, filled(59_990))))).toEqual(['settle 1', `resume ${second}`])
    expect(shorts(core.in(part(second!, filled(59_990))))).toEqual(['settle 2'])
    expectNothing(core)
  })

  it('that is here at once needs no room', () => {
    const core = new Core(low({ responseBytes: 1, responseBytesPerPeer: 1 }))
    const streams = asked(core, ['bob'], 3).get('bob')!
    core.in(part(streams[0]!, varint(10), filled(5)))
    expect(shorts(core.in(part(streams[1]!, varint(10), filled(10))))).toEqual(['settle 2'])
  })

  it('is one of 64 of a mebibyte of each of four peers: all are here in the end, and no more at once than may be', () => {
    const peers = ['ann', 'bob', 'cem', 'dan']
    const core = new Core(low({}, { maxStreams: 64 }))
    const streams = asked(core, peers, 64)
    const paused = new Set<number>()
    const reading = new Set<number>()
    const left = new Map([...streams.values()].flat().map((stream) => [stream, MIB - 10]))
    const done: number[] = []
    const heed = (effects: Effect[]): void => {
      for (const effect of effects) {
        if (effect.type === 'pause') paused.add(effect.stream)
        if (effect.type === 'resume') {
          paused.delete(effect.stream)
          reading.add(effect.stream)
        }
        expect(effect.type).not.toBe('fail')
      }
      done.push(...ended(effects))
      expect(core.state.budget.all.responses).toBeLessThanOrEqual(64 * MIB)
    }
    for (const stream of left.keys()) {
      heed(core.in(part(stream, varint(MIB), filled(10))))
      if (!paused.has(stream)) reading.add(stream)
    }
    expect(reading.size).toBeGreaterThan(16)
    expect(reading.size).toBeLessThan(64)
    for (const stream of reading) {
      heed(core.in(part(stream, new Uint8Array(left.get(stream)!))))
      reading.delete(stream)
    }
    expect(new Set(done).size).toBe(256)
    expectNothing(core)
  })

  it('is read on though it is larger than the share of its peer, when it is alone', () => {
    const core = new Core(low({ responseBytesPerPeer: 1_000 }))
    const [first, second] = asked(core, ['bob'], 2).get('bob')!
    expect(core.in(part(first!, varint(60_000), filled(10)))).toEqual([])
    expect(shorts(core.in(part(second!, varint(500), filled(10))))).toEqual([`pause ${second}`])
  })

  it('that never ends holds up others of its peer until its time is over, and nobody else', () => {
    const core = new Core(low({ responseBytesPerPeer: 100_000 }))
    const streams = asked(core, ['bob', 'carol'], 2)
    const [first, second] = streams.get('bob')!
    core.in(part(first!, varint(90_000), filled(10)))
    core.in(part(second!, varint(90_000), filled(10)))
    expect(core.in(part(streams.get('carol')![0]!, varint(90_000), filled(10)))).toEqual([])
    core.now = 10_000
    const effects = core.in({ type: 'woken' })
    const reasons = effects.flatMap((effect) => (effect.type === 'fail' ? [effect.refusal.message] : []))
    expect(reasons.slice(0, 2)).toEqual([
      'no answer from bob within 10000 ms: it has begun, and not come to its end',
      'no answer from bob within 10000 ms while the answer waited for room (limits.responseBytes)',
    ])
    expectNothing(core)
  })

  it('makes room when too much has come of those that wait: the newest of whoever has most of them', () => {
    const core = new Core(low({ responseBytes: MIB, responseBytesPerPeer: 300 * KIB }))
    const streams = asked(core, ['bob', 'carol'], 5)
    const [of, other] = [streams.get('bob')!, streams.get('carol')!]
    const begin = (stream: number): Effect[] => core.in(part(stream, varint(300 * KIB), filled(10)))
    expect([begin(of[0]!), begin(other[0]!)]).toEqual([[], []])
    for (const stream of of.slice(1, 4)) expect(shorts(begin(stream))).toEqual([`pause ${stream}`])
    // Three of Bob's wait, 256 KiB and 10 bytes of each. A fourth one is too much, and so is one of Carol's, but she has fewer.
    const fourth = begin(of[4]!)
    expect(refusalOf(fourth)).toContain('Overloaded: no room for the answer of bob')
    expect(ended(fourth)).toEqual([5])
    const hers = begin(other[1]!)
    expect(ended(hers)).toEqual([4])
    expect(shorts(hers)).toContain(`pause ${other[1]}`)
  })

  it.each<[string, (core: Core, stream: number) => void]>([
    ['is cancelled', (core) => core.in({ type: 'cancel', ask: 2 })],
    ['is reset', (core, stream) => core.in({ type: 'streamClosed', stream, reason: 'reset' })],
    ['ends in its middle', (core, stream) => core.in({ type: 'streamEnded', stream })],
    ['is lost with its connection', (core) => core.in({ type: 'connectionClosed', connection: 1 })],
    ['is longer than it said', (core, stream) => core.in(part(stream, filled(100_000)))],
  ])('takes nothing any more when it %s', (_what, end) => {
    const core = new Core(low({ responseBytesPerPeer: 100_000 }))
    const [first, second, third] = asked(core, ['bob'], 3).get('bob')!
    for (const stream of [first!, second!, third!]) core.in(part(stream, varint(90_000), filled(10)))
    end(core, second!)
    const rest = core.state.asks.open.size
    expect(core.state.budget.all.early).toBe(rest === 2 ? 90_000 : 0)
    core.in({ type: 'cancel', ask: 1 }, { type: 'cancel', ask: 3 })
    expectNothing(core)
  })
})

describe('an answer over a session that comes in parts', () => {
  /** The credit that was given, by request. */
  function credits(core: AskingCore, effects: Effect[]): Record<number, number> {
    const given = core.frames(effects).filter(({ name }) => name === 'CREDIT')
    return Object.fromEntries(given.map(({ id, amount }) => [id, amount!]))
  }

  const first = (id: number, total: number): Uint8Array => reply(id, filled(FRAME), { total })

  it('gets the credit for the rest when there is room for it', () => {
    const core = asking(low({ responseBytesPerPeer: 100_000 })).unknown()
    core.frames([...core.ask(1), ...core.ask(2)])
    expect(credits(core, core.receive(first(1, 80_000)))).toEqual({ 1: expect.any(Number) })
    expect(credits(core, core.receive(first(2, 80_000)))).toEqual({})
    const rest = [1, 2, 3].map((at) => reply(1, filled(FRAME, at), { more: true }))
    core.receive(...rest)
    const effects = core.receive(reply(1, filled(80_000 - 4 * FRAME), { last: true }))
    expect(ended(effects)).toEqual([1])
    expect(credits(core, effects)).toEqual({ 2: expect.any(Number) })
    expect(used(core.state.budget)).toMatchObject({ responses: 80_000, early: 0 })
    core.in({ type: 'cancel', ask: 2 })
    expectNothing(core)
  })

  it('that fits into a frame needs no room', () => {
    const core = asking(low({ responseBytes: 1, responseBytesPerPeer: 1 })).unknown()
    for (let ask = 1; ask <= 3; ask++) core.frames(core.ask(ask))
    core.receive(first(1, 80_000))
    expect(ended(core.receive(reply(2, filled(FRAME), { last: true })))).toEqual([2])
    expect(ended(core.receive(reply(3, filled(0), { last: true })))).toEqual([3])
  })

  it('is one of 64 of a mebibyte: all are here in the end, and no more at once than may be', () => {
    const core = asking(low({})).unknown()
    const credit = new Map<number, number>()
    const sent = new Map<number, number>()
    const done: number[] = []
    const heed = (effects: Effect[]): void => {
      for (const { name, id, amount, credit: given } of core.frames(effects)) {
        if (name === 'REQUEST') credit.set(id, given! - 32)
        if (name === 'CREDIT') credit.set(id, credit.get(id)! + amount!)
      }
      done.push(...ended(effects))
      const { responses, early } = core.state.budget.all
      expect(responses).toBeLessThanOrEqual(16 * MIB)
      expect(early).toBeLessThanOrEqual(64 * FRAME)
    }
    for (let ask = 1; ask <= 64; ask++) heed(core.ask(ask))
    for (let moved = true; moved;) {
      moved = false
      for (const [id, left] of credit) {
        const at = sent.get(id) ?? 0
        const size = Math.min(FRAME, left, MIB - at)
        if (size === 0) continue
        moved = true
        credit.set(id, left - size)
        sent.set(id, at + size)
        const isLast = at + size === MIB
        const total = at === 0 ? { total: MIB } : {}
        core.now++
        heed(core.receive(reply(id, new Uint8Array(size), isLast ? { last: true } : { more: true, ...total })))
      }
    }
    expect(done).toHaveLength(64)
    expectNothing(core)
  })

  it('has all its credit from the start while few requests are open, and that of what came of late when many are', () => {
    const core = asking(low({ responseBytesPerPeer: 3 * MIB }))
    const asks = Array.from({ length: 5 }, (_, at) => core.asking(at + 1))
    const given = core.frames(core.run(...asks)).map(({ credit }) => credit! - 32)
    expect(given).toEqual([MIB, MIB, MIB, FRAME, FRAME])
    core.receive(first(5, 20_000), reply(5, filled(20_000 - FRAME), { last: true }))
    expect(core.frames(core.ask(6)).map(({ credit }) => credit! - 32)).toEqual([20_000])
  })

  it('waits as a value of several too, which come one after the other', () => {
    const core = asking(low({ responseBytesPerPeer: 100_000 }))
    core.frames(core.ask(1))
    core.frames(core.ask(2, undefined, { mode: 'push' }))
    core.receive(first(1, 90_000))
    expect(credits(core, core.receive(first(2, 70_000)))).toEqual({})
    const effects = core.receive(fail(1, 'Rejected'))
    // Beyond the credit that each stream of values has.
    expect(credits(core, effects)).toEqual({ 2: 70_000 - 65_504 })
    const pieces = [1, 2, 3].map((at) => reply(2, filled(FRAME, at), { more: true }))
    core.receive(...pieces, reply(2, filled(70_000 - 4 * FRAME)))
    expectNothing(core)
    core.receive(first(2, 70_000))
    expect(used(core.state.budget)).toMatchObject({ responses: 70_000, early: 0 })
  })

  it('waits as a value without running out of its idle time, which one that has room does', () => {
    const core = asking(low({ responseBytesPerPeer: 100_000 }))
    for (const ask of [1, 2]) {
      core.frames(core.ask(ask, undefined, { mode: 'push', idleTimeout: 1_000 }))
      core.receive(reply(ask, filled(10)))
    }
    core.receive(first(1, 90_000), first(2, 90_000))
    const effects = core.at(1_000)
    expect(ended(effects)).toEqual([1])
    expect(refusalOf(effects)).toContain('RequestTimeout: no answer from bob within 1000 ms: it has begun')
    expect(used(core.state.budget)).toMatchObject({ responses: 90_000, early: 0 })
  })

  it('has its idle time from when there is room for it', () => {
    const core = asking(low({ responseBytesPerPeer: 100_000 }))
    for (const ask of [1, 2]) {
      core.frames(core.ask(ask, undefined, { mode: 'push', idleTimeout: 1_000 }))
      core.receive(reply(ask, filled(10)))
    }
    core.receive(first(1, 90_000), first(2, 90_000))
    core.now = 990
    core.run({ type: 'cancel', ask: 1 })
    expect(ended(core.at(1_989))).toEqual([])
    expect(ended(core.at(1_990))).toEqual([2])
  })

  it.each<[string, (core: AskingCore) => unknown]>([
    ['is cancelled', (core) => core.run({ type: 'cancel', ask: 1 }, { type: 'cancel', ask: 2 })],
    ['is refused in its middle', (core) => core.receive(fail(1, 'Busy'), fail(2, 'Busy'))],
    ['is lost with its session', (core) => core.in({ type: 'streamClosed', stream: 1, reason: 'reset' })],
    ['is lost with its connection', (core) => core.in({ type: 'connectionClosed', connection: 1 })],
    ['breaks the protocol', (core) => core.receive(reply(1, filled(10), { last: true }))],
    ['is late', (core) => core.at(10_000)],
  ])('takes nothing any more when it %s', (_what, end) => {
    const core = asking(low({ responseBytesPerPeer: 100_000 }))
    core.frames([...core.ask(1), ...core.ask(2)])
    core.receive(first(1, 90_000), first(2, 90_000))
    expect(used(core.state.budget)).toMatchObject({ responses: 90_000, early: FRAME + 32 })
    end(core)
    expectNothing(core)
  })
})
