/** What became of messages, by topic and by peer: what the status and `explain` show. */
import { statusChanged } from '../changes.js'
import type { DialFailure } from '../peers/state.js'
import type { State } from '../state.js'
import type { Counts, LossReason, PeerRecord } from './state.js'

/** Topics and peers that are counted; the oldest are forgotten beyond that. */
const MAX_COUNTED = 1_000

/** The counts of a topic that is ours: one that we are in, or broadcast on. (A stranger must not make us count its own.) */
export function countsOf(state: State, topic: string): Counts {
  const { topics } = state.counts
  let found = topics.get(topic)
  if (found === undefined) {
    found = { published: 0, handedOver: 0, toNobody: 0, received: 0, delivered: 0, dropped: {} }
    bound(topics)
    topics.set(topic, found)
  }
  return found
}

export function recordOf(state: State, peer: string): PeerRecord {
  const { peers } = state.counts
  let found = peers.get(peer)
  if (found === undefined) {
    found = { failure: undefined, earlier: undefined, dropped: {} }
    bound(peers)
    peers.set(peer, found)
  }
  return found
}

/** The last dial of the peer failed; or (`undefined`) it is connected. */
export function noteDial(state: State, peer: string, failure: DialFailure | undefined): void {
  if (failure === undefined && !state.counts.peers.has(peer)) return
  const record = recordOf(state, peer)
  if (failure === undefined) record.earlier = undefined
  else if (record.failure !== undefined && record.failure.message !== failure.message) record.earlier = record.failure
  record.failure = failure
}

function bound(map: Map<string, unknown>): void {
  if (map.size < MAX_COUNTED) return
  for (const oldest of map.keys()) return void map.delete(oldest)
}

/** Messages of a topic, from or for a peer, went no further. */
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

function add(dropped: Partial<Record<LossReason, number>>, reason: LossReason, count: number): void {
  dropped[reason] = (dropped[reason] ?? 0) + count
}

/** All messages that were lost between the network and our subscribers, or on their way out. */
export function lossesOf({ dropped }: Counts): number {
  let sum = 0
  for (const count of Object.values(dropped)) sum += count
  return sum
}
