/** Payloads that carry their number: a byte that was changed, cut off or meant for somebody else shows. */

/** `kind`, the number, and then bytes that follow from both. None shorter than 8 bytes but the empty one. */
export function payload(
  kind: 'question' | 'answer' | 'other' | 'value' | 'broadcast',
  id: number,
  size: number,
): Uint8Array {
  if (size === 0) return new Uint8Array(0)
  const bytes = new Uint8Array(Math.max(8, size))
  bytes[0] = kind.charCodeAt(0)
  new DataView(bytes.buffer).setUint32(1, id)
  let state = (id * 2_654_435_761 + kind.charCodeAt(0)) | 0
  for (let i = 5; i < bytes.length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0
    bytes[i] = state >>> 24
  }
  return bytes
}

/** The number of a stream's value: streams have fewer values than this. */
export function valueId(stream: number, index: number): number {
  return stream * VALUES + index
}

export function indexOf(stream: number, value: number): number | undefined {
  return Math.floor(value / VALUES) === stream ? value % VALUES : undefined
}

const VALUES = 1_000

/** The number in a payload; `undefined` in an empty one. */
export function idOf(bytes: Uint8Array): number | undefined {
  if (bytes.length < 8) return undefined
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(1)
}

export function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0
}
