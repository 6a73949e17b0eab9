/** The edge without a lane: what it pushes is kept, and what the lane would say is said by hand. */
import type { Command, Event } from '../../src/core/events.js'
import { OutboundRequests } from '../../src/edge/requests/outbound.js'
import { Asks } from '../../src/edge/asks.js'
import { InboundRequests, type InboundRequest } from '../../src/edge/answers/inbound.js'
import { settingsWith } from './core.js'

export const BOB = '12D3KooWSoC2ngFnfgSZcyJibKmZ2G58kbFcpmSPSSvDxeqkBLJc'
export const CAROL = '12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN'
export const DAVE = '12D3KooWGRUfQpRoMrXDMGNvJDFH1VzqEzSWJ7zzjvCHQrBgjC8z'

type Of<Type extends Command['type']> = Extract<Command, { type: Type }>

export class AskingEdge {
  readonly pushed: Event[] = []
  readonly asks = new Asks((event) => this.pushed.push(event))
  readonly asking = new OutboundRequests(this.asks, settingsWith({ maxRequestSize: 1_000, requestTimeout: 5_000 }))

  /** The commands of this type so far. */
  commands<Type extends Command['type']>(type: Type): Of<Type>[] {
    return this.pushed.filter((event): event is Of<Type> => event.type === type)
  }

  /** The number of the request to this peer. */
  askOf(peer: string): number {
    return this.commands('request').find((command) => command.peer === peer)!.ask
  }

  /** Values arrive for a request. */
  values(ask: number, ...values: Uint8Array[]): void {
    for (const value of values) this.asks.value(ask, value)
  }
}

export class AnsweringEdge {
  readonly pushed: Event[] = []
  readonly logged: { level: string; cause: unknown }[] = []
  readonly inbound: InboundRequests

  constructor(now = (): number => 0) {
    this.inbound = new InboundRequests(
      (event) => this.pushed.push(event),
      (level, _message, cause) => this.logged.push({ level, cause }),
      now,
    )
  }

  /** A request that a subscriber gets. */
  request(exchange = 2, data = new Uint8Array()): InboundRequest {
    let seen!: InboundRequest
    const subscription = this.inbound.requests$.subscribe((request) => (seen = request))
    this.inbound.onRequest(exchange, 'bob', data)
    subscription.unsubscribe()
    return seen
  }

  /** What was pushed, shortly: `next 3` is a value of three bytes. */
  get said(): string[] {
    return this.pushed.map((event) => {
      if (event.type === 'next' || event.type === 'respond') return `${event.type} ${event.data.length}`
      if (event.type === 'reject')
        return ['reject', event.code, event.reason].filter((part) => part !== undefined).join(' ')
      return event.type
    })
  }
}
