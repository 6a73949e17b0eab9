/** Dials under way. All that want the same target wait for the same dial. */
import { admitAsk, closeAsk, fail, openAsk, overloaded, settle } from '../asks.js'
import { peersChanged } from '../changes.js'
import type { Effects } from '../effects.js'
import type { CommandOf } from '../events.js'
import { IdSet } from '../id-set.js'
import type { Attempt } from '../port.js'
import type { State } from '../state.js'
import type { AskId } from '../terms.js'
import { candidatesOf, hasCandidates } from './candidates.js'
import type { Dial, DialAsk } from './state.js'

/** A caller wants to be connected. */
export function startDial(state: State, out: Effects, command: CommandOf<'dialPeer'>): void {
  const { ask: id, target, addresses } = command
  if (!admitAsk(state, out, id)) return
  if (state.connections.byPeer.has(target)) return settle(state, out, id, target)
  openAsk(state, { kind: 'dial', id, target })
  if (reach(state, out, target, addresses, id)) return
  closeAsk(state, id)
  fail(state, out, id, tooManyDials(state))
}

export function tooManyDials({ dials }: State) {
  return overloaded(`${dials.size} dials are under way already`)
}

/**
 * Dials `target` (a peer id, or a multiaddr without one) unless that is being done already. `ask` waits for it.
 * False: there are too many dials under way.
 */
export function reach(state: State, out: Effects, target: string, addresses: string[], ask?: AskId): boolean {
  let dial = state.dials.get(target)
  if (dial === undefined) {
    if (state.dials.size >= state.settings.maxDials) return false
    const isFromMemory = addresses.length === 0 && hasCandidates(state, target)
    const candidates = isFromMemory ? candidatesOf(state, target) : addresses
    dial = { target, addresses: candidates, more: [], isFromMemory, tried: [], waiting: new IdSet() }
    state.dials.set(target, dial)
    peersChanged(state)
    out.push({ type: 'dial', target, addresses: candidates })
  } else {
    for (const address of addresses) {
      if (!dial.addresses.includes(address) && !dial.more.includes(address)) dial.more.push(address)
    }
  }
  if (ask !== undefined) dial.waiting.add(ask)
  return true
}

/**
 * A dial failed. True: others are being tried now, because somebody offered them meanwhile, or (none: the network is asked) because
 * those of our memory did not lead to the peer.
 */
export function tryOtherAddresses(state: State, out: Effects, dial: Dial, tried: Attempt[]): boolean {
  if (dial.waiting.size === 0) return false
  // Those that we remember were wrong: does the network know others?
  const mayAsk = dial.isFromMemory && dial.addresses.length > 0 && state.discovery.known.size > 0
  if (dial.more.length === 0 && !mayAsk) return false
  dial.addresses = dial.more
  dial.more = []
  dial.tried.push(...tried)
  out.push({ type: 'dial', target: dial.target, addresses: dial.addresses })
  return true
}

/** The dial is over, either way. */
export function closeDial(state: State, { target }: Dial): void {
  state.dials.delete(target)
  peersChanged(state)
}

/** A question does not wait for this dial any more. */
export function stopWaiting(state: State, target: string, id: AskId): void {
  state.dials.get(target)?.waiting.delete(id)
}

/** The caller has cancelled its dial. */
export function leaveDial(state: State, { id, target }: DialAsk): void {
  stopWaiting(state, target, id)
  closeAsk(state, id)
}
