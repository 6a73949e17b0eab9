/** Dials under way, one per target: every question with the same target waits for the same dial. */
import { acceptAsk, closeAsk, fail, openAsk, overloaded, settle } from '../asks.js'
import type { Effects } from '../effects.js'
import type { CommandOf } from '../events.js'
import { IdSet } from '../id-set.js'
import type { Attempt } from '../port.js'
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
 * Dials `target` (a peer id, or a multiaddr without one). If that is being done already, these addresses join it. No addresses:
 * the table and the network know some. Those that the config names are always tried too. `ask` waits for the outcome.
 * False: there are too many dials under way.
 */
export function reach(state: State, out: Effects, target: string, addresses: string[], ask?: AskId): boolean {
  let dial = state.dials.get(target)
  if (dial === undefined) {
    if (state.dials.size >= state.settings.maxDials) return false
    dial = { target, addresses: new Set(), looksUp: false, unanswered: 0, tried: [], waiting: new IdSet() }
    state.dials.set(target, dial)
  }
  if (ask !== undefined) dial.waiting.add(ask)
  offer(out, dial, addresses)
  offer(out, dial, configuredAddresses(state, target))
  if (addresses.length === 0 && !dial.looksUp) {
    dial.looksUp = true
    askPort(out, dial, [])
  }
  return true
}

/** Where the config says that the peer is. */
function configuredAddresses({ settings }: State, peer: string): string[] {
  return Object.hasOwn(settings.bootNodes, peer) ? settings.bootNodes[peer]! : []
}

function offer(out: Effects, dial: Dial, addresses: string[]): void {
  const fresh = addresses.filter((address) => !dial.addresses.has(address))
  if (fresh.length === 0) return
  for (const address of fresh) dial.addresses.add(address)
  askPort(out, dial, fresh)
}

function askPort(out: Effects, dial: Dial, addresses: string[]): void {
  dial.unanswered++
  out.push({ type: 'dial', target: dial.target, addresses })
}

/** The port has failed. True: the dial goes on with what it was asked for later. */
export function goesOn(dial: Dial, tried: Attempt[]): boolean {
  const isNew = ({ address }: Attempt): boolean => dial.tried.every((attempt) => attempt.address !== address)
  dial.tried.push(...tried.filter(isNew))
  dial.unanswered--
  return dial.unanswered > 0
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
