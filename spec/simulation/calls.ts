/**
 * Requests and answers of a run: what each request may end with, and when, by what was asked of it; who was handed what;
 * and whether the signal of an answer that nobody waits for has fired.
 */
import { of, type Observable } from 'rxjs'
import { isP2pError, type P2pError } from '../../src/errors.js'
import type { P2pNode, RequestOptions } from '../../src/node/p2p-node.js'
import type { SimulatedNetwork } from '../../src/testing/index.js'
import {
  failureOf,
  isConnectionLost,
  INBOUND,
  isLimited,
  isSession,
  isToDrain,
  isWrongRefusal,
  leastTimeout,
  REASONS,
  refusalOf,
} from './expected.js'
import type { Report } from './inside.js'
import { idOf, isSame, payload } from './payloads.js'
import type { Member } from './run.js'
import type { NodePlan, RequestStep, Scenario } from './scenario.js'
import type { Streams } from './streams.js'

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
    private readonly streams: Streams,
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
      ending = isP2pError(error) ? error.code : String(error)
      const why = isP2pError(error) ? this.whyNot(call, member, node, error) : 'not an error of ours'
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
    const isAnswered = ['answer', 'slow', 'twice', 'several'].includes(step.behaviour) || step.size === 0
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
  private whyNot(call: Call, member: Member, node: P2pNode, error: P2pError): string | undefined {
    const { step, started, timeout } = call
    const { code } = error
    const { from, to } = this.plans(call)
    const elapsed = this.net.now - started
    const isUp = member.node === node && member.phase === 'up'
    const general = failureOf(error, { from, to, size: step.size, isFaulty: this.isFaulty, isUp, by: step.by })
    if (general !== undefined) return general
    // Nothing stands in its way: it must be answered, unless its connection was closed as idle just then.
    const isSmall = step.size <= 2_000 && step.reply <= 2_000
    const most = Math.min(from.maxRequestSize, to?.maxRequestSize ?? 0)
    const isPatient = to !== undefined && to.requestTimeout >= 2_000
    const isFitting = isPatient && step.size <= most && step.reply <= from.maxResponseSize
    const isPlain =
      step.behaviour === 'answer' &&
      (isSmall || isFitting) &&
      step.cancelAfter === undefined &&
      step.to >= 0 &&
      timeout >= 2_000
    const isUnlimited = Object.keys(to?.limits ?? {}).length + Object.keys(from.limits).length === 0
    const isSure = isPlain && isUnlimited && !this.isFaulty && this.isCalm()
    if (isSure && !isConnectionLost(error)) return 'nothing stood in its way'
    const overSession = isSession(this.scenario, step.from, step.to)
    const isRefused = step.behaviour === 'refuse' || step.behaviour === 'busy'
    switch (code) {
      case 'ResponseTooLarge':
        return step.reply > from.maxResponseSize ? undefined : `the answer has ${step.reply} bytes`
      case 'Aborted': {
        if (step.cancelAfter === undefined) return 'nobody aborted it'
        return elapsed >= step.cancelAfter ? undefined : `it was to be aborted after ${step.cancelAfter} ms`
      }
      case 'RequestTimeout':
        return elapsed >= leastTimeout(timeout, from, to, overSession) ? undefined : `after ${elapsed} of ${timeout} ms`
      case 'Overloaded': {
        if (step.behaviour === 'busy' && overSession && error.message.includes(REASONS.busy.message))
          return isWrongRefusal(error) ? 'its time is not the one that was said' : undefined
        if (error.retryAfterMs !== 1_000) return 'it does not say when to come again'
        return isLimited(from, ['maxPendingRequests', 'maxDials']) ||
          isLimited(to, INBOUND) ||
          isToDrain(this.scenario, step.to)
          ? undefined
          : 'no limit is reached'
      }
      case 'RequestRejected': {
        if (step.to < 0) return 'nobody can have rejected it'
        // Over a session it may have been the answerer's own time that was over.
        const isLate = to !== undefined && elapsed >= leastTimeout(to.requestTimeout, to, undefined, false)
        if (overSession && isRefused && !this.isFaulty && !isLate)
          return isWrongRefusal(error) ? 'its reason is not the one that was said' : undefined
        const mayBe = this.isFaulty || step.behaviour !== 'answer' || !isSmall || !isUnlimited || !this.isCalm()
        return mayBe ? undefined : 'nobody rejected it'
      }
      case 'DialError':
        return call.handled > 0 ? 'it was handled' : undefined
      case 'ConnectionLost':
        return step.to < 0 ? 'nobody was reached' : undefined
      default:
        return undefined
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
          const values = this.streams.serve(node, data, context.from, () => context.signal)
          if (values !== undefined) return values
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
            case 'several':
              return this.several(step, reply)
            case 'reject':
              return Promise.reject(new Error('no'))
            case 'refuse':
              throw refusalOf('fail')
            case 'busy':
              return Promise.reject(refusalOf('busy'))
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
      const values = this.streams.serve(node, request.data, request.from, () => request.signal)
      if (values !== undefined) return request.respond(values)
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
        case 'several':
          return request.respond(this.several(step, reply))
        case 'reject':
        case 'throw':
          return request.reject('no')
        case 'refuse':
          return request.reject(REASONS.fail)
        case 'busy':
          return request.reject(REASONS.busy)
        case 'never':
          return
      }
    })
  }

  /** More than the one value that is wanted. Who can wait is not asked for the second. */
  private several(step: RequestStep, reply: Uint8Array): Observable<Uint8Array> | AsyncIterable<Uint8Array> {
    const other = payload('other', step.id, step.reply)
    if (step.id % 2 === 0) return of(reply, other)
    const say = (): void => this.report('ahead', `request ${step.id} takes one value, and another was made`)
    return (async function* () {
      yield reply
      say()
      yield other
    })()
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
      // The time that the asker still waits comes with a request, where the wire can carry it.
      const waits = isSession(this.scenario, call.step.from, call.step.to) ? call.timeout : Infinity
      const due = this.net.now + Math.ceil((Math.min(waits, plan.requestTimeout) + 2) / plan.skew.rate) + 1
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
