/**
 * Places for connections: how many there may be, in all, of one peer and from one range of addresses. Whoever comes in when there is no
 * place gets that of the least useful one, so strangers can always come in, and peers of long standing stay.
 */
import { countRefusal } from '../broadcasts/counts.js'
import type { Effects } from '../effects.js'
import type { ConnectionId } from '../port.js'
import { isNamed } from '../settings.js'
import type { State } from '../state.js'
import { rangeOf } from './addresses.js'
import { carries, connectionsOf, isAvoided } from './connections.js'
import { dropConnection } from './connectivity.js'
import type { Connection } from './state.js'
import { isTrusted, wasAnswered } from './trust.js'

/** Whoever has just come in has so long to be of use, ms. */
const GRACE = 3_000

/** So many of the places are for those: beyond it they make room for each other, and otherwise others do. */
const FOR_NEWCOMERS = 1 / 8

/** So many of the places are for peers of standing, those of the longest first: who comes later competes for the others, with whomever. */
const FOR_STANDING = 1 / 2

/**
 * What a connection is worth. `DOUBTED`: another one is used for the peer, or it ends anyway. `SOME`: something goes over it, or the peer is
 * in our table, or shares a topic with us. `USED`: we have answered the peer, or it is trusted. `STANDING`: it is one of those that have been
 * trusted longest. `OURS`: we ask over it, or a mesh of ours has the peer.
 */
const Worth = { DOUBTED: 0, UNUSED: 1, SOME: 2, USED: 3, STANDING: 4, OURS: 5 } as const

/** A connection has come in, and there may be one too many. */
export function makeRoom(state: State, out: Effects, id: ConnectionId): void {
  const newest = state.connections.all.get(id)
  if (newest === undefined) return
  const { peer, address } = newest
  const { connections, connectionsPerPeer, connectionsPerRange } = state.settings.limits
  closeLeast(state, out, connectionsOf(state, peer), connectionsPerPeer)
  const { all } = state.connections
  if (all.size > connectionsPerRange) {
    const range = rangeOf(address, peer)
    const near = [...all.values()].filter((other) => rangeOf(other.address, other.peer) === range)
    closeLeast(state, out, near, connectionsPerRange)
  }
  if (all.size > connections) closeLeast(state, out, [...all.values()], connections)
}

function closeLeast(state: State, out: Effects, candidates: Connection[], most: number): void {
  if (candidates.length <= most) return
  const least = leastUseful(state, candidates, most)
  if (least === undefined) return
  countRefusal(state, least.peer, 'connections', 1)
  dropConnection(state, out, least.id, 'there is no place for it, and others are of more use')
}

interface Candidate {
  connection: Connection
  worth: number
  /** It is trusted, or carries something of a peer that we have answered. */
  isPreferred: boolean
  hasStanding: boolean
  range: string
  /** It is the so-manieth of its range, the best first. */
  place: number
}

/**
 * Of those that are worth the same one of the range of addresses of which there are most: an identity costs nothing, and to behave for a
 * minute next to nothing. Of these the newest, but of those that have just come in the oldest: it has had most time. `undefined`: the config
 * names all of their peers.
 */
function leastUseful(state: State, all: readonly Connection[], most: number): Connection | undefined {
  const candidates = all
    .filter(({ peer }) => !isNamed(state.settings, peer))
    .map((connection) => candidateOf(state, connection))
  const isFresh = ({ connection, worth }: Candidate): boolean =>
    worth < Worth.OURS && state.now - connection.openedAt < GRACE
  const fresh = candidates.filter(isFresh)
  const others = candidates.filter((candidate) => !isFresh(candidate))
  honourStanding(others, most)
  countRanges([...others, ...[...fresh].reverse()])
  const makesRoom = fresh.length > Math.max(1, most * FOR_NEWCOMERS) || others.length === 0 ? fresh : others.reverse()
  return lowest(makesRoom)?.connection
}

/** The first ones of them, which are the oldest. */
function honourStanding(candidates: Candidate[], most: number): void {
  const trusted = candidates.filter(({ worth, hasStanding }) => hasStanding && worth === Worth.USED)
  for (const candidate of trusted.slice(0, Math.ceil(most * FOR_STANDING))) candidate.worth = Worth.STANDING
}

/** Of those that are worth the same the first ones of the list are better. */
function countRanges(candidates: readonly Candidate[]): void {
  const counts = new Map<string, number>()
  const preferred = ({ isPreferred }: Candidate): number => (isPreferred ? 1 : 0)
  const better = (one: Candidate, other: Candidate): number =>
    other.worth - one.worth || preferred(other) - preferred(one)
  for (const candidate of [...candidates].sort(better)) {
    candidate.place = (counts.get(candidate.range) ?? 0) + 1
    counts.set(candidate.range, candidate.place)
  }
}

/** The first of those that are worth least, of the range that has most of what is worth as much, or more. */
function lowest([first, ...rest]: Candidate[]): Candidate | undefined {
  const isLower = (one: Candidate, other: Candidate): boolean => {
    if (one.worth !== other.worth) return one.worth < other.worth
    if (one.place !== other.place) return one.place > other.place
    return !one.isPreferred && other.isPreferred
  }
  return first && rest.reduce((least, one) => (isLower(one, least) ? one : least), first)
}

function candidateOf(state: State, connection: Connection): Candidate {
  const { peer, place } = connection
  const isUsed = wasAnswered(state, peer)
  const trusted = isTrusted(state, peer)
  return {
    connection,
    worth: worthOf(state, connection, isUsed || trusted),
    isPreferred: trusted || (isUsed && carries(connection)),
    hasStanding: trusted,
    range: rangeOf(place),
    place: 0,
  }
}

function worthOf(state: State, connection: Connection, isUsed: boolean): number {
  const { peer } = connection
  if (isAvoided(connection) && !carries(connection)) return Worth.DOUBTED
  if (isOurs(state, connection)) return Worth.OURS
  if (isUsed) return Worth.USED
  const isOfUse = carries(connection) || state.discovery.table.has(peer) || sharesTopic(state, peer)
  return isOfUse ? Worth.SOME : Worth.UNUSED
}

/** Do we ask over it, or want to, or does a mesh of ours have the peer? */
function isOurs({ topics }: State, { asking, queue, v1Streams, dials, peer }: Connection): boolean {
  const asks = asking !== undefined && asking.requests.size > 0
  return asks || queue.size + v1Streams.size + dials.size > 0 || topics.meshPeers.has(peer)
}

function sharesTopic({ topics }: State, peer: string): boolean {
  for (const topic of topics.joined.keys()) if (topics.subscribers.get(topic)?.has(peer) === true) return true
  return false
}
