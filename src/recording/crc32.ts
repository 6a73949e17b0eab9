/**
 * CRC-32 (IEEE 802.3, as zip and PNG have it): every change of up to four bytes in a row is noticed. Node's own is used for what
 * is long; browsers have none.
 */

/** Below this length the call of Node's own costs more than it saves, bytes. */
const NATIVE_FROM = 256
const runtime = (globalThis as { process?: Partial<NodeJS.Process> }).process
const native = runtime?.getBuiltinModule?.('node:zlib').crc32

const T0 = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1
  return value
})
const T1 = oneByteLater(T0)
const T2 = oneByteLater(T1)
const T3 = oneByteLater(T2)

function oneByteLater(table: Uint32Array): Uint32Array {
  return table.map((value) => (value >>> 8) ^ T0[value & 0xff]!)
}

/** Of `bytes` from `start` to before `end`, as an unsigned 32-bit number. */
export function crc32(bytes: Uint8Array, start = 0, end = bytes.length): number {
  if (native !== undefined && end - start >= NATIVE_FROM) return native(bytes.subarray(start, end))
  return slowCrc32(bytes, start, end)
}

/** Four bytes a turn. */
export function slowCrc32(bytes: Uint8Array, start: number, end: number): number {
  let crc = 0xffffffff
  let at = start
  for (const whole = end - 3; at < whole; at += 4) {
    crc ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
    crc = T3[crc & 0xff]! ^ T2[(crc >>> 8) & 0xff]! ^ T1[(crc >>> 16) & 0xff]! ^ T0[crc >>> 24]!
  }
  for (; at < end; at++) crc = (crc >>> 8) ^ T0[(crc ^ bytes[at]!) & 0xff]!
  return ~crc >>> 0
}
