/** Answers over a session: values in a queue, as far as credit goes; ends and refusals. */
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

/** What a producer that waits may be ahead of what has been written, however much credit there is. */
const MAX_AHEAD = 65_536

/** Stands where a value was that has left the list: the bytes are not kept. */
const GONE = new Uint8Array()

export function sessionOf(state: State, exchange: SessionExchange): Session {
  return state.connections.all.get(exchange.connection)!.answering!
}

/** The one value of an answer. */
function sendOnly(state: State, _out: Effects, exchange: SessionExchange, data: Uint8Array): void {
  const session = sessionOf(state, exchange)
  exchange.stage = 'answering'
  exchange.value = data
  exchange.ended = true
  // What leaves with this step needs no other deadline.
  if (session.writing) startDeadline(state, exchange)
  enlist(state, session, exchange)
}

/** One of several. A producer that cannot wait may have more of them than may wait. */
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

/** Values were made, sent or dropped: their cost is counted. */
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

/** How many of them the credit lets go at once. */
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

/** Values that have not been begun. */
function countWaiting({ value, sent }: SessionExchange, { values, next }: Series): number {
  return (value !== undefined && sent < 0 ? 1 : 0) + values.length - next
}

/** Too many values wait: the policy decides. */
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

/** The next value takes its turn, if there is one. */
export function advance(exchange: SessionExchange): void {
  const { series } = exchange
  exchange.sent = -1
  exchange.value = series === undefined ? undefined : shift(series)
}

/** Takes the oldest of those that wait out of their list. */
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
    // Not at each: that would move all the others every time.
    series.values = values.slice(series.next)
    series.next = 0
  }
  return value
}

/** A producer that waits until it may go on. */
function setPullable(state: State, out: Effects, exchange: SessionExchange): void {
  seriesOf(exchange).pullable = true
  allow(state, out, exchange)
}

/** Leave for the producer that has used up what it had, up to what the credit and the queue allow. */
export function allow(state: State, out: Effects, exchange: SessionExchange): void {
  const { series, sendCredit, ended } = exchange
  if (series === undefined || !series.pullable || ended || series.allowance > 0) return
  const room = Math.min(sendCredit, MAX_AHEAD) - series.cost
  if (room <= 0) return
  allowValues(state, out, exchange, room - series.allowance)
  series.allowance = room
}

/** The last value has been made; with a failure, if the answer ends so. What waits goes first. */
function endAnswer(state: State, exchange: SessionExchange, failure?: FailFrame): void {
  if ((exchange.stage !== 'handling' && exchange.stage !== 'answering') || exchange.ended) return
  exchange.stage = 'answering'
  exchange.ended = true
  exchange.failure = failure
  enlist(state, sessionOf(state, exchange), exchange)
}

/** The exchange is over: whatever of it was not sent is not sent any more. */
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

/** Nobody waits for the answer any more. */
export function cutExchange(state: State, out: Effects, exchange: SessionExchange, reason: string): void {
  if (isWorkedOn(exchange)) cancelHandler(state, out, exchange, reason)
  endExchange(state, exchange)
}

/** Refuses on the spot: what waits is not sent. The exchange has to be ended by the caller. */
export function failNow(state: State, exchange: SessionExchange, code: string, message: string): void {
  const session = sessionOf(state, exchange)
  session.failures.push({ wireId: exchange.wireId, code, message, retryAfterMs: 0 })
  scheduleFlush(state, session)
}

/** All of a request has its room: the asker may send the rest of it. */
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
    // The asker's own time is over, or ours.
    failNow(state, exchange, deadline !== 0 && state.now >= deadline ? 'Timeout' : 'Rejected', reason)
    cutExchange(state, out, exchange, `not answered within ${timeout} ms`)
  },

  resume(state, _out, exchange) {
    exchange.stage = 'reading'
    grantRest(state, sessionOf(state, exchange), exchange)
  },
}
