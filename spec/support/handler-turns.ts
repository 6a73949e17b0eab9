/** The turns of an event loop with handlers that compute, and peers that ask: a core by hand, its times and what each peer waits. */
import type { Effect } from '../../src/core/effects.js'
import type { Event } from '../../src/core/events.js'
import { bytes } from './core.js'
import { hello, join, request, SESSION } from './session.js'
import { AnsweringCore } from './session-cores.js'

/** As the edge has them, ms. */
const [TURN, TOLD] = [5, 0.25]

export interface Caller {
  peer: string
  /** The place that it asks from; default: one of its own. */
  address?: string
  /** What its handler computes, ms. */
  cost: number
  /** … and the first one, if that is something else. */
  first?: number
  /** It always has so many requests under way … */
  atOnce?: number
  /** … or asks each so many ms. */
  each?: number
  /** It comes at this time; default: at the start. */
  from?: number
}

interface Calling extends Caller, Served {
  nextAt: number
  underWay: number
}

/** What handlers have computed for a caller, ms, and how long its answered requests have taken, ms. */
export interface Served {
  computed: number
  waits: number[]
}

export class HandlerTurns {
  readonly core = new AnsweringCore({ requestTimeout: 60_000, pingInterval: 1e9 })
  private readonly callers: Calling[]
  /** The time of each request that is under way, by its text. */
  private readonly asked = new Map<string, { caller: Calling; at: number }>()
  private requests = 0
  private time = 0
  /** What handlers and sockets have said since the last batch. */
  private readonly commands: Event[] = []
  /** The time of handlers in this turn, ms, how many have run, and those for which there was none; `undefined`: there is some left. */
  private used = 0
  private ran = 0
  private left: { exchange: number; data: Uint8Array }[] | undefined

  constructor(...callers: Caller[]) {
    this.callers = callers.map((caller) => ({
      ...caller,
      computed: 0,
      waits: [],
      nextAt: caller.from ?? 0,
      underWay: 0,
    }))
  }

  /** Goes on until this time, ms. */
  until(end: number): this {
    while (this.time < end) this.turn()
    return this
  }

  of(peer: string): Served {
    return this.callers.find((caller) => caller.peer === peer)!
  }

  /** What has come, and then those that the last turn had no time for. */
  private turn(): void {
    const requests = this.left
    this.in({ type: 'woken' }, ...this.callers.flatMap((caller) => this.asks(caller)))
    if (this.left === undefined) this.time = Math.floor(this.time) + 1
    if (this.left === undefined || requests !== undefined) this.used = this.ran = 0
    if (requests === undefined) return
    this.left = undefined
    this.in({ type: 'handedBack', requests })
  }

  /** A batch of the lane, and those of what it starts. */
  private in(...events: Event[]): void {
    for (let batch = events; batch.length > 0; batch = this.commands.splice(0)) {
      this.core.now = Math.floor(this.time)
      for (const effect of this.core.in(...batch)) {
        if (effect.type === 'write') this.commands.push({ type: 'writable', stream: effect.stream })
        if (effect.type !== 'handle') continue
        if (this.left === undefined) this.run(effect)
        else this.left.push({ exchange: effect.exchange, data: effect.data })
      }
    }
  }

  private run({ exchange, data }: Extract<Effect, { type: 'handle' }>): void {
    const text = new TextDecoder().decode(data)
    const { caller, at } = this.asked.get(text)!
    this.asked.delete(text)
    caller.underWay--
    const cost = caller.waits.length === 0 ? (caller.first ?? caller.cost) : caller.cost
    this.time += cost
    this.used += cost
    this.ran++
    caller.computed += cost
    caller.waits.push(this.time - at)
    const events: Event[] = [{ type: 'respond', exchange, data: bytes('!') }]
    if (cost >= TOLD) events.push({ type: 'handlerTook', peer: caller.peer, ms: cost })
    if (this.used >= TURN) {
      this.left = []
      events.push({ type: 'turnUsed', ran: this.ran })
    }
    this.commands.push(...events)
  }

  private asks(caller: Calling): Event[] {
    const { peer, atOnce, each = 0 } = caller
    if (this.time < (caller.from ?? 0)) return []
    const connection = this.callers.indexOf(caller) + 1
    const stream = 2 * connection
    if (!this.core.state.connections.byPeer.has(peer)) {
      const address = `/ip4/${caller.address ?? `80.${connection >> 8}.${connection & 255}.1`}/tcp/4000`
      this.core.connect(peer, connection, address)
      this.core.in({ type: 'streamInbound', stream, connection, protocol: SESSION })
      this.in({ type: 'data', stream, chunks: [hello()] })
    }
    const frames: Uint8Array[] = []
    while (atOnce === undefined ? caller.nextAt <= this.time : caller.underWay < atOnce) {
      const text = `${++this.requests}`
      this.asked.set(text, { caller, at: atOnce === undefined ? caller.nextAt : this.time })
      caller.nextAt += each
      caller.underWay++
      frames.push(request(this.requests, bytes(text), { credit: 1_000 }))
    }
    return frames.length === 0 ? [] : [{ type: 'data', stream, chunks: [join(...frames)] }]
  }
}
