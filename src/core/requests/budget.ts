/**
 * The room for requests that others send us: how many, and how many bytes, of one peer and in all. A request holds its
 * bytes from the moment when it has declared them to its end, so slow handlers slow the senders down and not the node. What
 * a session lets come of a large request before that (its first window) has a budget of its own, of the same size.
 */
import type { Account, Exchange, State } from '../state.js'

/** One more request of this peer. False: there is no room for it. */
export function openAccount(state: State, peer: string): boolean {
  const { maxInbound, maxInboundPerPeer } = state.settings
  let account = state.accounts.get(peer)
  if (state.exchanges.size >= maxInbound || (account?.exchanges ?? 0) >= maxInboundPerPeer) return false
  if (account === undefined) {
    account = { exchanges: 0, bytes: 0, admitted: 0, windows: 0 }
    state.accounts.set(peer, account)
  }
  account.exchanges++
  return true
}

export function closeAccount(state: State, exchange: Exchange): void {
  const account = state.accounts.get(exchange.peer)!
  account.exchanges--
  giveBack(state, account, exchange)
  if (state.held.size > 0) state.held.delete(exchange.id)
  if (account.exchanges === 0) state.accounts.delete(exchange.peer)
}

function giveBack(state: State, account: Account, exchange: Exchange): void {
  if (exchange.admitted) {
    account.bytes -= exchange.reserved
    account.admitted--
    state.inboundBytes -= exchange.reserved
    state.admitted--
  } else {
    account.windows -= exchange.reserved
    state.windowBytes -= exchange.reserved
  }
}

/**
 * Takes all bytes that the request needs out of the budget, if they fit. One that nobody else's stands beside always fits:
 * it may be larger than the budget, and whoever waits must get on in the end.
 */
export function admit(state: State, exchange: Exchange, bytes: number): boolean {
  const account = state.accounts.get(exchange.peer)!
  const { maxInboundBytes, maxInboundBytesPerPeer } = state.settings
  if (account.bytes + bytes > maxInboundBytesPerPeer && account.admitted > 0) return false
  if (state.inboundBytes + bytes > maxInboundBytes && state.admitted > 0) return false
  if (exchange.reserved > 0) giveBack(state, account, exchange)
  exchange.reserved = bytes
  exchange.admitted = true
  account.bytes += bytes
  account.admitted++
  state.inboundBytes += bytes
  state.admitted++
  return true
}

/** Room for the first window of a request that has to wait for the rest. */
export function reserveWindow(state: State, exchange: Exchange, bytes: number): boolean {
  const account = state.accounts.get(exchange.peer)!
  const { maxInboundBytes, maxInboundBytesPerPeer } = state.settings
  if (account.windows + bytes > maxInboundBytesPerPeer || state.windowBytes + bytes > maxInboundBytes) return false
  exchange.reserved = bytes
  account.windows += bytes
  state.windowBytes += bytes
  return true
}

/** What a request that is held needs in all. */
function sizeOf(exchange: Exchange): number {
  return exchange.kind === 'stream' ? exchange.reader.length! : exchange.total
}

/** After room has come free: those who waited for it and have it now, in their order. */
export function release(state: State): Exchange[] {
  const freed: Exchange[] = []
  for (const id of state.held) {
    const exchange = state.exchanges.get(id)!
    if (!admit(state, exchange, sizeOf(exchange))) continue
    state.held.delete(id)
    freed.push(exchange)
  }
  return freed
}
