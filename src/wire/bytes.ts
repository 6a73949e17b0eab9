/** What callers may pass as bytes. */

/** By its tag too: bytes may come from another realm (a test runner's, a worker's). A proxy of bytes is none. */
export function isBytes(value: unknown): value is Uint8Array {
  if (!ArrayBuffer.isView(value)) return false
  return value instanceof Uint8Array || Object.prototype.toString.call(value) === '[object Uint8Array]'
}

/** Of bytes that are none: whether they were some once. Their buffer was transferred, or has shrunk. */
export function isGone(bytes: Uint8Array): boolean {
  try {
    Uint8Array.prototype.at.call(bytes, 0)
    return false
  } catch {
    return true
  }
}
