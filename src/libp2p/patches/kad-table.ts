/**
 * What we reach of kad-dht's inside, and a check that it is there: its public interface shows no more of the table than its size.
 * Nothing else of it is read or replaced.
 */
import type { PeerId } from '@libp2p/interface'
import type { KadDHT } from '@libp2p/kad-dht'

type Change = (contact: { peerId: PeerId }, ...rest: unknown[]) => Promise<void>

/** The table itself: a trie, whose leaves are the buckets. */
export interface Trie {
  prefixLength: number
  localPeer?: { kadId: Uint8Array }
  /** Called once a peer is in it, or out of it. */
  onAdd: Change
  onRemove: Change
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

/** The cast. Throws when this is not the kad-dht that we know. */
export function insideOf(kad: KadDHT): KadInternals {
  const { routingTable, network } = kad as Partial<KadInternals>
  check(network, 'function', 'sendRequest')
  check(routingTable, 'function', 'add', 'remove')
  check(routingTable?.kb, 'function', 'onAdd', 'onRemove', '_determineBucket')
  check(routingTable?.kb, 'number', 'prefixLength')
  return kad as unknown as KadInternals
}

function check<Part extends object>(part: Part | undefined, type: string, ...names: (keyof Part & string)[]): void {
  for (const name of names) {
    if (typeof part?.[name] === type) continue
    throw new Error(`this version of @libp2p/kad-dht is not supported: it has no ${name}`)
  }
}
