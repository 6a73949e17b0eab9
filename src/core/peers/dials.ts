/** Dials under way. All who want the same target wait for the same dial. */
import type { AskId } from '../port.js'
import type { Effects } from '../effects.js'
import { IdSet } from '../id-set.js'
import type { Dial, State } from '../state.js'

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
