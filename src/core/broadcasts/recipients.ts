/**
 * The peers that our broadcasts are handed to: which of them read too slowly, and to which something may still wait to be
 * sent. This file keeps the books; publishing.ts decides what waits for a slow peer, and connectivity.ts asks before it
 * closes an idle connection.
 */
import { dueAt } from '../due.js'
import { log, type Effects } from '../effects.js'
import type { State } from '../state.js'
import { line } from '../terms.js'

/** Too much waits for this peer already. */
export function noteSlow(state: State, out: Effects, peer: string): void {
  const { recipients, settings, now } = state
  if (recipients.slow.has(peer)) return
  recipients.slow.set(peer, now)
  dueAt(state, 'slowPeers', now + settings.slowPeerPatience)
  log(out, 'warn', line`${peer} reads our broadcasts too slowly: they wait for it`)
}

/** The peer takes more again, or is gone. False: it was not slow. */
export function takeSlow({ recipients }: State, peer: string): boolean {
  return recipients.slow.delete(peer)
}

/** Does the topic wait for a peer that may take more in a moment, or is about to be reached anew? */
export function isBlocked({ recipients, topics, settings, now }: State, topic: string): boolean {
  for (const { topics: told, until } of recipients.parting.values()) {
    if (until > now && told.includes(topic)) return true
  }
  if (recipients.slow.size === 0) return false
  const subscribers = topics.subscribers.get(topic)
  for (const [peer, since] of recipients.slow) {
    if (since + settings.slowPeerPatience > now && subscribers?.has(peer) === true) return true
  }
  return false
}

/** Subscribers that have taken nothing for so long that the others do not wait for them. */
export function stalledPeers({ recipients, topics, settings, now }: State, topic: string): string[] {
  if (recipients.slow.size === 0) return []
  const subscribers = topics.subscribers.get(topic)
  return [...recipients.slow]
    .filter(([peer, since]) => since + settings.slowPeerPatience <= now && subscribers?.has(peer) === true)
    .map(([peer]) => peer)
}

/** When the next peer counts as stalled; `Infinity`: none will. */
export function nextStall({ recipients, settings, now }: State): number {
  let next = Infinity
  for (const since of recipients.slow.values()) {
    const at = since + settings.slowPeerPatience
    if (at > now) next = Math.min(next, at)
  }
  for (const { until } of recipients.parting.values()) if (until > now) next = Math.min(next, until)
  return next
}

// ---- peers that close their connection

/** Broadcasts wait so long, ms, for a peer that closes its connection, and for a new one. */
const PARTING_PATIENCE = 5_000

/**
 * We have agreed to the end of the only connection to a peer. What we publish now could be lost with it, so it waits, as requests
 * do.
 */
export function noteParting(state: State, peer: string): void {
  const { recipients, topics, now } = state
  const told = [...topics.subscribers].filter(([, peers]) => peers.has(peer)).map(([topic]) => topic)
  if (told.length === 0) return
  const until = now + PARTING_PATIENCE
  recipients.parting.set(peer, { topics: told, isGone: false, until })
  dueAt(state, 'slowPeers', until)
}

/** Its connection is closed. False: nothing of ours waits for it. */
export function noteGoneParting(state: State, peer: string): boolean {
  const parting = state.recipients.parting.get(peer)
  if (parting === undefined) return false
  parting.isGone = parting.topics.some((topic) => state.publishing.queues.has(topic))
  if (!parting.isGone) endParting(state, peer)
  return parting.isGone
}

/** It stays, or is back, or cannot be reached: what waits goes in this step. */
export function endParting(state: State, peer: string): void {
  if (state.recipients.parting.delete(peer)) dueAt(state, 'slowPeers', state.now)
}

/** Peers that are back, and in one of the topics again. */
export function endPartings(state: State): void {
  const { recipients, topics } = state
  for (const [peer, { isGone, topics: told }] of recipients.parting) {
    if (!isGone || !topics.gossipPeers.has(peer)) continue
    if (told.some((topic) => topics.subscribers.get(topic)?.has(peer) === true)) endParting(state, peer)
  }
}

/** Their time is over. */
export function expirePartings({ recipients, now }: State): void {
  for (const [peer, { until }] of recipients.parting) if (until <= now) recipients.parting.delete(peer)
}

/** Broadcasts were handed to this peer, and may still wait to be sent. */
export function noteRecipient({ recipients }: State, peer: string): void {
  recipients.pending.add(peer)
}

export function isRecipient({ recipients }: State, peer: string): boolean {
  return recipients.pending.has(peer)
}

/** Forgets that something may wait for this peer. False: nothing was known to. */
export function takeRecipient({ recipients }: State, peer: string): boolean {
  return recipients.pending.delete(peer)
}
