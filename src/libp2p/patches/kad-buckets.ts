/**
 * Our own neighbourhood in kad-dht's table. Kademlia's table knows the few that are closest to us, however large the
 * network is, and a lookup counts on it: who is closest to a place knows who else is there. kad-dht's is a trie of buckets
 * of 20 that splits to a depth of `prefixLength` and no further. In a network of more than 20 × 2^prefixLength nodes the
 * bucket that we would be in ourselves is full of those who came first, and some nodes are found by nobody. So the bucket
 * that our own id falls into may split as often as it has to (Maymounkov and Mazières, Kademlia, 2002, section 2.4), as that
 * of the origin does; all others stay as they are.
 */
import type { KadDHT } from '@libp2p/kad-dht'
import { insideOf } from './kad-table.js'

/** Bits of a Kademlia key, which is a SHA-256. */
const KEY_BITS = 256

export function splitNeighbourhood(kad: KadDHT): KadDHT {
  const trie = insideOf(kad).routingTable.kb
  const depth = trie.prefixLength
  const leafOf = trie._determineBucket.bind(trie)
  // Who adds a peer asks for its bucket, and in the same breath how deep that may be.
  let isOurs = false
  trie._determineBucket = (kadId) => {
    const leaf = leafOf(kadId)
    const { localPeer } = trie
    isOurs = leaf.depth >= depth && localPeer !== undefined && leafOf(localPeer.kadId) === leaf
    return leaf
  }
  Object.defineProperty(trie, 'prefixLength', { get: () => (isOurs ? KEY_BITS : depth) })
  return kad
}
