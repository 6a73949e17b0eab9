/**
 * The address of ours at which a connection began.
 *
 * Package: libp2p. Private members: `maConn` of a connection, and `socket` of that (of `@libp2p/tcp`).
 * Changes: nothing, it only looks, and only when addresses of ours have gone.
 * Without it: the connections of an address that we have lost are noticed only when their pings are not answered.
 * Missing option: the local address of a connection.
 * Guarded by: spec/world/scenarios/address-change.ts
 */
import type { Connection } from '@libp2p/interface'

/** As text, IPv4 as such; `undefined` where there is no socket to ask. */
export function localAddress(connection: Connection): string | undefined {
  const { maConn } = connection as Connection & { maConn?: { socket?: { localAddress?: string } } }
  return maConn?.socket?.localAddress?.replace(/^::ffff:/, '').replace(/%.*$/, '')
}
