/** How a protocol answers: session/answerer/ and v1/answerer.ts implement it, answers.ts calls it. Types only. */
import type { Effects } from '../effects.js'
import type { CommandOf } from '../events.js'
import type { State } from '../state.js'
import type { Exchange } from './state.js'

/** How a protocol answers. */
export interface Answerer<Request extends Exchange> {
  /** The asker takes exactly one value. */
  takesOne(exchange: Request): boolean
  /** The one value of the answer. */
  sendOnly(state: State, out: Effects, exchange: Request, data: Uint8Array): void
  /** One of several values. */
  addValue(state: State, out: Effects, exchange: Request, data: Uint8Array): void
  /** No value follows. */
  complete(state: State, out: Effects, exchange: Request): void
  reject(state: State, out: Effects, exchange: Request, command: CommandOf<'reject'>): void
  /** The producer can wait, and produces only what `allowValues` allows. */
  setPullable(state: State, out: Effects, exchange: Request): void
  /** The time for its stage is over. */
  expire(state: State, out: Effects, exchange: Request): void
  /** There is room for a request that waited for it. */
  resume(state: State, out: Effects, exchange: Request): void
}
