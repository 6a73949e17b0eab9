/**
 * Answers of our handlers to a peer's request: one value, several, or a refusal. Answers to an exchange that no longer
 * waits for one are ignored. How an answer crosses the connection, the protocols know.
 */
import type { Effects } from '../effects.js'
import type { CommandOf } from '../events.js'
import type { State } from '../state.js'
import type { ExchangeId } from '../terms.js'
import { grantRoom } from './budget.js'
import { allowValues, cancelHandler, extendIfMoving, logExpiry, startAnswering, type Answerer } from './exchanges.js'
import { sessionAnswerer } from './session/answerer/answers.js'
import type { Exchange } from './state.js'
import { v1Answerer } from './v1/answerer.js'

const ANSWERERS: { [Protocol in Exchange['protocol']]: Answerer<Extract<Exchange, { protocol: Protocol }>> } = {
  session: sessionAnswerer,
  v1: v1Answerer,
}

function answererOf({ protocol }: Exchange): Answerer<Exchange> {
  return ANSWERERS[protocol]
}

/** The only value of the answer. */
export function respond(state: State, out: Effects, id: ExchangeId, data: Uint8Array): void {
  const exchange = state.exchanges.open.get(id)
  if (exchange?.stage === 'handling') answererOf(exchange).sendOnly(state, out, exchange, data)
}

/** One of several values. An asker that takes one value gets the first. */
export function next(state: State, out: Effects, id: ExchangeId, data: Uint8Array): void {
  const exchange = state.exchanges.open.get(id)
  if (exchange === undefined) return
  const answerer = answererOf(exchange)
  if (answerer.takesOne(exchange)) {
    if (exchange.stage !== 'handling') return
    answerer.sendOnly(state, out, exchange, data)
    return cancelHandler(state, out, exchange, { code: 'Aborted', message: 'the asker takes one value' })
  }
  if (exchange.stage === 'handling') startAnswering(state, exchange)
  if (exchange.stage === 'answering' && !exchange.ended) answerer.addValue(state, out, exchange, data)
}

/** No value follows. */
export function complete(state: State, out: Effects, id: ExchangeId): void {
  const exchange = state.exchanges.open.get(id)
  if (exchange !== undefined) answererOf(exchange).complete(state, out, exchange)
}

/** The producer of the answer can wait. */
export function onPullable(state: State, out: Effects, id: ExchangeId): void {
  const exchange = state.exchanges.open.get(id)
  if (exchange === undefined) return
  const answerer = answererOf(exchange)
  if (answerer.takesOne(exchange)) allowValues(state, out, exchange, 1)
  else answerer.setPullable(state, out, exchange)
}

export function reject(state: State, out: Effects, command: CommandOf<'reject'>): void {
  const exchange = state.exchanges.open.get(command.exchange)
  if (exchange !== undefined) answererOf(exchange).reject(state, out, exchange, command)
}

/** The time for its stage is over. */
export function expireExchange(state: State, out: Effects, id: ExchangeId): void {
  const exchange = state.exchanges.open.get(id)
  if (exchange === undefined) return
  if (extendIfMoving(state, exchange)) return
  logExpiry(out, exchange)
  answererOf(exchange).expire(state, out, exchange)
}

/** Room has become free: requests that waited for it go on. */
export function resumeWaiting(state: State, out: Effects): void {
  for (let freed = grantRoom(state); freed.length > 0; freed = grantRoom(state)) {
    for (const exchange of freed) answererOf(exchange).resume(state, out, exchange)
  }
}
