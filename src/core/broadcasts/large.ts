/** Large broadcasts: the whole is kept for the nodes that fetch it, within bounds of bytes and time, and its announcement is gossiped. */
import { decodeAnnouncement, encodeAnnouncement, toHex } from '../../wire/gossip/announcement.js'
import type { Effects } from '../effects.js'
import type { State } from '../state.js'
import type { BroadcastAsk, Digesting } from './state.js'

/** Others may fetch it from now on. The oldest go first. */
export function keepBlob(state: State, hash: string, data: Uint8Array): void {
  const { large, settings, now } = state
  if (data.length > settings.maxBlobBytes) return
  // One that is announced again has its time anew.
  if (!large.blobs.delete(hash)) large.blobBytes += data.length
  large.blobs.set(hash, { data, until: now + settings.blobLifetime })
  for (const [oldest, blob] of large.blobs) {
    if (large.blobBytes <= settings.maxBlobBytes && blob.until > now) return
    large.blobs.delete(oldest)
    large.blobBytes -= blob.data.length
  }
}

export function blobOf({ large, now }: State, hash: string): Uint8Array | undefined {
  const blob = large.blobs.get(hash)
  return blob === undefined || blob.until <= now ? undefined : blob.data
}

/** The SHA-256 of this is computed outside; `digested` brings it. */
export function startDigest({ large }: State, out: Effects, digesting: Digesting, data: Uint8Array): void {
  const digest = large.nextDigest++
  large.digesting.set(digest, digesting)
  out.push({ type: 'digest', digest, data })
}

/** What was hashed. */
export function takeDigesting({ large }: State, digest: number): Digesting | undefined {
  const digesting = large.digesting.get(digest)
  large.digesting.delete(digest)
  return digesting
}

export function hashLarge(state: State, out: Effects, ask: BroadcastAsk): void {
  ask.stage = 'hashing'
  startDigest(state, out, { kind: 'broadcast', ask: ask.id }, ask.large!)
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
