/**
 * Peer ids that strangers say are no longer than peer ids are. As text they are base58, which takes the square of their length, and stock
 * code takes a multihash of any length for one: one of 64 KiB in an answer of Kademlia would stand a node still for ten seconds.
 */
import type { PeerId } from '@libp2p/interface'
import { peerIdFromMultihash } from '@libp2p/peer-id'
import { CODE_P2P, registry } from '@multiformats/multiaddr'
import * as Digest from 'multiformats/hashes/digest'

/** The longest, bytes: those of keys and of hashes have 34 to 66. */
const LONGEST = 128

/** The peer of a multihash, if it is one. */
export function peerIdOf(multihash: Uint8Array): PeerId | undefined {
  if (multihash.length > LONGEST) return undefined
  try {
    return peerIdFromMultihash(Digest.decode(multihash))
  } catch {
    return undefined
  }
}

let isBounded = false

/**
 * The same in multiaddrs, whose package makes the text as soon as it sees the bytes: a message of identify with a peer id of 8 KiB takes
 * 130 ms, and there may be ten of them on a stream. (Its registry is one for the process. Who else uses it there cannot use such peer ids
 * either.)
 */
export function boundPeerIds(): void {
  if (isBounded) return
  isBounded = true
  const stock = registry.getProtocol(CODE_P2P)
  registry.addProtocol({
    ...stock,
    bytesToValue: (bytes) => {
      if (bytes.length > LONGEST) throw new Error(`a peer id of ${bytes.length} bytes in an address`)
      return stock.bytesToValue!(bytes)
    },
  })
}
