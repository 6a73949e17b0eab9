/**
 * The budget for inbound requests: how many, and how many bytes, per peer and in all. A request takes its bytes from
 * their declaration to its end, so slow handlers slow down the senders. The first window of a large request over a
 * session, which may arrive before there is room for the whole, has a second budget of the same size. How requests
 * arrive, this file does not know.
 */
import { SLOWEST as SLOWEST_LINE } from '../peers/line.js'
import type { State } from '../state.js'
import type { Account, Exchange } from './state.js'

/** Counts one more request of this peer. False: there is no room for it. */
export function openAccount({ budget, exchanges, settings }: State, peer: string): boolean {
  let account = budget.accounts.get(peer)
  if (exchanges.open.size >= settings.maxInbound || (account?.exchanges ?? 0) >= settings.maxInboundPerPeer)
    return false
  if (account === undefined) {
    account = { exchanges: 0, bytes: 0, admitted: 0, windows: 0, moved: { received: 0, sent: 0, leftAt: -Infinity } }
    budget.accounts.set(peer, account)
  }
  account.exchanges++
  return true
}

export function closeAccount(state: State, exchange: Exchange): void {
  const { budget } = state
  const account = budget.accounts.get(exchange.peer)!
  account.exchanges--
  giveBack(state, account, exchange)
  if (account.exchanges === 0) budget.accounts.delete(exchange.peer)
  if (budget.waiting.size === 0) return
  budget.waiting.delete(exchange.id)
  if (budget.waiting.size > 0) budget.roomFreed = true
}

function giveBack({ budget }: State, account: Account, exchange: Exchange): void {
  if (exchange.admitted) {
    account.bytes -= exchange.reserved
    account.admitted--
    budget.bytes -= exchange.reserved
    budget.admitted--
  } else {
    account.windows -= exchange.reserved
    budget.windowBytes -= exchange.reserved
  }
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
  const { budget } = state
  const account = budget.accounts.get(exchange.peer)!
  const { maxInboundBytes, maxInboundBytesPerPeer } = state.settings
  if (account.bytes + bytes > maxInboundBytesPerPeer && account.admitted > 0) return false
  if (budget.bytes + bytes > maxInboundBytes && budget.admitted > 0) return false
  if (exchange.reserved > 0) giveBack(state, account, exchange)
  exchange.reserved = bytes
  exchange.admitted = true
  account.bytes += bytes
  account.admitted++
  budget.bytes += bytes
  budget.admitted++
  return true
}

/** Reserves the first window of a request that has to wait for the rest. False: it does not fit. */
export function reserveWindow({ budget, settings }: State, exchange: Exchange, bytes: number): boolean {
  const account = budget.accounts.get(exchange.peer)!
  const { maxInboundBytes, maxInboundBytesPerPeer } = settings
  if (account.windows + bytes > maxInboundBytesPerPeer || budget.windowBytes + bytes > maxInboundBytes) return false
  exchange.reserved = bytes
  account.windows += bytes
  budget.windowBytes += bytes
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
