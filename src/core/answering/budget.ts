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
  if (account === undefined) state.accounts.set(peer, (account = { exchanges: 0, bytes: 0 }))
  account.exchanges++
  return true
}

export function closeAccount(state: State, exchange: Exchange): void {
  const account = state.accounts.get(exchange.peer)!
  account.exchanges--
  account.bytes -= exchange.reserved ?? 0
  state.inboundBytes -= exchange.reserved ?? 0
  state.held.delete(exchange.stream)
  if (account.exchanges === 0) state.accounts.delete(exchange.peer)
}

/** Takes the declared bytes out of the budget, if they fit. A request that is alone always fits. */
export function reserve(state: State, exchange: Exchange): boolean {
  const bytes = exchange.reader.length!
  const account = state.accounts.get(exchange.peer)!
  if (!fitsIn(account, state.inboundBytes, bytes, state)) return false
  exchange.reserved = bytes
  account.bytes += bytes
  state.inboundBytes += bytes
  return true
}

function fitsIn(account: Account, inAll: number, bytes: number, state: State): boolean {
  const { maxInboundBytes, maxInboundBytesPerPeer } = state.settings
  const fitsPeer = account.bytes === 0 || account.bytes + bytes <= maxInboundBytesPerPeer
  const fitsAll = inAll === 0 || inAll + bytes <= maxInboundBytes
  return fitsPeer && fitsAll
}

/** After room has come free: those who waited for it and have it now, in their order. */
export function release(state: State): Exchange[] {
  const freed: Exchange[] = []
  for (const stream of state.held) {
    const exchange = state.exchanges.get(stream)!
    if (!reserve(state, exchange)) continue
    state.held.delete(stream)
    freed.push(exchange)
  }
  return freed
}
