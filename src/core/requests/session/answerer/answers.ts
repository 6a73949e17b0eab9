/**
 * Answers over a session: their values, which wait for credit, their ends, and refusals. The bytes are made in
 * sending.ts.
 */
import type { Effects } from '../../../effects.js'
import type { State } from '../../../state.js'
import type { Answerer } from '../../answerer.js'
import { allowValues, cancelHandler, closeExchange, isWorkedOn, startDeadline } from '../../exchanges.js'
import type { Series, SessionExchange } from '../../state.js'
import { scheduleFlush } from '../../streams.js'
import { valueCost } from '../../values.js'
import { updateIdle } from '../../../peers/connections.js'
import { enlist } from '../outbox.js'
import { nextCredit } from '../pacing.js'
import type { AnsweringSession, FailFrame } from '../state.js'

type Session = AnsweringSession<SessionExchange>

/** The most that a producer that can wait may be ahead of what was written, whatever the credit. */
const MAX_AHEAD = 65_536

/** Replaces a value that has left the list, so that its bytes are not kept. */
const GONE = new Uint8Array()

export function sessionOf(state: State, exchange: SessionExchange): Session {
  return state.connections.all.get(exchange.connection)!.answering!
}

/** The only value of an answer. */
function sendOnly(state: State, _out: Effects, exchange: SessionExchange, data: Uint8Array): void {
  const session = sessionOf(state, exchange)
  exchange.stage = 'answering'
  exchange.value = data
  exchange.ended = true
  // The answer leaves with this step, and needs another deadline only if a write is under way.
  if (session.writing) startDeadline(state, exchange)
  enlist(state, session, exchange)
}

/** One of several values. A producer that cannot wait may produce too many. */
function addValue(state: State, out: Effects, exchange: SessionExchange, data: Uint8Array): void {
  const session = sessionOf(state, exchange)
  const series = seriesOf(exchange)
  const cost = valueCost(data.length)
  series.allowance -= cost
  charge(session, series, cost)
  if (exchange.value === undefined) exchange.value = data
  else series.values.push(data)
  if (series.pullable) allow(state, out, exchange)
  else if (isOverfull(state, session, exchange, series)) applyOverflow(state, out, session, exchange, series)
  enlist(state, session, exchange)
}

function seriesOf(exchange: SessionExchange): Series {
  return (exchange.series ??= { values: [], next: 0, cost: 0, pullable: false, allowance: 0 })
}

/** Counts the cost of values that were produced, sent or dropped. */
export function charge(session: Session, series: Series, cost: number): void {
  series.cost += cost
  if (!series.pullable) session.queued += cost
}

/** Do too many values wait: more than the asker allows beyond its credit, or more than we keep? */
function isOverfull({ settings }: State, session: Session, exchange: SessionExchange, series: Series): boolean {
  if (series.cost > settings.maxQueuedValues || session.queued > settings.maxQueuedValuesPerPeer) return true
  const { lossy } = exchange
  if (lossy === undefined) return false
  const most = lossy.overflow === 'conflate' ? 1 : lossy.buffer
  return (
    countWaiting(exchange, series) > most && countWaiting(exchange, series) - coveredByCredit(exchange, series) > most
  )
}

/** How many waiting values the credit covers. */
function coveredByCredit({ value, sent, sendCredit }: SessionExchange, { values, next }: Series): number {
  let left = sendCredit
  let count = 0
  if (value !== undefined) {
    left -= sent < 0 ? valueCost(value.length) : value.length - sent
    if (sent < 0 && left >= 0) count++
  }
  for (let i = next; i < values.length && left >= 0; i++) {
    left -= valueCost(values[i]!.length)
    if (left >= 0) count++
  }
  return count
}

/** Values of which nothing was sent. */
function countWaiting({ value, sent }: SessionExchange, { values, next }: Series): number {
  return (value !== undefined && sent < 0 ? 1 : 0) + values.length - next
}

/** Too many values wait: the asker's policy decides which are dropped, or ends the answer. */
function applyOverflow(state: State, out: Effects, session: Session, exchange: SessionExchange, series: Series): void {
  const { overflow = 'error' } = exchange.lossy ?? {}
  if (overflow === 'error') {
    dropNewest(session, exchange, series)
    const message = 'values came faster than they were taken'
    cancelHandler(state, out, exchange, message)
    return endAnswer(state, exchange, { wireId: exchange.wireId, code: 'Overloaded', message, retryAfterMs: 0 })
  }
  while (countWaiting(exchange, series) > 1 && isOverfull(state, session, exchange, series))
    dropOldest(session, exchange, series)
}

function dropNewest(session: Session, exchange: SessionExchange, series: Series): void {
  const last = series.values.length > series.next ? series.values.pop() : undefined
  charge(session, series, -valueCost((last ?? exchange.value!).length))
  if (last === undefined) exchange.value = undefined
}

function dropOldest(session: Session, exchange: SessionExchange, series: Series): void {
  const isBegun = exchange.sent >= 0
  const dropped = isBegun ? shift(series)! : exchange.value!
  charge(session, series, -valueCost(dropped.length))
  if (!isBegun) advance(exchange)
}

/** The next value follows, if there is one. */
export function advance(exchange: SessionExchange): void {
  const { series } = exchange
  exchange.sent = -1
  exchange.value = series === undefined ? undefined : shift(series)
}

/** Removes and returns the oldest value of the list. */
function shift(series: Series): Uint8Array | undefined {
  const { values, next } = series
  if (next === values.length) return undefined
  const value = values[next]!
  values[next] = GONE
  series.next++
  if (series.next === values.length) {
    series.values = []
    series.next = 0
  } else if (series.next === 1_024) {
    // The list is cut rarely, because each cut moves all other values.
    series.values = values.slice(series.next)
    series.next = 0
  }
  return value
}

/** The producer can wait. */
function setPullable(state: State, out: Effects, exchange: SessionExchange): void {
  seriesOf(exchange).pullable = true
  allow(state, out, exchange)
}

/** Allows a producer that has used up its allowance to go on, as far as the credit reaches. */
export function allow(state: State, out: Effects, exchange: SessionExchange): void {
  const { series, sendCredit, ended } = exchange
  if (series === undefined || !series.pullable || ended || series.allowance > 0) return
  const room = Math.min(sendCredit, MAX_AHEAD) - series.cost
  if (room <= 0) return
  allowValues(state, out, exchange, room - series.allowance)
  series.allowance = room
}

/** No value follows; with `failure`, FAIL ends the answer. Values that wait are sent first. */
function endAnswer(state: State, exchange: SessionExchange, failure?: FailFrame): void {
  if ((exchange.stage !== 'handling' && exchange.stage !== 'answering') || exchange.ended) return
  exchange.stage = 'answering'
  exchange.ended = true
  exchange.failure = failure
  enlist(state, sessionOf(state, exchange), exchange)
}

/** The exchange has ended. What was not sent of it is dropped. */
export function endExchange(state: State, exchange: SessionExchange): void {
  closeExchange(state, exchange)
  const connection = state.connections.all.get(exchange.connection)
  const session = connection?.answering
  const { series } = exchange
  if (series !== undefined && !series.pullable && session !== undefined) session.queued -= series.cost
  exchange.value = undefined
  exchange.series = undefined
  exchange.ended = false
  if (session === undefined) return
  session.requests.delete(exchange.wireId)
  if (session.credits.size > 0) session.credits.delete(exchange.wireId)
  if (session.requests.size === 0) updateIdle(state, connection!)
}

/** The answer is no longer wanted. */
export function cutExchange(state: State, out: Effects, exchange: SessionExchange, reason: string): void {
  if (isWorkedOn(exchange)) cancelHandler(state, out, exchange, reason)
  endExchange(state, exchange)
}

/** Refuses at once, so values that wait are not sent. The calling function has to end the exchange. */
export function failNow(state: State, exchange: SessionExchange, code: string, message: string): void {
  const session = sessionOf(state, exchange)
  session.failures.push({ wireId: exchange.wireId, code, message, retryAfterMs: 0 })
  scheduleFlush(state, session)
}

/** There is room for the whole request, so the asker gets credit for the rest of it. */
export function grantRest(state: State, session: Session, exchange: SessionExchange): void {
  const { total, gathered, credit, wireId } = exchange
  const missing = total - (gathered?.received ?? 0) - credit
  const amount = nextCredit(session.pace, state.now, credit, missing)
  if (amount === 0) return
  exchange.credit += amount
  session.credits.set(wireId, (session.credits.get(wireId) ?? 0) + amount)
  scheduleFlush(state, session)
}

export const sessionAnswerer: Answerer<SessionExchange> = {
  takesOne: ({ one }) => one,
  sendOnly,
  addValue,

  complete(state, _out, exchange) {
    endAnswer(state, exchange)
  },

  reject(state, _out, exchange, { code = 'Rejected', reason = '', retryAfterMs = 0 }) {
    endAnswer(state, exchange, { wireId: exchange.wireId, code, message: reason, retryAfterMs })
  },

  setPullable,

  expire(state, out, exchange) {
    const { stage, timeout, deadline } = exchange
    const reason = stage === 'handling' ? `nobody answered within ${timeout} ms` : `it took longer than ${timeout} ms`
    // Either the asker's time is over, or ours.
    failNow(state, exchange, deadline !== 0 && state.now >= deadline ? 'Timeout' : 'Rejected', reason)
    cutExchange(state, out, exchange, `not answered within ${timeout} ms`)
  },

  resume(state, _out, exchange) {
    exchange.stage = 'reading'
    grantRest(state, sessionOf(state, exchange), exchange)
  },
}
