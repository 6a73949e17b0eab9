/**
 * Answers of our handlers to a peer's request: one value, several, or a refusal. Answers to an exchange that no longer
 * waits for one are ignored. How an answer crosses the connection, the protocols know.
 */
import { RETRY_AFTER } from '../asks.js'
import type { Effects } from '../effects.js'
import type { CommandOf } from '../events.js'
import type { State } from '../state.js'
import type { ExchangeId } from '../terms.js'
import { grantRoom } from './budget.js'
import { allowValues, cancelHandler, extendIfMoving, logExpiry, startAnswering, type Answerer } from './exchanges.js'
import { holdAnswer, mayKeep, noteSize, resumeStalled } from './held.js'
import { logRefusal } from './refusal-log.js'
import { isSeries, lookAtSeries } from './session/answerer/idle.js'
import { sessionAnswerer } from './session/answerer/answers.js'
import { freeSlot } from './slots.js'
import type { Exchange } from './state.js'
import { serveTurns } from './turns.js'
import { v1Answerer } from './v1/answerer.js'

/** Why an answer is dropped. */
const NO_ROOM = 'there is no room for its answer'

const ANSWERERS: { [Protocol in Exchange['protocol']]: Answerer<Extract<Exchange, { protocol: Protocol }>> } = {
  session: sessionAnswerer,
  v1: v1Answerer,
}

function answererOf({ protocol }: Exchange): Answerer<Exchange> {
  return ANSWERERS[protocol]
}

/** The only value of the answer. */
export function respond(state: State, out: Effects, { exchange: id, data, working }: CommandOf<'respond'>): void {
  if (working !== true) freeSlot(state, id)
  const exchange = state.exchanges.open.get(id)
  if (exchange?.stage === 'handling') sendOnly(state, out, exchange, data)
}

function sendOnly(state: State, out: Effects, exchange: Exchange, data: Uint8Array): void {
  const answerer = answererOf(exchange)
  const { id, peer, service } = exchange
  if (!service) noteSize(state, exchange, data.length)
  if (mayKeep(state, exchange, data.length)) {
    holdAnswer(state, exchange, data.length)
    return answerer.sendOnly(state, out, exchange, data)
  }
  holdAnswer(state, exchange, 0)
  logRefusal(state, out, peer, NO_ROOM)
  answerer.reject(state, out, exchange, {
    type: 'reject',
    exchange: id,
    code: 'Overloaded',
    reason: NO_ROOM,
    retryAfterMs: RETRY_AFTER,
  })
}

/** One of several values. An asker that takes one value gets the first. */
export function next(state: State, out: Effects, id: ExchangeId, data: Uint8Array): void {
  const exchange = state.exchanges.open.get(id)
  if (exchange === undefined) return
  const answerer = answererOf(exchange)
  if (answerer.takesOne(exchange)) {
    if (exchange.stage !== 'handling') return
    sendOnly(state, out, exchange, data)
    return cancelHandler(state, out, exchange, { code: 'Aborted', message: 'the asker takes one value' })
  }
  if (!exchange.service) noteSize(state, exchange, data.length)
  if (exchange.stage === 'handling') startAnswering(state, exchange)
  if (exchange.stage === 'answering' && !exchange.ended) answerer.addValue(state, out, exchange, data)
}

/** No value follows. `working`: the handler goes on all the same. */
export function complete(state: State, out: Effects, id: ExchangeId, working = false): void {
  if (!working) freeSlot(state, id)
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
  if (command.working !== true) freeSlot(state, command.exchange)
  const exchange = state.exchanges.open.get(command.exchange)
  if (exchange !== undefined) answererOf(exchange).reject(state, out, exchange, command)
}

/** The time for its stage is over. */
export function expireExchange(state: State, out: Effects, id: ExchangeId): void {
  const exchange = state.exchanges.open.get(id)
  if (exchange === undefined) return
  if (isSeries(exchange)) return lookAtSeries(state, out, exchange)
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

/** Room for answers has become free: producers go on, and then requests that wait for a handler. */
export function resumeTurns(state: State, out: Effects): void {
  resumeStalled(state, (exchange) => answererOf(exchange).setPullable(state, out, exchange))
  serveTurns(state, out)
}
