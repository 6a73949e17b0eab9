/**
 * The memory of broadcasts: the last ones of each topic, for late subscribers, and the outcome of recent ones, for
 * receipts.
 */
import type { State } from '../state.js'
import type { Outcome, RememberedBroadcast } from './state.js'

/** Message ids in one generation of outcomes. */
const GENERATION = 2_048

/** Adds a broadcast to the history of its topic, if we are in it. */
export function remember({ topics, settings }: State, name: string, message: RememberedBroadcast): void {
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
  let from = 0
  while (history.length - from > settings.historyMessages || topic.historyBytes > settings.historyBytes) {
    const { id, data } = history[from++]!
    topic.historyBytes -= data.length
    remembered.delete(id)
  }
  if (from > 0) history.splice(0, from)
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
