/**
 * The room for requests that others send us: how many, and how many bytes, of one peer and in all. A request holds its
 * bytes from the moment when it has declared them to its end, so slow handlers slow the senders down and not the node.
 */
import type { Account, Exchange, State } from '../state.js'

/** One more request of this peer. False: there is no room for it. */
export function openAccount(state: State, peer: string): boolean {
  const { maxInbound, maxInboundPerPeer } = state.settings
  let account = state.accounts.get(peer)
  if (state.exchanges.size >= maxInbound || (account?.exchanges ?? 0) >= maxInboundPerPeer) return false
  if (account === undefined) state.accounts.set(peer, (account = { exchanges: 0, bytes: 0, admitted: 0 }))
  account.exchanges++
  return true
}

export function closeAccount(state: State, exchange: Exchange): void {
  const account = state.accounts.get(exchange.peer)!
  account.exchanges--
  account.bytes -= exchange.reserved
  state.inboundBytes -= exchange.reserved
  if (exchange.admitted) {
    account.admitted--
    state.admitted--
  }
  if (state.held.size > 0) state.held.delete(exchange.id)
  if (account.exchanges === 0) state.accounts.delete(exchange.peer)
}

/**
 * Takes bytes out of the budget, if they fit. `admits`: the request then has all that it needs. One that nobody else's
 * stands beside always fits: it may be larger than the budget, and whoever waits must get on in the end.
 */
export function reserve(state: State, exchange: Exchange, bytes: number, admits: boolean): boolean {
  const account = state.accounts.get(exchange.peer)!
  if (!fitsIn(account, bytes, state, admits)) return false
  exchange.reserved += bytes
  account.bytes += bytes
  state.inboundBytes += bytes
  if (!admits) return true
  exchange.admitted = true
  account.admitted++
  state.admitted++
  return true
}

function fitsIn(account: Account, bytes: number, state: State, admits: boolean): boolean {
  const { maxInboundBytes, maxInboundBytesPerPeer } = state.settings
  const fitsPeer = account.bytes + bytes <= maxInboundBytesPerPeer || (admits && account.admitted === 0)
  const fitsAll = state.inboundBytes + bytes <= maxInboundBytes || (admits && state.admitted === 0)
  return fitsPeer && fitsAll
}

/** What a request that is held still needs. */
function missing(exchange: Exchange): number {
  return (exchange.kind === 'stream' ? exchange.reader.length! : exchange.total) - exchange.reserved
}

/** After room has come free: those who waited for it and have it now, in their order. */
export function release(state: State): Exchange[] {
  const freed: Exchange[] = []
  for (const id of state.held) {
    const exchange = state.exchanges.get(id)!
    if (!reserve(state, exchange, missing(exchange), true)) continue
    state.held.delete(id)
    freed.push(exchange)
  }
  return freed
}
