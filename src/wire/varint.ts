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

export function encodeVarint(value: number): Uint8Array {
  const bytes = new Uint8Array(varintLength(value))
  writeVarint(value, bytes, 0)
  return bytes
}
