/**
 * Joins a payload that arrives in pieces. Each piece is copied when it arrives, because a view would keep its network buffer
 * alive until the payload is complete. Buffers that survive a minor garbage collection are freed only by a full one, and
 * megabytes of them would cause full collections again and again. The declared length alone allocates nothing: at most a small
 * multiple of the bytes that have come is allocated.
 */

/** Below this size a payload is copied out of its chunk in any case. */
export const COPY_BELOW = 4_096

/** The least that is allocated for pieces, bytes, unless the payload is smaller. */
const FIRST_ROOM = 16_384
/**
 * When there is no room for the next piece, this many times the bytes that have come is allocated. More would mean fewer copies, and
 * that whoever begins one payload after the other makes us allocate, and clear, that many times what it sends.
 */
const GROWTH = 2

/** The pieces so far. Plain data. */
export interface Gathered {
  bytes: Uint8Array | undefined
  /** Bytes so far. */
  received: number
}

export function createGathered(): Gathered {
  return { bytes: undefined, received: 0 }
}

/** Keeps a piece of a payload. `room`: the payload's size in bytes, or the part of it that may come so far. The piece must fit. */
export function gather(gathered: Gathered, piece: Uint8Array, room: number): void {
  if (piece.length === 0) return
  const { bytes, received } = gathered
  gathered.received += piece.length
  if (piece.length === room) {
    gathered.bytes = copyIfSmall(piece, 0, room)
  } else if (bytes === undefined || gathered.received > bytes.length) {
    const grown = new Uint8Array(Math.min(room, Math.max(FIRST_ROOM, GROWTH * gathered.received)))
    if (bytes !== undefined) grown.set(bytes)
    grown.set(piece, received)
    gathered.bytes = grown
  } else {
    bytes.set(piece, received)
  }
}

/** The payload, now that all of it is here. The caller owns it. */
export function takeGathered(gathered: Gathered): Uint8Array {
  const { bytes = new Uint8Array() } = gathered
  gathered.bytes = undefined
  return bytes
}

/** A payload that came whole, from `from` to `to`: a copy if it is small, or small beside its buffer, which a view would keep alive. */
export function copyIfSmall(bytes: Uint8Array, from: number, to: number): Uint8Array {
  const size = to - from
  return size < COPY_BELOW || pinsMuch(size, bytes) ? bytes.slice(from, to) : bytes.subarray(from, to)
}

/** Would a view of so many of these bytes keep far more alive? */
export function pinsMuch(size: number, { buffer }: Uint8Array): boolean {
  return 2 * size < buffer.byteLength
}
