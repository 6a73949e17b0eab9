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
import { hostOf } from './addresses.js'
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
/** The longest such pause while somebody is connected: a boot node that has come back is found within seconds. */
const LONGEST_NAMED = 4_000
/** With fewer peers in the table than this, remembered peers without a time for a dial are dialled at ticks too. */
const POOR_TABLE = TABLE.bucketSize
/** How many addresses of a peer are remembered, and how many of those that led to it. Identify may bring any number. */
const MAX_ADDRESSES = 16
const MAX_PROVEN = 4
/** A peer that has connected to us counts as one that we have chosen after this time, ms. */
const STAYED = 600_000
/** So many peers stay remembered, however long nobody has reached them: the fault may be ours. */
const ALWAYS = 8

/** A peer of the config that was never connected. */
const UNKNOWN: RememberedPeer = {
  addresses: [],
  proven: [],
  host: '',
  trusted: false,
  goodAt: -Infinity,
  livedAt: -Infinity,
  failures: 0,
}

/** At the start: the peers of the config are dialled at once, and what a node of this identity remembered comes back. */
export function beginMemory(state: State, out: Effects): void {
  const others = state.settings.remembered.filter(({ peer }) => peer !== state.self)
  state.memory.aloneSince = state.now
  // The one that was good last is the last in the map, and the first that is dialled.
  for (const { peer, addresses, age } of [...others].reverse()) {
    const proven = addresses.slice(0, MAX_PROVEN)
    const host = hostOf(addresses[0] ?? '')
    const times = { goodAt: state.now - age, livedAt: lived(state) - age }
    remember(state, peer, { addresses, proven, host, trusted: false, ...times, failures: 0 })
  }
  for (const { peer } of others) if (state.memory.peers.has(peer)) planTry(state, peer, state.now)
  for (const peer of namedPeers(state.settings)) if (peer !== state.self) planTry(state, peer, state.now)
  tryAgain(state, out)
}

/** The peer is connected and identified. One that is nowhere, as far as we know, cannot be found again, and is not remembered. */
export function noteGood(state: State, { peer, address, inbound }: Connection, said: string[]): void {
  endAlone(state)
  const before = state.memory.peers.get(peer)
  const proven = inbound
    ? (before?.proven ?? [])
    : [...new Set([address, ...(before?.proven ?? [])])].slice(0, MAX_PROVEN)
  const told = said.length === 0 ? (before?.addresses ?? []) : said.slice(0, MAX_ADDRESSES - MAX_PROVEN)
  const addresses = [...new Set([...proven.slice(0, 1), ...told, ...proven])]
  state.memory.retries.delete(peer)
  if (addresses.length === 0 && !isNamed(state.settings, peer)) return
  // A peer that the config names has to stay before its failures are forgotten: `noteGone`.
  const failures = isNamed(state.settings, peer) ? (before?.failures ?? 0) : 0
  const trusted = !inbound || before?.trusted === true
  const times = { goodAt: state.now, livedAt: lived(state) }
  remember(state, peer, { addresses, proven, host: hostOf(address), trusted, ...times, failures })
}

/**
 * A clock that stands still while nobody is connected, or the process does not run: that nobody reaches a peer then is no fault of the
 * peer.
 */
function lived({ memory, now }: State): number {
  return Math.min(now, memory.aloneSince) - memory.excused
}

/** How long ago the peer was good, ms, by that clock. */
export function ageOf(state: State, { livedAt }: RememberedPeer): number {
  return lived(state) - livedAt
}

function endAlone({ memory, now }: State): void {
  memory.excused += Math.max(0, now - memory.aloneSince)
  memory.aloneSince = Infinity
}

/** The process has stood still for so long. */
export function onSlept({ memory }: State, ms: number): void {
  if (memory.aloneSince === Infinity) memory.excused += ms
}

/** How a connection has ended. `used`: something went on over it; `idle`: nothing did; `dead`: the peer does not answer any more. */
export type Ending = 'used' | 'idle' | 'dead'

/** The last connection to the peer is gone. */
export function noteGone(state: State, { peer, openedAt, protocols }: Connection, how: Ending, reason: string): void {
  const { settings, now, memory } = state
  const known = memory.peers.get(peer)
  if (known !== undefined && protocols !== undefined) {
    known.goodAt = now
    known.livedAt = lived(state)
  }
  if (known !== undefined && now - openedAt >= STAYED) known.trusted = true
  if (isAlone(state)) {
    memory.aloneSince = Math.min(now, memory.aloneSince)
    hasten(state)
  }
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
    if (known === undefined) remember(state, peer, { ...UNKNOWN, failures: 1 })
    const failures = (known?.failures ?? 1) - 1
    const longest = isAlone(state) ? LONGEST_ALONE : LONGEST_NAMED
    planTry(state, peer, state.now + pause(state, FIRST_NAMED, failures, longest))
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
    else if (!isInConfig && (known === undefined || ageOf(state, known) > settings.memoryLifetime))
      forgetPeer(state, out, peer)
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
  const { memory } = state
  memory.retries.delete(peer)
  if (memory.peers.size <= ALWAYS) return
  memory.peers.delete(peer)
  memory.version++
  peersChanged(state)
  log(out, 'info', `🍂 ${peer} is forgotten: nobody has reached it for too long`)
}

/** Moves the peer to the end, which is the one that was good last. If there are too many, one is forgotten. */
function remember(state: State, peer: string, known: RememberedPeer): void {
  const { memory, settings } = state
  const before = memory.peers.get(peer)?.addresses
  memory.peers.delete(peer)
  memory.peers.set(peer, known)
  if (before === undefined || [...before].sort().join() !== [...known.addresses].sort().join()) memory.version++
  if (memory.peers.size > settings.maxRemembered) evict(state)
  peersChanged(state)
}

/**
 * One that we have not chosen goes first, of the host that has most of them: a stranger can make any number of identities, and must
 * not push out those of others. Of these it is the one that was good longest ago. Who is connected, or in the config, stays.
 */
function evict({ memory, settings, connections }: State): void {
  const isFree = (peer: string): boolean => !connections.byPeer.has(peer) && !isNamed(settings, peer)
  const free = [...memory.peers].filter(([peer]) => isFree(peer))
  const strangers = free.filter(([, { trusted }]) => !trusted)
  const crowd = strangers.length > 0 ? strangers : free
  const byHost = new Map<string, number>()
  for (const [, { host }] of crowd) byHost.set(host, (byHost.get(host) ?? 0) + 1)
  const most = Math.max(...byHost.values())
  const [oldest] = crowd.find(([, { host }]) => byHost.get(host) === most) ?? []
  if (oldest === undefined) return
  memory.peers.delete(oldest)
  memory.retries.delete(oldest)
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
