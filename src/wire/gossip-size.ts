/**
 * How large a broadcast becomes on the wire: the gossipsub RPC around one signed message, as our pub/sub encodes it
 * (protobuf; https://github.com/libp2p/specs/blob/master/pubsub/README.md). Limits hold for the frame, not for its data.
 */
import { varintLength } from './varint.js'

/** `from`: the peer id of an Ed25519 key, which is the whole public key in an identity multihash. */
const FROM_BYTES = 38
const SEQNO_BYTES = 8
const SIGNATURE_BYTES = 64
/** `key`: the public key again, as a protobuf of its own. */
const KEY_BYTES = 36

/** All but topic and data. */
const FIXED = field(FROM_BYTES) + field(SEQNO_BYTES) + field(SIGNATURE_BYTES) + field(KEY_BYTES)

const utf8 = new TextEncoder()

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

/** The most data that fits into an RPC of `frameLimit` bytes; -1 when not even an empty message does. */
export function maxDataLength(topic: string, frameLimit: number): number {
  // Lengths that need a longer varint take a few bytes more than an empty message tells.
  let length = frameLimit - encodedMessageSize(topic, 0)
  while (length >= 0 && encodedMessageSize(topic, length) > frameLimit) length--
  return Math.max(length, -1)
}
