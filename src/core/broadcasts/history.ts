/**
 * The memory of broadcasts: the last ones of each topic, for late subscribers, and the outcome of recent ones, for
 * receipts.
 */
import { createShares, giveBack, hold, largestHolder } from '../limits/shares.js'
import { rangeOfPeer } from '../peers/connections.js'
import type { Settings } from '../settings.js'
import type { State } from '../state.js'
import { standingOf } from './patience.js'
import type { Bringer, KeptBroadcast, Outcome, RememberedBroadcast, Topic } from './state.js'

/** What a broadcast takes in addition to its bytes. */
const OVERHEAD = 512

/** Message ids in one generation of outcomes. */
const GENERATION = 2_048

/**
 * Adds a broadcast to the history of its topic, if we are in it. When there is no room, whoever has brought most loses its oldest: who
 * signed them counts only among what one has brought, since whoever brings them can make signers.
 */
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
  const kept = { ...message, data: message.data.slice(), bringer: bringerOf(state, message.via) }
  history.splice(at, 0, kept)
  remembered.add(message.id)
  topic.historyBytes += message.data.length
  hold(histories, name, costOf(message))
  const bringer = topic.bringers.get(kept.bringer) ?? { trusted: false, signers: createShares() }
  bringer.trusted = message.via === state.self || standingOf(state, message.via) !== 'stranger'
  hold(bringer.signers, message.from, shareOf(settings, message))
  topic.bringers.set(kept.bringer, bringer)
  while (history.length > settings.historyMessages || topic.historyBytes > settings.historyBytes) {
    drop(state, name, topic, leastOf(topic))
  }
  while (histories.used > settings.limits.historyBytes) {
    const largest = largestHolder(histories)!
    const other = topics.joined.get(largest)!
    drop(state, largest, other, leastOf(other))
  }
}

function bringerOf(state: State, via: string): string {
  return via === state.self ? via : rangeOfPeer(state, via)
}

/** What it takes of its topic's history: of the bytes, and of the number. */
function shareOf({ historyBytes, historyMessages }: Settings, { data }: RememberedBroadcast): number {
  return data.length + Math.ceil(historyBytes / historyMessages)
}

/** Where the broadcast is that makes room. Strangers make it, as long as they have brought more than half. */
function leastOf({ history, bringers }: Topic): number {
  let all = 0
  let ofStrangers = 0
  for (const { trusted, signers } of bringers.values()) {
    all += signers.used
    if (!trusted) ofStrangers += signers.used
  }
  const among = ofStrangers > all / 2 ? [...bringers].filter(([, { trusted }]) => !trusted) : [...bringers]
  const [name, { signers }] = among.reduce((most, one) => (one[1].signers.used > most[1].signers.used ? one : most))
  const signer = largestHolder(signers)!
  return history.findIndex(({ bringer, from }) => bringer === name && from === signer)
}

function drop({ histories, settings }: State, name: string, topic: Topic, at: number): void {
  const [message] = topic.history.splice(at, 1) as [KeptBroadcast]
  topic.historyBytes -= message.data.length
  topic.remembered.delete(message.id)
  giveBack(histories, name, costOf(message))
  const { signers } = topic.bringers.get(message.bringer) as Bringer
  giveBack(signers, message.from, shareOf(settings, message))
  if (signers.used === 0) topic.bringers.delete(message.bringer)
}

/** We are about to leave the topic. */
export function forgetHistory(state: State, name: string): void {
  const topic = state.topics.joined.get(name)
  while (topic !== undefined && topic.history.length > 0) drop(state, name, topic, topic.history.length - 1)
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
