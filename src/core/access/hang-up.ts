/** What becomes of peers that may not be here any more: their connections, dials, requests and entries. */
import { fail } from '../asks.js'
import type { Effects, Refusal } from '../effects.js'
import { dropConnection } from '../peers/connectivity.js'
import { dropRemembered } from '../peers/memory.js'
import { leaveDial } from '../peers/dials.js'
import type { Connection, Dial, DialAsk } from '../peers/state.js'
import { endRequest } from '../requests/requests.js'
import type { State } from '../state.js'
import { tell } from './audit.js'
import { barOf, barred, textOfBar } from './lists.js'
import { deniedAs } from './rules.js'

/** Hangs up on everybody whom the lists do not let in. */
export function hangUp(state: State, out: Effects): void {
  const { connections, dials, discovery, memory, access } = state
  for (const connection of [...connections.all.values()]) {
    const { peer, place: address } = connection
    const bar = barOf(access.lists, { peer, address })
    if (bar !== undefined) hangUpOn(state, out, connection, textOfBar(bar))
  }
  for (const dial of dials.values()) {
    const { target } = dial
    const bar = barOf(access.lists, target.startsWith('/') ? { address: target } : { peer: target })
    if (bar !== undefined) refuseDial(state, out, dial, textOfBar(bar))
  }
  for (const [peer, addresses] of discovery.table) {
    const isGone =
      barred(access.lists, { peer }) !== undefined ||
      addresses.every((address) => barred(access.lists, { peer, address }) !== undefined)
    if (isGone) out.push({ type: 'tableRemove', peer })
  }
  for (const peer of [...memory.peers.keys()]) {
    if (barred(access.lists, { peer }) !== undefined) dropRemembered(state, peer)
  }
}

/** What is under way over it ends, and the caller is told why. */
function hangUpOn(state: State, out: Effects, connection: Connection, why: string): void {
  const { id, peer, place: address, inbound } = connection
  const refusal = deniedAs(peer, why)
  for (const ask of [...state.asks.open.values()]) {
    if ((ask.kind !== 'request' && ask.kind !== 'dial') || ask.connection !== id) continue
    if (ask.kind === 'request') endRequest(state, out, ask, refusal)
    else failDial(state, out, ask, refusal)
  }
  tell(state, out, { kind: 'denied', peer, address, inbound, reason: why })
  dropConnection(state, out, id, why, true)
}

function failDial(state: State, out: Effects, ask: DialAsk, refusal: Refusal): void {
  leaveDial(state, ask)
  fail(state, out, ask.id, refusal)
}

/** The dial goes on in the network until it says how it ended, and nobody waits for it. */
export function refuseDial(state: State, out: Effects, dial: Dial, why: string): void {
  const refusal = deniedAs(dial.target, why)
  for (const id of [...dial.waiting]) {
    const ask = state.asks.open.get(id)
    if (ask?.kind === 'request') endRequest(state, out, ask, refusal)
    else if (ask?.kind === 'dial') failDial(state, out, ask, refusal)
  }
}
