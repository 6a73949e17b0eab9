/**
 * The memory of broadcasts: the last ones of each topic, for late subscribers, and the outcome of recent ones, for
 * receipts.
 */
import { giveBack, hold, largestHolder } from '../limits/shares.js'
import type { State } from '../state.js'
import type { Outcome, RememberedBroadcast, Topic } from './state.js'

/** What a broadcast takes in addition to its bytes. */
const OVERHEAD = 512

/** Message ids in one generation of outcomes. */
const GENERATION = 2_048

/** Adds a broadcast to the history of its topic, if we are in it. */
export function remember(state: State, name: string, message: RememberedBroadcast): void {
  const { topics, settings, histories } = state
  const topic = topics.joined.get(name)
  if (topic === undefined || message.data.length > settings.historyBytes || settings.historyMessages === 0) return
  const { history, remembered } = topic
  if (remembered.has(message.id)) return
  // A message from the memory of a peer may be older than ours.
  let at = history.length
  while (at > 0 && history[at - 1]!.at > message.at) at--
  // A copy, because the publisher or a subscriber may change the bytes.
  history.splice(at, 0, { ...message, data: message.data.slice() })
  remembered.add(message.id)
  topic.historyBytes += message.data.length
  hold(histories, name, costOf(message))
  let count = 0
  let bytes = topic.historyBytes
  while (history.length - count > settings.historyMessages || bytes > settings.historyBytes) {
    bytes -= history[count++]!.data.length
  }
  dropOldest(state, name, topic, count)
  while (histories.used > settings.limits.historyBytes) {
    const largest = largestHolder(histories)!
    dropOldest(state, largest, topics.joined.get(largest)!, 1)
  }
}

function dropOldest({ histories }: State, name: string, topic: Topic, count: number): void {
  if (count === 0) return
  for (const message of topic.history.splice(0, count)) {
    topic.historyBytes -= message.data.length
    topic.remembered.delete(message.id)
    giveBack(histories, name, costOf(message))
  }
}

/** We are about to leave the topic. */
export function forgetHistory(state: State, name: string): void {
  const topic = state.topics.joined.get(name)
  if (topic !== undefined) dropOldest(state, name, topic, topic.history.length)
}

function costOf({ data, proof }: RememberedBroadcast): number {
  return data.length + proof.length + OVERHEAD
}

/**
 * Notes the outcome of a message, because a request for a receipt may come before or after the message. Of two
 * generations the older one is dropped as a whole, which costs less than to drop single entries.
 */
export function noteOutcome({ outcomes, now }: State, id: string, kind: Outcome['kind'], from: string): void {
  if (outcomes.recent.size >= GENERATION) {
    outcomes.older = outcomes.recent
    outcomes.recent = new Map()
  }
  outcomes.recent.set(id, { kind, from, at: now })
}

/** Its signer has published it again, in a run that remembers nothing of the one before, and in vain. */
export function noteRepeat({ outcomes }: State, id: string, from: string): void {
  for (const generation of [outcomes.recent, outcomes.older]) {
    const known = generation.get(id)
    if (known?.kind === 'accepted' && known.from === from) generation.set(id, { ...known, kind: 'refused' })
  }
}

export function outcomeOf({ outcomes }: State, id: string): Outcome | undefined {
  return outcomes.recent.get(id) ?? outcomes.older.get(id)
}
