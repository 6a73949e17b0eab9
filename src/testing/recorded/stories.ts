/** What happened, put together from events and effects: questions with their answers, and broadcasts. */
import type { Effect } from '../../core/effects.js'
import type { Event } from '../../core/events.js'

/** A request, ours or a peer's, and what became of it. */
export interface RecordedRequest {
  /** `out`: this node asked. `in`: it was asked. */
  direction: 'out' | 'in'
  /** The peer id of the other side; of a request of ours as it was given, which may be a multiaddr. */
  peer: string
  /** When it was asked, or was handed to the handler: ms on the node's clock, whose start has no meaning. */
  at: number
  /** The payload; zeros in a redacted recording. */
  data: Uint8Array
  /** The values of the answer. */
  values: Uint8Array[]
  /** When it was over; absent: it was not when the recording ended. */
  endedAt?: number
  /** Why it failed, if it did: an `ErrorCode`, or the code that the handler gave. */
  code?: string
  /** What was said of that. */
  message?: string
}

/** A broadcast that this node has sent or heard. */
export interface RecordedBroadcast {
  /** `out`: this node has sent it. `in`: it has heard it. */
  direction: 'out' | 'in'
  /** The topic's name. */
  topic: string
  /** The signer's peer id. */
  from: string
  /** The peer that handed it to us; absent: it is our own. */
  via?: string
  /** When it was sent or delivered: ms on the node's clock, whose start has no meaning. */
  at: number
  /** The payload; zeros in a redacted recording. */
  data: Uint8Array
}

export class Stories {
  readonly requests: RecordedRequest[] = []
  readonly broadcasts: RecordedBroadcast[] = []
  /** Those that are open: by `ask 3` and `exchange 4`. */
  private readonly open = new Map<string, RecordedRequest>()

  constructor(private readonly self: string) {}

  event(at: number, event: Event): void {
    switch (event.type) {
      case 'request':
        // Below zero: the node itself asks.
        if (event.ask > 0)
          this.begin(`ask ${event.ask}`, { direction: 'out', peer: event.peer, at, data: event.data, values: [] })
        return
      case 'cancel':
        return this.end(`ask ${event.ask}`, at, { code: 'Aborted', message: 'the caller has cancelled it' })
      case 'broadcast':
        return void this.broadcasts.push({
          direction: 'out',
          topic: event.topic,
          from: this.self,
          at,
          data: event.data,
        })
      case 'respond':
        this.value(`exchange ${event.exchange}`, event.data)
        return this.end(`exchange ${event.exchange}`, at)
      case 'next':
        return this.value(`exchange ${event.exchange}`, event.data)
      case 'complete':
        return this.end(`exchange ${event.exchange}`, at)
      case 'reject':
        return this.end(`exchange ${event.exchange}`, at, {
          code: event.code ?? 'Rejected',
          ...(event.reason !== undefined && { message: event.reason }),
        })
      default:
        return
    }
  }

  effect(at: number, effect: Effect): void {
    switch (effect.type) {
      case 'handle': {
        const { from: peer, data } = effect
        return this.begin(`exchange ${effect.exchange}`, { direction: 'in', peer, at, data, values: [] })
      }
      case 'cancelHandler':
        return this.end(`exchange ${effect.exchange}`, at, effect.refusal)
      case 'settle':
        if (effect.value instanceof Uint8Array) this.value(`ask ${effect.ask}`, effect.value)
        return this.end(`ask ${effect.ask}`, at)
      case 'value':
        return this.value(`ask ${effect.ask}`, effect.value)
      case 'valuesEnded':
        return this.end(`ask ${effect.ask}`, at)
      case 'fail':
        return this.end(`ask ${effect.ask}`, at, effect.refusal)
      case 'deliver': {
        const { topic, from, via, data } = effect
        return void this.broadcasts.push({ direction: 'in', topic, from, via, at, data })
      }
      default:
        return
    }
  }

  private begin(key: string, request: RecordedRequest): void {
    this.open.set(key, request)
    this.requests.push(request)
  }

  private value(key: string, value: Uint8Array): void {
    this.open.get(key)?.values.push(value)
  }

  private end(key: string, at: number, why?: { code: string; message?: string }): void {
    const request = this.open.get(key)
    if (request === undefined) return
    this.open.delete(key)
    request.endedAt = at
    if (why === undefined) return
    request.code = why.code
    if (why.message !== undefined) request.message = why.message
  }
}
