/**
 * Addresses of ours that we cannot know by ourselves: behind a port mapping, those at which peers have reached us. Anybody may
 * claim one. So the last observation of each site counts once, and an address is ours when peers at several sites have named it.
 */
import type { Effects } from '../effects.js'
import { log } from '../effects.js'
import { dueAt } from '../due.js'
import type { EventOf } from '../events.js'
import type { State } from '../state.js'
import { isLoopback, isPrivate, isUnspecified, siteOf } from './addresses.js'
import type { Connection, Observation } from './state.js'
import { line } from '../terms.js'

/** As many sites, and peers, must have named it: a liar has one site, or two. */
const NEEDED = 3
/** How long an observation counts once the connection over which it came is closed, ms. */
const LIFETIME = 3_600_000
/** Sites whose last observation is kept. */
const MAX_SITES = 256

export function onObserved(state: State, out: Effects, event: EventOf<'identified'>): void {
  const { connection: id, peer, observed: address } = event
  const connection = state.connections.all.get(id)
  if (address === undefined || connection === undefined || state.settings.announce.length > 0) return
  if (isLoopback(address) || isUnspecified(address) || isLoopback(connection.address)) return
  // From outside nobody can have reached us at an address that has a meaning only inside.
  if (isPrivate(address) && !isPrivate(connection.address)) return
  const site = siteOf(connection.address)
  if (!makeRoom(state, site, peer)) return
  state.observed.observations.set(site, { address, peer, connection: id, until: Infinity })
  decide(state, out)
}

/**
 * For an observation of this peer. Whoever has come over a network for an hour must not be silenced by whoever comes next: an
 * observation goes for another one if its observer has left, or if we have not dialled it and have dialled the other.
 */
function makeRoom(state: State, site: string, peer: string): boolean {
  const { observations } = state.observed
  const mayGo = (observation: Observation): boolean =>
    !isLive(state, observation) || (isTrusted(state, peer) && !isTrusted(state, observation.peer))
  const last = observations.get(site)
  if (last !== undefined && last.peer !== peer && !mayGo(last)) return false
  observations.delete(site)
  if (observations.size < MAX_SITES) return true
  const all = [...observations]
  const [oldest] =
    all.find(([, observation]) => !isLive(state, observation)) ??
    all.find(([, observation]) => mayGo(observation)) ??
    []
  if (oldest === undefined) return false
  return observations.delete(oldest)
}

function isLive({ connections }: State, { connection }: Observation): boolean {
  return connections.all.has(connection)
}

function isTrusted({ memory }: State, peer: string): boolean {
  return memory.peers.get(peer)?.trusted === true
}

/** The connection has ended. */
export function onObserverLeft(state: State, { id, address }: Connection): void {
  const observation = state.observed.observations.get(siteOf(address))
  if (observation?.connection !== id) return
  observation.until = state.now + LIFETIME
  plan(state, observation.until)
}

/** Observations that are too old go. */
export function expireObserved(state: State, out: Effects): void {
  if (state.now < state.observed.nextExpiry) return
  const { observations } = state.observed
  state.observed.nextExpiry = Infinity
  for (const [site, { until }] of observations) {
    if (until <= state.now) observations.delete(site)
    else plan(state, until)
  }
  decide(state, out)
}

/**
 * The addresses that we have now, by the port. One that it has lost leads to nothing any more, and may have been how we were seen.
 * True: nothing has changed but what others say of us.
 */
export function checkObserved(state: State, out: Effects, before: string[], addresses: string[]): boolean {
  const { announced, confirmed } = state.observed
  const gone = before.filter((address) => !addresses.includes(address))
  const changed = [...gone, ...addresses.filter((address) => !before.includes(address))]
  const isOfOthers = changed.length > 0 && changed.every((address) => announced.has(address))
  if (gone.some((address) => !announced.has(address))) forgetObserved(state, out)
  for (const address of announced) {
    if (!addresses.includes(address) && !confirmed.includes(address)) announced.delete(address)
  }
  return isOfOthers
}

/**
 * We may be in another network. What was seen over connections that are closed does not hold any more, unless it is seen over one that
 * is open. (The port has ended those that began at an address that is gone.)
 */
export function forgetObserved(state: State, out: Effects): void {
  const { observations } = state.observed
  const seen = new Set(
    [...observations.values()].filter((observation) => isLive(state, observation)).map(({ address }) => address),
  )
  for (const [site, { address }] of observations) if (!seen.has(address)) observations.delete(site)
  decide(state, out)
}

function plan(state: State, time: number): void {
  state.observed.nextExpiry = Math.min(state.observed.nextExpiry, time)
  dueAt(state, 'observed', state.observed.nextExpiry)
}

function decide(state: State, out: Effects): void {
  const byAddress = new Map<string, Observation[]>()
  for (const observation of state.observed.observations.values()) {
    byAddress.set(observation.address, [...(byAddress.get(observation.address) ?? []), observation])
  }
  const confirmed = [...byAddress]
    .filter(([, observations]) => new Set(observations.map(({ peer }) => peer)).size >= NEEDED)
    .map(([address]) => address)
    .sort()
  const { confirmed: before, announced } = state.observed
  if (confirmed.join() === before.join()) return
  for (const address of confirmed) {
    if (!state.lifecycle.addresses.includes(address)) announced.add(address)
    if (!before.includes(address)) log(out, 'info', line`📣 others reach us at ${address}, which is announced now`)
  }
  state.observed.confirmed = confirmed
  out.push({ type: 'announceObserved', addresses: confirmed })
}
