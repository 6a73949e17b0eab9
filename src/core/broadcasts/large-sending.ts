/** Large broadcasts of ours: the whole is kept for those who fetch it, and its announcement is gossiped. */
import { encodeAnnouncement, toHex } from '../../wire/announcement.js'
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
export function announce(state: State, ask: BroadcastAsk, hash: Uint8Array): void {
  const large = ask.large!
  // A copy: the caller may do with its bytes what it likes when it has its answer.
  keepBlob(state, toHex(hash), large.slice())
  ask.data = encodeAnnouncement({ hash, size: large.length })
}
