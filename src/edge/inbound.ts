/**
 * Requests of others, on their way to whoever answers them here: the registered handler, the subscribers of `requests$`,
 * or both; the first answer wins. Answers return to the lane as commands, and nothing waits for a handler.
 */
import { Subject } from 'rxjs'
import type { Event } from '../core/events.js'
import type { StreamId } from '../network/port.js'
import { checkBytes, isThenable } from './checks.js'
import type { Logger } from './log.js'

/** A request of another peer. Answer it once, by `respond` or `reject`; later answers are ignored. */
export interface InboundRequest {
  /** The asker's peer id. */
  readonly from: string
  /** The payload; yours to keep. */
  readonly data: Uint8Array
  /** Fires when nobody waits for the answer any more: the asker gave up, was lost, or the time was over. */
  readonly signal: AbortSignal
  /** Answers. Throws `InvalidConfig` for anything but bytes. */
  respond(data: Uint8Array): void
  /** Refuses. The reason reaches the asker where the wire can carry it (version 1 cannot). */
  reject(reason?: string): void
}

/** What to do with requests and broadcasts, registered once by `setEventHandler`. Both methods are optional. */
export interface EventHandler {
  /**
   * Answers a request. May be slow or asynchronous: nothing else waits for it. A throw rejects this request only; its
   * message stays in our log, unless the error has `expose: true`.
   */
  handleInboundRequest?(data: Uint8Array, context: RequestContext): Uint8Array | Promise<Uint8Array>
  /** Hears a broadcast of a topic that we are in. What it throws is logged. */
  handleBroadcast?(topic: string, data: Uint8Array, context: { from: string }): void | Promise<void>
}

export interface RequestContext {
  /** The asker's peer id. */
  readonly from: string
  /** Fires when nobody waits for the answer any more. */
  readonly signal: AbortSignal
}

class Inbound implements InboundRequest {
  private controller: AbortController | undefined
  private cancelled: string | undefined

  constructor(
    private readonly exchange: StreamId,
    readonly from: string,
    readonly data: Uint8Array,
    private readonly answer: (event: Event) => void,
  ) {}

  /** Made when somebody looks: a controller for each request would halve the rate. */
  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController()
      if (this.cancelled !== undefined) this.controller.abort(new Error(this.cancelled))
    }
    return this.controller.signal
  }

  respond(data: Uint8Array): void {
    this.answer({ type: 'respond', exchange: this.exchange, data: checkBytes(data, 'the response') })
  }

  reject(reason?: string): void {
    const { exchange } = this
    this.answer(reason === undefined ? { type: 'reject', exchange } : { type: 'reject', exchange, reason })
  }

  cancel(reason: string): void {
    this.cancelled = reason
    this.controller?.abort(new Error(reason))
  }
}

export class InboundRequests {
  readonly requests$ = new Subject<InboundRequest>()
  private readonly open = new Map<StreamId, Inbound>()
  private handle: EventHandler['handleInboundRequest']

  constructor(
    private readonly push: (event: Event) => void,
    private readonly log: Logger,
  ) {}

  setHandler(handler: EventHandler): void {
    this.handle = handler.handleInboundRequest?.bind(handler)
  }

  onRequest(exchange: StreamId, from: string, data: Uint8Array): void {
    if (this.handle === undefined && !this.requests$.observed) {
      this.push({ type: 'reject', exchange, reason: 'nobody answers requests here' })
      return
    }
    const request = new Inbound(exchange, from, data, (event) => {
      if (this.open.delete(exchange)) this.push(event)
    })
    this.open.set(exchange, request)
    this.requests$.next(request)
    if (this.handle !== undefined) this.ask(this.handle, request)
  }

  onCancel(exchange: StreamId, reason: string): void {
    const request = this.open.get(exchange)
    this.open.delete(exchange)
    request?.cancel(reason)
  }

  end(): void {
    for (const exchange of [...this.open.keys()]) this.onCancel(exchange, 'the node was stopped')
    this.requests$.complete()
  }

  private ask(handle: NonNullable<EventHandler['handleInboundRequest']>, request: Inbound): void {
    const respond = (data: Uint8Array): void => {
      request.respond(data)
    }
    const refuse = (error: unknown): void => {
      this.log('error', `the handler failed on a request of ${request.from}`, error)
      request.reject(exposedMessage(error))
    }
    const context: RequestContext = {
      from: request.from,
      get signal() {
        return request.signal
      },
    }
    try {
      const answer = handle(request.data, context)
      if (isThenable(answer)) Promise.resolve(answer).then(respond).catch(refuse)
      else respond(answer)
    } catch (error) {
      refuse(error)
    }
  }
}

/** The text that an error's author meant for strangers (`expose: true`, as http-errors marks it). */
function exposedMessage(error: unknown): string | undefined {
  return error instanceof Error && (error as { expose?: unknown }).expose === true ? error.message : undefined
}
