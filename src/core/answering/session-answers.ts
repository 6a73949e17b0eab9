/** Answers over a session: values in a queue, as far as credit goes; ends and refusals. */
import { setDeadline } from '../due.js'
import type { Effects } from '../effects.js'
import { enlist, touch } from '../session/outbox.js'
import type { AnsweringSession, Failure } from '../session/state.js'
import type { SessionExchange, State } from '../state.js'
import { valueCost } from '../values.js'

/** The window is refilled when the producer may make this much, so that not each value costs an effect. */
function sessionOf(state: State, exchange: SessionExchange): AnsweringSession<SessionExchange> {
  return state.connections.get(exchange.connection)!.answering!
}

/** The one value of an answer. */
export function sendOnly(state: State, exchange: SessionExchange, data: Uint8Array): void {
  const session = sessionOf(state, exchange)
  exchange.stage = 'answering'
  exchange.value = data
  exchange.queuedCost = valueCost(data.length)
  exchange.ended = true
  // What leaves with this step needs no other deadline.
  if (session.writing) setDeadline(state, state.exchangeDeadlines, exchange.id, exchange.timeout)
  enlist(state, session, exchange)
}

/** One of several. A producer that cannot wait may have more of them than may wait. */
export function addValue(state: State, out: Effects, exchange: SessionExchange, data: Uint8Array): void {
  const cost = valueCost(data.length)
  exchange.allowance -= cost
  exchange.queuedCost += cost
  if (exchange.value === undefined) exchange.value = data
  else exchange.values.push(data)
  if (!exchange.pullable && isOver(state, exchange)) shed(state, out, exchange)
  enlist(state, sessionOf(state, exchange), exchange)
}

function isOver(state: State, exchange: SessionExchange): boolean {
  return waiting(exchange) > exchange.buffer || exchange.queuedCost > state.settings.maxQueuedValues
}

/** Values that have not been begun. */
function waiting({ value, sent, values, nextValue }: SessionExchange): number {
  return (value !== undefined && sent < 0 ? 1 : 0) + values.length - nextValue
}

/** Too many values wait: the policy decides. */
function shed(state: State, out: Effects, exchange: SessionExchange): void {
  if (exchange.overflow === 'error') {
    dropNewest(exchange)
    const message = 'values came faster than they were taken'
    out.push({ type: 'cancelHandler', exchange: exchange.id, reason: message })
    return endAnswer(state, exchange, { wireId: exchange.wireId, code: 'Overloaded', message, retryAfterMs: 0 })
  }
  const kept = exchange.overflow === 'conflate' ? 1 : exchange.buffer
  while (waiting(exchange) > 1 && (waiting(exchange) > kept || exchange.queuedCost > state.settings.maxQueuedValues)) {
    dropOldest(exchange)
  }
}

function dropNewest(exchange: SessionExchange): void {
  const dropped = exchange.values.pop() ?? exchange.value
  exchange.queuedCost -= valueCost(dropped!.length)
  if (dropped === exchange.value) exchange.value = undefined
}

function dropOldest(exchange: SessionExchange): void {
  const isBegun = exchange.sent >= 0
  const dropped = isBegun ? exchange.values[exchange.nextValue]! : exchange.value!
  exchange.queuedCost -= valueCost(dropped.length)
  if (isBegun) exchange.nextValue++
  else advance(exchange)
}

/** The next value takes its turn, if there is one. */
export function advance(exchange: SessionExchange): void {
  const { values } = exchange
  exchange.sent = -1
  exchange.value = values[exchange.nextValue]
  if (exchange.value !== undefined) exchange.nextValue++
  if (exchange.nextValue < values.length) {
    // Not at each: that would move all the others every time.
    if (exchange.nextValue < 1_024) return
    exchange.values = values.slice(exchange.nextValue)
  } else {
    exchange.values = []
  }
  exchange.nextValue = 0
}

/** Leave for the producer, up to what the credit and the queue allow. */
export function allow(out: Effects, exchange: SessionExchange): void {
  if (!exchange.pullable || exchange.ended || exchange.allowance > 0) return
  const room = exchange.sendCredit - exchange.queuedCost
  if (room <= 0) return
  out.push({ type: 'produce', exchange: exchange.id, allowance: room - exchange.allowance })
  exchange.allowance = room
}

/** The last value has been made; with a failure, if the answer ends so. What waits goes first. */
export function endAnswer(state: State, exchange: SessionExchange, failure?: Failure): void {
  if ((exchange.stage !== 'handling' && exchange.stage !== 'answering') || exchange.ended) return
  exchange.stage = 'answering'
  exchange.ended = true
  exchange.failure = failure
  enlist(state, sessionOf(state, exchange), exchange)
}

/** Refuses on the spot: what waits is not sent. The exchange has to be ended by the caller. */
export function failNow(state: State, exchange: SessionExchange, code: string, message: string): void {
  const session = sessionOf(state, exchange)
  session.failures.push({ wireId: exchange.wireId, code, message, retryAfterMs: 0 })
  touch(state, session)
}

/** All of a held request has its room now: the asker may send it. */
export function grantRest(state: State, exchange: SessionExchange): void {
  const session = sessionOf(state, exchange)
  const received = exchange.gathered?.received ?? 0
  const amount = exchange.total - received - exchange.credit
  exchange.stage = 'reading'
  if (amount <= 0) return
  exchange.credit += amount
  session.credits.set(exchange.wireId, amount)
  touch(state, session)
}
