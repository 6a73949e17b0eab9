/**
 * What our callers do with a peer's request: answer it with one value or with several, or refuse it. Only an exchange that
 * waits for it takes an answer; whatever comes later is ignored.
 */
import { removeDeadline } from '../deadlines.js'
import type { Effects } from '../effects.js'
import type { Command } from '../events.js'
import type { Exchange, ExchangeId, State } from '../state.js'
import { release } from './budget.js'
import { logExpiry, cutExchange } from './exchanges.js'
import { kill, resume, send } from './v1/answerer.js'
import {
  addValue,
  endAnswer,
  failNow,
  grantRest,
  sendOnly,
  sessionOf,
  setPullable,
} from './session/answerer/answers.js'

/** One value, and the end. */
export function respond(state: State, out: Effects, id: ExchangeId, data: Uint8Array): void {
  const exchange = state.exchanges.get(id)
  if (exchange?.stage !== 'handling') return
  if (exchange.kind === 'stream') send(state, out, exchange, data)
  else sendOnly(state, exchange, data)
}

/** One of several values. Who can take only one gets the first. */
export function next(state: State, out: Effects, id: ExchangeId, data: Uint8Array): void {
  const exchange = state.exchanges.get(id)
  if (exchange === undefined) return
  if (exchange.kind === 'stream' || exchange.one) {
    if (exchange.stage !== 'handling') return
    respond(state, out, id, data)
    out.push({ type: 'cancelHandler', exchange: id, reason: 'the asker takes one value' })
    return
  }
  if (exchange.stage === 'handling') {
    // It has begun to answer; the rest may take its time.
    exchange.stage = 'answering'
    removeDeadline(state.exchangeDeadlines, id, exchange.timeout)
  }
  if (exchange.stage === 'answering' && !exchange.ended) addValue(state, out, exchange, data)
}

/** No value follows. */
export function complete(state: State, out: Effects, id: ExchangeId): void {
  const exchange = state.exchanges.get(id)
  if (exchange === undefined) return
  if (exchange.kind === 'session') return endAnswer(state, exchange)
  if (exchange.stage === 'handling') send(state, out, exchange, undefined)
}

/** A producer that waits for leave to go on. */
export function onPullable(state: State, out: Effects, id: ExchangeId): void {
  const exchange = state.exchanges.get(id)
  if (exchange === undefined) return
  if (exchange.kind === 'stream' || exchange.one) return void out.push({ type: 'produce', exchange: id, allowance: 1 })
  setPullable(out, exchange)
}

export function reject(state: State, out: Effects, command: Extract<Command, { type: 'reject' }>): void {
  const exchange = state.exchanges.get(command.exchange)
  if (exchange === undefined) return
  if (exchange.kind === 'session') {
    const { code = 'Rejected', reason = '', retryAfterMs = 0 } = command
    endAnswer(state, exchange, { wireId: exchange.wireId, code, message: reason, retryAfterMs })
  } else if (exchange.stage === 'handling') {
    send(state, out, exchange, undefined)
  }
}

/** It had its time in this stage. */
export function expireExchange(state: State, out: Effects, id: ExchangeId): void {
  const exchange = state.exchanges.get(id)
  if (exchange === undefined) return
  logExpiry(out, exchange)
  const { stage, timeout } = exchange
  if (exchange.kind === 'stream') {
    if (stage !== 'handling') return kill(state, out, exchange, 'timeout')
    out.push({ type: 'cancelHandler', exchange: id, reason: `not answered within ${timeout} ms` })
    return send(state, out, exchange, undefined)
  }
  const reason = stage === 'handling' ? `nobody answered within ${timeout} ms` : `it took longer than ${timeout} ms`
  // The asker's own time is over, or ours.
  failNow(state, exchange, exchange.dueAt !== 0 && state.now >= exchange.dueAt ? 'Timeout' : 'Rejected', reason)
  cutExchange(state, out, id, `not answered within ${timeout} ms`)
}

/** Room has come free: who waited for it goes on. */
export function admitHeld(state: State, out: Effects): void {
  while (state.roomFreed) {
    state.roomFreed = false
    for (const exchange of release(state)) goOn(state, out, exchange)
  }
}

function goOn(state: State, out: Effects, exchange: Exchange): void {
  if (exchange.kind === 'stream') return resume(state, out, exchange)
  exchange.stage = 'reading'
  grantRest(state, sessionOf(state, exchange), exchange)
}
