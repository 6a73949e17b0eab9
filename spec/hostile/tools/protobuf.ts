/** Fields of protocol buffers, and what kad and identify say in them. https://protobuf.dev/programming-guides/encoding/ */
import { generateKeyPair, publicKeyToProtobuf } from '@libp2p/crypto/keys'
import { multiaddr } from '@multiformats/multiaddr'
import { join } from '../../support/bytes.js'
import { varint } from '../../support/session.js'

/** A field of bytes. */
export function field(number: number, bytes: Uint8Array | string): Uint8Array {
  const content = typeof bytes === 'string' ? Buffer.from(bytes) : bytes
  return join(varint((number << 3) | 2), varint(content.length), content)
}

/** A field of a number. */
export function count(number: number, value: number): Uint8Array {
  return join(varint(number << 3), varint(value))
}

/** With its length before it. */
export function sized(...parts: Uint8Array[]): Uint8Array {
  const all = join(...parts)
  return join(varint(all.length), all)
}

export function random(size: number): Uint8Array {
  const bytes = new Uint8Array(size)
  for (let at = 0; at < size; at += 65_536) crypto.getRandomValues(bytes.subarray(at, Math.min(size, at + 65_536)))
  return bytes
}

export function address(text: string): Uint8Array {
  return multiaddr(text).bytes
}

const ED25519 = Uint8Array.of(8, 1, 18, 32)

/** The public key of nobody, as protobuf. */
export function inventedKey(): Uint8Array {
  return join(ED25519, random(32))
}

/** A peer id that holds such a key. */
export function idOf(key: Uint8Array): Uint8Array {
  return join(Uint8Array.of(0, key.length), key)
}

/** Of Kademlia: https://github.com/libp2p/specs/tree/master/kad-dht#rpc-messages */
export const KAD = { putValue: 0, getValue: 1, addProvider: 2, getProviders: 3, findNode: 4, ping: 5 } as const

export interface KadMessage {
  type: keyof typeof KAD
  key: Uint8Array
  record?: Uint8Array
  closer?: Uint8Array[]
  providers?: Uint8Array[]
}

export function kadMessage({ type, key, record, closer = [], providers = [] }: KadMessage): Uint8Array {
  const parts = [count(1, KAD[type]), field(2, key)]
  if (record !== undefined) parts.push(field(3, record))
  parts.push(...closer.map((peer) => field(8, peer)), ...providers.map((peer) => field(9, peer)))
  return sized(...parts)
}

/** A peer as kad names it. */
export function kadPeer(id: Uint8Array, addresses: Uint8Array[]): Uint8Array {
  return join(field(1, id), ...addresses.map((one) => field(2, one)))
}

export interface Identity {
  key?: Uint8Array
  addresses?: Uint8Array[]
  protocols?: string[]
  agent?: string
}

/** https://github.com/libp2p/specs/blob/master/identify/README.md */
export function identifyMessage({ key, addresses = [], protocols = [], agent = 'stranger' }: Identity): Uint8Array {
  const parts = key === undefined ? [] : [field(1, key)]
  parts.push(...addresses.map((one) => field(2, one)), ...protocols.map((one) => field(3, one)))
  parts.push(field(5, '/tinychain/identify/1.0.0'), field(6, agent))
  return sized(...parts)
}

/** A key pair, and its public key as identify says it. */
export async function newKey() {
  const privateKey = await generateKeyPair('Ed25519')
  return { privateKey, key: publicKeyToProtobuf(privateKey.publicKey) }
}
