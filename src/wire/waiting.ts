/**
 * Pieces of a stream that may have to wait before they are read. What is counted of them is their bytes, so they must not hold much more
 * than these: a piece is no small part of a buffer that it would keep alive, and small pieces are joined, since each is an object that takes
 * a hundred bytes.
 */
import { COPY_BELOW, pinsMuch } from './gather.js'

/** So many small pieces wait at most before they are one. */
const JOINED = 64

/** The piece, or a copy of it if its buffer is far larger: what else came at once, or a pool. */
export function apart(piece: Uint8Array): Uint8Array {
  return pinsMuch(piece.length, piece) ? new Uint8Array(piece) : piece
}

/** The small pieces at the end of those that wait, which are not joined yet. */
export class SmallPieces {
  count = 0
  bytes = 0

  /** One more waits. True: the last `count`, which are `bytes` long, are to be joined now. */
  add(length: number): boolean {
    if (length >= COPY_BELOW) {
      this.clear()
      return false
    }
    this.count++
    this.bytes += length
    return this.count === JOINED
  }

  clear(): void {
    this.count = 0
    this.bytes = 0
  }
}
