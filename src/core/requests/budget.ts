/**
 * The budget for inbound requests: how many, and how many bytes, in shares by peer (limits/shares.ts). A request takes its bytes
 * from their declaration to its end, so slow handlers slow down the senders. The first window of a large request over a
 * session, which may arrive before there is room for the whole, has a second budget of the same size. How requests
 * arrive, this file does not know.
 */
import { fits } from '../limits/shares.js'
import { SLOWEST as SLOWEST_LINE } from '../peers/line.js'
import { isTrusted } from '../peers/trust.js'
import type { State } from '../state.js'
import { nothingUsed, type Account, type Exchange, type Lingering, type Use } from './state.js'

/** Handlers of a peer at once, before anything is known of its answers. */
export const FIRST_WINDOW = 4

/** May the peer have `amount` more of something, of which it has `held` and all have `used`? */
export function hasShare(
  state: State,
  { peer }: Account,
  held: number,
  amount: number,
  used: number,
  total: number,
  each: number,
): boolean {
  if (fits(held, amount, used, { total, each })) return true
  return fits(held, amount, used, { total, each, trusted: true }) && isTrusted(state, peer)
}

export function accountOf({ budget }: State, peer: string): Account {
  let account = budget.accounts.get(peer)
  if (account === undefined) {
    const moved = { received: 0, sent: 0, leftAt: -Infinity }
    const none = {
      window: FIRST_WINDOW,
      debt: 0,
      cost: 0,
      dearUntil: -Infinity,
      queue: new Set<number>(),
      answered: 0,
      refused: 0,
      shown: 0,
      moved,
    }
    budget.accounts.set(peer, (account = { peer, ...nothingUsed(), ...none }))
  }
  return account
}

/** Counts one more request of this peer, which is connected. False: there is no room for it. */
export function openAccount(state: State, peer: string): boolean {
  const { all } = state.budget
  const { requests, requestsPerPeer } = state.settings.limits
  const account = accountOf(state, peer)
  if (!hasShare(state, account, account.exchanges, 1, all.exchanges, requests, requestsPerPeer)) return false
  account.exchanges++
  all.exchanges++
  return true
}

/** The exchange has ended. `keepsBytes`: they are still in use, until `freeBytes`. */
export function closeAccount(state: State, exchange: Exchange, keepsBytes: boolean): void {
  const { budget } = state
  const account = budget.accounts.get(exchange.peer)!
  account.exchanges--
  budget.all.exchanges--
  if (!keepsBytes) {
    giveBack(account, exchange.admitted, exchange.reserved)
    giveBack(budget.all, exchange.admitted, exchange.reserved)
  }
  if (budget.waiting.size > 0) budget.waiting.delete(exchange.id)
  onFreed(state, account)
}

/** The bytes of an exchange that has ended are no longer in use. */
export function freeBytes(state: State, { peer, admitted, bytes }: Lingering): void {
  const account = state.budget.accounts.get(peer)!
  for (const use of [account, state.budget.all]) giveBack(use, admitted, bytes)
  onFreed(state, account)
}

function onFreed(state: State, account: Account): void {
  if (state.budget.waiting.size > 0) state.budget.roomFreed = true
  dropAccount(state, account.peer)
}

/** The peer is not connected any more, or uses less: if it uses nothing, nothing is kept of it. */
export function dropAccount({ budget, connections }: State, peer: string): void {
  const account = budget.accounts.get(peer)
  if (account === undefined || account.exchanges > 0 || account.handlers > 0 || connections.byPeer.has(peer)) return
  budget.accounts.delete(peer)
}

function giveBack(use: Use, admitted: boolean, bytes: number): void {
  if (admitted) {
    use.bytes -= bytes
    use.admitted--
  } else use.windows -= bytes
}

/** So much more of the request has come. */
export function noteReceived({ budget }: State, { peer }: Exchange, bytes: number): void {
  budget.accounts.get(peer)!.moved.received += bytes
}

/** So much more of the answer was sent. A slow line is busy with it for long, and meanwhile takes nothing else. */
export function noteSent({ budget, now }: State, { peer }: Exchange, bytes: number): void {
  const { moved } = budget.accounts.get(peer)!
  moved.sent += bytes
  moved.leftAt = Math.max(moved.leftAt, now) + (bytes * 1_000) / SLOWEST_LINE
}

/** Bytes of all requests of this peer that have come or, while the exchange is answered, of all answers to it that have left. */
export function bytesMoved({ budget, now }: State, { peer, stage }: Exchange): number {
  const { received, sent, leftAt } = budget.accounts.get(peer)!.moved
  return stage === 'answering' ? sent - (Math.max(0, leftAt - now) * SLOWEST_LINE) / 1_000 : received
}

/**
 * Reserves all bytes of the request, if they fit. A request always fits if no other one is admitted, because it may be
 * larger than the budget and would otherwise wait for ever.
 */
export function reserve(state: State, exchange: Exchange, bytes: number): boolean {
  const { all, accounts } = state.budget
  const account = accounts.get(exchange.peer)!
  const { requestBytes, requestBytesPerPeer } = state.settings.limits
  const each = account.admitted === 0 ? Infinity : requestBytesPerPeer
  if (all.admitted > 0 && !hasShare(state, account, account.bytes, bytes, all.bytes, requestBytes, each)) return false
  if (exchange.reserved > 0) {
    giveBack(account, exchange.admitted, exchange.reserved)
    giveBack(all, exchange.admitted, exchange.reserved)
  }
  exchange.reserved = bytes
  exchange.admitted = true
  account.bytes += bytes
  account.admitted++
  all.bytes += bytes
  all.admitted++
  return true
}

/** Reserves the first window of a request that has to wait for the rest. False: it does not fit. */
export function reserveWindow(state: State, exchange: Exchange, bytes: number): boolean {
  const { all, accounts } = state.budget
  const account = accounts.get(exchange.peer)!
  const { requestBytes, requestBytesPerPeer } = state.settings.limits
  if (!hasShare(state, account, account.windows, bytes, all.windows, requestBytes, requestBytesPerPeer)) return false
  exchange.reserved = bytes
  account.windows += bytes
  all.windows += bytes
  return true
}

/** The request waits until there is room for all of it. */
export function waitForRoom({ budget }: State, exchange: Exchange): void {
  exchange.stage = 'waiting'
  budget.waiting.add(exchange.id)
}

/** Reserves freed room for requests that wait, in their order, and returns those that have it now. */
export function grantRoom(state: State): Exchange[] {
  const { budget, exchanges } = state
  const freed: Exchange[] = []
  if (!budget.roomFreed) return freed
  budget.roomFreed = false
  for (const id of budget.waiting) {
    const exchange = exchanges.open.get(id)!
    if (!reserve(state, exchange, exchange.total)) continue
    budget.waiting.delete(id)
    freed.push(exchange)
  }
  return freed
}

/** A request of the peer was answered. */
export function noteAnswered({ budget }: State, peer: string): void {
  budget.accounts.get(peer)!.answered++
}

/** A request of the peer was refused. */
export function noteRefused(state: State, peer: string): void {
  accountOf(state, peer).refused++
}

/** What was refused by now may be seen. */
export function showRefused({ budget }: State): void {
  for (const account of budget.accounts.values()) account.shown = account.refused
}
