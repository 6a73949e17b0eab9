/** Large messages that we have, for those who fetch them: within bounds of bytes and time, the oldest first to go. */
import type { State } from '../state.js'

export function keepBlob(state: State, hash: string, data: Uint8Array): void {
  const { broadcasts, settings, now } = state
  if (data.length > settings.maxBlobBytes) return
  // One that is announced again has its time anew.
  if (!broadcasts.blobs.delete(hash)) broadcasts.blobBytes += data.length
  broadcasts.blobs.set(hash, { data, until: now + settings.blobLifetime })
  for (const [oldest, blob] of broadcasts.blobs) {
    if (broadcasts.blobBytes <= settings.maxBlobBytes && blob.until > now) return
    broadcasts.blobs.delete(oldest)
    broadcasts.blobBytes -= blob.data.length
  }
}

export function blobOf({ broadcasts, now }: State, hash: string): Uint8Array | undefined {
  const blob = broadcasts.blobs.get(hash)
  return blob === undefined || blob.until <= now ? undefined : blob.data
}
