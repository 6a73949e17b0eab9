/**
 * The peers that are remembered, apart from the routing table: peers that were good once (connected and identified), for a day, and the
 * peers that the config names (`bootNodes`, `keep`), for ever. Those that are away are dialled again, after pauses that grow: who when
 * is in pace.ts.
 */
import { whyBarred } from '../access/rules.js'
import { noteFailure } from '../broadcasts/counts.js'
import { peersChanged } from '../changes.js'
import { dueAt } from '../due.js'
import { log, type Effects } from '../effects.js'
import { TABLE } from '../parameters.js'
import type { Attempt } from '../port.js'
import { isNamed, namedPeers } from '../settings.js'
import type { State } from '../state.js'
import { siteOf, withoutPeer } from './addresses.js'
import { candidatesOf, seek } from './dials.js'
import {
  ageOf,
  hasPlace,
  hasRoom,
  inTurn,
  isAlone,
  lastGood,
  lived,
  longestNamed,
  longestOf,
  nextPaid,
  priceOf,
} from './pace.js'
import type { Connection, RememberedPeer } from './state.js'
import { line } from '../terms.js'

/** The pause before a peer is dialled again, ms: one that the config names, and any other. Each further pause is twice as long. */
const FIRST_NAMED = 250
const FIRST_OTHER = 1_000
/** With fewer peers in the table than this, remembered peers without a time for a dial are dialled at ticks too. */
const POOR_TABLE = TABLE.bucketSize
/** How many addresses of a peer are remembered, and how many of those that led to it. Identify may bring any number. */
const MAX_ADDRESSES = 16
const MAX_PROVEN = 4
/** A peer that has connected to us counts as one that we have chosen after this time, ms. */
const STAYED = 600_000
/** Peers of the config that are looked up at a tick: they may have moved. */
const LOOKUPS_A_TICK = 4

/** The peer is away, and has failed or hung up so often since it was good. */
const FRESH = { failures: 0, hangUps: 0, lookedUpAt: -Infinity }

/** What is known of a peer; if the config names it, that begins now. */
function knownOf(state: State, peer: string): RememberedPeer | undefined {
  if (isNamed(state.settings, peer) && peer !== state.self && !state.memory.peers.has(peer)) {
    const times = { goodAt: -Infinity, livedAt: lived(state) }
    remember(state, peer, { addresses: [], proven: [], told: [], host: '', trusted: false, ...times, ...FRESH })
  }
  return state.memory.peers.get(peer)
}

/** At the start: the peers of the config are dialled at once, and what a node of this identity remembered comes back. */
export function beginMemory(state: State, out: Effects): void {
  const others = state.settings.remembered.filter(({ peer }) => peer !== state.self)
  state.memory.aloneSince = state.now
  // The one that was good last is the last in the map, and the first that is dialled.
  for (const { peer, addresses, age } of [...others].reverse()) {
    const proven = addresses.slice(0, MAX_PROVEN)
    const site = siteOf(addresses[0] ?? '')
    const times = { goodAt: state.now - age, livedAt: lived(state) - age }
    remember(state, peer, { addresses, proven, told: [], host: site, trusted: false, ...times, ...FRESH })
  }
  for (const { peer } of others) if (state.memory.peers.has(peer)) planTry(state, peer, state.now)
  for (const peer of namedPeers(state.settings)) if (peer !== state.self) planTry(state, peer, state.now)
  tryAgain(state, out)
}

/** The peer is connected and identified. One that is nowhere, as far as we know, cannot be found again, and is not remembered. */
export function noteIdentified(state: State, { peer, address, inbound }: Connection, said: string[]): void {
  endAlone(state)
  const before = state.memory.peers.get(peer)
  const told = said.length === 0 ? (before?.told ?? []) : said.slice(0, MAX_ADDRESSES - MAX_PROVEN)
  // Where it said that it was, and says so no more, it is no more.
  const isLeft = (place: string): boolean =>
    said.length > 0 && before?.told.includes(place) === true && !said.includes(place)
  const led = (before?.proven ?? []).filter((place) => !isLeft(place))
  const proven = inbound ? led : [...new Set([address, ...led])].slice(0, MAX_PROVEN)
  const others = said.length === 0 ? (before?.addresses ?? []) : told
  const addresses = [...new Set([...proven.slice(0, 1), ...others, ...proven])]
  state.memory.retries.delete(peer)
  if (addresses.length === 0 && !isNamed(state.settings, peer)) return
  // It has to stay before it is forgotten that it hung up: `noteDisconnected`.
  const hangUps = before?.hangUps ?? 0
  const trusted = !inbound || before?.trusted === true
  const times = { goodAt: state.now, livedAt: lived(state) }
  remember(state, peer, { addresses, proven, told, host: siteOf(address), trusted, ...times, ...FRESH, hangUps })
}

function endAlone({ memory, now }: State): void {
  memory.excused += Math.max(0, now - memory.aloneSince)
  memory.aloneSince = Infinity
}

/** The process has stood still for so long. */
export function onSlept({ memory }: State, ms: number): void {
  if (memory.aloneSince === Infinity) memory.excused += ms
}

/**
 * How a connection has ended. `used`: something went on over it; `lost`: nothing did, and the peer would have said goodbye; `idle`: all
 * is well; `dead`: the peer does not answer any more; `refused`: the peer has hung up one of ours before it said anything.
 */
export type Ending = 'used' | 'lost' | 'idle' | 'dead' | 'refused'

/** The last connection to the peer is gone. */
export function noteDisconnected(
  state: State,
  { peer, address, openedAt, protocols, stopping }: Connection,
  how: Ending,
  reason: string,
): void {
  const { settings, now, memory } = state
  const known = knownOf(state, peer)
  if (known !== undefined && protocols !== undefined) {
    known.goodAt = now
    known.livedAt = lived(state)
    // It was good last.
    memory.peers.delete(peer)
    memory.peers.set(peer, known)
  }
  if (known !== undefined && now - openedAt >= STAYED) known.trusted = true
  if (isAlone(state)) {
    memory.aloneSince = Math.min(now, memory.aloneSince)
    hasten(state)
  }
  const patience = Object.hasOwn(settings.keep, peer) ? settings.connectionKeepAlive : settings.discoveryInterval
  const hasStayed = how === 'used' || now - openedAt >= patience
  if (known !== undefined && hasStayed) known.hangUps = 0
  if (how === 'dead') return noteUnreachable(state, peer, reason)
  // One that has said that it stops has not hung up on us.
  const isFailure = how !== 'idle' || protocols === undefined || (isNamed(settings, peer) && !hasStayed && !stopping)
  if (how === 'refused') {
    noteFailure(state, peer, { at: now, message: reason, tried: [{ address, reason }] })
  } else if (isFailure && (known !== undefined || isNamed(settings, peer))) {
    noteFailure(state, peer, { at: now, message: `${reason} after ${now - openedAt} ms`, tried: [] })
  }
  if (known === undefined) return
  // One that hangs up on us again and again, because nothing goes on, is not dialled all the time.
  if (!hasStayed && !stopping) known.hangUps++
  if (!isNamed(settings, peer)) {
    // It did not say who it is, so it was not good: this was an attempt that failed.
    if (protocols === undefined) known.failures++
    if (how !== 'idle' || known.failures > 0) planOther(state, peer, known)
    return
  }
  planTry(state, peer, now + pause(state, FIRST_NAMED, known.hangUps, longestNamed(state, peer, known)))
}

/** A dial of the peer has failed, or it does not answer any more. (The target of a dial may be an address.) */
export function noteUnreachable(state: State, peer: string, message: string, tried: readonly Attempt[] = []): void {
  if (!peer.startsWith('/')) noteFailure(state, peer, { at: state.now, message, tried })
  const known = knownOf(state, peer)
  if (known === undefined) return
  known.failures++
  const failed = new Set(tried.map(({ address }) => withoutPeer(address)))
  known.proven = known.proven.filter((address) => !failed.has(address))
  // It is down, so it did not hang up because of us.
  known.hangUps = 0
  if (isNamed(state.settings, peer)) {
    planTry(state, peer, state.now + pause(state, FIRST_NAMED, known.failures - 1, longestNamed(state, peer, known)))
  } else planOther(state, peer, known)
}

/** Nobody is connected any more: long pauses end. */
function hasten(state: State): void {
  const { memory, settings, now } = state
  for (const [peer, time] of memory.retries) {
    const known = memory.peers.get(peer)
    if (known === undefined) continue
    const longest = isNamed(settings, peer) ? longestNamed(state, peer, known) : longestOf(state, known)
    if (time > now + longest) planTry(state, peer, now + pause(state, longest, 0, longest))
  }
}

/** The peer has left the routing table. If it was good, it stays remembered. */
export function noteLeft(state: State, peer: string): void {
  const { memory } = state
  const known = memory.peers.get(peer)
  if (known === undefined || memory.retries.has(peer)) return
  if (isAway(state, peer)) planOther(state, peer, known)
}

/** (A peer without a known address cannot be dialled.) */
function planOther(state: State, peer: string, known: RememberedPeer): void {
  if (known.addresses.length === 0) return
  const longest = longestOf(state, known, lastGood(state, peer).has(peer))
  const times = Math.max(1, known.failures, known.hangUps)
  planTry(state, peer, state.now + pause(state, FIRST_OTHER, times - 1, longest))
}

/** A dial is over, either way: there is room for the next. */
export function onTryOver(state: State, peer: string): void {
  const { memory } = state
  if (memory.trying.delete(peer) && memory.retries.size > 0) planNext(state, state.now)
}

/** At each tick: dials peers of the config that are not connected and, while few peers are known, some of the remembered ones. */
export function tryAtTick(state: State, out: Effects): void {
  const { discovery, memory, settings, now } = state
  for (const peer of namedPeers(settings)) {
    // (One that has to be looked up has a pace of its own.)
    const isDue = candidatesOf(state, peer).length > 0 || !memory.retries.has(peer)
    if (isDue && isAway(state, peer) && whyBarred(state, peer) === undefined) planTry(state, peer, now)
  }
  if (discovery.table.size < POOR_TABLE) {
    let left = settings.maxReturns
    for (const [peer, { addresses }] of [...memory.peers].reverse()) {
      if (left === 0) break
      if (addresses.length === 0 || memory.retries.has(peer) || discovery.table.has(peer) || !isAway(state, peer))
        continue
      planTry(state, peer, now)
      left--
    }
  }
  tryAgain(state, out)
  lookUp(state, out)
}

/**
 * Some peers of the config that are away, each after ever longer pauses, are looked up beside what is known of them: they may have
 * moved. (One of which no address is known is looked up in any case.)
 */
function lookUp(state: State, out: Effects): void {
  const { memory, settings, connections, now } = state
  if (isAlone(state)) return
  const away = [...namedPeers(settings)].flatMap((peer) => {
    const known = memory.peers.get(peer)
    return known === undefined || connections.byPeer.has(peer) ? [] : [{ peer, known }]
  })
  // (A tick may come some ms too soon.)
  const isDue = ({ known }: { known: RememberedPeer }): boolean =>
    known.lookedUpAt + longestOf(state, known) < now + settings.discoveryInterval / 2
  const due = away.filter(isDue).sort((a, b) => a.known.lookedUpAt - b.known.lookedUpAt)
  for (const { peer, known } of due.slice(0, LOOKUPS_A_TICK)) {
    if (whyBarred(state, peer) !== undefined || !seek(state, out, peer, true)) continue
    known.lookedUpAt = now
    memory.retries.delete(peer)
  }
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

/** Dials the peers whose pause is over. */
export function tryAgain(state: State, out: Effects): void {
  const { memory, settings, now, connections } = state
  if (now < memory.nextTry) return
  const last = lastGood(state)
  for (const peer of inTurn(state, last)) {
    const isInConfig = isNamed(settings, peer)
    const known = memory.peers.get(peer)
    const isFree = isInConfig || last.has(peer)
    if (connections.byPeer.has(peer) || whyBarred(state, peer) !== undefined) memory.retries.delete(peer)
    else if (!isFree && (known === undefined || ageOf(state, known) > settings.memoryLifetime))
      forgetPeer(state, out, peer)
    else if (isFree || hasRoom(state, last)) {
      if (!seek(state, out, peer)) break
      memory.retries.delete(peer)
      if (!isInConfig) memory.trying.add(peer)
      if (!isFree) memory.paidUntil = Math.max(now, memory.paidUntil) + priceOf(state)
    }
  }
  memory.nextTry = Infinity
  for (const time of memory.retries.values()) if (time > now) planNext(state, time)
  // Those that are overdue wait for the end of a dial, or for what another one may cost.
  if (hasPlace(state, last) && [...memory.retries.values()].some((time) => time <= now))
    planNext(state, Math.max(now + FIRST_OTHER, Math.ceil(nextPaid(state))))
}

/** The peer is not welcome any more, and is not dialled again. */
export function dropRemembered(state: State, peer: string): boolean {
  const { memory } = state
  memory.retries.delete(peer)
  if (!memory.peers.delete(peer)) return false
  memory.version++
  peersChanged(state)
  return true
}

function forgetPeer(state: State, out: Effects, peer: string): void {
  if (!dropRemembered(state, peer)) return
  log(out, 'info', line`🍂 ${peer} is forgotten: nobody has reached it for too long`)
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
 * One that we have not chosen goes first, of the site that has most of them: a stranger can make any number of identities, and must
 * not push out those of others. Of these it is the one that was good longest ago. Who is connected, or in the config, stays.
 */
function evict({ memory, settings, connections }: State): void {
  const isFree = (peer: string): boolean => !connections.byPeer.has(peer) && !isNamed(settings, peer)
  const free = [...memory.peers].filter(([peer]) => isFree(peer))
  const strangers = free.filter(([, { trusted }]) => !trusted)
  const crowd = strangers.length > 0 ? strangers : free
  const bySite = new Map<string, number>()
  for (const [, { host: site }] of crowd) bySite.set(site, (bySite.get(site) ?? 0) + 1)
  const most = Math.max(...bySite.values())
  const [oldest] = crowd.find(([, { host: site }]) => bySite.get(site) === most) ?? []
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

/** Twice as long after each failure, up to `longest`, and somewhere in the upper half of that. */
function pause(state: State, first: number, failures: number, longest: number): number {
  const whole = Math.min(first * 2 ** failures, longest)
  return Math.ceil(whole * (0.5 + 0.5 * nextChance(state)))
}

/** From 0 to 1, by chance (mulberry32). */
export function nextChance(state: State): number {
  state.memory.chance = (state.memory.chance + 0x6d2b79f5) | 0
  let mixed = Math.imul(state.memory.chance ^ (state.memory.chance >>> 15), state.memory.chance | 1)
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
}
