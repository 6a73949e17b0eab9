/**
 * Streams of values of a run: who makes them and who takes them. Values come in order, whole, and each at most once; none is
 * missing where none may be dropped; who makes them is not far ahead of who takes them, and ends when nobody wants more.
 */
import { isP2pError, type P2pError } from '../../src/errors.js'
import type { P2pNode, StreamOptions } from '../../src/node/p2p-node.js'
import type { SimulatedNetwork } from '../../src/testing/index.js'
import {
  failureOf,
  isConnectionLost,
  isLimited,
  isSession,
  isToDrain,
  isWrongRefusal,
  leastTimeout,
  INBOUND,
} from './expected.js'
import type { Report } from './inside.js'
import { idOf, indexOf, isSame, payload, valueId } from './payloads.js'
import { costOf, produce, type Made } from './producers.js'
import type { Member } from './run.js'
import type { NodePlan, Scenario, StreamStep } from './scenario.js'

/** In a sound network news that nobody listens any more takes no longer than this, ms. */
const HEARD = 300
/** In any network: until a dead connection is noticed, and some more, ms. */
const NOTICED = 60_000
/** For what is late in a network that was healed, ms. */
const PATIENCE = 40_000
/** What values may be ahead of their consumer, as credit counts (docs/session.md). */
const WINDOW = 65_536

interface Take {
  step: StreamStep
  member: Member
  node: P2pNode
  to: string
  timeout: number
  started: number
  /** How many values came, the last one's index, and what they cost. */
  received: number
  last: number
  cost: number
  /** How and when it ended: `complete`, `left` or the error's code. */
  ending: string | undefined
  endedAt: number
  making: Made | undefined
  handledAt: number
  leave: () => void
}

export class Streams {
  /** How streams ended, counted. */
  readonly endings: Record<string, number> = {}
  /** The nodes are stopping: everything may be cut off. */
  isEnding = false
  private readonly takes = new Map<number, Take>()
  private readonly open = new Set<Take>()
  /** Streams whose consumer has ended, and whose producer has to. */
  private readonly abandoned = new Set<Take>()

  constructor(
    private readonly net: SimulatedNetwork,
    private readonly scenario: Scenario,
    private readonly report: Report,
    private readonly isFaulty: boolean,
  ) {}

  // ---- taking

  /** Asks for a stream and takes its values as the step says. */
  take(member: Member, target: string, step: StreamStep, options: StreamOptions): void {
    const { node, index } = member
    const take: Take = {
      step,
      member,
      node,
      to: target.split('/').pop()!,
      timeout: options.timeout ?? this.scenario.nodes[index]!.requestTimeout,
      started: this.net.now,
      received: 0,
      last: -1,
      cost: 0,
      ending: undefined,
      endedAt: 0,
      making: undefined,
      handledAt: 0,
      leave: () => undefined,
    }
    this.takes.set(step.id, take)
    this.open.add(take)
    const values$ = node.request$(target, payload('question', step.id, step.size), options)
    if (step.consumer === 'loop') return void this.loop(take, values$)
    const subscription = values$.subscribe({
      next: (value) => {
        this.onValue(take, value)
        if (take.received === step.leaveAfter) take.leave()
      },
      error: (error: unknown) => this.onError(take, error),
      complete: () => this.onEnd(take, 'complete'),
    })
    take.leave = () => {
      this.onEnd(take, 'left')
      subscription.unsubscribe()
    }
  }

  private async loop(take: Take, values: AsyncIterable<Uint8Array>): Promise<void> {
    const { pause, leaveAfter } = take.step
    const iterator = values[Symbol.asyncIterator]()
    take.leave = () => {
      this.onEnd(take, 'left')
      void iterator.return!()
    }
    try {
      for (;;) {
        const result = await iterator.next()
        if (take.ending !== undefined) return
        if (result.done === true) return this.onEnd(take, 'complete')
        this.onValue(take, result.value)
        if (take.received === leaveAfter) return take.leave()
        if (pause > 0) await new Promise<void>((resolve) => this.net.scheduler.schedule(() => resolve(), pause))
        if (this.endingOf(take) !== undefined) return
      }
    } catch (error) {
      this.onError(take, error)
    }
  }

  private endingOf({ ending }: Take): string | undefined {
    return ending
  }

  /** Everybody who would take values for ever has enough. */
  leaveEndless(): void {
    for (const take of this.open) if (take.step.ends === 'never') take.leave()
  }

  private onValue(take: Take, value: Uint8Array): void {
    const { step, making } = take
    if (take.ending !== undefined) this.say('after the end', take, `got a value, and had ended with ${take.ending}`)
    const number = idOf(value)
    const index = mayLose(step) && number !== undefined ? indexOf(step.id, number) : take.received
    const size = step.sizes[(index ?? 0) % step.sizes.length]!
    const isIts = index !== undefined && isSame(value, payload('value', valueId(step.id, index), size))
    if (!isIts) return this.say('value', take, `got ${number} of ${value.length} bytes behind number ${take.last}`)
    if (index <= take.last) this.say('value', take, `got number ${index} behind number ${take.last}`)
    if (index >= (making?.made ?? 0)) this.say('value', take, `got number ${index}, which nobody made`)
    take.received++
    take.last = index
    take.cost += costOf(size)
    if (take.received > 1 && !this.isSession(take)) this.say('value', take, 'got two values over version 1')
    if (size > this.planOf(take).maxResponseSize) this.say('too large', take, `got a value of ${size} bytes`)
  }

  private onError(take: Take, error: unknown): void {
    const code = isP2pError(error) ? error.code : String(error)
    if (take.ending === undefined) {
      const why = isP2pError(error) ? this.whyNot(take, error) : 'not an error of ours'
      if (why !== undefined) this.say('stream error', take, `${why}: ${String(error)}`)
    }
    this.onEnd(take, code)
  }

  private onEnd(take: Take, ending: string): void {
    if (take.ending !== undefined) {
      if (take.ending !== 'left') this.say('ended twice', take, `ended with ${take.ending} and with ${ending}`)
      return
    }
    take.ending = ending
    take.endedAt = this.net.now
    this.open.delete(take)
    this.abandoned.add(take)
    this.endings[ending] = (this.endings[ending] ?? 0) + 1
    if (ending === 'complete') this.checkComplete(take)
  }

  private checkComplete(take: Take): void {
    const { step, received, last } = take
    if (!this.isSession(take)) {
      if (received !== 1) this.say('missing', take, `ended with ${received} values over version 1`)
      return
    }
    if (step.ends !== 'complete') this.say('ended', take, 'was completed, and nobody did that')
    this.checkWhole(take, received, last)
  }

  /** Everything that was to come before the end has come. */
  private checkWhole(take: Take, received: number, last: number): void {
    const { step } = take
    const isWhole = mayLose(step) ? last === step.count - 1 : received === step.count
    if (!isWhole) this.say('missing', take, `got ${received} of ${step.count} values, the last is number ${last}`)
  }

  /** Why this error is not allowed; `undefined`: it is. */
  private whyNot(take: Take, error: P2pError): string | undefined {
    const { step, received, started, timeout } = take
    const from = this.planOf(take)
    const to = this.scenario.nodes[step.to]!
    const elapsed = this.net.now - started
    const overSession = this.isSession(take)
    const general = failureOf(error, {
      from,
      to,
      size: step.size,
      isFaulty: this.isFaulty || this.isEnding,
      isUp: take.member.node === take.node && take.member.phase === 'up',
      by: step.by,
    })
    if (general !== undefined) return general
    if (this.isSure(take) && !isConnectionLost(error) && !isPlanned(step, error)) {
      return 'nothing stood in its way'
    }
    switch (error.code) {
      case 'ResponseTooLarge': {
        const large = step.sizes.some((size, i) => i < step.count && size > from.maxResponseSize)
        return large ? undefined : 'all values are small enough'
      }
      case 'Aborted':
        return step.abortAfter !== undefined && elapsed >= step.abortAfter ? undefined : 'nobody aborted it'
      case 'RequestTimeout':
        if (received > 0) return `after ${received} values`
        return elapsed >= leastTimeout(timeout, from, to, overSession) ? undefined : `after ${elapsed} of ${timeout} ms`
      case 'DialError':
        return received === 0 ? undefined : `after ${received} values`
      case 'ConnectionLost':
        return received === 0 || this.isFaulty || this.isEnding ? undefined : 'in its middle, in a sound network'
      case 'Overloaded': {
        if (step.ends === 'busy' && error.message.includes('on purpose')) {
          this.checkWhole(take, received, take.last)
          return isWrongRefusal(error) ? 'its time is not the one that was said' : undefined
        }
        const mayOverflow = step.producer === 'observable' && !isDropping(step) && hasBound(step, to)
        if (mayOverflow && error.message.includes('faster')) return undefined
        return isLimited(from, ['maxPendingRequests', 'maxDials']) ||
          isLimited(to, INBOUND) ||
          isToDrain(this.scenario, step.to)
          ? undefined
          : 'no limit is reached'
      }
      case 'RequestRejected':
        if (overSession && step.ends === 'fail' && error.remoteCode !== undefined) {
          this.checkWhole(take, received, take.last)
          return isWrongRefusal(error) ? 'its reason is not the one that was said' : undefined
        }
        // Version 1 has no reasons. Over a session it was the answerer's own time, and not ours, that was over.
        if (this.isFaulty || (!overSession && received === 0)) return undefined
        return received === 0 && elapsed >= leastTimeout(to.requestTimeout, to, undefined, false)
          ? undefined
          : 'nobody rejected it'
      default:
        return undefined
    }
  }

  /** Nothing stands in its way: small enough, no limits, time enough, a sound network. */
  private isSure({ step, timeout }: Take): boolean {
    const from = this.scenario.nodes[step.from]!
    const to = this.scenario.nodes[step.to]!
    const most = Math.min(from.maxRequestSize, to.maxRequestSize)
    const isSmall = step.size <= most && step.sizes.every((size) => size <= from.maxResponseSize)
    const isUnlimited = Object.keys({ ...from.limits, ...to.limits }).length === 0 && step.buffer === undefined
    const isInTime = timeout >= 2_000 && to.requestTimeout >= 2_000 && (step.count > 0 || step.ends !== 'never')
    const isLeft = step.abortAfter !== undefined
    return isSmall && isUnlimited && isInTime && !isLeft && this.isCalm() && !this.isFaulty && !this.isEnding
  }

  private isCalm(): boolean {
    return this.scenario.network.bandwidth >= 10_000_000
  }

  private isSession({ step }: Take): boolean {
    return isSession(this.scenario, step.from, step.to)
  }

  private planOf({ step }: Take): NodePlan {
    return this.scenario.nodes[step.from]!
  }

  // ---- making

  /** The values that a request asks for, if it asks for a stream. */
  serve(node: P2pNode, data: Uint8Array, from: string, signal: () => AbortSignal): Made['values'] | undefined {
    const id = idOf(data)
    const take = id === undefined ? undefined : this.takes.get(id)
    if (take === undefined) return undefined
    const { step } = take
    if (take.making !== undefined) this.say('handled twice', take, 'reached a handler twice')
    if (take.to !== node.peerId || take.node.peerId !== from) this.say('wrong node', take, `came from ${from}`)
    if (!isSame(data, payload('question', step.id, step.size))) this.say('altered', take, 'came with other bytes')
    take.handledAt = this.net.now
    const making = produce(this.net, step, signal, {
      ahead: () => this.checkAhead(take),
      wrong: (what) => this.say('producer', take, what),
    })
    take.making = making
    return making.values
  }

  /** A producer that can wait is asked for one more value. */
  private checkAhead(take: Take): void {
    const { step, cost } = take
    const making = take.making!
    if (!this.isSession(take)) {
      if (making.made > 0) this.say('ahead', take, 'is asked for a second value over version 1')
      return
    }
    const ahead = making.cost - cost
    // The value that is on its way into the loop's body is not counted as taken yet.
    const limit = WINDOW + Math.max(...step.sizes.map(costOf))
    const isTaken = take.ending === undefined && !mayLose(step)
    if (isTaken && ahead >= limit) this.say('ahead', take, `is asked for more, ${ahead} ahead of its consumer`)
  }

  // ---- time

  check(): void {
    const { now } = this.net
    for (const take of this.open) if (now > this.dueOf(take)) this.say('ends', take, `has not ended by ${now} ms`)
    const isQuiet = !this.isFaulty && this.isCalm()
    for (const take of this.abandoned) {
      const { making, endedAt, handledAt } = take
      if (making !== undefined && (making.stage !== 'making' || making.isOver())) this.abandoned.delete(take)
      else if (making !== undefined && now > Math.max(endedAt, handledAt) + (isQuiet ? HEARD : NOTICED))
        this.say('producer', take, `has not ended, and its consumer has (${take.ending})`)
    }
  }

  private dueOf({ step, started, timeout }: Take): number {
    if (step.ends === 'never') return Infinity
    const work = timeout + step.count * (step.pace + step.pause)
    return Math.max(started + work, this.scenario.duration) + PATIENCE
  }

  checkEnd(): void {
    for (const take of this.open) this.say('ends', take, 'has not ended, and its node has')
    for (const take of this.takes.values()) {
      const { making } = take
      if (making?.stage === 'making' && !making.isOver()) this.say('producer', take, 'goes on, and its node has ended')
    }
  }

  private say(invariant: string, { step }: Take, what: string): void {
    this.report(invariant, `stream ${step.id} of n${step.from} to n${step.to} ${what}`)
  }
}

function isDropping({ onOverflow }: StreamStep): boolean {
  return onOverflow === 'dropOldest' || onOverflow === 'conflate'
}

/** May values be left out? By a producer that cannot wait, or by a loop that takes everything and keeps the newest. */
function mayLose(step: StreamStep): boolean {
  return isDropping(step) && (step.producer === 'observable' || step.consumer === 'loop')
}

/** May so many values wait for credit that the bound is reached? */
function hasBound(step: StreamStep, to: NodePlan): boolean {
  return step.buffer !== undefined || step.onOverflow !== undefined || to.limits.maxQueuedValues !== undefined
}

function isPlanned({ ends }: StreamStep, { code }: P2pError): boolean {
  return ends === 'fail' ? code === 'RequestRejected' : ends === 'busy' && code === 'Overloaded'
}
