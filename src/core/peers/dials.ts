/** Dials under way. All that want the same target wait for the same dial. */
import { closeAsk, overloaded } from '../asks.js'
import type { Effects } from '../effects.js'
import { IdSet } from '../id-set.js'
import type { State } from '../state.js'
import type { AskId } from '../terms.js'
import type { Dial, DialAsk } from './state.js'

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
    dial = { target, addresses, more: [], waiting: new IdSet() }
    state.dials.set(target, dial)
    out.push({ type: 'dial', target, addresses })
  } else {
    for (const address of addresses) {
      if (!dial.addresses.includes(address) && !dial.more.includes(address)) dial.more.push(address)
    }
  }
  if (ask !== undefined) dial.waiting.add(ask)
  return true
}

/** A dial failed. True: somebody offered other addresses meanwhile, and those are being tried now. */
export function tryOtherAddresses(out: Effects, dial: Dial): boolean {
  if (dial.more.length === 0 || dial.waiting.size === 0) return false
  dial.addresses = dial.more
  dial.more = []
  out.push({ type: 'dial', target: dial.target, addresses: dial.addresses })
  return true
}

/** The dial is over, either way. */
export function closeDial(state: State, { target }: Dial): void {
  state.dials.delete(target)
}

/** A question does not wait for this dial any more. */
export function stopWaiting(state: State, target: string, id: AskId): void {
  state.dials.get(target)?.waiting.delete(id)
}

/** The caller has cancelled its dial. */
export function leaveDial(state: State, { id, target, connection }: DialAsk): void {
  stopWaiting(state, target, id)
  if (connection !== undefined) state.connections.all.get(connection)?.dials.delete(id)
  closeAsk(state, id)
}
