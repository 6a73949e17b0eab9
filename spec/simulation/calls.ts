/**
 * Requests and answers of a run: what each request may end with, and when, by what was asked of it; who was handed what;
 * and whether the signal of an answer that nobody waits for has fired.
 */
import { P2pError } from '../../src/errors.js'
import type { P2pNode, RequestOptions } from '../../src/node.js'
import type { SimulatedNetwork } from '../../src/testing/index.js'
import type { Report } from './inside.js'
import { idOf, isSame, payload } from './payloads.js'
import type { Member } from './run.js'
import type { NodePlan, RequestStep, Scenario } from './scenario.js'

/** In a sound network a reset takes no longer to arrive, ms. */
const HEARD = 200

interface Call {
  step: RequestStep
  from: string
  to: string
  started: number
  /** When it has ended at the latest. */
  due: number
  timeout: number
  handled: number
}

interface Handling {
  call: Call
  signal: AbortSignal
  /** When nobody waits for the answer any more, at the latest. */
  due: number
}

export class Calls {
  /** How requests ended, counted by `value` or the error's code. */
  readonly endings: Record<string, number> = {}
  private readonly calls = new Map<number, Call>()
  private readonly open = new Set<Call>()
  private readonly unanswered = new Set<Handling>()

  constructor(
    private readonly net: SimulatedNetwork,
    private readonly scenario: Scenario,
    private readonly report: Report,
    /** Something in this run may break a request. */
    private readonly isFaulty: boolean,
  ) {}

  // ---- asking

  /** Asks; resolves with how it ended. */
  async ask(member: Member, target: string, step: RequestStep, options: RequestOptions): Promise<string> {
    const { node, index } = member
    const plan = this.scenario.nodes[index]!
    const started = this.net.now
    const timeout = options.timeout ?? plan.requestTimeout
    const due = started + Math.ceil((timeout + 2) / plan.skew.rate) + 1
    const to = target.split('/').pop()!
    const call: Call = { step, from: node.peerId, to, started, due, timeout, handled: 0 }
    this.calls.set(step.id, call)
    this.open.add(call)
    let ending = 'value'
    try {
      const reply = await node.request(target, payload('question', step.id, step.size), options)
      this.checkReply(call, reply)
    } catch (error) {
      ending = error instanceof P2pError ? error.code : String(error)
      const why = this.whyNot(call, member, node, ending)
      if (why !== undefined) this.say('error', call, `${why}: ${String(error)}`)
    }
    if (this.net.now > due) this.say('late', call, `ended with ${ending} after ${this.net.now - started} ms`)
    this.open.delete(call)
    if (!this.isFaulty && this.isCalm()) this.hasten(call)
    this.endings[ending] = (this.endings[ending] ?? 0) + 1
    return ending
  }

  /** The asker waits no longer: whoever works on the answer hears of it, as fast as the network can carry it. */
  private hasten(call: Call): void {
    for (const handling of this.unanswered) {
      if (handling.call === call) handling.due = Math.min(handling.due, this.net.now + HEARD)
    }
  }

  private checkReply(call: Call, reply: Uint8Array): void {
    const { step } = call
    const isAnswered = ['answer', 'slow', 'twice'].includes(step.behaviour) || step.size === 0
    const size = step.size === 0 ? 0 : step.reply
    if (!isAnswered) this.say('reply', call, 'was answered, and nobody did that')
    if (!isSame(reply, payload('answer', step.id, size)))
      this.say('reply', call, `got another reply: number ${idOf(reply)}, ${reply.length} bytes`)
    const { from, to } = this.plans(call)
    if (reply.length > from.maxResponseSize) this.say('too large', call, `got ${reply.length} bytes`)
    if (step.size > from.maxRequestSize || step.size > to!.maxRequestSize) this.say('too large', call, 'was answered')
    if (step.size > 0 && call.handled !== 1) this.say('reply', call, `was answered, and handled ${call.handled} times`)
  }

  /** Why this ending is not allowed; `undefined`: it is. */
  private whyNot(call: Call, member: Member, node: P2pNode, code: string): string | undefined {
    const { step, started, timeout } = call
    const { from, to } = this.plans(call)
    const elapsed = this.net.now - started
    const isTooLarge = step.size > from.maxRequestSize
    if (isTooLarge !== (code === 'RequestTooLarge'))
      return `the request has ${step.size} bytes, and it ended with ${code}`
    // Nothing stands in its way: it must be answered, unless its connection was closed as idle just then.
    const isSmall = step.size <= 2_000 && step.reply <= 2_000
    const isPlain =
      step.behaviour === 'answer' && isSmall && step.cancelAfter === undefined && step.to >= 0 && timeout >= 2_000
    const isUnlimited = Object.keys(to?.limits ?? {}).length + Object.keys(from.limits).length === 0
    const isSure = isPlain && isUnlimited && !this.isFaulty && this.isCalm()
    if (isSure && code !== 'ConnectionLost') return 'nothing stood in its way'
    switch (code) {
      case 'RequestTooLarge':
        return undefined
      case 'ResponseTooLarge':
        return step.reply > from.maxResponseSize ? undefined : `the answer has ${step.reply} bytes`
      case 'Aborted': {
        if (step.cancelAfter === undefined) return 'nobody aborted it'
        return elapsed >= step.cancelAfter ? undefined : `it was to be aborted after ${step.cancelAfter} ms`
      }
      case 'RequestTimeout': {
        const least = Math.floor((timeout - 1) / from.skew.rate) - 1
        return elapsed >= least ? undefined : `after ${elapsed} of ${timeout} ms`
      }
      case 'NodeStopped':
        return member.node !== node || member.phase !== 'up' ? undefined : 'the node runs'
      case 'Overloaded':
        return from.limits.maxPendingRequests !== undefined || from.limits.maxDials !== undefined
          ? undefined
          : 'no limit is reached'
      case 'DialError':
        return this.isFaulty || step.to < 0 || step.by === 'id' ? undefined : 'the peer is there'
      case 'RequestRejected': {
        if (step.to < 0) return 'nobody can have rejected it'
        const mayBe = this.isFaulty || step.behaviour !== 'answer' || !isSmall || !isUnlimited || !this.isCalm()
        return mayBe ? undefined : 'nobody rejected it'
      }
      case 'ConnectionLost':
        return step.to < 0 ? 'nobody was reached' : undefined
      default:
        return 'not one of the errors of requests'
    }
  }

  /** Large payloads on a slow line delay everything else on it. */
  private isCalm(): boolean {
    return this.scenario.network.bandwidth >= 10_000_000
  }

  private plans({ step }: Call): { from: NodePlan; to: NodePlan | undefined } {
    return { from: this.scenario.nodes[step.from]!, to: this.scenario.nodes[step.to] }
  }

  // ---- answering

  /** Answers on a node as each request's step says. */
  answer(member: Member, plan: NodePlan): void {
    const { node } = member
    if (plan.answers === 'handler') {
      node.setEventHandler({
        handleInboundRequest: (data, context) => {
          const call = this.take(node, plan, data, context.from, () => context.signal)
          if (call === undefined) return new Uint8Array(0)
          const { step } = call
          const reply = payload('answer', step.id, step.reply)
          switch (step.behaviour) {
            case 'answer':
            case 'twice':
              return reply
            case 'slow':
              return new Promise((resolve) => this.after(step.delay, () => resolve(reply)))
            case 'reject':
              return Promise.reject(new Error('no'))
            case 'throw':
              throw new Error('no')
            case 'never':
              return new Promise(() => undefined)
          }
        },
      })
      return
    }
    node.requests$.subscribe((request) => {
      const call = this.take(node, plan, request.data, request.from, () => request.signal)
      if (call === undefined) return request.respond(new Uint8Array(0))
      const { step } = call
      const reply = payload('answer', step.id, step.reply)
      switch (step.behaviour) {
        case 'answer':
          return request.respond(reply)
        case 'twice':
          request.respond(reply)
          request.respond(payload('other', step.id, step.reply))
          return request.reject('too late')
        case 'slow':
          return this.after(step.delay, () => request.respond(reply))
        case 'reject':
        case 'throw':
          return request.reject('no')
        case 'never':
          return
      }
    })
  }

  /** Which call came in, if that can be told; whatever is wrong with it is reported. */
  private take(
    node: P2pNode,
    plan: NodePlan,
    data: Uint8Array,
    from: string,
    signal: () => AbortSignal,
  ): Call | undefined {
    const id = idOf(data)
    if (data.length === 0) return undefined
    const call = id === undefined ? undefined : this.calls.get(id)
    if (call === undefined) {
      this.report('altered', `a request of ${data.length} bytes came in that nobody sent`)
      return undefined
    }
    call.handled++
    if (call.handled > 1) this.say('handled twice', call, `reached a handler ${call.handled} times`)
    if (call.to !== node.peerId) this.say('wrong node', call, `came to ${node.peerId}`)
    if (call.from !== from) this.say('wrong node', call, `came from ${from}`)
    if (!isSame(data, payload('question', call.step.id, call.step.size)))
      this.say('altered', call, 'came with other bytes')
    if (data.length > plan.maxRequestSize) this.say('too large', call, 'was handed to a handler')
    if (call.step.behaviour === 'never') {
      const due = this.net.now + Math.ceil((plan.requestTimeout + 2) / plan.skew.rate) + 1
      this.unanswered.add({ call, signal: signal(), due })
    }
    return call
  }

  private after(ms: number, act: () => void): void {
    this.net.scheduler.schedule(act, ms)
  }

  // ---- time

  check(): void {
    const { now } = this.net
    for (const call of this.open) if (now > call.due) this.say('ends', call, `has not ended within ${call.timeout} ms`)
    for (const handling of this.unanswered) {
      if (handling.signal.aborted) this.unanswered.delete(handling)
      else if (now > handling.due)
        this.say('signal', handling.call, 'is waited for no longer, and its signal has not fired')
    }
  }

  checkEnd(): void {
    for (const call of this.open) this.say('ends', call, 'has not ended, and its node has')
    for (const { call, signal } of this.unanswered) {
      if (!signal.aborted) this.say('signal', call, 'went to a node that has stopped, and its signal has not fired')
    }
  }

  private say(invariant: string, { step }: Call, what: string): void {
    this.report(invariant, `request ${step.id} of n${step.from} to n${step.to} ${what}`)
  }
}
