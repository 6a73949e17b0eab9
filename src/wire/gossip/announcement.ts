/**
 * The announcement that is gossiped in place of a message that is too large for a frame. It names the message by its hash, so
 * that its bytes can be fetched from any peer and checked. docs/broadcasts.md has the format.
 */

/** Sixteen random bytes, so that no other message begins with them by chance. */
const MAGIC = Uint8Array.of(
  0x9b,
  0x1f,
  0xe4,
  0x6a,
  0x03,
  0xd7,
  0x58,
  0xc2,
  0x71,
  0xae,
  0x0c,
  0x95,
  0x3d,
  0xf8,
  0x42,
  0xb6,
)
/** The length of a SHA-256. */
export const HASH_BYTES = 32
const SIZE_BYTES = 6

export const ANNOUNCEMENT_BYTES = MAGIC.length + HASH_BYTES + SIZE_BYTES

export interface Announcement {
  /** SHA-256 of the message. */
  hash: Uint8Array
  /** Its length, bytes. */
  size: number
}

export function encodeAnnouncement({ hash, size }: Announcement): Uint8Array {
  const bytes = new Uint8Array(ANNOUNCEMENT_BYTES)
  bytes.set(MAGIC)
  bytes.set(hash, MAGIC.length)
  const view = new DataView(bytes.buffer, MAGIC.length + HASH_BYTES)
  view.setUint16(0, Math.floor(size / 2 ** 32))
  view.setUint32(2, size % 2 ** 32)
  return bytes
}

export function isAnnouncement(data: Uint8Array): boolean {
  return data.length >= MAGIC.length && MAGIC.every((byte, i) => data[i] === byte)
}

/** Reads an announcement; `undefined` when it is broken, or of nothing. */
export function decodeAnnouncement(data: Uint8Array): Announcement | undefined {
  if (data.length !== ANNOUNCEMENT_BYTES || !isAnnouncement(data)) return undefined
  const view = new DataView(data.buffer, data.byteOffset + MAGIC.length + HASH_BYTES)
  const size = view.getUint16(0) * 2 ** 32 + view.getUint32(2)
  if (size === 0) return undefined
  return { hash: data.slice(MAGIC.length, MAGIC.length + HASH_BYTES), size }
}

/** So many bytes that begin like an announcement, and are zero after that. */
export function brokenAnnouncement(length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  bytes.set(MAGIC)
  return bytes
}

export function toHex(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0')
  return text
}

/** The bytes of a text that `toHex` made. */
export function fromHex(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length / 2)
  for (let i = 0; i < bytes.length; i++) bytes[i] = parseInt(text.slice(2 * i, 2 * i + 2), 16)
  return bytes
}
