/**
 * How many bytes have come in over a connection: a ping that is not answered is no death while others arrive.
 *
 * Package: libp2p. Private members: `maConn` of a connection, and `socket` of that (of `@libp2p/tcp`).
 * Changes: nothing, it only looks, and only around a ping.
 * Without it: a connection whose ping waits behind megabytes on a slow link is closed in the middle of them.
 * Missing option: a count of bytes at a connection (metrics count them for all connections together).
 * Guarded by: spec/integration/libp2p/port-spec.ts
 */
import type { Connection } from '@libp2p/interface'

/** 0 where there is no socket to ask. */
export function bytesReceived(connection: Connection): number {
  const { maConn } = connection as Connection & { maConn?: { socket?: { bytesRead?: number } } }
  return maConn?.socket?.bytesRead ?? 0
}
