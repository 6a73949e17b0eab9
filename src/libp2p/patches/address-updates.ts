/**
 * Nothing is left to do when a node has stopped.
 *
 * Package: libp2p 3.3.11 (its address manager)
 * Private members: `_updatePeerStoreAddresses.stop`
 * Changes: the update of our own addresses that waits for its second is called off.
 * Without it: the end of each listener plans one, and the process lives a second longer than `stop()`.
 * Missing option: a `stop` of the address manager; its debounced update has one that nobody calls.
 * Guarded by: spec/integration/lifecycle-spec.ts
 */
import { hasMembers } from './supported.js'

const MEMBERS = { '_updatePeerStoreAddresses.stop': 'function' } as const

export function endAddressUpdates(addressManager: object): void {
  if (!hasMembers('libp2p', addressManager, MEMBERS)) return
  const { _updatePeerStoreAddresses: update } = addressManager as { _updatePeerStoreAddresses: { stop(): void } }
  update.stop()
}
