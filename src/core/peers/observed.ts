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
  const { words } = state.observed
  const host = hostOf(connection.address)
  words.delete(host)
  words.set(host, { address, peer, connection: id, at: state.now })
  if (words.size > MAX_HOSTS) words.delete(words.keys().next().value!)
  plan(state, state.now + LIFETIME)
  decide(state, out)
}

/** Words that are too old go, unless whoever said them is still connected. */
export function expireObserved(state: State, out: Effects): void {
  if (state.now < state.observed.nextExpiry) return
  const { words } = state.observed
  state.observed.nextExpiry = Infinity
  for (const [host, word] of words) {
    if (state.connections.all.has(word.connection)) word.at = state.now
    if (word.at + LIFETIME <= state.now) words.delete(host)
    else plan(state, word.at + LIFETIME)
  }
  decide(state, out)
}

/** We are in another network: what was seen from outside does not hold any more. */
export function forgetObserved(state: State, out: Effects): void {
  state.observed.words.clear()
  decide(state, out)
}

/** Among those that we have is one that others told us of. */
export function isObserved({ observed }: State, address: string): boolean {
  return observed.confirmed.includes(address)
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
  const { confirmed: before } = state.observed
  if (confirmed.join() === before.join()) return
  for (const address of confirmed) {
    if (!before.includes(address)) log(out, 'info', `📣 others reach us at ${address}, which is announced now`)
  }
  state.observed.confirmed = confirmed
  out.push({ type: 'announceObserved', addresses: confirmed })
}
