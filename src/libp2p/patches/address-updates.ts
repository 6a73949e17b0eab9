/**
 * No update of our own addresses after the end.
 *
 * Package: libp2p. Private members: `_updatePeerStoreAddresses` of the address manager, and its `stop`.
 * Changes: the update that waits for a second is cancelled.
 * Without it: libp2p updates its own record a second after the last listener closed, and a program takes up to a second
 *   longer to end after `node.stop()`.
 * Missing option: a stop of the address manager, or a timer that does not keep the process alive.
 * Guarded by: spec/integration/libp2p/port-spec.ts
 */
export function stopUpdates(addressManager: object): void {
  const { _updatePeerStoreAddresses: update } = addressManager as { _updatePeerStoreAddresses?: { stop?(): void } }
  update?.stop?.()
}
