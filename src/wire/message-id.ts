/**
 * The id of a broadcast, which every node of a network must compute alike: IHAVE and IWANT name messages by it, and
 * the seen cache drops what it has seen. Ours is the Rust tinyp2p's.
 */
import { SipHash } from './siphash.js'

/** What Rust's `DefaultHasher` is: SipHash-1-3 with a key of zeroes. */
const DEFAULT_HASHER = { compression: 1, finalization: 3 }

/**
 * The decimal text of Rust's `DefaultHasher` over the payload as a `Vec<u8>`, that is, over its length as 8 bytes
 * little-endian and then its bytes. Only the payload counts: not the topic, the sender or the sequence number.
 */
export function messageId(data: Uint8Array): string {
  const length = new Uint8Array(8)
  new DataView(length.buffer).setUint32(0, data.length, true)
  return new SipHash(DEFAULT_HASHER).update(length).update(data).digest().toString()
}
