/**
 * The peers that our broadcasts are handed to: which of them read too slowly, and to which something may still wait to be
 * sent. This file keeps the books; patience.ts decides what waits for whom, and connectivity.ts asks before it closes an idle
 * connection.
 */
import { dueAt } from '../due.js'
import { log, type Effects } from '../effects.js'
import { createBucket } from '../limits/rate.js'
import type { State } from '../state.js'
import { line } from '../terms.js'
import { standingOf } from './patience.js'

/** Too much waits for this peer already. */
export function noteSlow(state: State, out: Effects, peer: string): void {
  const { recipients, now } = state
  if (recipients.slow.has(peer)) return
  recipients.slow.set(peer, now)
  log(out, 'warn', line`${peer} reads our broadcasts too slowly: they wait for it, or pass it over`)
}

/** Much waits for it, and not too much. */
export function noteBusy({ recipients }: State, peer: string): void {
  recipients.busy.add(peer)
}

/** The peer takes more again, or (`isGone`) is gone. False: it was neither slow nor busy. */
export function takeSlow({ recipients }: State, peer: string, isGone: boolean): boolean {
  const { busy, slow, readers } = recipients
  const wasBusy = busy.delete(peer)
  const wasSlow = slow.delete(peer)
  if (isGone) readers.delete(peer)
  else if (wasSlow && !readers.has(peer)) readers.set(peer, createBucket())
  return wasSlow || wasBusy
}

/** When broadcasts have waited long enough for somebody, or a parting is over; `Infinity`: nothing of that is due. */
export function nextStall({ recipients, publishing, now }: State): number {
  let next = Infinity
  for (const { held } of publishing.queues.values()) if (held !== undefined) next = Math.min(next, held.until)
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
  recipients.parting.set(peer, { topics: told, isGone: false, until, standing: standingOf(state, peer) })
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
