/**
 * A routing table that knows its own neighbourhood.
 *
 * Package: @libp2p/kad-dht 16.4.5
 * Private members: `routingTable.kb` (the trie of buckets), its `routingTable.kb._determineBucket`, and `depth` of a bucket
 * Changes: the bucket that our own id falls into may split as often as it has to (Maymounkov and Mazières, Kademlia, 2002,
 *   section 2.4), as that of the origin does. All others stay as they are.
 * Without it: the stock trie of buckets of 20 splits to one depth for all. In a network of more than 20 × 2^depth nodes our
 *   own bucket is full of the peers that came first. Lookups count on each node to know the few peers that are closest to
 *   it, so some nodes are found by no lookup.
 * Missing option: a depth for our own bucket (https://github.com/libp2p/js-libp2p/pull/2747, not merged). The option
 *   `prefixLength` is one depth for all, and a table as deep as a key would hold every peer.
 * Guarded by: spec/libp2p/patches/kad-buckets-spec.ts
 */
import { sha256 } from '@noble/hashes/sha2.js'
import type { PeerId } from '@libp2p/interface'
import type { KadDHT } from '@libp2p/kad-dht'
import { hasMembers } from './supported.js'

/** The trie of the table, whose leaves are the buckets. */
interface Trie {
  _determineBucket(kadId: Uint8Array): { depth: number }
}

/** Bits of a Kademlia key, which is a SHA-256. */
const KEY_BITS = 256

/** All buckets but our own are no deeper than `depth`, bits. `create` makes a kad-dht with this `prefixLength`. */
export function withOwnBucket(create: (prefixLength: number) => KadDHT, self: PeerId, depth: number): KadDHT {
  const kad = create(KEY_BITS)
  const key = sha256(self.toMultihash().bytes)
  // In a trie that cannot be watched every bucket would be split.
  return watchSplits(kad, key, depth) ? kad : create(depth)
}

function watchSplits(kad: KadDHT, key: Uint8Array, depth: number): boolean {
  if (!hasMembers('@libp2p/kad-dht', kad, { 'routingTable.kb._determineBucket': 'writable function' })) return false
  const trie = (kad as KadDHT & { routingTable: { kb: Trie } }).routingTable.kb
  const leafOf = trie._determineBucket.bind(trie)
  if (!hasMembers('@libp2p/kad-dht', leafOf(key), { depth: 'number' })) return false
  trie._determineBucket = (kadId) => {
    const leaf = leafOf(kadId)
    // A leaf as deep as a key is not split. The peers of the copy are those of the leaf itself.
    return leaf.depth < depth || leafOf(key) === leaf ? leaf : { ...leaf, depth: KEY_BITS }
  }
  return true
}
