/**
 * Places for connections: how many there may be, in all, of one peer and from one range of addresses. Whoever comes in when there is no
 * place gets that of the least useful one, so strangers can always come in, and peers of long standing stay.
 */
import { countRefusal } from '../broadcasts/counts.js'
import type { Effects } from '../effects.js'
import type { ConnectionId } from '../port.js'
import { isNamed } from '../settings.js'
import type { State } from '../state.js'
import { hostOf, isLoopback } from './addresses.js'
import { carries, connectionsOf, isAvoided } from './connections.js'
import { dropConnection } from './connectivity.js'
import type { Connection } from './state.js'
import { isTrusted } from './trust.js'

/** Whoever has just come in has so long to be of use, ms: who asks for a place gives it up last. */
const GRACE = 3_000

/**
 * What a connection is worth; those of peers whom the config names are no candidates. `DOUBTED`: another one is used for the peer, or it
 * ends anyway. `SOME`: something goes over it, or the peer is in our table, or shares a topic with us. `FRESH`: it has just come in, plus
 * one of the others. `MUCH`: we use it, or trust the peer.
 */
const Worth = { DOUBTED: 0, UNUSED: 1, SOME: 2, FRESH: 3, MUCH: 10 } as const

/** A connection has come in, and there may be one too many. */
export function makeRoom(state: State, out: Effects, id: ConnectionId): void {
  const newest = state.connections.all.get(id)
  if (newest === undefined) return
  const { peer, address } = newest
  const { connections, connectionsPerPeer, connectionsPerRange } = state.settings.limits
  closeLeast(state, out, connectionsOf(state, peer), connectionsPerPeer)
  const { all } = state.connections
  if (all.size > connectionsPerRange) {
    const range = rangeOf(peer, address)
    const near = [...all.values()].filter((other) => rangeOf(other.peer, other.address) === range)
    closeLeast(state, out, near, connectionsPerRange)
  }
  if (all.size > connections) closeLeast(state, out, [...all.values()], connections)
}

/** What a peer shares with all who are where it is. On loopback each is for itself. */
function rangeOf(peer: string, address: string): string {
  return isLoopback(address) ? peer : hostOf(address)
}

function closeLeast(state: State, out: Effects, candidates: Connection[], most: number): void {
  if (candidates.length <= most) return
  const least = leastUseful(state, candidates)
  if (least === undefined) return
  countRefusal(state, least.peer, 'connections', 1)
  dropConnection(state, out, least.id, 'there is no place for it, and others are of more use')
}

/** Of those that are worth the same the newest, but of fresh ones the oldest: it has had most time. `undefined`: all are to be kept. */
export function leastUseful(state: State, candidates: readonly Connection[]): Connection | undefined {
  let least: Connection | undefined
  let lowest = Infinity
  for (const connection of candidates) {
    if (isNamed(state.settings, connection.peer)) continue
    const worth = worthOf(state, connection)
    const isFresh = worth >= Worth.FRESH && worth < Worth.MUCH
    if (worth < lowest || (worth === lowest && !isFresh)) {
      least = connection
      lowest = worth
    }
  }
  return least
}

function worthOf(state: State, connection: Connection): number {
  const { peer, openedAt } = connection
  if (isAvoided(connection) && !carries(connection)) return Worth.DOUBTED
  if (isOurs(state, connection) || isTrusted(state, peer, wasAnswered(state, peer))) return Worth.MUCH
  const isOfUse = carries(connection) || state.discovery.table.has(peer) || sharesTopic(state, peer)
  const worth = isOfUse ? Worth.SOME : Worth.UNUSED
  return state.now - openedAt < GRACE ? Worth.FRESH + worth : worth
}

/** Do we ask over it, or want to, or does a mesh of ours have the peer? */
function isOurs({ topics }: State, { asking, queue, v1Streams, dials, peer }: Connection): boolean {
  const asks = asking !== undefined && asking.requests.size > 0
  return asks || queue.size + v1Streams.size + dials.size > 0 || topics.meshPeers.has(peer)
}

function wasAnswered({ budget }: State, peer: string): boolean {
  return (budget.accounts.get(peer)?.answered ?? 0) > 0
}

function sharesTopic({ topics }: State, peer: string): boolean {
  for (const topic of topics.joined.keys()) if (topics.subscribers.get(topic)?.has(peer) === true) return true
  return false
}
