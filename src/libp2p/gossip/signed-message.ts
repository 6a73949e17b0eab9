/**
 * Signed messages as gossipsub puts them on the wire, and their proofs. With a proof a node that got topic, data and signer in
 * another way can verify that the signer has signed them. (https://github.com/libp2p/specs/blob/master/pubsub/README.md)
 */
import { RPC } from '@chainsafe/libp2p-gossipsub/message'
import { publicKeyFromProtobuf, publicKeyToProtobuf } from '@libp2p/crypto/keys'
import type { PeerId, PrivateKey, PublicKey } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { equals } from 'multiformats/bytes'
import { utf8Length } from '../../platform/bytes.js'
import { ed25519Signer } from '../../platform/signing.js'
import { varintLength } from '../../wire/varint.js'
import type { SignedMessage } from '../../core/port.js'
import { peerIdOf } from '../guards/peer-ids.js'
import { priceOfKey } from './keys.js'
import type { IdentifiedMessage } from '../../core/pubsub.js'

/** A message that has all its parts. */
export type Signed = Required<RPC.Message>

const PREFIX = new TextEncoder().encode('libp2p-pubsub:')
const SEQUENCE_BYTES = 8
/** The multihash code of data that is not hashed. */
const IDENTITY = 0
/** Characters of a peer id: base58 takes the square of them. */
const LONGEST_PEER = 256
/** Bytes of the signature's length in a proof. */
const LENGTH_BYTES = 2

/** Sequence numbers as the specification has them: ever larger, also after a start with the same key. */
let lastSequence = BigInt(Date.now()) * 1_000_000n

export function nextSequence(): bigint {
  return ++lastSequence
}

/** Signs with our key. */
export class Signer {
  private readonly from: Uint8Array
  private readonly key: Uint8Array
  private readonly signBytes: (bytes: Uint8Array) => Uint8Array | Promise<Uint8Array>

  constructor(
    readonly peer: PeerId,
    private readonly privateKey: PrivateKey,
  ) {
    this.from = peer.toMultihash().bytes
    this.key = publicKeyToProtobuf(privateKey.publicKey)
    this.signBytes = signatures(privateKey)
  }

  get publicKey(): PublicKey {
    return this.privateKey.publicKey
  }

  async sign(topic: string, data: Uint8Array, sequence: bigint): Promise<Signed> {
    const unsigned = { from: this.from, data, seqno: bytesOfSequence(sequence), topic }
    const signature = await this.signBytes(signedBytes(unsigned))
    return { ...unsigned, signature, key: this.key }
  }
}

function signatures(key: PrivateKey): (bytes: Uint8Array) => Uint8Array | Promise<Uint8Array> {
  if (key.type !== 'Ed25519') return (bytes) => key.sign(bytes)
  return ed25519Signer(key.raw.subarray(0, 32), key.publicKey.raw)
}

/** The parts of which its id is made, before its signature is checked. Parts that are not used cost nothing. */
export function unverified(message: RPC.Message): IdentifiedMessage {
  const { topic, data = new Uint8Array(), from = new Uint8Array(), seqno = new Uint8Array() } = message
  return {
    topic,
    data,
    get from() {
      const peer = peerIdOf(from)
      if (peer === undefined) throw new Error('its signer is nobody')
      return peer.toString()
    },
    get sequence() {
      return new DataView(seqno.buffer, seqno.byteOffset, seqno.length).getBigUint64(0)
    },
  }
}

function signedBytes(message: RPC.Message): Uint8Array {
  const encoded = RPC.Message.encode(message)
  const bytes = new Uint8Array(PREFIX.length + encoded.length)
  bytes.set(PREFIX)
  bytes.set(encoded, PREFIX.length)
  return bytes
}

/** The bytes of a frame that carries nothing but this message, with the parts that it has. */
export function frameSize(message: RPC.Message): number {
  const { from, data, seqno, topic, signature, key } = message
  let size = topic === '' ? 0 : fieldSize(utf8Length(topic))
  for (const part of [from, data, seqno, signature, key]) if (part !== undefined) size += fieldSize(part.length)
  return fieldSize(size)
}

function fieldSize(length: number): number {
  return 1 + varintLength(length) + length
}

/** Sequence number ‖ length of the signature ‖ signature ‖ the signer's public key, unless the peer id is one. */
export function proofOf(from: PeerId, sequence: bigint, signature: Uint8Array, key: PublicKey): Uint8Array {
  const extra = isKey(from) ? undefined : publicKeyToProtobuf(key)
  const head = SEQUENCE_BYTES + LENGTH_BYTES
  const proof = new Uint8Array(head + signature.length + (extra?.length ?? 0))
  const view = new DataView(proof.buffer)
  view.setBigUint64(0, sequence)
  view.setUint16(SEQUENCE_BYTES, signature.length)
  proof.set(signature, head)
  if (extra !== undefined) proof.set(extra, head + signature.length)
  return proof
}

/** What an id is made of, if the proof holds. Never rejects. */
export async function verify({ topic, data, from, proof }: SignedMessage): Promise<IdentifiedMessage | undefined> {
  try {
    if (from.length > LONGEST_PEER) return undefined
    const peer = peerIdFromString(from)
    const view = new DataView(proof.buffer, proof.byteOffset, proof.length)
    const sequence = view.getBigUint64(0)
    const head = SEQUENCE_BYTES + LENGTH_BYTES
    const end = head + view.getUint16(SEQUENCE_BYTES)
    if (end > proof.length) return undefined
    const key = keyOf(peer, proof.subarray(end))
    if (key === undefined) return undefined
    const signature = proof.subarray(head, end)
    const message = { from: peer.toMultihash().bytes, data, seqno: bytesOfSequence(sequence), topic }
    const good =
      (await key.verify(signedBytes(message), signature)) ||
      // Some implementations leave out a part that is empty.
      (data.length === 0 && (await key.verify(signedBytes({ ...message, data: undefined }), signature)))
    return good ? { topic, data, from, sequence } : undefined
  } catch {
    return undefined
  }
}

/** True when the peer id is the public key itself, and no hash of it. */
function isKey(peer: PeerId): boolean {
  return peer.toMultihash().code === IDENTITY
}

function keyOf(peer: PeerId, extra: Uint8Array): PublicKey | undefined {
  if (isKey(peer)) return extra.length === 0 ? peer.publicKey : undefined
  // Some are too dear to verify with, or even to decode.
  if (priceOfKey(extra) === undefined) return undefined
  const key = publicKeyFromProtobuf(extra)
  return equals(key.toMultihash().bytes, peer.toMultihash().bytes) ? key : undefined
}

function bytesOfSequence(sequence: bigint): Uint8Array {
  const bytes = new Uint8Array(SEQUENCE_BYTES)
  new DataView(bytes.buffer).setBigUint64(0, sequence)
  return bytes
}
