/**
 * Requests of peers, on their way to users' code: to the registered handler, the subscribers of `requests$`, or both. The first
 * answer counts. Answers return to the lane as commands, and nothing waits for a handler.
 */
import { Subject } from 'rxjs'
import type { Refusal } from '../../core/effects.js'
import type { Command } from '../../core/events.js'
import { IdMap } from '../../core/id-map.js'
import type { ExchangeId } from '../../core/terms.js'
import { checkBytes, firstLine, isThenable, messageOf, reading } from '../checks.js'
import { nextTurn } from '../../platform/timers.js'
import type { Logger } from '../log.js'
import { Cancellable } from '../signals.js'
import { isStream, producerOf, type Producer, type Producing, type Reply } from './producers.js'
import { ServedProtocols } from './protocols.js'
import { Pulls } from './pulls.js'
import { checkRejection, isDeliberate, rejectCommand, rejectionOf, type Rejection } from './reasons.js'
import { line } from '../../core/terms.js'

/** A request of another peer. Answer it once, by `respond` or `reject`; later answers are ignored. */
export interface InboundRequest {
  /** The asker's peer id. */
  readonly from: string
  /** The payload; yours to keep. */
  readonly data: Uint8Array
  /**
   * Fires when the answer, or the rest of it, is no longer needed. Its `reason` is a `P2pError`. Its code is `Aborted`: the asker has
   * cancelled, or takes no more values; `RequestTimeout`: its time, or that of this node, is over; `ConnectionLost`: the asker was
   * lost; `Overloaded`: values came faster than the asker took them; `NodeStopped`: this node stops.
   */
  readonly signal: AbortSignal
  /** How long the request has waited for its turn, ms: since all of it was here. Others were served meanwhile. */
  readonly waited: number
  /**
   * Answers the request. This is decided by the call: if the reply is a promise that rejects, or a stream that fails, the request is
   * rejected. @throws `InvalidConfig` if `reply` is not a `Reply`
   */
  respond(reply: Reply): void
  /**
   * Rejects the request. The reason, a message or a `Rejection`, reaches the asker over a session; version 1 cannot carry it.
   * @throws `InvalidConfig` if `reason` is neither, or has an unknown field
   */
  reject(reason?: string | Rejection): void
}

/** What to do with requests and broadcasts, registered once by `setEventHandler`: one of the methods, or both. */
export interface EventHandler {
  /**
   * Answers a request that no subscriber of `requests$` has answered at once. Nothing else waits while it
   * waits for something, but everything does while it computes: let a worker do that. If it throws, this request alone is rejected. The
   * error's message and `code` are only logged here, unless the error has `expose: true`: then the asker gets them.
   */
  handleInboundRequest?(data: Uint8Array, context: RequestContext): Reply
  /**
   * Called with each broadcast of every topic that the node is in; `from` is the peer id of its signer. What it throws is
   * logged.
   */
  handleBroadcast?(topic: string, data: Uint8Array, context: { from: string }): void | Promise<void>
}

/** Answers requests of one protocol. */
export type ServeRequest = (request: InboundRequest) => void

/** What a handler gets with the bytes of a request. */
export interface RequestContext {
  /** The asker's peer id. */
  readonly from: string
  /** Fires when the answer, or the rest of it, is no longer needed, as in `InboundRequest`. */
  readonly signal: AbortSignal
  /** How long the request has waited for its turn, ms, as in `InboundRequest`. */
  readonly waited: number
}

/** What ends an answer. */
type LastCommand = Extract<Command, { type: 'respond' | 'complete' | 'reject' }>

/** What an asker is told when neither a handler nor a subscriber is there. */
const NOBODY: Rejection = { message: 'nobody answers requests here' }

/** Handlers of one turn of the event loop may take so long together, ms; the others are called in later turns. */
const TURN = 5
/** After this time without a handler the event loop has had a turn, ms. */
const IDLE = 1
/** Shorter times of a handler are not told to the lane, ms. */
const TOLD = 0.25

/** One request. It is also its own context, because another object for each request would cost time. */
class Inbound extends Cancellable implements InboundRequest, RequestContext, Producing {
  /** It has been answered, or cannot be any more. */
  decided = false
  private producer: Producer | undefined
  /** What goes on for it: the handler's promise is pending, the iterator of the answer is being closed. */
  private works = 0
  /** It is over, and the lane is to be told when all that has ended. */
  private isOver = false

  constructor(
    private readonly owner: InboundRequests,
    private readonly exchange: ExchangeId,
    readonly from: string,
    readonly data: Uint8Array,
    readonly waited: number,
  ) {
    super()
  }

  respond(reply: Reply): void {
    const isPromise = reading('the response', () => isThenable(reply))
    if (isPromise) return this.wait(reply as PromiseLike<unknown>, this.decide())
    const values = reading('the response', () => isStream(reply)) ? reply : checkBytes(reply, 'the response')
    if (this.decide()) this.answer(values)
  }

  reject(reason?: string | Rejection): void {
    const rejection = checkRejection(reason)
    if (this.decide()) this.finish(rejectCommand(this.exchange, rejection))
  }

  /** What a handler returned: a promise decides nothing before it settles. */
  offer(reply: Reply): void {
    if (!isThenable(reply)) return this.answerFirst(reply)
    this.works++
    Promise.resolve(reply).then(
      (value) => {
        this.worked()
        this.answerFirst(value)
      },
      (error: unknown) => {
        this.worked()
        this.thrown(error)
      },
    )
  }

  private worked(): void {
    if (--this.works === 0 && this.isOver) this.release()
  }

  private release(): void {
    this.owner.push({ type: 'released', exchange: this.exchange })
  }

  private worksUntil(end: Promise<unknown> | undefined): void {
    if (end === undefined) return
    this.works++
    const worked = (): void => {
      this.worked()
    }
    end.then(worked, worked)
  }

  /** What a handler threw. */
  thrown(error: unknown): void {
    if (this.decide()) this.failed(error)
    else this.owner.report(this.from, error, this.cancelled !== undefined)
  }

  /** A promise that comes too late is handled too, because an unhandled rejection would end the process. */
  private wait(reply: PromiseLike<unknown>, decides: boolean): void {
    this.works++
    Promise.resolve(reply).then(
      (value) => {
        this.worked()
        if (decides) this.answer(value)
      },
      (error: unknown) => {
        this.worked()
        if (decides) this.failed(error)
        else this.late(error)
      },
    )
  }

  private answerFirst(reply: unknown): void {
    if (this.decide()) this.answer(reply)
  }

  private decide(): boolean {
    if (this.decided) return false
    this.decided = true
    return true
  }

  private answer(reply: unknown): void {
    // Cancelled while the promise was pending: a stream that is not needed is not begun.
    if (this.cancelled !== undefined) return
    try {
      if (isStream(reply)) this.producer = producerOf(reply, this.exchange, this)
      else this.finish({ type: 'respond', exchange: this.exchange, data: checkBytes(reply, 'the response') })
    } catch (error) {
      this.failed(error)
    }
  }

  private finish(command: LastCommand): void {
    if (this.works > 0) command.working = this.isOver = true
    this.owner.finished(this.exchange, command)
  }

  // ---- of the lane

  produce(allowance: number): void {
    this.producer?.produce(allowance)
  }

  override cancel(refusal: Refusal): void {
    this.decided = true
    super.cancel(refusal)
    this.worksUntil(this.producer?.stop())
    this.isOver = true
    if (this.works === 0) this.release()
  }

  // ---- of a producer

  inTurn(pull: () => void): void {
    this.owner.pulls.run(this.from, pull)
  }

  push(command: Command): void {
    if (this.cancelled === undefined) this.owner.push(command)
  }

  completed(): void {
    this.finish({ type: 'complete', exchange: this.exchange })
  }

  failed(error: unknown, end?: Promise<unknown>): void {
    this.worksUntil(end)
    this.owner.report(this.from, error, this.cancelled !== undefined)
    this.finish(rejectCommand(this.exchange, rejectionOf(error)))
  }

  late(error: unknown): void {
    this.owner.report(this.from, error, true)
  }
}

export class InboundRequests {
  readonly requests$ = new Subject<InboundRequest>()
  readonly protocols: ServedProtocols<ServeRequest>
  private readonly requests = new IdMap<Inbound>()
  private handle: EventHandler['handleInboundRequest']
  /** Time of handlers in this turn of the event loop, ms, and when the last of them ended. */
  private used = 0
  /** The handlers that it went to. */
  private ran = 0
  private endedAt = -Infinity
  /** Nothing but handlers has run since then, and what is done for their requests. */
  private isRunning = false
  /** Those that were not called in this turn; `undefined`: its time is not used up. */
  private left: { exchange: ExchangeId; data: Uint8Array }[] | undefined

  readonly pulls: Pulls

  /** `now`: in ms, of a clock that goes on while a handler runs. `inNextTurn`: runs work in the next turn of the event loop. */
  constructor(
    readonly push: (command: Command) => void,
    readonly log: Logger,
    private readonly now: () => number,
    private readonly inNextTurn: (work: () => void) => void = nextTurn,
  ) {
    this.pulls = new Pulls(now, inNextTurn)
    this.protocols = new ServedProtocols(push)
  }

  setHandler(handler: EventHandler): void {
    this.handle = handler.handleInboundRequest?.bind(handler)
  }

  /** `waited`: for its turn, ms. */
  onRequest(exchange: ExchangeId, from: string, data: Uint8Array, waited = 0): void {
    const server = this.protocols.serverOf(data)
    if (server === undefined) {
      const othersAnswer = this.handle !== undefined || this.requests$.observed
      const refusal = this.protocols.refusalOf(data, { othersAnswer }) ?? (othersAnswer ? undefined : NOBODY)
      if (refusal !== undefined) return this.push(rejectCommand(exchange, refusal))
    }
    if (this.left !== undefined) return void this.left.push({ exchange, data })
    // Of those that follow each other at once, one begins when the one before has ended: a look at the clock for each is dear enough.
    const start = this.isRunning ? this.endedAt : this.now()
    this.call(new Inbound(this, exchange, from, data, waited), exchange, server)
    this.count(from, start, this.now())
    this.isRunning = true
  }

  /** From here on, something else runs. */
  pause(): void {
    this.isRunning = false
  }

  private call(request: Inbound, exchange: ExchangeId, server: ServeRequest | undefined): void {
    this.requests.set(exchange, request)
    if (server === undefined) this.requests$.next(request)
    try {
      if (server !== undefined) server(request)
      else if (this.handle !== undefined && !request.decided) request.offer(this.handle(request.data, request))
    } catch (error) {
      request.thrown(error)
    }
  }

  /** A handler has run. When the time of this turn is used up, sockets and timers come first, and then the lane says who is next. */
  private count(from: string, start: number, end: number): void {
    const took = end - start
    if (start - this.endedAt > IDLE) this.used = this.ran = 0
    this.used += took
    this.ran++
    this.endedAt = end
    if (took >= TOLD) this.push({ type: 'handlerTook', peer: from, ms: Math.round(took * 10) / 10 })
    if (this.used < TURN) return
    this.left = []
    this.push({ type: 'turnUsed', ran: this.ran })
    this.inNextTurn(this.endTurn)
  }

  private readonly endTurn = (): void => {
    const requests = this.left!
    this.left = undefined
    this.used = this.ran = 0
    this.push({ type: 'handedBack', requests })
  }

  onProduce(exchange: ExchangeId, allowance: number): void {
    this.requests.get(exchange)?.produce(allowance)
  }

  onCancel(exchange: ExchangeId, refusal: Refusal): void {
    const request = this.requests.get(exchange)
    this.requests.delete(exchange)
    request?.cancel(refusal)
  }

  end(refusal: Refusal): void {
    for (const exchange of this.requests.keys()) this.onCancel(exchange, refusal)
    this.requests$.complete()
    this.protocols.end()
  }

  // ---- of a request

  /** Sends its last command, unless it was cancelled before. */
  finished(exchange: ExchangeId, command: LastCommand): void {
    if (this.requests.delete(exchange)) this.push(command)
  }

  /** An error of user code. It may be meant as a refusal, or come after the cancel (`late`). */
  report(from: string, error: unknown, late: boolean): void {
    if (late) this.log('debug', line`something failed when the request of ${from} was over`, error)
    else if (isDeliberate(error)) this.log('debug', line`the handler refused a request of ${from}`, error)
    else this.log('error', line`the handler failed on a request of ${from}: ${firstLine(messageOf(error))}`, error)
  }
}
