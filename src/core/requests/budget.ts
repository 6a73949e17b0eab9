/**
 * The budget for inbound requests: how many, and how many bytes, in shares by peer (limits/shares.ts). A request takes its bytes
 * from their declaration to its end, so slow handlers slow down the senders. The first window of a large request over a
 * session, which may arrive before there is room for the whole, has a second budget of the same size. How requests
 * arrive, this file does not know.
 */
import { fits, fitsAnybody } from '../limits/shares.js'
import { isTrusted } from '../peers/trust.js'
import type { State } from '../state.js'
import { accountOf, dropAccount } from './accounts.js'
import type { Account, Exchange, Lingering, Use } from './state.js'

/** Of what there are shares, with a part for newcomers. */
type Shared = Exclude<keyof Use, 'admitted' | 'expected'>

/**
 * May the peer have `amount` more of something? It has a share, and so has its range of addresses, because an identity costs nothing. The
 * part for newcomers is for ranges.
 */
export function hasShare(
  state: State,
  account: Account,
  what: Shared,
  amount: number,
  total: number,
  each: number,
  little?: number,
): boolean {
  const { budget } = state
  const own = account[what]
  const all = budget.all[what]
  if (fitsAnybody(amount, all, total) && own + amount <= each) return true
  const { peer, range } = account
  const holdings = (): number[] => [...budget.ranges.values()].map((one) => one[what])
  const bounds = { total, each, ...(little !== undefined && { little }) }
  const ofRange = range.accounts === 1 || fits(range[what], amount, all, { ...bounds, each: Infinity }, holdings)
  if (ofRange && fits(own, amount, all, bounds, holdings)) return true
  return fits(own, amount, all, { ...bounds, trusted: true }, holdings) && isTrusted(state, peer)
}

/** Counts one more request of this peer, which is connected. `undefined`: there is no room for it. */
export function openAccount(state: State, peer: string): Account | undefined {
  const { all } = state.budget
  const { requests, requestsPerPeer } = state.settings.limits
  const account = accountOf(state, peer)
  if (!hasShare(state, account, 'exchanges', 1, requests, requestsPerPeer)) return undefined
  account.exchanges++
  account.range.exchanges++
  all.exchanges++
  return account
}

/** The exchange has ended. `keepsBytes`: they are still in use, until `freeBytes`. */
export function closeAccount(state: State, exchange: Exchange, keepsBytes: boolean): void {
  const { budget } = state
  const { account } = exchange
  account.exchanges--
  account.range.exchanges--
  budget.all.exchanges--
  if (!keepsBytes) giveBack(state, account, exchange.admitted, exchange.reserved)
  if (budget.waiting.size > 0) budget.waiting.delete(exchange.id)
  onFreed(state, account)
}

/** The bytes of an exchange that has ended are no longer in use. */
export function freeBytes(state: State, { account, admitted, bytes }: Lingering): void {
  giveBack(state, account, admitted, bytes)
  onFreed(state, account)
}

function onFreed(state: State, account: Account): void {
  if (state.budget.waiting.size > 0) state.budget.roomFreed = true
  dropAccount(state, account)
}

function giveBack({ budget }: State, account: Account, admitted: boolean, bytes: number): void {
  const { range } = account
  if (admitted) {
    account.bytes -= bytes
    range.bytes -= bytes
    budget.all.bytes -= bytes
    account.admitted--
    range.admitted--
    budget.all.admitted--
  } else {
    account.windows -= bytes
    range.windows -= bytes
    budget.all.windows -= bytes
  }
}

/**
 * Reserves all bytes of the request, if they fit. A request always fits if no other one is admitted, because it may be
 * larger than the budget and would otherwise wait for ever.
 */
export function reserve(state: State, exchange: Exchange, bytes: number): boolean {
  const { all } = state.budget
  const { account } = exchange
  const { requestBytes, requestBytesPerPeer } = state.settings.limits
  const { range } = account
  const each = account.admitted === 0 ? Infinity : requestBytesPerPeer
  if (all.admitted > 0 && !hasShare(state, account, 'bytes', bytes, requestBytes, each)) return false
  if (exchange.reserved > 0) giveBack(state, account, exchange.admitted, exchange.reserved)
  exchange.reserved = bytes
  exchange.admitted = true
  account.bytes += bytes
  range.bytes += bytes
  all.bytes += bytes
  account.admitted++
  range.admitted++
  all.admitted++
  return true
}

/** Reserves the first window of a request that has to wait for the rest. False: it does not fit. */
export function reserveWindow(state: State, exchange: Exchange, bytes: number): boolean {
  const { all } = state.budget
  const { account } = exchange
  const { requestBytes, requestBytesPerPeer } = state.settings.limits
  const { range } = account
  if (!hasShare(state, account, 'windows', bytes, requestBytes, requestBytesPerPeer)) return false
  exchange.reserved = bytes
  account.windows += bytes
  range.windows += bytes
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
