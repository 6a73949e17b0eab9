/**
 * What a connection's socket knows: the address of ours at which it began, and how many bytes have come in and gone out.
 *
 * Package: libp2p 3.3.11, @libp2p/tcp 11.0.28
 * Private members: `maConn` of a connection, and `maConn.socket` of that
 * Changes: nothing, it only looks: around a ping, and when addresses of ours have gone.
 * Without it: a connection whose ping waits behind megabytes on a slow link is closed in the middle of them. Connections of an
 *   address that we have lost are noticed only when their pings are not answered.
 * Missing option: a connection's count of bytes (metrics count them for all connections together), and its local address.
 * Guarded by: spec/integration/libp2p/connections-spec.ts
 */
import type { Connection } from '@libp2p/interface'
import { hasMembers } from './supported.js'

interface Socket {
  bytesRead: number
  bytesWritten: number
  localAddress?: string
}

/** As text, IPv4 as such; `undefined` where there is no socket to ask. */
export function localAddress(connection: Connection): string | undefined {
  return socketOf(connection)
    ?.localAddress?.replace(/^::ffff:/, '')
    .replace(/%.*$/, '')
}

/** 0 where there is no socket to ask. */
export function bytesReceived(connection: Connection): number {
  return socketOf(connection)?.bytesRead ?? 0
}

/** What waits in the process to be sent counts too. 0 where there is no socket to ask. */
export function bytesSent(connection: Connection): number {
  return socketOf(connection)?.bytesWritten ?? 0
}

function socketOf(connection: Connection): Socket | undefined {
  if (!hasMembers('libp2p', connection, { 'maConn.socket': 'object' })) return undefined
  return (connection as Connection & { maConn: { socket: Socket } }).maConn.socket
}
