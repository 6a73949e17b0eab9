/**
 * Who is tried again when: the rule for peers that are away. (docs/architecture.md has it as a table.) Nothing is changed here;
 * memory.ts does what it says.
 */
import { isNamed } from '../settings.js'
import type { State } from '../state.js'
import { candidatesOf } from './dials.js'
import type { RememberedPeer } from './state.js'

/** So many of the peers that are away, those that were good last, are tried at each tick at least, for a day, and never forgotten. */
const LAST = 8
/** The others are tried after this part of the time that they have been away: they are found soon after it is over … */
const SHARE_OF_AWAY = 1 / 16
/** … and after this time at most, ms. */
const LONGEST = 3_600_000
/** Dials of the others in a discovery interval. */
const DIALS_A_TICK = 64
/**
 * The longest pause before a peer of the config is dialled again while nobody is connected, ms: who starts before its boot node
 * is in the network within a second of it, however long that took. That is one SYN in 0.6 s to a host that refuses; a host that does
 * not answer is tried at its own pace, because the dial itself goes on. A node that has peers has no hurry.
 */
const LONGEST_ALONE = 800
/** The longest such pause while somebody is connected: a boot node that has come back is found within seconds. */
const LONGEST_NAMED = 4_000

export function isAlone({ connections }: State): boolean {
  return connections.byPeer.size === 0
}

/**
 * A clock that stands still while nobody is connected, or the process does not run: that nobody reaches a peer then is no fault of the
 * peer.
 */
export function lived({ memory, now }: State): number {
  return Math.min(now, memory.aloneSince) - memory.excused
}

/** How long ago the peer was good, ms, by that clock. (One that never was: how long ago it failed first.) */
export function ageOf(state: State, { livedAt }: RememberedPeer): number {
  return lived(state) - livedAt
}

/** The longest pause before a peer of the config is dialled again, ms. */
export function longestNamed(state: State, peer: string, known: RememberedPeer): number {
  // It has to be looked up, which costs others.
  if (candidatesOf(state, peer).length === 0) return longestOf(state, known)
  const { discoveryInterval } = state.settings
  // One that hangs up whenever it is reached may not want us.
  if (known.hangUps > 0) return isAlone(state) ? Math.min(LONGEST_NAMED, discoveryInterval) : discoveryInterval
  return Math.min(isAlone(state) ? LONGEST_ALONE : LONGEST_NAMED, discoveryInterval)
}

/** … and before another peer is, or one of the config is looked up. `isLast`: it is one of those that were good last. */
export function longestOf(state: State, known: RememberedPeer, isLast = false): number {
  const { discoveryInterval, memoryLifetime } = state.settings
  const age = ageOf(state, known)
  if (isAlone(state) || (isLast && age <= memoryLifetime)) return discoveryInterval
  return Math.max(discoveryInterval, Math.min(LONGEST, age * SHARE_OF_AWAY))
}

/**
 * Of the peers that are away, and that the config does not name, those that were good last: of each site the first, then of each the
 * second, and so on, because a stranger can make any number of identities. `also`: it is away too.
 */
export function lastGood({ memory, settings }: State, also?: string): Set<string> {
  const ofSite = new Map<string, number>()
  const turns: { peer: string; turn: number }[] = []
  for (const peer of [...memory.peers.keys()].reverse()) {
    const isAway = memory.retries.has(peer) || memory.trying.has(peer) || peer === also
    if (!isAway || isNamed(settings, peer)) continue
    const { host: site } = memory.peers.get(peer)!
    const turn = ofSite.get(site) ?? 0
    ofSite.set(site, turn + 1)
    turns.push({ peer, turn })
    // No other one can have an earlier turn.
    if (ofSite.size === LAST) break
  }
  const first = turns.sort((a, b) => a.turn - b.turn).slice(0, LAST)
  return new Set(first.map(({ peer }) => peer))
}

/**
 * Those whose pause is over: first the peers of the config, then those that were good last, then, if there is room for others, these
 * by how long they are away, in steps of twice as long; of each step the longest overdue first, so that all have their turn.
 */
export function inTurn(state: State, last: Set<string>): string[] {
  const { memory, settings, now } = state
  const isOpen = hasRoom(state, last)
  const due: { peer: string; time: number; rank: number }[] = []
  for (const [peer, time] of memory.retries) {
    if (time > now) continue
    const known = memory.peers.get(peer)
    if (isNamed(settings, peer) || known === undefined) due.push({ peer, time, rank: -2 })
    else if (last.has(peer)) due.push({ peer, time, rank: -1 })
    else if (isOpen) {
      due.push({ peer, time, rank: Math.floor(Math.log2(longestOf(state, known) / settings.discoveryInterval)) })
    }
  }
  return due.sort((a, b) => a.rank - b.rank || a.time - b.time).map(({ peer }) => peer)
}

/** May one of the others be dialled now? */
export function hasRoom(state: State, last: Set<string>): boolean {
  return nextPaid(state) <= state.now && hasPlace(state, last)
}

/** Are few enough of the others being dialled? Those that were good last have places of their own. */
export function hasPlace({ memory, settings }: State, last: Set<string>): boolean {
  let others = 0
  for (const peer of memory.trying) if (!last.has(peer)) others++
  return others < settings.maxReturns
}

/** What one dial of the others uses up of their budget, ms; a whole discovery interval may be used at once. */
export function priceOf({ settings }: State): number {
  return settings.discoveryInterval / DIALS_A_TICK
}

/** When the budget has room for another one. */
export function nextPaid(state: State): number {
  const { memory, settings, now } = state
  return Math.max(now, memory.paidUntil + priceOf(state) - settings.discoveryInterval)
}
