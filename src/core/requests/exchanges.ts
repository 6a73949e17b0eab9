/**
 * Inbound requests: their numbers, their deadlines, and their end. How they arrive and answers leave, session/answerer/ and
 * v1/answerer.ts know, and when a complete one goes to its handler, turns.ts.
 */
import { removeDeadline, setDeadline } from '../due.js'
import { log, type Effects, type Refusal } from '../effects.js'
import type { CommandOf } from '../events.js'
import { tellServices } from '../news.js'
import type { State } from '../state.js'
import { line, type ExchangeId } from '../terms.js'
import { bytesMoved } from './accounts.js'
import { closeAccount } from './budget.js'
import { releaseAnswer } from './held.js'
import { linger, unqueueExchange } from './slots.js'
import type { Exchange } from './state.js'

/**
 * If all requests of a peer together come, or all answers to it go, more slowly than this, they are given up, bytes a second. It is far
 * less than any line carries whose user would wait, and it bounds how long a peer can keep requests of some size open without an end.
 * (One alone may have to wait for many others, which take turns.)
 */
const SLOWEST = 1_000

/** How a protocol answers: session/answerer/ and v1/answerer.ts do, answers.ts calls it. */
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

/** The number of the next request over a session. */
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

/** The exchange has `requestTimeout` from now on for its stage, but no longer than its asker waits. */
export function startDeadline(state: State, exchange: Exchange): void {
  const { deadline } = exchange
  const { requestTimeout } = state.settings
  exchange.moved = bytesMoved(state, exchange)
  const timeout = deadline === 0 ? requestTimeout : Math.min(requestTimeout, Math.max(1, deadline - state.now))
  // Most askers do not wait for longer than that in any stage, so their time is set once.
  if (exchange.until !== state.now + timeout) renewDeadline(state, exchange, timeout)
}

function renewDeadline(state: State, exchange: Exchange, timeout: number): void {
  const { id } = exchange
  if (exchange.timeout !== timeout) removeDeadline(state, 'exchanges', id, exchange.timeout)
  exchange.timeout = timeout
  exchange.until = state.now + timeout
  setDeadline(state, 'exchanges', id, timeout)
}

/**
 * The time for its stage is over. False: that is its end. True: the line was used enough meanwhile, and its asker still waits, so it has
 * as much time again. The time that a handler has is no limit for a line.
 */
export function extendIfMoving(state: State, exchange: Exchange): boolean {
  const { stage, timeout, deadline } = exchange
  if (stage !== 'reading' && stage !== 'answering') return false
  if (deadline !== 0 && deadline <= state.now) return false
  if (bytesMoved(state, exchange) - exchange.moved < Math.ceil((SLOWEST * timeout) / 1_000)) return false
  startDeadline(state, exchange)
  return true
}

/** An answer of several values has begun. For the rest of it there is no deadline, but it has to be taken. */
export function startAnswering(state: State, exchange: Exchange): void {
  exchange.stage = 'answering'
  lookLater(state, exchange)
}

/** It is looked again after this time whether the answer is taken. */
export function lookLater(state: State, exchange: Exchange): void {
  renewDeadline(state, exchange, state.settings.limits.answerIdleTimeout)
}

/** Does a handler work on it, which has to be cancelled if the answer is no longer wanted? */
export function isWorkedOn({ stage, ended }: Exchange): boolean {
  switch (stage) {
    case 'reading':
    case 'waiting':
    case 'queued':
      return false
    case 'handling':
      return true
    case 'answering':
      return !ended
  }
}

/** What its time was that is over now, ms: since all of it was here or, while it comes or is answered, as it was set last. */
export function timeFor({ stage, timeout, until, arrivedAt }: Exchange): number {
  return stage === 'queued' || stage === 'handling' ? until - arrivedAt : timeout
}

/** Why an answer is not wanted any more: the asker does not say. */
export const GIVEN_UP: Refusal = { code: 'Aborted', message: 'the asker has given up' }

/** The same: its time is over. */
export function tooLate(exchange: Exchange): Refusal {
  return { code: 'RequestTimeout', message: `not answered within ${timeFor(exchange)} ms` }
}

/** The answer, or the rest of it, is no longer wanted. */
export function cancelHandler(state: State, out: Effects, { id, service }: Exchange, refusal: Refusal): void {
  if (service) tellServices(state, { kind: 'cut', exchange: id })
  else out.push({ type: 'cancelHandler', exchange: id, refusal })
}

/** The producer of the answer may produce values of this cost. */
export function allowValues(state: State, out: Effects, { id, service }: Exchange, allowance: number): void {
  if (service) tellServices(state, { kind: 'allowed', exchange: id, allowance })
  else out.push({ type: 'produce', exchange: id, allowance })
}

/** Removes the exchange. `resumeWaiting` and `serveTurns` give its room to others. */
export function closeExchange(state: State, exchange: Exchange): void {
  const { id, stage, busy } = exchange
  state.exchanges.open.delete(id)
  removeDeadline(state, 'exchanges', id, exchange.timeout)
  if (stage === 'queued') unqueueExchange(state, exchange)
  if (busy) linger(state, exchange)
  releaseAnswer(state, exchange)
  closeAccount(state, exchange, busy)
}

export function logExpiry(out: Effects, exchange: Exchange): void {
  const { stage, service, peer } = exchange
  if (stage === 'handling' && !service) {
    log(out, 'warn', line`nobody answered a request of ${peer} within ${timeFor(exchange)} ms: rejected`)
  } else {
    log(out, 'debug', line`a request of ${peer} was cut off while ${stage}`)
  }
}
