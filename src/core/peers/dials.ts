/** Dials under way, one per target: every question with the same target waits for the same dial. */
import { closeAsk, overloaded } from '../asks.js'
import { peersChanged } from '../changes.js'
import type { Effects, Refusal } from '../effects.js'
import { IdSet } from '../id-set.js'
import type { Attempt } from '../port.js'
import { isNamed } from '../settings.js'
import type { State } from '../state.js'
import type { AskId } from '../terms.js'
import { withPeer } from './addresses.js'
import { updateIdle } from './connections.js'
import type { Dial, DialAsk } from './state.js'

/** Addresses of a dial that are named in a text. */
const MAX_NAMED = 4

export function tooManyDials({ dials }: State) {
  return overloaded(`${dials.size} dials are under way already`)
}

export function isThisNode({ self }: State): Refusal {
  return { code: 'DialError', message: `${self} is this node itself, which neither dials nor asks itself` }
}

/**
 * Dials `target` (a peer id, or a multiaddr without one). If that is being done already, these addresses join it. No addresses:
 * the table and the network know some. Those that the config names are always tried too. `ask` waits for the outcome. `looksUp`: the
 * network is asked although addresses are known. False: there are too many dials under way.
 */
export function reach(
  state: State,
  out: Effects,
  target: string,
  addresses: string[],
  ask?: AskId,
  looksUp = ask !== undefined,
): boolean {
  const dial = join(state, target, ask)
  if (dial === undefined) return false
  const isOurs = addresses.length === 0
  const known =
    isNamed(state.settings, target) || (isOurs && hasCandidates(state, target)) ? candidatesOf(state, target) : []
  if (isOurs) dial.isOurs = true
  offer(out, dial, addresses)
  offer(out, dial, known)
  // Most retries that nobody waits for stay with what we know: a lookup for each of them would be too much.
  if (isOurs && !dial.looksUp && (looksUp || known.length === 0)) {
    dial.looksUp = true
    askPort(out, dial, [])
  }
  return true
}

/** Dials these addresses of a peer and no others, although it is connected. */
export function reachAnew(state: State, out: Effects, peer: string, addresses: string[], ask: AskId): boolean {
  const dial = join(state, peer, ask)
  if (dial !== undefined) offer(out, dial, addresses, true)
  return dial !== undefined
}

/** The dial under way, or a new one. `undefined`: there are too many. */
function join(state: State, target: string, ask: AskId | undefined): Dial | undefined {
  let dial = state.dials.get(target)
  if (dial === undefined) {
    if (state.dials.size >= state.settings.maxDials) return undefined
    dial = {
      target,
      since: state.now,
      addresses: new Set(),
      isOurs: false,
      looksUp: false,
      unanswered: 0,
      tried: [],
      waiting: new IdSet(),
    }
    state.dials.set(target, dial)
    peersChanged(state)
  }
  if (ask !== undefined) dial.waiting.add(ask)
  return dial
}

/** Dials a peer that nothing waits for. False also in a drain: a node that is about to leave looks for nobody. */
export function seek(state: State, out: Effects, peer: string, looksUp = false): boolean {
  return state.lifecycle.phase !== 'draining' && reach(state, out, peer, [], undefined, looksUp)
}

function offer(out: Effects, dial: Dial, addresses: string[], anew = false): void {
  const fresh = addresses.filter((address) => !dial.addresses.has(address))
  if (fresh.length === 0) return
  for (const address of fresh) dial.addresses.add(address)
  askPort(out, dial, fresh, anew)
}

function askPort(out: Effects, dial: Dial, addresses: string[], anew = false): void {
  dial.unanswered++
  out.push({ type: 'dial', target: dial.target, addresses, ...(anew && { anew }) })
}

/** A dial as people are told of it. `addresses`: those that the port was asked to try; none: what the table and the network know. */
export interface DialUnderWay {
  age: number
  addresses: string[]
}

export function dialUnderWay({ dials, now }: State, target: string): DialUnderWay | undefined {
  const dial = dials.get(target)
  return dial && { age: now - dial.since, addresses: [...dial.addresses] }
}

export function textOfDial({ age, addresses }: DialUnderWay): string {
  const more = addresses.length > MAX_NAMED ? ` and ${addresses.length - MAX_NAMED} more` : ''
  const where =
    addresses.length === 0 ? 'wherever the network knows it' : `at ${addresses.slice(0, MAX_NAMED).join(', ')}${more}`
  return `being dialled for ${age} ms so far, ${where}`
}

/** The port has failed. True: the dial goes on with what it was asked for later. */
export function goesOn(dial: Dial, tried: Attempt[]): boolean {
  const isNew = ({ address }: Attempt): boolean => dial.tried.every((attempt) => attempt.address !== address)
  dial.tried.push(...tried.filter(isNew))
  dial.unanswered--
  return dial.unanswered > 0
}

/** Does a dial of the peer have addresses to try first? The network itself knows those of a peer in the table. */
function hasCandidates(state: State, peer: string): boolean {
  if (!isNamed(state.settings, peer) && state.discovery.table.has(peer)) return false
  return candidatesOf(state, peer).length > 0
}

/** Where the peer may be: where it was last, as the config says, and what else we remember. */
export function candidatesOf({ settings, memory }: State, peer: string): string[] {
  const { bootNodes, keep } = settings
  const [last, ...others] = memory.peers.get(peer)?.addresses ?? []
  const named = [bootNodes, keep].flatMap((all) => (Object.hasOwn(all, peer) ? all[peer]! : []))
  const all = [...(last === undefined ? [] : [last]), ...named, ...others]
  return [...new Set(all.map((address) => withPeer(address, peer)))]
}

/** The dial has succeeded or failed. */
export function closeDial(state: State, { target }: Dial): void {
  state.dials.delete(target)
  peersChanged(state)
}

/** The questions that wait for it wait no more. */
export function takeWaiting({ waiting }: Dial): AskId[] {
  const ids = [...waiting]
  for (const id of ids) waiting.delete(id)
  return ids
}

/** A question no longer waits for this dial. */
export function stopWaiting(state: State, target: string, id: AskId): void {
  state.dials.get(target)?.waiting.delete(id)
}

/** The caller has cancelled its `dial`. */
export function leaveDial(state: State, { id, target, connection }: DialAsk): void {
  stopWaiting(state, target, id)
  closeAsk(state, id)
  const carrier = connection === undefined ? undefined : state.connections.all.get(connection)
  if (carrier === undefined) return
  carrier.dials.delete(id)
  updateIdle(state, carrier)
}
