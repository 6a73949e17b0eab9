/** Validators of a run: what each says follows from the number of the broadcast; and who has taken what is written down. */
import type { Validator, Verdict } from '../../src/edge/broadcasts/validators.js'
import type { SimulatedNetwork } from '../../src/testing/index.js'
import type { Report } from './inside.js'
import { idOf } from './payloads.js'
import type { NodePlan, Scenario, ValidatorPlan } from './scenario.js'

/** What a validator does with a broadcast. */
export function judgementOf(plan: ValidatorPlan, id: number): Verdict | 'throw' | 'never' {
  const mixed = Math.imul(id ^ plan.salt, 0x9e3779b1)
  let roll = ((mixed ^ (mixed >>> 15)) >>> 0) % 100
  if ((roll -= plan.reject) < 0) return 'reject'
  if ((roll -= plan.ignore) < 0) return 'ignore'
  if ((roll -= plan.throws) < 0) return 'throw'
  return roll - plan.never < 0 ? 'never' : 'accept'
}

export class Verdicts {
  /** Broadcasts that were accepted by node, topic and number: in any life, and in this one. */
  private readonly taken = new Set<string>()
  private readonly takenNow = new Map<number, Set<string>>()
  private readonly open = new Set<{ node: number; signal: AbortSignal; due: number }>()

  constructor(
    private readonly net: SimulatedNetwork,
    private readonly scenario: Scenario,
    private readonly report: Report,
  ) {}

  /** For the config of a node. */
  of(node: number): Record<string, Validator> {
    const plan = this.scenario.nodes[node]!
    const entries = Object.entries(plan.validators)
    return Object.fromEntries(entries.map(([topic, own]) => [topic, this.validator(node, plan, topic, own)]))
  }

  /** A new life. */
  forget(node: number): void {
    this.takenNow.delete(node)
  }

  /** Would this node take it, whenever it comes? */
  accepts(node: number, topic: string, id: number): boolean {
    const plan = this.scenario.nodes[node]!.validators[topic]
    return plan === undefined || judgementOf(plan, id) === 'accept'
  }

  /** Has this node judged it in this life, if it judges at all, and taken it? */
  hasTaken(node: number, topic: string, id: number): boolean {
    if (this.scenario.nodes[node]!.validators[topic] === undefined) return true
    return this.takenNow.get(node)?.has(`${topic} ${id}`) === true
  }

  /** … or in another one? */
  hasEverTaken(node: number, topic: string, id: number): boolean {
    if (this.scenario.nodes[node]!.validators[topic] === undefined) return true
    return this.taken.has(`${node} ${topic} ${id}`)
  }

  private validator(node: number, { limits, skew }: NodePlan, topic: string, plan: ValidatorPlan): Validator {
    const patience = (limits.validationTimeout ?? 2_000) / skew.rate
    return (data, { signal }) => {
      const id = idOf(data) ?? -1
      const what = judgementOf(plan, id)
      const say = (): Verdict => {
        if (what === 'throw') throw new Error('thrown on purpose')
        if (what === 'accept' && !signal.aborted) {
          this.taken.add(`${node} ${topic} ${id}`)
          let now = this.takenNow.get(node)
          if (now === undefined) this.takenNow.set(node, (now = new Set()))
          now.add(`${topic} ${id}`)
        }
        return what as Verdict
      }
      if (what === 'never') {
        this.open.add({ node, signal, due: this.net.now + Math.ceil(patience) + 2 })
        return new Promise<never>(() => undefined)
      }
      if (plan.delay === 0) return say()
      return new Promise<Verdict>((resolve) =>
        this.net.scheduler.schedule(() => resolve(undefined as never), plan.delay),
      ).then(say)
    }
  }

  check(): void {
    for (const one of this.open) {
      if (one.signal.aborted) this.open.delete(one)
      else if (this.net.now > one.due)
        this.report('signal', `a validator of n${one.node} has had its time, and its signal has not fired`)
    }
  }
}
