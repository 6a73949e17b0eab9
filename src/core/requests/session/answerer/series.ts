/**
 * The values of an answer that wait: for credit of the asker, and for those before them. A producer that can wait is told how much
 * it may produce; for one that cannot, the asker's policy says what happens to too many values. It knows no frames.
 */
import type { State } from '../../../state.js'
import { expectedOf, holdAnswer, mayExpect } from '../../held.js'
import type { Series, SessionExchange } from '../../state.js'
import { heldCost, valueCost } from '../../values.js'
import type { AnsweringSession } from '../state.js'

type Session = AnsweringSession<SessionExchange>

/** Replaces a value that has left the list, so that its bytes are not kept. */
const GONE = new Uint8Array()

export function seriesOf(exchange: SessionExchange): Series {
  return (exchange.series ??= { values: [], next: 0, cost: 0, pullable: false, allowance: 0, reserved: 0, movedAt: 0 })
}

/** Counts the cost of values that were produced, sent or dropped. */
export function charge(state: State, session: Session, exchange: SessionExchange, series: Series, cost: number): void {
  series.cost += cost
  // It goes, or is the first that waits.
  if (cost < 0 || series.cost === cost) series.movedAt = state.now
  if (!series.pullable) session.queued += cost
  holdAnswer(state, exchange, series.cost + series.reserved)
}

/** Reserves room for the next value of a producer that can wait. False: there is none, and it waits for that too. */
export function reserveNext(state: State, exchange: SessionExchange, series: Series): boolean {
  const { account } = exchange
  const expected = expectedOf(state, account)
  const more = series.cost + expected - exchange.held
  if (more > 0 && !mayExpect(state, account, more)) return false
  series.reserved = expected
  holdAnswer(state, exchange, series.cost + expected)
  return true
}

/** Nothing more is produced, for now or for ever: the answer takes what waits of it. */
export function keepOnly(state: State, exchange: SessionExchange, series: Series | undefined): void {
  if (series !== undefined) series.reserved = 0
  holdAnswer(state, exchange, series?.cost ?? 0)
}

/** If too many values wait, the asker's policy decides which are dropped. False: it wants the answer to end. */
export function applyOverflow(state: State, session: Session, exchange: SessionExchange, series: Series): boolean {
  if (!isOverfull(state, session, exchange, series)) return true
  switch (exchange.lossy?.overflow) {
    case undefined:
    case 'error':
      dropNewest(state, session, exchange, series)
      return false
    case 'dropOldest':
    case 'conflate':
      while (countWaiting(exchange, series) > 1 && isOverfull(state, session, exchange, series))
        dropOldest(state, session, exchange, series)
      return true
  }
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

function dropNewest(state: State, session: Session, exchange: SessionExchange, series: Series): void {
  const last = series.values.length > series.next ? series.values.pop() : undefined
  charge(state, session, exchange, series, -heldCost((last ?? exchange.value!).length))
  if (last === undefined) exchange.value = undefined
}

function dropOldest(state: State, session: Session, exchange: SessionExchange, series: Series): void {
  const isBegun = exchange.sent >= 0
  const dropped = isBegun ? shift(series)! : exchange.value!
  charge(state, session, exchange, series, -heldCost(dropped.length))
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
