/** Dials under way, one per target: every question with the same target waits for the same dial. */
import { acceptAsk, closeAsk, fail, openAsk, overloaded, settle } from '../asks.js'
import type { Effects } from '../effects.js'
import type { CommandOf } from '../events.js'
import { IdSet } from '../id-set.js'
import type { State } from '../state.js'
import type { AskId } from '../terms.js'
import type { Dial, DialAsk } from './state.js'

/** A caller's `dial`. */
export function startDial(state: State, out: Effects, command: CommandOf<'dialPeer'>): void {
  const { ask: id, target, addresses } = command
  if (!acceptAsk(state, out, id)) return
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
 * Dials `target` (a peer id, or a multiaddr without one), unless such a dial is under way already. `ask` waits for it.
 * False: too many dials are under way.
 */
export function reach(state: State, out: Effects, target: string, addresses: string[], ask?: AskId): boolean {
  let dial = state.dials.get(target)
  if (dial === undefined) {
    if (state.dials.size >= state.settings.maxDials) return false
    dial = { target, addresses, laterAddresses: [], waiting: new IdSet() }
    state.dials.set(target, dial)
    out.push({ type: 'dial', target, addresses })
  } else {
    for (const address of addresses) {
      if (!dial.addresses.includes(address) && !dial.laterAddresses.includes(address)) dial.laterAddresses.push(address)
    }
  }
  if (ask !== undefined) dial.waiting.add(ask)
  return true
}

/** A dial failed. True: other addresses were offered meanwhile, and the dial goes on with them. */
export function tryOtherAddresses(out: Effects, dial: Dial): boolean {
  if (dial.laterAddresses.length === 0 || dial.waiting.size === 0) return false
  dial.addresses = dial.laterAddresses
  dial.laterAddresses = []
  out.push({ type: 'dial', target: dial.target, addresses: dial.addresses })
  return true
}

/** The dial has succeeded or failed. */
export function closeDial(state: State, { target }: Dial): void {
  state.dials.delete(target)
}

/** A question no longer waits for this dial. */
export function stopWaiting(state: State, target: string, id: AskId): void {
  state.dials.get(target)?.waiting.delete(id)
}

/** The caller has cancelled its `dial`. */
export function leaveDial(state: State, { id, target }: DialAsk): void {
  stopWaiting(state, target, id)
  closeAsk(state, id)
}
