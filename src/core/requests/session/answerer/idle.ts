/**
 * Answers of several values that are not taken. They have no deadline, since a producer may have nothing to say for as long as it likes;
 * but one that has, and whose asker reads nothing or gives no credit, must not keep its room for ever.
 */
import type { Effects } from '../../../effects.js'
import type { State } from '../../../state.js'
import { accountOf } from '../../accounts.js'
import { openAccount } from '../../budget.js'
import { cancelHandler, isWorkedOn, lookLater } from '../../exchanges.js'
import { endRoom } from '../../slots.js'
import type { Account, Exchange, Series, SessionExchange } from '../../state.js'
import { endExchange, logCut, writeRefusal } from './answers.js'

/** Nobody finds room so often that others end for it more often than this, ms. */
const APART = 100
/** An answer that was taken a moment ago is not idle, ms. */
const MOMENT = 1_000
/** Of the idle answers of a peer this part ends at once. */
const PART = 4

type SeriesExchange = SessionExchange & { series: Series }

/** Is it an answer of several values that has begun? */
export function isSeries(exchange: Exchange): exchange is SeriesExchange {
  return exchange.protocol === 'session' && exchange.stage === 'answering' && exchange.series !== undefined
}

/** Is it the asker's turn, and since when: something waits to be taken, or for credit? `undefined`: it is not. */
function idleSince({ turns }: State, { id, value, ended, series }: SeriesExchange): number | undefined {
  const { pullable, allowance, movedAt } = series
  const waitsForCredit = pullable && allowance <= 0 && !turns.stalled.has(id)
  return value !== undefined || ended || waitsForCredit ? movedAt : undefined
}

/** The time has come to look whether it is taken. */
export function lookAtSeries(state: State, out: Effects, exchange: SeriesExchange): void {
  const since = idleSince(state, exchange)
  const { answerIdleTimeout } = state.settings.limits
  if (since === undefined || state.now - since < answerIdleTimeout) return lookLater(state, exchange)
  endIdle(state, out, exchange, `nothing of it was taken for ${state.now - since} ms`)
}

/** What waits of it is dropped. FAIL needs no credit. */
function endIdle(state: State, out: Effects, exchange: SessionExchange, message: string): void {
  const session = state.connections.all.get(exchange.connection)!.answering!
  if (isWorkedOn(exchange)) cancelHandler(state, out, exchange, { code: 'Overloaded', message })
  logCut(state, out, exchange, message)
  writeRefusal(state, session, exchange.wireId, 'Overloaded', message)
  endExchange(state, exchange)
}

/** Counts one more request of this peer, for which others have to make room. `undefined`: they cannot. */
export function openInPlaceOfOthers(state: State, out: Effects, peer: string): Account | undefined {
  return makeRoom(state, out, peer) ? openAccount(state, peer) : undefined
}

/**
 * This peer finds no room: the idlest answers of the peer that has most requests open end, if that is another one whose range of addresses
 * has more than ours, or the same.
 * @returns whether any did
 */
function makeRoom(state: State, out: Effects, peer: string): boolean {
  const { budget, turns, now } = state
  if (now < turns.roomAt) return false
  endRoom(state, now + APART)
  const { exchanges: own, range: ownRange } = accountOf(state, peer)
  let largest: Account | undefined
  for (const account of budget.accounts.values()) {
    const { exchanges, range } = account
    const hasMore = range === ownRange || range.exchanges > ownRange.exchanges
    if (hasMore && exchanges > Math.max(own, largest?.exchanges ?? 0)) largest = account
  }
  if (largest === undefined) return false
  const idle = idleOf(state, largest.peer)
  const chosen = idle.slice(0, Math.ceil(idle.length / PART))
  if (chosen.length === 0) return false
  for (const { exchange } of chosen) endIdle(state, out, exchange, 'others need its room, and nothing of it is taken')
  return true
}

/** The idlest first. */
function idleOf(state: State, peer: string): { exchange: SeriesExchange; since: number }[] {
  const { exchanges, now } = state
  const idle: { exchange: SeriesExchange; since: number }[] = []
  for (const exchange of exchanges.open.values()) {
    if (exchange.peer !== peer || !isSeries(exchange)) continue
    const since = idleSince(state, exchange)
    if (since !== undefined && now - since >= MOMENT) idle.push({ exchange, since })
  }
  return idle.sort((a, b) => a.since - b.since)
}
