/** Announcements of changes: each is made once, at the end of a batch, however often the thing changed. */
import type { Effects } from './effects.js'
import type { State } from './state.js'

/** Something that the status shows has changed. */
export function statusChanged({ changes }: State): void {
  changes.status = true
}

/** Something that the states of peers show has changed. */
export function peersChanged({ changes }: State): void {
  changes.peers = true
}

/** We have joined or left a topic. */
export function topicsChanged({ changes }: State): void {
  changes.topics = changes.status = true
}

/** A peer has joined or left the topic. */
export function subscribersChanged({ changes }: State, topic: string): void {
  changes.subscribers.add(topic)
}

export function tellChanges({ changes }: State, out: Effects): void {
  if (changes.topics) {
    changes.topics = false
    out.push({ type: 'topicsChanged' })
  }
  if (changes.subscribers.size > 0) {
    for (const topic of changes.subscribers) out.push({ type: 'subscribersChanged', topic })
    changes.subscribers.clear()
  }
  if (changes.peers) {
    changes.peers = false
    out.push({ type: 'peersChanged' })
  }
  if (!changes.status) return
  changes.status = false
  out.push({ type: 'statusChanged' })
}
