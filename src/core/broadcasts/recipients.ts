/**
 * The peers that our broadcasts are handed to: which of them read too slowly, and to which something may still wait to be
 * sent. This file keeps the books; publishing.ts decides what waits for a slow peer, and connectivity.ts asks before it
 * closes an idle connection.
 */
import { dueAt } from '../due.js'
import { log, type Effects } from '../effects.js'
import type { State } from '../state.js'

/** Too much waits for this peer already. */
export function noteSlow(state: State, out: Effects, peer: string): void {
  const { recipients, settings, now } = state
  if (recipients.slow.has(peer)) return
  recipients.slow.set(peer, now)
  dueAt(state, 'slowPeers', now + settings.slowPeerPatience)
  log(out, 'warn', `${peer} reads our broadcasts too slowly: they wait for it`)
}

/** The peer takes more again, or is gone. False: it was not slow. */
export function takeSlow({ recipients }: State, peer: string): boolean {
  return recipients.slow.delete(peer)
}

/** Does the topic wait for a peer that may take more in a moment? */
export function isBlocked({ recipients, topics, settings, now }: State, topic: string): boolean {
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
  return next
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
