/**
 * Large messages: they are kept, within bounds of bytes and time, for nodes that fetch them, and their hashes are
 * computed outside.
 */
import { decodeAnnouncement, encodeAnnouncement, toHex } from '../../wire/gossip/announcement.js'
import type { Effects } from '../effects.js'
import { giveBack, hold, largestHolder } from '../limits/shares.js'
import type { State } from '../state.js'
import type { BroadcastAsk, Digesting } from './state.js'

/** Keeps a large message, so others can fetch it. Whoever has brought most loses its oldest first. */
export function keepBlob(state: State, hash: string, data: Uint8Array, from: string): void {
  const { large, settings, now } = state
  const { largeBytes } = settings.limits
  if (data.length > largeBytes) return
  // A message that is announced again gets its full time again.
  dropBlob(state, hash)
  large.blobs.set(hash, { data, from, until: now + settings.blobLifetime })
  hold(large.blobShares, from, data.length)
  for (const [oldest, blob] of large.blobs) {
    if (blob.until > now) break
    dropBlob(state, oldest)
  }
  while (large.blobShares.used > largeBytes) {
    const first = oldestOf(state, largestHolder(large.blobShares)!)
    if (first === undefined) return
    dropBlob(state, first)
  }
}

function oldestOf({ large }: State, holder: string): string | undefined {
  for (const [hash, { from }] of large.blobs) if (from === holder) return hash
  return undefined
}

function dropBlob({ large }: State, hash: string): void {
  const blob = large.blobs.get(hash)
  if (blob === undefined) return
  large.blobs.delete(hash)
  giveBack(large.blobShares, blob.from, blob.data.length)
}

export function blobOf({ large, now }: State, hash: string): Uint8Array | undefined {
  const blob = large.blobs.get(hash)
  return blob === undefined || blob.until <= now ? undefined : blob.data
}

/** Asks for the SHA-256 of `data`, which `digested` brings. */
export function startDigest({ large }: State, out: Effects, digesting: Digesting, data: Uint8Array): void {
  const digest = large.nextDigest++
  large.digesting.set(digest, digesting)
  out.push({ type: 'digest', digest, data })
}

/** Removes and returns what the hash was computed for. */
export function takeDigesting({ large }: State, digest: number): Digesting | undefined {
  const digesting = large.digesting.get(digest)
  large.digesting.delete(digest)
  return digesting
}

/** What is gossiped in place of the message. */
export function announcementOf(large: Uint8Array, hash: Uint8Array): Uint8Array {
  return encodeAnnouncement({ hash, size: large.length })
}

/** The broadcast is published now, so the whole message can be fetched. */
export function offer(state: State, { large, data }: BroadcastAsk): void {
  if (large === undefined) return
  // A copy, because the caller may change its bytes after the answer.
  keepBlob(state, toHex(decodeAnnouncement(data)!.hash), large.slice(), state.self)
}
