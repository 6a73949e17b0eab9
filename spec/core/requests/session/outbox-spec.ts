/** Who goes first when there is much to send: small before large, large in turns, and one write for an instant. */
import { describe, expect, it } from '@jest/globals'
import { limitsOf } from '../../../../src/core/limits/limits.js'
import type { Effect } from '../../../../src/core/effects.js'
import type { Event } from '../../../../src/core/events.js'
import { bytes } from '../../../support/core.js'
import { answering, asking, type SessionCore } from '../../../support/session-cores.js'
import { credit, filled, request, type Seen } from '../../../support/session.js'

const MIB = 1_048_576
const PIECE = 16_384
/** The last piece of a write may be shorter by this: what is left of the write. */
const SHORTER = 512

const respond = (exchange: number, data: Uint8Array): Event => ({ type: 'respond', exchange, data })

/** Small requests are about. */
function paced(core: SessionCore): void {
  core.paced()
}

/** Answers of 1 MiB to the requests 1 … `count`, of which the first write has gone; one more request is open. */
function answeringLarge(count: number, prepare?: typeof paced): { core: SessionCore; first: Seen[] } {
  const core = answering()
  prepare?.(core)
  const ids = Array.from({ length: count + 1 }, (_, i) => i + 1)
  core.receive(...ids.map((id) => request(id, bytes('?'), { credit: 2 * MIB })))
  const large = ids.slice(0, count).map((id) => respond(-id, filled(MIB, id)))
  return { core, first: core.frames(core.in(...large)) }
}

/** Requests of 1 MiB, with credit for all of it. */
function askingLarge(count: number, prepare?: typeof paced): { core: SessionCore; first: Seen[] } {
  const core = asking()
  prepare?.(core)
  const asks = Array.from({ length: count }, (_, i) => i + 1)
  const first = core.frames(core.in(...asks.map((ask) => core.asking(ask, filled(MIB, ask)))))
  core.in(core.hears(...asks.map((id) => credit(id, MIB))))
  return { core, first }
}

function drain(core: SessionCore): Effect[] {
  return core.in({ type: 'writable', stream: core.stream })
}

describe('a small value beside large ones', () => {
  it('leaves with the next write, before their pieces, as an answer', () => {
    const { core } = answeringLarge(5)
    expect(core.in(respond(-6, bytes('small')))).toEqual([])
    const frames = core.frames(drain(core))
    expect([frames[0]!.id, frames[0]!.last, frames[0]!.payload]).toEqual([6, true, bytes('small')])
  })

  it('leaves with the next write, before their pieces, as a request', () => {
    const { core } = askingLarge(5)
    expect(core.in({ ...asking().asking(9, bytes('small')) })).toEqual([])
    const frames = core.frames(drain(core))
    expect([frames[0]!.name, frames[0]!.id, frames[0]!.payload]).toEqual(['REQUEST', 6, bytes('small')])
  })

  it.each([
    ['the first', 16, undefined],
    ['the next', 4, paced],
  ])('waits for no more than a few pieces, however many values and bytes wait: %s for %i', (_what, most, prepare) => {
    for (const { core, first } of [answeringLarge(30, prepare), askingLarge(30, prepare)]) {
      const payload = (frames: Seen[]): number => frames.reduce((sum, seen) => sum + (seen.payload?.length ?? 0), 0)
      const writes = [first, ...Array.from({ length: 20 }, () => core.frames(drain(core)))].map(payload)
      expect(Math.max(...writes)).toBeLessThanOrEqual(most * PIECE)
      expect(Math.min(...writes)).toBeGreaterThan((most - 2) * PIECE)
    }
  })

  it('does not keep them from going on, however many small ones come', () => {
    const core = answering({ limits: limitsOf({ requestsPerPeer: 10_000 }) })
    core.receive(request(1, bytes('?'), { credit: 2 * MIB }))
    core.frames(core.in(respond(-1, filled(MIB))))
    let large = 0
    let id = 1
    for (let turn = 0; turn < 15; turn++) {
      const small = Array.from({ length: 20 }, () => request(++id, bytes('?'), { credit: 20_000 }))
      const from = id - 20
      core.in(core.hears(...small), ...small.map((_, i) => respond(-(from + i + 1), filled(10_000))))
      large += core.frames(drain(core)).filter((seen) => seen.id === 1).length
    }
    expect(large).toBeGreaterThanOrEqual(15)
  })
})

describe('large values', () => {
  it.each([
    ['answers', answeringLarge],
    ['requests', askingLarge],
  ])('take turns as %s: none is ever more than a piece ahead of another, and each arrives whole', (_what, make) => {
    const { core, first } = make(5)
    const values = [0, 1, 2, 3, 4, 5].map((id) => filled(MIB, id))
    const sent = new Map([1, 2, 3, 4, 5].map((id) => [id, 0]))
    const take = (frames: Seen[]): void => {
      for (const { id, payload } of frames) {
        if (payload === undefined) continue
        const from = sent.get(id)!
        expect(Buffer.compare(payload, values[id]!.subarray(from, from + payload.length))).toBe(0)
        sent.set(id, from + payload.length)
        const all = [...sent.values()]
        expect(Math.max(...all) - Math.min(...all)).toBeLessThanOrEqual(PIECE + SHORTER)
      }
    }
    take(first)
    for (let frames = core.frames(drain(core)); frames.length > 0; frames = core.frames(drain(core))) take(frames)
    expect([...sent.values()]).toEqual([MIB, MIB, MIB, MIB, MIB])
  })

  it('that wait for credit are passed over, and take their turns again when it comes', () => {
    const core = answering().paced()
    core.receive(request(1, bytes('?'), { credit: 100 }), request(2, bytes('?'), { credit: MIB }))
    core.frames(core.in(respond(-1, filled(50_000)), respond(-2, filled(200_000))))
    expect(core.frames(drain(core)).map(({ id }) => id)).toEqual([2, 2, 2, 2])
    core.in(core.hears(credit(1, 40_000)))
    expect(core.frames(drain(core)).map(({ id }) => id)).toEqual([2, 1, 2, 1])
  })
})

describe('a write', () => {
  const more = (effects: Effect[]): (boolean | undefined)[] =>
    effects.flatMap((effect) => (effect.type === 'write' ? [effect.more] : []))

  it('says whether more waits behind it', () => {
    const core = answering().paced()
    core.receive(...[1, 2].map((id) => request(id, bytes('?'), { credit: 2 * MIB })))
    expect(more(core.in(respond(-1, bytes('small'))))).toEqual([undefined])
    drain(core)
    expect(more(core.in(respond(-2, filled(100_000))))).toEqual([true])
    expect(more(drain(core))).toEqual([undefined])
  })

  it('that ends a session whose asker has ended is waited for', () => {
    const core = answering()
    core.receive(request(1, bytes('?'), { credit: 100 }))
    core.in({ type: 'streamEnded', stream: 2 })
    expect(more(core.in(respond(-1, bytes('x'))))).toEqual([true])
    expect(more(drain(core))).toEqual([undefined])
  })
})

describe('one instant', () => {
  it('is one write, whatever it brings', () => {
    const core = answering()
    core.receive(...[1, 2, 3, 4].map((id) => request(id, bytes('?'), { credit: 100_000 })))
    const effects = core.in(
      respond(-1, filled(50_000)),
      { type: 'reject', exchange: -2 },
      { type: 'next', exchange: -3, data: bytes('a') },
      { type: 'next', exchange: -3, data: bytes('b') },
      core.hears(request(5, filled(1), { total: 100_000 })),
      { type: 'complete', exchange: -4 },
    )
    expect(effects.map(({ type }) => type)).toEqual(['write'])
    expect(core.frames(effects).map(({ name, id }) => `${name} ${id}`)).toEqual([
      'CREDIT 5',
      'FAIL 2',
      'REPLY 3',
      'END 4',
      // Its second value stands behind the others again.
      'REPLY 3',
      ...Array.from({ length: 4 }, () => 'REPLY 1'),
    ])
  })

  it('with nothing to send is no write', () => {
    const core = answering()
    expect(core.in({ type: 'writable', stream: 2 }, core.hears(request(1, bytes('?'))))).toMatchObject([
      { type: 'handle' },
    ])
  })

  it('with more small values than fit sends the rest with the next writes, each once and in order', () => {
    const core = answering()
    const ids = Array.from({ length: 100 }, (_, i) => i + 1)
    core.receive(...ids.map((id) => request(id, bytes('?'), { credit: 20_000 })))
    const writes = [core.frames(core.in(...ids.map((id) => respond(-id, filled(5_000, id)))))]
    while (writes.at(-1)!.length > 0) writes.push(core.frames(drain(core)))
    expect(writes.length).toBeGreaterThan(4)
    // The first one did not know yet that they are small.
    expect(writes[0]!.length).toBeLessThanOrEqual(53)
    expect(Math.max(...writes.slice(1).map((frames) => frames.length))).toBeLessThanOrEqual(14)
    expect(writes.flat().map(({ id }) => id)).toEqual(ids)
  })
})
