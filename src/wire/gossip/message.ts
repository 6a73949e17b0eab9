/**
 * What every node of a network must compute in the same way: the id of a broadcast, which IHAVE, IWANT and the seen cache use (the
 * same as the Rust tinyp2p's); and its size on the wire, which is that of the gossipsub RPC around one signed message (protobuf;
 * https://github.com/libp2p/specs/blob/master/pubsub/README.md), because the limits hold for the frame.
 */
import { SipHash } from '../siphash.js'
import { isWellFormed } from '../text.js'
import { varintLength } from '../varint.js'

const utf8 = new TextEncoder()

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

/** An id of a broadcast has so many bytes at most: one that is longer nobody here can have made. */
export const MAX_ID = 128
/** A topic of ours has so many characters at most. */
export const MAX_TOPIC = 256

/** Can it be an id? */
export function isId(text: string): boolean {
  return text !== '' && text.length <= MAX_ID && isWellFormed(text) && utf8.encode(text).length <= MAX_ID
}

/** `from`: the peer id of an Ed25519 key, which is the whole public key in an identity multihash. */
const FROM_BYTES = 38
const SEQNO_BYTES = 8
const SIGNATURE_BYTES = 64
/** `key`: the public key again, as a protobuf of its own. */
const KEY_BYTES = 36

/** All but topic and data. */
const FIXED = field(FROM_BYTES) + field(SEQNO_BYTES) + field(SIGNATURE_BYTES) + field(KEY_BYTES)

/** A protobuf field of `length` bytes: a tag of one byte, the length, the bytes. */
function field(length: number): number {
  return 1 + varintLength(length) + length
}

/**
 * The exact bytes of the RPC that carries one broadcast of ours, without the varint of its own length before it.
 * An RPC that carries control messages of the mesh too is larger by those.
 */
export function encodedMessageSize(topic: string, dataLength: number): number {
  const topicBytes = topic === '' ? 0 : field(utf8.encode(topic).length)
  return field(FIXED + topicBytes + field(dataLength))
}
