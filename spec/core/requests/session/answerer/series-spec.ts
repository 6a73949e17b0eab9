/** Producers of several values: those that wait for credit, and those that cannot. */
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import type { Effect } from '../../../../../src/core/effects.js'
import type { Command } from '../../../../../src/core/events.js'
import { heldCost } from '../../../../../src/core/requests/values.js'
import type { Settings } from '../../../../../src/core/settings.js'
import type { Series } from '../../../../../src/core/requests/state.js'
import { bytes } from '../../../../support/core.js'
import { answering, type AnsweringCore } from '../../../../support/session-cores.js'
import { credit, filled, join, request, type Asked } from '../../../../support/session.js'

const next = (data: Uint8Array): Command => ({ type: 'next', exchange: -1, data })
const complete: Command = { type: 'complete', exchange: -1 }
const pullable: Command = { type: 'pullable', exchange: -1 }

/** Bob has asked for many values, and gives this credit. */
function asked(how: Asked, settings: Partial<Settings> = {}): AnsweringCore {
  const core = answering(settings)
  core.receive(request(1, bytes('?'), how))
  return core
}

function series(core: AnsweringCore): Series {
  const exchange = core.state.exchanges.open.get(-1)
  if (exchange?.protocol !== 'session') throw new Error('there is no such exchange')
  return exchange.series!
}

/** An asker that gives credit, and a producer that makes these values when it has leave. */
class Play {
  readonly arrived: Uint8Array[] = []
  private over = false
  private pieces: Uint8Array[] = []
  private leave = 0
  private made = 0
  private spent = 0

  constructor(
    readonly core: AnsweringCore,
    private readonly values: Uint8Array[],
    private given: number,
  ) {
    this.see(core.in(pullable))
  }

  isOver(): boolean {
    return this.over
  }

  /** What both make of the effects. */
  see(effects: Effect[]): void {
    for (const effect of effects) if (effect.type === 'produce') this.leave += effect.allowance
    for (const { name, payload, more, last } of this.core.frames(effects)) {
      if (name === 'END' || last === true) this.over = true
      if (name !== 'REPLY') continue
      if (this.pieces.length === 0) this.spent += 32
      this.spent += payload!.length
      this.pieces.push(payload!)
      if (more) continue
      this.arrived.push(join(...this.pieces))
      this.pieces = []
    }
    if (this.spent > this.given) throw new Error(`${this.spent} was sent, and ${this.given} given`)
  }

  produce(): void {
    if (this.made > this.values.length) return
    while (this.leave > 0 && this.made < this.values.length) {
      const value = this.values[this.made++]!
      this.leave -= heldCost(value.length)
      const { cost } = series(this.core)
      if (cost > 65_536) throw new Error(`it may go on with ${cost} in its queue`)
      this.see(this.core.in(next(value)))
    }
    if (this.made < this.values.length) return
    this.made++
    this.see(this.core.in(complete))
  }

  give(amount: number): void {
    this.given += amount
    this.see(this.core.in(this.core.hears(credit(1, amount))))
  }
}

describe('a producer that can wait', () => {
  it('may make as much as the credit is, and more when it has used that up', () => {
    const core = asked({ credit: 1_000 })
    expect(core.lines(core.run(pullable))).toEqual(['produce -1 1000'])
    expect(core.frames(core.run(next(filled(500))))).toHaveLength(1)
    // 244 of its leave are left, so it needs none yet.
    expect(core.lines(core.receive(credit(1, 400)))).toEqual([])
    // It makes a value that costs 256 more than its bytes; 368 of the credit are left then.
    expect(core.lines(core.run(next(filled(244))))).toEqual(['produce -1 624', 'REPLY 1, 244 bytes'])
  })

  it('may go on with credit that came while it still had leave', () => {
    const core = asked({ credit: 100 })
    expect(core.lines(core.run(pullable))).toEqual(['produce -1 100'])
    core.receive(credit(1, 1_000))
    // It has used up all of its leave, and no other CREDIT comes: the credit that is there must do.
    expect(core.lines(core.run(next(filled(68))))).toEqual(['produce -1 1000', 'REPLY 1, 68 bytes'])
  })

  it('gets no leave at all without credit', () => {
    const core = asked({ credit: 0 })
    expect(core.run(pullable)).toEqual([])
    expect(core.lines(core.receive(credit(1, 50)))).toEqual(['produce -1 50'])
  })

  it('is not let run ahead of what can be written, however much credit there is', () => {
    const core = asked({ credit: 2 ** 32 })
    expect(core.lines(core.in(pullable))).toEqual(['produce -1 65536'])
    expect(core.in(next(filled(40_000)))).toMatchObject([{ type: 'write' }])
    // Nothing is writable any more. What it makes now waits here.
    const stuck = [...core.in(next(filled(40_000))), ...core.in(next(filled(30_000)))]
    expect(stuck.map(({ type }) => type)).toEqual(['produce'])
    expect(core.in(next(filled(5_000)))).toEqual([])
    const resumed = core.run({ type: 'writable', stream: 2 })
    expect(resumed.some(({ type }) => type === 'produce')).toBe(true)
  })

  it('gets leave for one value when the asker takes one', () => {
    const core = asked({ credit: 5_000, one: true })
    expect(core.lines(core.run(pullable))).toEqual(['produce -1 1'])
  })

  it('gets no more leave after its end', () => {
    const core = asked({ credit: 100 })
    core.run(pullable, next(filled(200)), complete)
    expect(core.receive(credit(1, 1_000)).filter(({ type }) => type === 'produce')).toEqual([])
  })

  it('never stalls, keeps its queue within its leave, and each value arrives whole and in order', () => {
    const size = fc.oneof(fc.nat(50), fc.nat(3_000), fc.nat(40_000), fc.nat(120_000))
    const how = fc.record({
      first: fc.nat(70_000),
      sizes: fc.array(size, { maxLength: 12 }),
      gifts: fc.array(fc.integer({ min: 1, max: 70_000 }), { maxLength: 10 }),
      /** Writes go out at each turn, or only at some of them. */
      pace: fc.integer({ min: 1, max: 4 }),
    })
    fc.assert(
      fc.property(how, ({ first, sizes, gifts, pace }) => {
        const values = sizes.map((length, i) => filled(length, i))
        const play = new Play(asked({ credit: first }), values, first)
        for (let turn = 0; !play.isOver(); turn++) {
          if (turn > 2_000) throw new Error(`stalled with ${play.arrived.length} of ${values.length} values`)
          play.produce()
          if (turn % pace === 0) play.see(play.core.in({ type: 'writable', stream: 2 }))
          if (!play.isOver()) play.give([...gifts, 30_000][turn % (gifts.length + 1)]!)
        }
        expect(play.arrived.map((value) => value.length)).toEqual(sizes)
        expect(play.arrived.every((value, i) => Buffer.compare(value, values[i]!) === 0)).toBe(true)
      }),
      { numRuns: 50 },
    )
  })
})

describe('a producer that cannot wait', () => {
  const values = (core: AnsweringCore, ...texts: string[]): string[] =>
    core.lines(core.run(...texts.map((text) => next(bytes(text)))))
  const rest = (core: AnsweringCore): string[] => core.lines(core.receive(credit(1, 1_000_000)))

  it('fails as Overloaded when more values wait than the asker said; those that waited still go', () => {
    const core = asked({ credit: 0, lossy: { policy: 0, buffer: 2 } })
    expect(values(core, 'a', 'b')).toEqual([])
    expect(values(core, 'c')).toEqual(['cancelHandler -1'])
    expect(core.state.budget.accounts.get('bob')!.refused).toBe(1)
    expect(values(core, 'd')).toEqual([])
    expect(rest(core)).toEqual([
      'REPLY 1, "a"',
      'REPLY 1, "b"',
      'FAIL 1 Overloaded, "values came faster than they were taken"',
    ])
    expect(core.state.exchanges.open.size).toBe(0)
  })

  it('loses the oldest of them', () => {
    const core = asked({ credit: 0, lossy: { policy: 1, buffer: 2 } })
    expect(values(core, 'a', 'b', 'c', 'd')).toEqual([])
    expect(rest(core)).toEqual(['REPLY 1, "c"', 'REPLY 1, "d"'])
  })

  it('may keep the newest value, also for an asker that wants none to wait', () => {
    const core = asked({ credit: 0, lossy: { policy: 1, buffer: 0 } })
    expect(values(core, 'a', 'b')).toEqual([])
    expect(rest(core)).toEqual(['REPLY 1, "b"'])
  })

  it('loses all but the newest', () => {
    const core = asked({ credit: 0, lossy: { policy: 2, buffer: 3 } })
    expect(values(core, 'a', 'b', 'c', 'd')).toEqual([])
    expect(rest(core)).toEqual(['REPLY 1, "d"'])
  })

  it('loses nothing while they are taken as fast as they come', () => {
    const core = asked({ credit: 1_000_000, lossy: { policy: 0, buffer: 1 } })
    for (const text of ['a', 'b', 'c']) expect(values(core, text)).toEqual([`REPLY 1, "${text}"`])
  })

  it.each([1, 2])('never loses a value that was begun (policy %i)', (policy) => {
    const core = asked({ credit: 32 + 3, lossy: { policy, buffer: 1 } })
    const begun = core.frames(core.run(next(bytes('abcdef'))))
    expect(begun.map(({ payload }) => payload)).toEqual([bytes('abc')])
    values(core, 'x', 'y', 'z')
    expect(rest(core)).toEqual(['REPLY 1, "def"', 'REPLY 1, "z"'])
    expect(core.lines(core.run(complete))).toEqual(['END 1'])
  })

  it('fails when its values cost more than we keep for anybody, also where nobody named a policy', () => {
    const core = asked({ credit: 0 }, { maxQueuedValues: 1_000 })
    expect(values(core, 'a', 'b', 'c')).toEqual([])
    expect(values(core, 'd')).toEqual(['cancelHandler -1'])
    expect(rest(core)).toHaveLength(4)
  })

  it('fails when its first value alone costs more than that', () => {
    const core = asked({ credit: 0 }, { maxQueuedValues: 100 })
    expect(core.lines(core.run(next(filled(200))))).toEqual([
      'cancelHandler -1',
      'FAIL 1 Overloaded, "values came faster than they were taken"',
    ])
  })

  it.each([1, 2])('does not make us keep what was dropped (policy %i)', (policy) => {
    const core = asked({ credit: 32 + 1, lossy: { policy, buffer: 2 } })
    core.run(next(filled(50)))
    for (let i = 0; i < 5_000; i++) core.in(next(filled(100, i)))
    const { values: kept, cost } = series(core)
    expect(kept.reduce((sum, value) => sum + value.length, 0)).toBeLessThanOrEqual(200)
    expect(kept.length).toBeLessThanOrEqual(1_026)
    // Two values, and what is missing of the one that was begun.
    expect(cost).toBeLessThanOrEqual(2 * heldCost(100) + heldCost(49))
  })

  it('does not make us keep what was sent', () => {
    const core = asked({ credit: 0, lossy: { policy: 0, buffer: 100 } })
    core.run(...Array.from({ length: 90 }, () => next(filled(1_000))))
    for (let i = 0; i < 500; i++) {
      core.run(core.hears(credit(1, 1_032)), next(filled(1_000)))
      expect(series(core).values.reduce((sum, value) => sum + value.length, 0)).toBeLessThanOrEqual(90_000)
    }
  })
})
