/**
 * The seam between old and new: whatever comes first of answers, verifications, verdicts and new messages, a subscriber has
 * each message once and in order. Every interleaving may happen; chance picks them, and pictures show the plain ones.
 */
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { Subject } from 'rxjs'
import { TestScheduler } from 'rxjs/testing'
import type { Effect } from '../../../src/core/effects.js'
import type { Event } from '../../../src/core/events.js'
import { Broadcasts } from '../../../src/edge/broadcasts/broadcasts.js'
import { Lane } from '../../../src/lane/lane.js'
import { feed } from '../../support/lane-marbles.js'
import { encodeHistoryValue } from '../../../src/wire/session/service.js'
import { mesh, message, PROOF } from '../../support/broadcasts.js'
import { bytes, textOf } from '../../support/bytes.js'
import { ServiceCore } from '../../support/service-core.js'
import { end, reply } from '../../support/session.js'

/** A node and a subscriber of it who is late; chance acts for all others. */
class Late {
  readonly seen: string[] = []
  readonly core: ServiceCore
  private readonly edge = new Broadcasts(
    (event) => {
      this.run(event)
    },
    () => undefined,
  )
  private verifying: { ask: number; ids: string[] }[] = []
  private judging: { validation: number; id: string }[] = []
  private subscriber: { unsubscribe: () => void } | undefined
  /** What each peer still has to say. */
  private readonly answers: { name: string; frames: Uint8Array[] }[]
  private readonly live: string[]

  constructor(readonly plan: { splits: number[]; count: number; bad: number[]; guarded: boolean; live: number[] }) {
    const names = plan.splits.map((_, i) => `peer${i}`)
    this.core = new ServiceCore(plan.guarded ? { guardedTopics: ['block'] } : {})
    for (const name of names) this.core.peer(name)
    this.core.now = 1_000
    this.subscriber = this.edge.of('block', { replay: 100 }).subscribe((one) => this.seen.push(textOf(one)))
    this.run(mesh(...names))
    this.answers = plan.splits.map((split, i) => ({
      name: names[i]!,
      frames: [...Array.from({ length: split }, (_, id) => reply(1, remembered(id))), end(1)],
    }))
    this.live = plan.live.map(String)
  }

  private run(...events: Event[]): void {
    for (const effect of this.core.run(...events)) this.hear(effect)
  }

  private hear(effect: Effect): void {
    if (effect.type === 'deliver') this.edge.onBroadcast(effect)
    else if (effect.type === 'replayed') this.edge.onReplayed(effect.subscription, effect.broadcasts)
    else if (effect.type === 'verify') this.verifying.push({ ask: effect.ask, ids: effect.messages.map(textOf) })
    else if (effect.type === 'validate') this.judging.push({ validation: effect.validation, id: effect.id })
  }

  /** Does one of the things that could happen next; false: nothing can. */
  act(choice: number): boolean {
    const acts: (() => void)[] = this.answers
      .filter(({ frames }) => frames.length > 0)
      .map(({ name, frames }) => () => {
        this.run(this.core.hears(name, frames.shift()!))
      })
    const [id] = this.live
    if (id !== undefined) {
      acts.push(() => {
        this.live.shift()
        this.run(message(id, { held: this.plan.guarded, from: 'ann' }))
      })
    }
    for (const one of this.verifying) {
      acts.push(() => {
        this.verifying = this.verifying.filter((other) => other !== one)
        this.run({ type: 'verified', ...one })
      })
    }
    for (const one of this.judging) {
      acts.push(() => {
        this.judging = this.judging.filter((other) => other !== one)
        const verdict = this.plan.bad.includes(Number(one.id)) ? 'reject' : 'accept'
        this.run({ type: 'validated', validation: one.validation, verdict, failed: false })
      })
    }
    const act = acts[choice % acts.length]
    act?.()
    return act !== undefined
  }

  leave(): void {
    this.subscriber?.unsubscribe()
    this.subscriber = undefined
  }
}

/** Message `id` was heard at 10 · id. */
function remembered(id: number): Uint8Array {
  return encodeHistoryValue({ age: 1_000 - 10 * id, from: 'ann', proof: PROOF, data: bytes(`${id}`) })
}

/** So many messages: each peer has heard some before it answers, and the rest reaches us by gossip. */
const anyPlan = fc
  .record({
    splits: fc.array(fc.nat(8), { minLength: 1, maxLength: 3 }),
    count: fc.integer({ min: 8, max: 12 }),
    bad: fc.array(fc.nat(11), { maxLength: 3 }),
    guarded: fc.boolean(),
  })
  .chain(({ splits, count, bad, guarded }) => {
    const first = Math.min(...splits)
    const live = Array.from({ length: count - first }, (_, i) => first + i)
    // Gossip keeps no order.
    const shuffled = fc.shuffledSubarray(live, { minLength: live.length, maxLength: live.length })
    return shuffled.map((inOrder) => ({ splits, count, bad: guarded ? bad : [], guarded, live: inOrder }))
  })

describe('a late subscriber', () => {
  it('has every message once, the old ones in their order and before what is new, whatever happens first', () => {
    fc.assert(
      fc.property(anyPlan, fc.array(fc.nat(1_000), { minLength: 40, maxLength: 40 }), (plan, choices) => {
        const late = new Late(plan)
        for (let i = 0; late.act(choices[i % choices.length]!); i++);
        const good = Array.from({ length: plan.count }, (_, id) => id).filter((id) => !plan.bad.includes(id))
        const seen = late.seen.map(Number)
        expect([...seen].sort((a, b) => a - b)).toEqual(good)
        // Those that nobody told us by gossip.
        const old = seen.filter((id) => !plan.live.includes(id))
        expect(old).toEqual([...old].sort((a, b) => a - b))
        expect(late.core.state.catchUps.size + late.core.state.services.purposes.size).toBe(0)
        expect(late.core.state.validating.open.size).toBe(0)
      }),
      { numRuns: 300 },
    )
  })

  it('may leave at any moment, and nothing of it is left', () => {
    fc.assert(
      fc.property(
        anyPlan,
        fc.array(fc.nat(1_000), { minLength: 20, maxLength: 20 }),
        fc.nat(20),
        (plan, choices, at) => {
          const late = new Late(plan)
          let heard = -1
          for (let i = 0; ; i++) {
            if (i === at) {
              late.leave()
              heard = late.seen.length
            }
            if (!late.act(choices[i % choices.length]!)) break
          }
          if (heard >= 0) expect(late.seen).toHaveLength(heard)
          const { catchUps, services, validating } = late.core.state
          const left = [catchUps, services.purposes, validating.open, validating.costByPeer].map(({ size }) => size)
          expect(left).toEqual([0, 0, 0, 0])
        },
      ),
      { numRuns: 150 },
    )
  })
})

// ---- pictures: what happens above, what the subscriber is told below, one frame is one millisecond

interface Pictures {
  happens: string
  events: Record<string, Event | Event[]>
  told: string
  values: Record<string, string[]>
}

function picture(core: ServiceCore, { happens, events, told, values }: Pictures): void {
  const scheduler = new TestScheduler((actual, expected) => {
    expect(actual).toEqual(expected)
  })
  scheduler.run(({ hot, expectObservable }) => {
    const told$ = new Subject<string[]>()
    core.state.due.wakeAt = Infinity
    const lane: Lane = new Lane({
      state: core.state,
      scheduler,
      run: (effect) => {
        if (effect.type === 'replayed') told$.next(effect.broadcasts.map(textOf))
        else if (effect.type === 'deliver') told$.next([`+${textOf(effect)}`])
        else if (effect.type === 'write') feed(lane, { type: 'writable', stream: effect.stream })
        else if (effect.type === 'verify')
          feed(lane, { type: 'verified', ask: effect.ask, ids: effect.messages.map(textOf) })
      },
      crashed: (error) => {
        throw error
      },
    })
    const fed = hot(happens, events).subscribe((some) => {
      for (const event of [some].flat()) feed(lane, event)
    })
    scheduler.schedule(() => {
      fed.unsubscribe()
      lane.close()
      told$.complete()
    }, 100)
    expectObservable(told$).toBe(told, values)
  })
}

describe('a late subscriber, as pictures', () => {
  /** With Bob and Carol, who are asked when the mesh is there (`m`). */
  const begun = (settings = {}): ServiceCore => {
    const core = new ServiceCore(settings)
    core.peer('bob')
    core.peer('carol')
    return core
  }
  const s: Event = { type: 'subscribe', topic: 'block', replay: { subscription: 1, count: 9 } }
  const m = mesh('bob', 'carol')

  it('waits for the slower of two, and gets what is new behind', () => {
    const core = begun()
    const events = {
      s,
      m,
      b: core.hears('bob', reply(1, remembered(0)), reply(1, remembered(1)), end(1)),
      n: message('2'),
      c: core.hears('carol', reply(1, remembered(1)), reply(1, remembered(2)), end(1)),
      x: message('3'),
    }
    picture(core, {
      happens: 's-m-b-n-c-x',
      events,
      told: '   ------N-R-X' + '-'.repeat(89) + '|',
      values: { N: ['+2'], R: ['0', '1', '2'], X: ['+3'] },
    })
  })

  it('waits for a verdict in the middle of it all', () => {
    const core = begun({ guardedTopics: ['block'] })
    const verdict = (validation: number): Event => ({ type: 'validated', validation, verdict: 'accept', failed: false })
    const events = {
      s,
      m,
      b: [core.hears('bob', reply(1, remembered(0)), end(1)), core.hears('carol', end(1))],
      n: message('1', { held: true }),
      v: verdict(2),
      w: verdict(1),
    }
    picture(core, {
      happens: 's-m-b-n-v-w',
      events,
      told: '   --------N-R' + '-'.repeat(89) + '|',
      values: { N: ['+1'], R: ['0', '1'] },
    })
  })

  it('does not wait for who says nothing beyond its time', () => {
    const core = begun({ catchUpTimeout: 20 })
    const events = { s, m, b: core.hears('bob', reply(1, remembered(0)), end(1)), n: message('1') }
    picture(core, {
      happens: 's-m-b-n',
      events,
      told: '   ------N 15ms R' + ' 77ms |',
      values: { N: ['+1'], R: ['0', '1'] },
    })
  })

  it('asks after its patience when there is no mesh', () => {
    const core = begun({ catchUpPatience: 30 })
    const b = core.hears('bob', reply(1, remembered(0)), end(1))
    const c = core.hears('carol', end(1))
    picture(core, {
      happens: 's 34ms b c',
      events: { s, b, c },
      told: '   - 35ms R 63ms |',
      values: { R: ['0'] },
    })
  })
})
