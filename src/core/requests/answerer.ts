/** What a protocol has to know to answer: session/answerer/ and v1/answerer.ts do it, answers.ts uses it. Types only. */
import type { Effects } from '../effects.js'
import type { CommandOf } from '../events.js'
import type { State } from '../state.js'
import type { Exchange } from './state.js'

/** How a protocol answers. */
export interface Answerer<Request extends Exchange> {
  /** The asker takes one value and no more. */
  takesOne(exchange: Request): boolean
  /** The one value of the answer. */
  sendOnly(state: State, out: Effects, exchange: Request, data: Uint8Array): void
  /** One of several. */
  addValue(state: State, out: Effects, exchange: Request, data: Uint8Array): void
  /** No value follows. */
  complete(state: State, out: Effects, exchange: Request): void
  reject(state: State, out: Effects, exchange: Request, command: CommandOf<'reject'>): void
  /** The producer waits for leave to go on. */
  setPullable(state: State, out: Effects, exchange: Request): void
  /** It had its time in this stage. */
  expire(state: State, out: Effects, exchange: Request): void
  /** There is room for a request that was held. */
  resume(state: State, out: Effects, exchange: Request): void
}
