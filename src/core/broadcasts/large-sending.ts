/** Large broadcasts of ours: the whole is kept for those who fetch it, and its announcement is gossiped. */
import { decodeAnnouncement, encodeAnnouncement, toHex } from '../../wire/gossip/announcement.js'
import type { Effects } from '../effects.js'
import type { State } from '../state.js'
import { keepBlob } from './blobs.js'
import type { BroadcastAsk } from './state.js'

export function hashLarge(state: State, out: Effects, ask: BroadcastAsk): void {
  ask.stage = 'hashing'
  const digest = state.broadcasts.nextDigest++
  state.broadcasts.digesting.set(digest, { kind: 'broadcast', ask: ask.id })
  out.push({ type: 'digest', digest, data: ask.large! })
}

/** The announcement is what goes out. */
export function announce(ask: BroadcastAsk, hash: Uint8Array): void {
  ask.data = encodeAnnouncement({ hash, size: ask.large!.length })
}

/** It goes out now: from here on others may fetch the whole. */
export function offer(state: State, { large, data }: BroadcastAsk): void {
  if (large === undefined) return
  // A copy: the caller may do with its bytes what it likes when it has its answer.
  keepBlob(state, toHex(decodeAnnouncement(data)!.hash), large.slice())
}
