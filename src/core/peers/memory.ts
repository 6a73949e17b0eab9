/**
 * The peers that are remembered, apart from the routing table: peers that were good once (connected and identified), for a day, and the
 * peers that the config names (`bootNodes`, `keep`), for ever. Those that are away are dialled again, after pauses that grow.
 */
import { noteFailure } from '../broadcasts/counts.js'
import { peersChanged } from '../changes.js'
import { dueAt } from '../due.js'
import { log, type Effects } from '../effects.js'
import { TABLE } from '../parameters.js'
import type { Attempt } from '../port.js'
import { isNamed, namedPeers } from '../settings.js'
import type { State } from '../state.js'
import { seek } from './dials.js'
import type { Connection, RememberedPeer } from './state.js'

/** The pause before a peer is dialled again, ms: one that the config names, and any other. Each further pause is twice as long. */
const FIRST_NAMED = 250
const FIRST_OTHER = 1_000
/**
 * The longest pause before a peer of the config is dialled again while nobody is connected, ms: who starts before its boot node
 * is in the network within a second of it, however long that took. That is one SYN in 0.6 s to a host that refuses; a host that does
 * not answer is tried at its own pace, because the dial itself goes on. A node that has peers has no hurry.
 */
const LONGEST_ALONE = 800
/** With fewer peers in the table than this, remembered peers without a time for a dial are dialled at ticks too. */
const POOR_TABLE = TABLE.bucketSize
/** How many addresses of a peer are remembered. Identify may bring any number. */
const MAX_ADDRESSES = 16

/** At the start: the peers of the config are dialled at once, and what a node of this identity remembered comes back. */
export function beginMemory(state: State, out: Effects): void {
  const others = state.settings.remembered.filter(({ peer }) => peer !== state.self)
  // The one that was good last is the last in the map, and the first that is dialled.
  for (const { peer, addresses, age } of [...others].reverse()) {
    remember(state, peer, { addresses, goodAt: state.now - age, failures: 0 })
  }
  for (const { peer } of others) if (state.memory.peers.has(peer)) planTry(state, peer, state.now)
  for (const peer of namedPeers(state.settings)) if (peer !== state.self) planTry(state, peer, state.now)
  tryAgain(state, out)
}

/** The peer is connected and identified. */
export function noteGood(state: State, { peer, address, inbound }: Connection, said: string[]): void {
  const before = state.memory.peers.get(peer)
  const confirmed = inbound ? [] : [address]
  const addresses = [...new Set([...confirmed, ...said, ...(said.length === 0 ? (before?.addresses ?? []) : [])])]
  // A peer that the config names has to stay before its failures are forgotten: `noteGone`.
  const failures = isNamed(state.settings, peer) ? (before?.failures ?? 0) : 0
  remember(state, peer, { addresses: addresses.slice(0, MAX_ADDRESSES), goodAt: state.now, failures })
  state.memory.retries.delete(peer)
}

/** How a connection has ended. `used`: something went on over it; `idle`: nothing did; `dead`: the peer does not answer any more. */
export type Ending = 'used' | 'idle' | 'dead'

/** The last connection to the peer is gone. */
export function noteGone(state: State, { peer, openedAt, protocols }: Connection, how: Ending, reason: string): void {
  const { settings, now, memory } = state
  const known = memory.peers.get(peer)
  if (isAlone(state)) hasten(state)
  if (known !== undefined && protocols !== undefined) known.goodAt = now
  const patience = peer in settings.keep ? settings.connectionKeepAlive : settings.discoveryInterval
  const hasStayed = how === 'used' || now - openedAt >= patience
  if (isNamed(settings, peer) && known !== undefined && hasStayed) known.failures = 0
  if (how === 'dead') return noteUnreachable(state, peer, reason)
  const isFailure = protocols === undefined || (isNamed(settings, peer) && !hasStayed)
  if (isFailure && (known !== undefined || isNamed(settings, peer))) {
    noteFailure(state, peer, { at: now, message: `${reason} after ${now - openedAt} ms`, tried: [] })
  }
  if (!isNamed(settings, peer)) {
    if (known !== undefined && (how === 'used' || known.failures > 0)) planOther(state, peer, known)
    return
  }
  // One that hangs up on us again and again, because nothing goes on, is not dialled all the time.
  if (known !== undefined && !hasStayed) known.failures++
  planTry(state, peer, now + pause(state, FIRST_NAMED, known?.failures ?? 0))
}

/** A dial of the peer has failed, or it does not answer any more. (The target of a dial may be an address.) */
export function noteUnreachable(state: State, peer: string, message: string, tried: readonly Attempt[] = []): void {
  const { memory, settings } = state
  if (!peer.startsWith('/')) noteFailure(state, peer, { at: state.now, message, tried })
  const known = memory.peers.get(peer)
  if (known !== undefined) known.failures++
  if (isNamed(settings, peer) && peer !== state.self) {
    if (known === undefined) remember(state, peer, { addresses: [], goodAt: -Infinity, failures: 1 })
    const failures = (known?.failures ?? 1) - 1
    planTry(state, peer, state.now + pause(state, FIRST_NAMED, failures, isAlone(state) ? LONGEST_ALONE : Infinity))
  } else if (known !== undefined) planOther(state, peer, known)
}

/** Nobody is connected any more: the long pauses of peers of the config end. */
function hasten(state: State): void {
  for (const [peer, time] of state.memory.retries) {
    if (!isNamed(state.settings, peer) || time <= state.now + LONGEST_ALONE) continue
    planTry(state, peer, state.now + pause(state, LONGEST_ALONE, 0))
  }
}

function isAlone({ connections }: State): boolean {
  return connections.byPeer.size === 0
}

/** The peer has left the routing table. If it was good, it stays remembered. */
export function noteLeft(state: State, peer: string): void {
  const { memory } = state
  const known = memory.peers.get(peer)
  if (known === undefined || memory.retries.has(peer)) return
  if (isAway(state, peer)) planOther(state, peer, known)
}

/** (A peer without a known address cannot be dialled.) */
function planOther(state: State, peer: string, { addresses, failures }: RememberedPeer): void {
  if (addresses.length > 0) planTry(state, peer, state.now + pause(state, FIRST_OTHER, Math.max(0, failures - 1)))
}

/** A dial is over, either way: there is room for the next. */
export function onTryOver(state: State, peer: string): void {
  const { memory } = state
  if (memory.trying.delete(peer) && memory.retries.size > 0) planNext(state, state.now)
}

/** At each tick: dials peers of the config that are not connected and, while few peers are known, some of the remembered ones. */
export function tryAtTick(state: State, out: Effects): void {
  const { discovery, memory, settings, now } = state
  for (const peer of namedPeers(settings)) if (isAway(state, peer)) planTry(state, peer, now)
  if (discovery.table.size < POOR_TABLE) {
    let left = settings.maxReturns
    for (const [peer, { addresses }] of memory.peers) {
      if (left === 0) break
      if (addresses.length === 0 || memory.retries.has(peer) || discovery.table.has(peer) || !isAway(state, peer))
        continue
      planTry(state, peer, now)
      left--
    }
  }
  tryAgain(state, out)
}

/** Those that are to be tried later, as if they had not failed yet: we are in another network. */
export function tryAllNow(state: State, out: Effects): void {
  for (const peer of state.memory.retries.keys()) {
    const known = state.memory.peers.get(peer)
    if (known !== undefined) known.failures = 0
    planTry(state, peer, state.now)
  }
  tryAgain(state, out)
}

function isAway({ self, connections, dials }: State, peer: string): boolean {
  return peer !== self && !connections.byPeer.has(peer) && !dials.has(peer)
}

/** Dials the peers whose pause is over, the longest overdue first. */
export function tryAgain(state: State, out: Effects): void {
  const { memory, settings, now, connections } = state
  if (now < memory.nextTry) return
  const due = [...memory.retries].filter(([, time]) => time <= now).sort(([, a], [, b]) => a - b)
  for (const [peer] of due) {
    const isInConfig = isNamed(settings, peer)
    const known = memory.peers.get(peer)
    if (connections.byPeer.has(peer)) memory.retries.delete(peer)
    else if (!isInConfig && now - (known?.goodAt ?? -Infinity) > settings.memoryLifetime) forgetPeer(state, out, peer)
    else if (isInConfig || memory.trying.size < settings.maxReturns) {
      if (!seek(state, out, peer)) break
      memory.retries.delete(peer)
      if (!isInConfig) memory.trying.add(peer)
    }
  }
  // Those that are overdue wait for the end of a dial.
  memory.nextTry = Infinity
  for (const time of memory.retries.values()) if (time > now) planNext(state, time)
  if (memory.trying.size < settings.maxReturns && [...memory.retries.values()].some((time) => time <= now))
    planNext(state, now + FIRST_OTHER)
}

function forgetPeer(state: State, out: Effects, peer: string): void {
  state.memory.peers.delete(peer)
  state.memory.retries.delete(peer)
  peersChanged(state)
  log(out, 'info', `🍂 ${peer} is forgotten: nobody has reached it for too long`)
}

/**
 * Moves the peer to the end, which is the one that was good last. If there are too many, one that is not connected is
 * forgotten.
 */
function remember(state: State, peer: string, known: RememberedPeer): void {
  const { memory, settings, connections } = state
  memory.peers.delete(peer)
  if (memory.peers.size >= settings.maxRemembered) {
    for (const oldest of memory.peers.keys()) {
      if (connections.byPeer.has(oldest) || isNamed(settings, oldest)) continue
      memory.peers.delete(oldest)
      memory.retries.delete(oldest)
      break
    }
  }
  if (memory.peers.size < settings.maxRemembered || isNamed(settings, peer)) memory.peers.set(peer, known)
  peersChanged(state)
}

function planTry(state: State, peer: string, time: number): void {
  state.memory.retries.set(peer, time)
  planNext(state, time)
}

function planNext(state: State, time: number): void {
  if (time < state.memory.nextTry) state.memory.nextTry = time
  dueAt(state, 'memory', state.memory.nextTry)
}

/** Twice as long after each failure, up to the discovery interval or `longest`, and somewhere in the upper half of that. */
function pause(state: State, first: number, failures: number, longest = Infinity): number {
  const whole = Math.min(first * 2 ** failures, state.settings.discoveryInterval, longest)
  return Math.ceil(whole * (0.5 + 0.5 * nextChance(state)))
}

/** From 0 to 1, by chance (mulberry32). */
function nextChance(state: State): number {
  state.memory.chance = (state.memory.chance + 0x6d2b79f5) | 0
  let mixed = Math.imul(state.memory.chance ^ (state.memory.chance >>> 15), state.memory.chance | 1)
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
}
