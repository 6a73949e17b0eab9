/**
 * Counts of messages, by topic and by peer, for the status and `explain`. Why a message is counted, this file does not
 * know.
 */
import { peersChanged, statusChanged } from '../changes.js'
import type { LossReason } from '../explanation.js'
import type { ReachFailure } from '../peers/state.js'
import type { RefusedKind } from '../port.js'
import { isNamed } from '../settings.js'
import type { State } from '../state.js'
import type { Counts, PeerRecord } from './state.js'

/** Topics, and peers, that are counted at once. Beyond that the oldest entry is dropped. */
const MAX_COUNTED = 1_000

/** The counts of a topic that we are in or broadcast on. (Other peers cannot add topics.) */
export function countsOf(state: State, topic: string): Counts {
  const { topics } = state.counts
  let found = topics.get(topic)
  if (found === undefined) {
    found = { published: 0, handedOver: 0, toNobody: 0, held: 0, received: 0, delivered: 0, replayed: 0, dropped: {} }
    evictOldest(topics)
    topics.set(topic, found)
  }
  return found
}

/** A broadcast of ours was published, and handed to so many peers. */
export function countPublished(state: State, topic: string, recipients: number): void {
  const counts = countsOf(state, topic)
  counts.published++
  counts.handedOver += recipients
  if (recipients === 0) counts.toNobody++
}

/** Broadcasts of a topic have waited for these peers, ms. */
export function countHeld(state: State, topic: string, peers: readonly string[], ms: number): void {
  countsOf(state, topic).held += ms
  for (const peer of peers) recordOf(state, peer).held += ms
}

/** A message of another node arrived. */
export function countReceived(state: State, topic: string): void {
  countsOf(state, topic).received++
}

export function countDelivered(state: State, topic: string): void {
  countsOf(state, topic).delivered++
}

/** A late subscriber got so many broadcasts of the past. */
export function countReplayed(state: State, topic: string, count: number): void {
  countsOf(state, topic).replayed += count
}

export function recordOf(state: State, peer: string): PeerRecord {
  const { peers } = state.counts
  let found = peers.get(peer)
  if (found === undefined) {
    found = { failure: undefined, earlier: undefined, hungUp: undefined, dropped: {}, held: 0, refused: {}, repeats: 0 }
    evictPeer(state)
    peers.set(peer, found)
  }
  return found
}

/** The peer could not be reached. */
export function noteFailure(state: State, peer: string, failure: ReachFailure): void {
  const record = recordOf(state, peer)
  if (record.failure !== undefined && record.failure.message !== failure.message) record.earlier = record.failure
  record.failure = failure
}

/** A connection to the peer is closed from this side. */
export function noteHungUp(state: State, peer: string, why: string): void {
  recordOf(state, peer).hungUp = { at: state.now, message: why }
}

/** The peer is connected: no failure of before says anything any more. */
export function noteReached(state: State, peer: string): void {
  const record = state.counts.peers.get(peer)
  if (record !== undefined) record.failure = record.earlier = undefined
}

function evictOldest(map: Map<string, unknown>): void {
  if (map.size < MAX_COUNTED) return
  for (const oldest of map.keys()) return void map.delete(oldest)
}

/** Anybody can have his messages dropped, so a stranger makes room first. Why a peer of the config could not be reached stays. */
function evictPeer({ counts: { peers }, memory, settings }: State): void {
  if (peers.size < MAX_COUNTED) return
  let oldest: string | undefined
  for (const peer of peers.keys()) {
    if (isNamed(settings, peer)) continue
    oldest ??= peer
    if (memory.peers.has(peer)) continue
    oldest = peer
    break
  }
  if (oldest !== undefined) peers.delete(oldest)
}

/** Messages of a topic, from or to a peer, were dropped. */
export function countLoss(
  state: State,
  reason: LossReason,
  { topic, peer, count = 1 }: { topic?: string; peer?: string; count?: number },
): void {
  if (topic !== undefined && (state.topics.joined.has(topic) || state.counts.topics.has(topic))) {
    add(countsOf(state, topic).dropped, reason, count)
    statusChanged(state)
  }
  if (peer !== undefined) add(recordOf(state, peer).dropped, reason, count)
}

/** It is told now that the name of a topic may be misspelt. `false`: it was told before. */
export function noteHinted(state: State, topic: string): boolean {
  const counts = countsOf(state, topic)
  if (counts.hinted === true) return false
  return (counts.hinted = true)
}

/** A peer has published what is one message here: how often. */
export function countRepeat(state: State, peer: string): number {
  return ++recordOf(state, peer).repeats
}

/** The network has refused something to a peer. */
export function countRefusal(state: State, peer: string, what: RefusedKind, count: number): void {
  add(recordOf(state, peer).refused, what, count)
  peersChanged(state)
}

function add<Reason extends string>(counts: Partial<Record<Reason, number>>, reason: Reason, count: number): void {
  counts[reason] = (counts[reason] ?? 0) + count
}

/** The number of dropped messages of a topic, for all reasons. */
export function lossesOf({ dropped }: Counts): number {
  let sum = 0
  for (const count of Object.values(dropped)) sum += count
  return sum
}
