/** Dials under way, one per target: every question with the same target waits for the same dial. */
import { closeAsk, overloaded } from '../asks.js'
import { peersChanged } from '../changes.js'
import type { Effects } from '../effects.js'
import { IdSet } from '../id-set.js'
import type { Attempt } from '../port.js'
import type { State } from '../state.js'
import type { AskId } from '../terms.js'
import { candidatesOf, hasCandidates } from './candidates.js'
import type { Dial, DialAsk } from './state.js'

export function tooManyDials({ dials }: State) {
  return overloaded(`${dials.size} dials are under way already`)
}

/**
 * Dials `target` (a peer id, or a multiaddr without one), unless such a dial is under way already. `ask` waits for it.
 * False: too many dials are under way.
 */
export function reach(state: State, out: Effects, target: string, addresses: string[], ask?: AskId): boolean {
  let dial = state.dials.get(target)
  if (dial === undefined) {
    if (state.dials.size >= state.settings.maxDials) return false
    const isFromMemory = addresses.length === 0 && hasCandidates(state, target)
    const candidates = isFromMemory ? candidatesOf(state, target) : addresses
    dial = { target, addresses: candidates, laterAddresses: [], isFromMemory, tried: [], waiting: new IdSet() }
    state.dials.set(target, dial)
    peersChanged(state)
    out.push({ type: 'dial', target, addresses: candidates })
  } else {
    for (const address of addresses) {
      if (!dial.addresses.includes(address) && !dial.laterAddresses.includes(address)) dial.laterAddresses.push(address)
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
  const mayAsk = dial.isFromMemory && dial.addresses.length > 0 && state.discovery.table.size > 0
  if (dial.laterAddresses.length === 0 && !mayAsk) return false
  dial.addresses = dial.laterAddresses
  dial.laterAddresses = []
  dial.tried.push(...tried)
  out.push({ type: 'dial', target: dial.target, addresses: dial.addresses })
  return true
}

/** The dial has succeeded or failed. */
export function closeDial(state: State, { target }: Dial): void {
  state.dials.delete(target)
  peersChanged(state)
}

/** A question no longer waits for this dial. */
export function stopWaiting(state: State, target: string, id: AskId): void {
  state.dials.get(target)?.waiting.delete(id)
}

/** The caller has cancelled its `dial`. */
export function leaveDial(state: State, { id, target, connection }: DialAsk): void {
  stopWaiting(state, target, id)
  if (connection !== undefined) state.connections.all.get(connection)?.dials.delete(id)
  closeAsk(state, id)
}
