/**
 * The way to kad-dht's routing table, and to one request of one peer.
 *
 * Package: @libp2p/kad-dht. Private members: `routingTable` with its `add`, `remove` and `kb`, and `network` with its
 *   `sendRequest`. kad-buckets.ts adds two members of `kb`.
 * Changes: nothing by itself. routing-table.ts adds and removes peers, and asks single peers for our neighbours.
 * Without it: a node could not enter the peers that it remembers, would keep peers that cannot be reached until kad itself
 *   finds out, and a network of which many nodes start together may fall into cliques that never meet.
 * Missing option: kad-dht's interface shows nothing of the table but its size, and only whole lookups.
 * Guarded by: spec/libp2p/routing-table-spec.ts, spec/integration/libp2p/port-spec.ts
 */
import type { PeerId } from '@libp2p/interface'
import type { KadDHT } from '@libp2p/kad-dht'
import { requireMembers } from './supported.js'

/** The trie of the table, whose leaves are the buckets. */
export interface Trie {
  _determineBucket(kadId: Uint8Array): { depth: number }
}

export interface RoutingTable {
  add(peer: PeerId, options?: { signal: AbortSignal }): Promise<void>
  remove(peer: PeerId): Promise<void>
  kb: Trie
}

export interface Network {
  sendRequest(
    to: PeerId,
    message: { type: 'FIND_NODE'; key: Uint8Array },
    options: { signal: AbortSignal; path: { index: number; queued: number; running: number; total: number } },
  ): AsyncIterable<unknown>
}

export interface KadInternals {
  routingTable: RoutingTable
  network: Network
}

/** Throws when this is not the kad-dht that we know. */
export function internalsOf(kad: KadDHT): KadInternals {
  requireMembers('@libp2p/kad-dht', kad, {
    'routingTable.add': 'function',
    'routingTable.remove': 'function',
    'routingTable.kb._determineBucket': 'function',
    'network.sendRequest': 'function',
  })
  return kad as unknown as KadInternals
}
