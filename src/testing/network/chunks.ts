/** The chunks of a stream: copied when they are sent, and cut anywhere when they arrive. */

/** Small writes are copied into blocks of this size: an allocation for each would be most of a simulation's garbage. */
const BLOCK = 65_536
let block = new Uint8Array(BLOCK)
let used = 0

/** The chunks, joined, as memory of their own: the receiver owns what it gets, the sender goes on to own what it gave. */
export function copyOf(chunks: Uint8Array[]): Uint8Array {
  const size = sizeOf(chunks)
  if (size > BLOCK / 8) return join(chunks, new Uint8Array(size), 0)
  if (used + size > BLOCK) {
    block = new Uint8Array(BLOCK)
    used = 0
  }
  const start = used
  used += size
  return join(chunks, block, start).subarray(start, used)
}

function join(chunks: Uint8Array[], target: Uint8Array, offset: number): Uint8Array {
  for (const chunk of chunks) {
    target.set(chunk, offset)
    offset += chunk.length
  }
  return target
}

export function sizeOf(chunks: Uint8Array[]): number {
  let size = 0
  for (const chunk of chunks) size += chunk.length
  return size
}

/** The chunks before and after a place. At 0 they stay whole. */
export function cutAt(chunks: Uint8Array[], place: number): Uint8Array[][] {
  if (place === 0) return [chunks]
  const parts: [Uint8Array[], Uint8Array[]] = [[], []]
  let offset = 0
  for (const chunk of chunks) {
    const middle = Math.min(Math.max(place - offset, 0), chunk.length)
    if (middle > 0) parts[0].push(chunk.subarray(0, middle))
    if (middle < chunk.length) parts[1].push(chunk.subarray(middle))
    offset += chunk.length
  }
  return parts
}
