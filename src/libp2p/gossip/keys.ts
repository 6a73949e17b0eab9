/**
 * The keys that messages are signed with: which we take, and how dear it is to verify with them. Their bytes are looked at, because
 * even to decode some of them is dear. (https://github.com/libp2p/specs/blob/master/peer-ids/peer-ids.md)
 */
import type { RPC } from '@chainsafe/libp2p-gossipsub/message'
import { equals } from 'multiformats/bytes'

/** The algorithm `rsaEncryption`, with no parameters, in DER. */
const RSA = Uint8Array.of(0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00)
/** The usual exponent, 65537, in DER. One of thousands of bits is a hundred times as dear. */
const EXPONENT = Uint8Array.of(0x02, 0x03, 0x01, 0x00, 0x01)
/** Bytes of an RSA key of 2,048 and of 4,096 bits, and of an ECDSA key of the longest curve (P-521). */
const [RSA_LEAST, RSA_MOST, ECDSA_MOST] = [294, 550, 160]

/** By the numbers that protocol buffers of keys have for them: the price of one signature, in those of Ed25519 (130 µs). */
const PRICES: readonly { price: number; isTaken: (key: Uint8Array) => boolean }[] = [
  { price: 1, isTaken: isUsualRsa },
  { price: 1, isTaken: ({ length }) => length === 32 },
  { price: 10, isTaken: ({ length }) => length === 33 || length === 65 },
  { price: 16, isTaken: ({ length }) => length <= ECDSA_MOST },
]

/** `undefined`: no key of a message that we verify. */
export function priceOf({ key, from }: RPC.Message): number | undefined {
  if (key !== undefined) return priceOfKey(key)
  // A peer id that is a key is an identity multihash: a zero, and the length.
  if (from === undefined || from[0] !== 0) return undefined
  return priceOfKey(from.subarray(from[1]! > 127 ? 3 : 2))
}

/** Of a key as a protocol buffer: as the specification wants it, with nothing else in it. */
export function priceOfKey(bytes: Uint8Array): number | undefined {
  if (bytes[0] !== 0x08 || bytes[2] !== 0x12) return undefined
  const kind = PRICES[bytes[1]!]
  const long = bytes[3]! > 127
  const length = long ? (bytes[3]! & 127) + 128 * bytes[4]! : bytes[3]!
  const key = bytes.subarray(long ? 5 : 4)
  return kind !== undefined && key.length === length && kind.isTaken(key) ? kind.price : undefined
}

/** A modulus of 2,048 to 4,096 bits and the usual exponent, as PKIX. All lengths in it follow from the whole. */
function isUsualRsa(key: Uint8Array): boolean {
  const { length } = key
  if (length < RSA_LEAST || length > RSA_MOST) return false
  const bits = length - 4 - RSA.length - 4
  const pair = bits - 1 - 4
  return (
    isHead(key, 0, 0x30, length - 4) &&
    equals(key.subarray(4, 4 + RSA.length), RSA) &&
    isHead(key, 4 + RSA.length, 0x03, bits) &&
    key[8 + RSA.length] === 0 &&
    isHead(key, 9 + RSA.length, 0x30, pair) &&
    isHead(key, 13 + RSA.length, 0x02, pair - 4 - EXPONENT.length) &&
    equals(key.subarray(length - EXPONENT.length), EXPONENT)
  )
}

/** A tag and a length of two bytes. */
function isHead(key: Uint8Array, at: number, tag: number, length: number): boolean {
  return key[at] === tag && key[at + 1] === 0x82 && key[at + 2] === length >> 8 && key[at + 3] === (length & 255)
}
