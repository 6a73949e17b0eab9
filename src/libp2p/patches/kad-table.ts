/**
 * The way to kad-dht's routing table, and to one request of one peer.
 *
 * Package: @libp2p/kad-dht 16.4.5
 * Private members: `routingTable.add`, `routingTable.remove`, `network.sendRequest`
 * Changes: nothing by itself. routing-table.ts adds and removes peers, and asks single peers for our neighbours.
 * Without it: a node could not enter the peers that it remembers, would keep peers that cannot be reached until kad itself
 *   finds out, and a network of which many nodes start together may fall into cliques that never meet.
 * Missing option: kad-dht's interface shows nothing of the table but its size, and only whole lookups.
 * Guarded by: spec/integration/libp2p/port-spec.ts, spec/integration/libp2p/strangers-spec.ts
 */
import type { PeerId } from '@libp2p/interface'
import type { KadDHT } from '@libp2p/kad-dht'
import { requireMembers } from './supported.js'

interface RoutingTable {
  add(peer: PeerId, options?: { signal: AbortSignal }): Promise<void>
  remove(peer: PeerId): Promise<void>
}

interface Network {
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
    'network.sendRequest': 'function',
  })
  return kad as unknown as KadInternals
}
