/** Callers that wait until so many peers are connected. */
import { acceptAsk, closeAsk, fail, openAsk, settle } from '../asks.js'
import type { Effects } from '../effects.js'
import type { CommandOf } from '../events.js'
import { namedPeers } from '../settings.js'
import type { State } from '../state.js'
import { canBeAsked, connectionsOf } from './connections.js'
import { dialUnderWay, textOfDial } from './dials.js'
import type { OnlineAsk } from './state.js'

export function awaitOnline(state: State, out: Effects, { ask: id, peers, timeout }: CommandOf<'online'>): void {
  if (!acceptAsk(state, out, id)) return
  openAsk(state, { kind: 'online', id, peers, timeout })
  state.online.add(id)
}

/** Called at the end of every batch, because any event may have brought the peer that was missing. */
export function settleOnline(state: State, out: Effects): void {
  const amount = peersOnline(state)
  for (const id of state.online) {
    const ask = state.asks.open.get(id) as OnlineAsk
    if (amount < ask.peers) continue
    endOnline(state, ask)
    settle(state, out, id, undefined)
  }
}

export function expireOnline(state: State, out: Effects, ask: OnlineAsk): void {
  endOnline(state, ask)
  const mute = new Set([...state.connections.byPeer.keys()].filter((peer) => speaksNoRequests(state, peer)))
  const reasons = [...new Set([...namedPeers(state.settings), ...mute])].flatMap((peer) => {
    const failure = state.counts.peers.get(peer)?.failure
    const dial = dialUnderWay(state, peer)
    const standing = [
      ...(mute.has(peer) ? ['it is connected, and speaks no protocol of requests'] : []),
      ...(failure === undefined ? [] : [failure.message]),
      ...(dial === undefined ? [] : [textOfDial(dial)]),
    ]
    return standing.length === 0 ? [] : [`${peer}: ${standing.join(', ')}`]
  })
  const message = [
    `${peersOnline(state)} of ${ask.peers} peers are connected after ${ask.timeout} ms`,
    ...(reasons.length === 0 ? ['name peers that are up in bootNodes or keep'] : reasons),
  ].join('; ')
  fail(state, out, ask.id, { code: 'DialError', message })
}

export function endOnline(state: State, { id, timeout }: OnlineAsk): void {
  state.online.delete(id)
  closeAsk(state, id, timeout)
}

/** Peers that are connected and can be asked. */
function peersOnline(state: State): number {
  const { all, byPeer } = state.connections
  let amount = 0
  for (const ids of byPeer.values()) {
    if (ids.some((id) => canBeAsked(state, all.get(id)!))) amount++
  }
  return amount
}

/** All that it has told of itself is another thing. */
function speaksNoRequests(state: State, peer: string): boolean {
  const told = connectionsOf(state, peer).filter(({ protocols, stopping }) => protocols !== undefined && !stopping)
  return told.length > 0 && !told.some((connection) => canBeAsked(state, connection))
}
