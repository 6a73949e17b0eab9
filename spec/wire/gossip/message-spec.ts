import { RPC } from '@chainsafe/libp2p-gossipsub/message'
import { beforeAll, describe, expect, it, test } from '@jest/globals'
import { generateKeyPair, publicKeyToProtobuf } from '@libp2p/crypto/keys'
import fc from 'fast-check'
import { encodedMessageSize, messageId } from '../../../src/wire/gossip/message.js'
import { readVectors } from '../siphash-vectors.js'

let encode: (topic: string, data: Uint8Array) => Uint8Array

/** The RPC as the pub/sub service builds and encodes it for a signed message. */
beforeAll(async () => {
  const { publicKey } = await generateKeyPair('Ed25519')
  const signed = { from: publicKey.toMultihash().bytes, seqno: new Uint8Array(8), signature: new Uint8Array(64) }
  const key = publicKeyToProtobuf(publicKey)
  encode = (topic, data) => RPC.encode({ subscriptions: [], messages: [{ ...signed, key, topic, data }] })
})

const lengths = [0, 1, 127, 128, 129, 1_000, 16_100, 16_383, 16_384, 65_536, 2_097_151, 2_097_152]
const topics = ['', 't', 'block', 'tx', 'é', '日本', '🧱', '\ud800', 'x'.repeat(127), 'x'.repeat(128), 'é'.repeat(256)]

describe('encodedMessageSize', () => {
  test.each(topics)('is what the pub/sub service writes on topic %j', (topic) => {
    for (const length of lengths) {
      expect(encodedMessageSize(topic, length)).toBe(encode(topic, new Uint8Array(length)).length)
    }
  })

  it('is exact for any topic and length', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), fc.nat(40_000), (topic, length) => {
        expect(encodedMessageSize(topic, length)).toBe(encode(topic, new Uint8Array(length)).length)
      }),
    )
  })
})

describe('messageId', () => {
  it('is the id that the Rust tinyp2p logs for its example block', () => {
    expect(messageId(new TextEncoder().encode('Hello, a new block!'))).toBe('6538566873042680945')
  })

  test.each(readVectors('messageId'))('is the DefaultHasher of a Vec<u8> of %d bytes', (length, id) => {
    expect(messageId(Uint8Array.from({ length }, (_, i) => i))).toBe(id)
  })

  it('takes a view into a larger buffer for what it shows', () => {
    const buffer = new TextEncoder().encode('…Hello, a new block!…')
    expect(messageId(buffer.subarray(3, -3))).toBe('6538566873042680945')
  })
})
