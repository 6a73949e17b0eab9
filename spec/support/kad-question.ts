/** A question of Kademlia, as others ask it: kad-dht writes ours. */
import { encodeVarint } from '../../src/wire/varint.js'
import type { KadQuestion } from '../../src/libp2p/kad/messages.js'
import { join } from './bytes.js'

export function encodeQuestion({ type, key }: KadQuestion): Uint8Array {
  return join(Uint8Array.of(0x08), encodeVarint(type), Uint8Array.of(0x12), encodeVarint(key.length), key)
}
