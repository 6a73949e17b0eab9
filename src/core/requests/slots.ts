/**
 * The books of handlers: how many are at work for whom, and which requests wait for one. A handler keeps its place until it has come
 * to its end, though its request be over: otherwise whoever cancels could have any number of them at work.
 */
import { dueAt } from '../due.js'
import type { State } from '../state.js'
import type { ExchangeId } from '../terms.js'
import { freeBytes, hasShare } from './budget.js'
import { nextRested, noteRun } from './dear.js'
import { expectedOf, mayExpect } from './held.js'
import { AT_ONCE, type Account, type Exchange } from './state.js'

/** A handler whose request is over counts for so long at most, ms: one that never ends must not keep a place for ever. */
const LONGEST = 60_000
/** While nothing is known of a peer's answers it may have `GROWTH` times as many handlers after each `GROWS_EACH` ms. */
const GROWS_EACH = 50
const GROWTH = 4
/** The time between two ends of handlers is smoothed over so many of them at least … */
const ENDS = 8
/** … and, for the wait behind a long queue, over one end for so many requests of it: a pause adds no more than so many times its length. */
const PAUSES = 16

/** May a handler begin to work for this peer? */
export function hasSlot(state: State, account: Account): boolean {
  const { handlers, handlersPerPeer } = state.settings.limits
  // The first answers show how large they are, before there are many.
  if (account.handlers >= account.window && account.expected === 0) return false
  return (
    hasShare(state, account, 'handlers', 1, handlers, handlersPerPeer) &&
    mayExpect(state, account, expectedOf(state, account))
  )
}

export function takeSlot({ budget }: State, account: Account, exchange: Exchange): void {
  exchange.busy = true
  account.handlers++
  account.range.handlers++
  budget.all.handlers++
}

/** The handler has come to its end. */
export function freeSlot(state: State, id: ExchangeId): void {
  const exchange = state.exchanges.open.get(id)
  if (exchange?.busy === true) {
    returnSlot(state, exchange)
    return noteEnd(state, exchange.account)
  }
  const over = dropLingering(state, id)
  if (over !== undefined) noteEnd(state, over)
}

/** The handler has not begun. */
export function returnSlot(state: State, exchange: Exchange): void {
  exchange.busy = false
  giveBack(state, exchange.account)
}

function giveBack({ budget, turns }: State, account: Account): void {
  account.handlers--
  account.range.handlers--
  budget.all.handlers--
  if (turns.peers.size > 0) turns.due = true
}

/** A handler has ended. How often they do, while requests wait, says how long one will wait. */
function noteEnd(state: State, account: Account): void {
  const { now } = state
  noteRun(state, account)
  if (account.queue.size === 0) {
    account.interval = 0
    account.freedAt = -Infinity
    return
  }
  // Those that began together end together.
  const ends = Math.max(ENDS, account.handlers, account.queue.size / PAUSES)
  if (account.freedAt > -Infinity) account.interval += (now - account.freedAt - account.interval) / ends
  account.freedAt = now
}

/** How long a request would wait behind those of its peer, as far as these have shown it, ms. */
export function waitBehind({ queue, interval }: Account): number {
  return queue.size * interval
}

/** The request is over, and its handler is not. */
export function linger(state: State, { id, account, reserved: bytes, admitted }: Exchange): void {
  const until = state.now + LONGEST
  state.turns.lingering.set(id, { account, bytes, admitted, until })
  dueAt(state, 'handlers', until)
}

/** The handler of a request that is over counts no more; if it has not begun, that is no end of one. Returns whose it was. */
export function dropLingering(state: State, id: ExchangeId): Account | undefined {
  const { lingering } = state.turns
  const over = lingering.size > 0 ? lingering.get(id) : undefined
  if (over === undefined) return undefined
  lingering.delete(id)
  giveBack(state, over.account)
  freeBytes(state, over)
  return over.account
}

/** When a handler whose request is over counts no more, or a peer may have more of them, or again. */
export function nextHandlers(state: State): number {
  const { turns } = state
  const { oldestId } = turns.lingering
  const until = oldestId === undefined ? Infinity : turns.lingering.get(oldestId)!.until
  return Math.min(until, turns.growAt, turns.moreAt, nextRested(state))
}

/** Returns the peers of handlers that count no more, though they have not ended. */
export function expireLingering(state: State): string[] {
  const { turns, now } = state
  const peers: string[] = []
  for (const [id, over] of turns.lingering) {
    if (over.until > now) break
    peers.push(over.account.peer)
    freeSlot(state, id)
  }
  return peers
}

/** The requests of these peers wait only because nothing is known of their answers, which they need not do for long. */
export function growLater(state: State): void {
  const { turns, now } = state
  if (turns.growAt === Infinity) turns.growAt = now + GROWS_EACH
  dueAt(state, 'handlers', turns.growAt)
}

/** Time has passed: more may be free. */
export function reviewTurns(state: State): void {
  growWindows(state)
  if (state.turns.moreAt <= state.now) {
    state.turns.moreAt = Infinity
    state.turns.due = true
  }
  if (state.turns.restUntil <= state.now && state.turns.peers.size > 0) state.turns.due = true
}

function growWindows({ turns, now }: State): void {
  if (now < turns.growAt) return
  turns.growAt = Infinity
  turns.due = true
  for (const account of turns.peers.values()) account.window *= GROWTH
}

/** The request waits for its turn, behind the others of its peer. */
export function queueExchange(state: State, account: Account, exchange: Exchange, payload: Uint8Array): void {
  exchange.stage = 'queued'
  exchange.payload = payload
  account.queue.add(exchange.id)
  state.turns.peers.set(account.peer, account)
  state.turns.due = true
}

/** These wait again, and before all others of their peer. */
export function queueFirst({ turns }: State, account: Account, ids: ExchangeId[]): void {
  account.queue = new Set([...ids, ...account.queue])
  turns.peers.set(account.peer, account)
  turns.due = true
}

/**
 * All that has become free so far is about to be given out, if there is time for handlers. More at once each time, as long as a turn of the
 * event loop has time for them.
 */
export function beginTurns({ turns, now }: State): boolean {
  turns.due = false
  if (turns.isUsed) return false
  if (turns.handedAt === now) return true
  if (turns.handed >= turns.atOnce) turns.atOnce = Math.min(AT_ONCE, 2 * turns.atOnce)
  turns.handedAt = now
  turns.handed = 0
  return true
}

/** One of those that wait goes to its handler, if that many may at once. */
export function handsOne({ turns }: State): boolean {
  if (turns.handed >= turns.atOnce) return false
  turns.handed++
  return true
}

/** A turn had time for so many handlers only. Nobody is next before it is over. */
export function endTurn({ turns }: State, ran: number): void {
  turns.atOnce = Math.max(1, Math.min(ran, AT_ONCE))
  turns.isUsed = true
}

export function nextTurn({ turns }: State): void {
  turns.isUsed = false
  turns.handed = 0
  if (turns.peers.size > 0) turns.due = true
}

/** The request waits no more. */
export function unqueueExchange({ turns }: State, { id, account }: Exchange): void {
  account.queue.delete(id)
  if (account.queue.size === 0) turns.peers.delete(account.peer)
}

/** No more answers end for their room before this time. */
export function endRoom({ turns }: State, until: number): void {
  turns.roomAt = until
}

/** More of those that wait go to their handlers in a moment. */
export function goOnLater(state: State): void {
  state.turns.moreAt = state.now + 1
  dueAt(state, 'handlers', state.now + 1)
}
