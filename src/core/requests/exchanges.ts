/**
 * The answering side of request/response: a peer's request from the moment when it is whole to its handler here. How requests
 * arrive and answers leave is said in session/answerer/ and v1/answerer.ts.
 */
import { removeDeadline } from '../deadlines.js'
import { setDeadline } from '../due.js'
import { log, type Effects } from '../effects.js'
import { tellServices } from '../services/book.js'
import type { State } from '../state.js'
import type { ExchangeId } from '../terms.js'
import { closeAccount } from './budget.js'
import type { Exchange } from './state.js'

/** A number for a request that has none of its own. */
export function nextExchange({ exchanges }: State): ExchangeId {
  return exchanges.nextId--
}

/** The node comes to its end: what others ask from now on, they have to ask somebody else. */
export function refusesNew({ lifecycle }: State): boolean {
  return lifecycle.phase === 'draining'
}

export function openExchange({ exchanges }: State, exchange: Exchange): void {
  exchanges.open.set(exchange.id, exchange)
}

/** It has its `timeout` from now on. */
export function startDeadline(state: State, { id, timeout }: Exchange): void {
  setDeadline(state, 'exchanges', state.exchanges.deadlines, id, timeout)
}

/** The answer has begun; the rest may take its time. */
export function startAnswering({ exchanges }: State, exchange: Exchange): void {
  exchange.stage = 'answering'
  removeDeadline(exchanges.deadlines, exchange.id, exchange.timeout)
}

/** The request is whole and has its room: it goes to its handler, which has `timeout` ms to answer. */
export function hand(state: State, out: Effects, exchange: Exchange, data: Uint8Array, timeout: number): void {
  exchange.stage = 'handling'
  if (exchange.timeout !== timeout) {
    removeDeadline(state.exchanges.deadlines, exchange.id, exchange.timeout)
    exchange.timeout = timeout
  }
  startDeadline(state, exchange)
  const { id, peer, service } = exchange
  if (service) tellServices(state, { kind: 'arrived', exchange: id, data })
  else out.push({ type: 'handle', exchange: id, from: peer, data })
}

/** Does a handler of ours work on it, which must be told when nobody waits any more? */
export function isWorkedOn({ stage, ended }: Exchange): boolean {
  return stage === 'handling' || (stage === 'answering' && !ended)
}

/** Nobody waits for the answer, or for more of it. */
export function cancelHandler(state: State, out: Effects, { id, service }: Exchange, reason: string): void {
  if (service) tellServices(state, { kind: 'cut', exchange: id })
  else out.push({ type: 'cancelHandler', exchange: id, reason })
}

/** The producer of the answer may make values of this cost. */
export function allowValues(state: State, out: Effects, { id, service }: Exchange, allowance: number): void {
  if (service) tellServices(state, { kind: 'allowed', exchange: id, allowance })
  else out.push({ type: 'produce', exchange: id, allowance })
}

/** Takes it out of the books. The room that it had is given away by `admitWaiting`. */
export function closeExchange(state: State, exchange: Exchange): void {
  state.exchanges.open.delete(exchange.id)
  removeDeadline(state.exchanges.deadlines, exchange.id, exchange.timeout)
  closeAccount(state, exchange)
}

export function logExpiry(out: Effects, { stage, service, peer, timeout }: Exchange): void {
  if (stage === 'handling' && !service) {
    log(out, 'warn', `nobody answered a request of ${peer} within ${timeout} ms: rejected`)
  } else {
    log(out, 'debug', `a request of ${peer} was cut off while ${stage}`)
  }
}
