/** The host of a node that is not started, and kad-dht's table in it, to which everybody seems to be there. */
import '../../src/platform/polyfill.js'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PeerId } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { Gater } from '../../src/libp2p/gater.js'
import { createHost, type Host } from '../../src/libp2p/host.js'
import { PUBSUB } from './pubsub.js'

/** What the specs do with it, beside what we do. */
export interface KadTable {
  start(): Promise<void>
  stop(): void
  add(peer: PeerId): Promise<void>
  remove(kadId: Uint8Array): Promise<void>
  onAdd: () => Promise<void>
  toIterable(): Iterable<{ peerId: PeerId; kadId: Uint8Array }>
  /** Stock: pings it. */
  verify: () => Promise<boolean>
}

/** Stop the table at the end. */
export async function kadTable(): Promise<{ host: Host; gater: Gater; table: KadTable }> {
  const privateKey = await generateKeyPair('Ed25519')
  const gater = new Gater(peerIdFromPrivateKey(privateKey).toString())
  const host = await createHost({ privateKey, pubsub: PUBSUB }, [], gater)
  const table = (host.services.kad as unknown as { routingTable: { kb: KadTable } }).routingTable.kb
  await table.start()
  table.verify = () => Promise.resolve(true)
  return { host, gater, table }
}

export async function somePeer(): Promise<PeerId> {
  return peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
}
