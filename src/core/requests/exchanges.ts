/**
 * The answering side of request/response: a peer's request from the moment when it is whole to whoever answers it here,
 * and the answer's way back. How requests arrive and answers leave is said beside: over a session (`session-*.ts`) or a
 * stream of their own (`exchanges-v1.ts`).
 */
import { updateIdle } from '../peers/connections.js'
import { removeDeadline } from '../deadlines.js'
import { setDeadline } from '../due.js'
import { log, type Effects } from '../effects.js'
import type { Exchange, ExchangeId, State } from '../state.js'
import { closeAccount } from './budget.js'

/** The request is whole and has its room: whoever answers requests gets it, and has so long to answer. */
export function hand(state: State, out: Effects, exchange: Exchange, data: Uint8Array, timeout: number): void {
  exchange.stage = 'handling'
  if (exchange.timeout !== timeout) {
    removeDeadline(state.exchangeDeadlines, exchange.id, exchange.timeout)
    exchange.timeout = timeout
  }
  setDeadline(state, state.exchangeDeadlines, exchange.id, timeout)
  // One for the node itself: the core answers it, at the end of the step.
  if (exchange.kind === 'session' && exchange.service) state.broadcasts.arrived.push({ exchange: exchange.id, data })
  else out.push({ type: 'handle', exchange: exchange.id, from: exchange.peer, data })
}

/** Does somebody of ours work on it, who must be told when nobody waits any more? */
export function isWorkedOn(exchange: Exchange): boolean {
  return (
    exchange.stage === 'handling' || (exchange.stage === 'answering' && exchange.kind === 'session' && !exchange.ended)
  )
}

/** The stream is gone: answered in good order, or given up by the asker. */
export function cutExchange(state: State, out: Effects, id: ExchangeId, reason: string): void {
  const exchange = state.exchanges.get(id)
  if (exchange === undefined) return
  if (isWorkedOn(exchange)) out.push({ type: 'cancelHandler', exchange: id, reason })
  endExchange(state, exchange)
}

/** Takes it out of the books. The room that it had is given away by `admitHeld`. */
export function endExchange(state: State, exchange: Exchange): void {
  const { id } = exchange
  state.exchanges.delete(id)
  removeDeadline(state.exchangeDeadlines, id, exchange.timeout)
  closeAccount(state, exchange)
  if (state.held.size > 0) state.roomFreed = true
  const connection = state.connections.get(exchange.connection)
  if (exchange.kind === 'stream') {
    if (connection === undefined) return
    connection.exchanges.delete(id)
    updateIdle(state, connection)
    return
  }
  const answering = connection?.answering
  const { series } = exchange
  if (series !== undefined && !series.pullable && answering !== undefined) answering.queued -= series.cost
  // Nothing of it is sent any more.
  exchange.value = undefined
  exchange.series = undefined
  exchange.ended = false
  if (answering === undefined) return
  answering.calls.delete(exchange.wireId)
  if (answering.credits.size > 0) answering.credits.delete(exchange.wireId)
  if (answering.calls.size === 0) updateIdle(state, connection!)
}

export function logExpiry(out: Effects, exchange: Exchange): void {
  if (exchange.stage === 'handling' && !(exchange.kind === 'session' && exchange.service)) {
    log(out, 'warn', `nobody answered a request of ${exchange.peer} within ${exchange.timeout} ms: rejected`)
  } else {
    log(out, 'debug', `a request of ${exchange.peer} was cut off while ${exchange.stage}`)
  }
}
