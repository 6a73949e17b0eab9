/**
 * Addresses of ours that we cannot know by ourselves: behind a port mapping, those at which peers have reached us. Anybody may
 * claim one. So the last word of each host counts once, and an address is ours when peers on several hosts have named it.
 */
import type { Effects } from '../effects.js'
import { log } from '../effects.js'
import { dueAt } from '../due.js'
import type { EventOf } from '../events.js'
import type { State } from '../state.js'
import { hostOf, isLoopback, isPrivate, isUnspecified } from './addresses.js'
import type { Observation } from './state.js'

/** As many hosts, and peers, must have named it: a liar has one host, or two. */
const NEEDED = 3
/** How long a word counts once the connection over which it came is closed, ms. */
const LIFETIME = 3_600_000
/** Hosts whose last word is kept. */
const MAX_HOSTS = 256

export function onObserved(state: State, out: Effects, event: EventOf<'identified'>): void {
  const { connection: id, peer, observed: address } = event
  const connection = state.connections.all.get(id)
  if (address === undefined || connection === undefined || state.settings.announce.length > 0) return
  if (isLoopback(address) || isUnspecified(address) || isLoopback(connection.address)) return
  // From outside nobody can have reached us at an address that has a meaning only inside.
  if (isPrivate(address) && !isPrivate(connection.address)) return
  const host = hostOf(connection.address)
  if (!makeRoom(state, host, peer)) return
  state.observed.words.set(host, { address, peer, connection: id, at: state.now })
  plan(state, state.now + LIFETIME)
  decide(state, out)
}

/**
 * For a word of this peer. Whoever has come over a network for an hour must not be silenced by whoever comes next: a word goes for
 * another one if its speaker has left, or if we have not dialled it and have dialled the other.
 */
function makeRoom(state: State, host: string, peer: string): boolean {
  const { words } = state.observed
  const mayGo = (word: Observation): boolean =>
    !isLive(state, word) || (isTrusted(state, peer) && !isTrusted(state, word.peer))
  const last = words.get(host)
  if (last !== undefined && last.peer !== peer && !mayGo(last)) return false
  words.delete(host)
  if (words.size < MAX_HOSTS) return true
  const all = [...words]
  const [oldest] = all.find(([, word]) => !isLive(state, word)) ?? all.find(([, word]) => mayGo(word)) ?? []
  if (oldest === undefined) return false
  return words.delete(oldest)
}

function isLive({ connections }: State, { connection }: Observation): boolean {
  return connections.all.has(connection)
}

function isTrusted({ memory }: State, peer: string): boolean {
  return memory.peers.get(peer)?.trusted === true
}

/** Words that are too old go, unless whoever said them is still connected. */
export function expireObserved(state: State, out: Effects): void {
  if (state.now < state.observed.nextExpiry) return
  const { words } = state.observed
  state.observed.nextExpiry = Infinity
  for (const [host, word] of words) {
    if (isLive(state, word)) word.at = state.now
    if (word.at + LIFETIME <= state.now) words.delete(host)
    else plan(state, word.at + LIFETIME)
  }
  decide(state, out)
}

/** The addresses that we have now, by the port. One that it has lost leads to nothing any more, and may have been how we were seen. */
export function checkObserved(state: State, out: Effects, before: string[], addresses: string[]): void {
  const { announced, confirmed } = state.observed
  if (before.some((address) => !addresses.includes(address) && !announced.has(address))) forgetObserved(state, out)
  for (const address of announced) {
    if (!addresses.includes(address) && !confirmed.includes(address)) announced.delete(address)
  }
}

/**
 * We may be in another network. What was seen over connections that are closed does not hold any more, unless it is seen over one that
 * is open. (The port has ended those that began at an address that is gone.)
 */
export function forgetObserved(state: State, out: Effects): void {
  const { words } = state.observed
  const seen = new Set([...words.values()].filter((word) => isLive(state, word)).map(({ address }) => address))
  for (const [host, { address }] of words) if (!seen.has(address)) words.delete(host)
  decide(state, out)
}

function plan(state: State, time: number): void {
  state.observed.nextExpiry = Math.min(state.observed.nextExpiry, time)
  dueAt(state, 'observed', state.observed.nextExpiry)
}

function decide(state: State, out: Effects): void {
  const byAddress = new Map<string, Observation[]>()
  for (const word of state.observed.words.values()) {
    byAddress.set(word.address, [...(byAddress.get(word.address) ?? []), word])
  }
  const confirmed = [...byAddress]
    .filter(([, words]) => new Set(words.map(({ peer }) => peer)).size >= NEEDED)
    .map(([address]) => address)
    .sort()
  const { confirmed: before, announced } = state.observed
  if (confirmed.join() === before.join()) return
  for (const address of confirmed) {
    announced.add(address)
    if (!before.includes(address)) log(out, 'info', `📣 others reach us at ${address}, which is announced now`)
  }
  state.observed.confirmed = confirmed
  out.push({ type: 'announceObserved', addresses: confirmed })
}
