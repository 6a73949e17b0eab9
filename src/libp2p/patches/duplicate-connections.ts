/**
 * The dials of the ping service, which reach a peer while the lane dials it too. (Those of kad-dht are in kad/client.ts.)
 *
 * Package: libp2p 3.3.11 (its connection manager)
 * Private members: none; relied on is that ping reaches peers by `openStream` of this component
 * Changes: a connection that is there is used; a dial of theirs has `force`.
 * Without it: libp2p hangs up the second of two connections to one address without a word. The peer knows both, and what it
 *   sends over that one is lost: a request, an answer, a broadcast.
 * Missing option: to keep both, or to close one in good order.
 * Guarded by: spec/integration/libp2p/duplicate-connections-spec.ts
 */
import { isPeerId, type Connection } from '@libp2p/interface'
import type { KadDHTComponents } from '@libp2p/kad-dht'
import { override } from '../component-override.js'
import { isBroken } from './broken-connection.js'

type ConnectionManager = KadDHTComponents['connectionManager']

export function withoutHangingUp<C extends { connectionManager: ConnectionManager }>(components: C): C {
  const { connectionManager } = components
  const openStream: ConnectionManager['openStream'] = async (peer, protocol, options) => {
    const connection =
      connectionTo(connectionManager, peer) ??
      (await connectionManager.openConnection(peer, { ...options, force: true }))
    return connection.newStream(protocol, options)
  }
  return override(components, 'connectionManager', override(connectionManager, 'openStream', openStream))
}

function connectionTo(manager: ConnectionManager, peer: unknown): Connection | undefined {
  return isPeerId(peer) ? manager.getConnections(peer).find((connection) => !isBroken(connection)) : undefined
}
