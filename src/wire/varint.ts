/**
 * Unsigned varints (https://github.com/multiformats/unsigned-varint): seven bits a byte, least significant group
 * first, minimal encodings only. We write numbers up to 2^53 - 1.
 */

/** The most bytes of a varint that is read: the specification's practical limit of 63 bits. */
export const MAX_VARINT_BYTES = 9

/** How many bytes `value` takes. */
export function varintLength(value: number): number {
  let length = 1
  while (value >= 0x80) {
    value = Math.floor(value / 0x80)
    length++
  }
  return length
}

/** Writes `value` at `offset` and returns the offset behind it. */
export function writeVarint(value: number, target: Uint8Array, offset: number): number {
  while (value >= 0x80) {
    target[offset++] = (value % 0x80) | 0x80
    value = Math.floor(value / 0x80)
  }
  target[offset++] = value
  return offset
}

/** In place of a number: it is not minimal, or larger than 2^53 - 1. */
export const BROKEN = -1
/** In place of a number: the bytes end before it does. */
export const CUT = -2
/** Numbers up to 2^53 - 1 take no more. */
const MAX_NUMBER_BYTES = 8

/** Bytes, and which of them are still to be read: from `at` to before `end`. */
export interface Cursor {
  bytes: Uint8Array
  at: number
  end: number
}

/** The next number, or `BROKEN` or `CUT`, which are negative. */
export function readVarint(cursor: Cursor): number {
  const { bytes, end } = cursor
  let { at } = cursor
  let value = 0
  let scale = 1
  for (let size = 1; at < end; size++) {
    const byte = bytes[at++]!
    value += (byte & 0x7f) * scale
    if (byte < 0x80) {
      cursor.at = at
      return (byte === 0 && size > 1) || value > Number.MAX_SAFE_INTEGER ? BROKEN : value
    }
    if (size === MAX_NUMBER_BYTES) return BROKEN
    scale *= 0x80
  }
  return CUT
}

/** A number whose bytes come one by one, so far. Plain data. */
export interface PartialVarint {
  value: number
  size: number
}

/**
 * Takes the next byte of a number of at most `most` bytes. Returns the number when this was its last byte, and is then ready for
 * the next number; `CUT` while bytes are missing; `BROKEN` when it is longer than `most` bytes, or not minimal.
 */
export function addByte(partial: PartialVarint, byte: number, most: number): number {
  // Nearly all numbers take one byte.
  if (byte < 0x80 && partial.size === 0) return byte
  const value = partial.value + (byte & 0x7f) * 2 ** (7 * partial.size++)
  if (byte >= 0x80) {
    partial.value = value
    return partial.size === most ? BROKEN : CUT
  }
  partial.value = 0
  partial.size = 0
  return byte === 0 ? BROKEN : value
}

export function encodeVarint(value: number): Uint8Array {
  const bytes = new Uint8Array(varintLength(value))
  writeVarint(value, bytes, 0)
  return bytes
}
