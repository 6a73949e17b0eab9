/**
 * What a connection's socket knows: the address of ours at which it began, that of the other side, and how many bytes have come in and gone out.
 *
 * Package: libp2p 3.3.11, @libp2p/tcp 11.0.28
 * Private members: `maConn` of a connection, and its `socket`
 * Changes: nothing, it only looks: around a ping, and when addresses of ours have gone.
 * Without it: a connection whose ping waits behind megabytes on a slow link is closed in the middle of them. Connections of an
 *   address that we have lost are noticed only when their pings are not answered. A range that is denied does not hold for a host that is dialled by name.
 * Missing option: a connection's count of bytes (metrics count them for all connections together), its local address, and the
 *   address behind a name.
 * Guarded by: spec/integration/libp2p/connections-spec.ts
 */
import type { Connection, MultiaddrConnection } from '@libp2p/interface'
import { hasMembers } from './supported.js'

interface Socket {
  bytesRead: number
  bytesWritten: number
  localAddress?: string
  remoteAddress?: string
}

/** As text, IPv4 as such; `undefined` where there is no socket to ask. */
export function localAddress(connection: Connection): string | undefined {
  return socketOf(connection)
    ?.localAddress?.replace(/^::ffff:/, '')
    .replace(/%.*$/, '')
}

/** The IP address of the other side, as a multiaddr, where it was dialled by name. `undefined`: it was not, or there is no socket to ask. */
export function ipBehindName(socket: MultiaddrConnection): string | undefined {
  if (!socket.remoteAddr.toString().startsWith('/dns')) return undefined
  if (!hasMembers('@libp2p/tcp', socket, { socket: 'object' })) return undefined
  const ip = (socket as MultiaddrConnection & { socket: Socket }).socket.remoteAddress
  return ip === undefined ? undefined : `/${ip.includes(':') ? 'ip6' : 'ip4'}/${ip}`
}

/** The same of a whole connection. */
export function ipOfConnection(connection: Connection): string | undefined {
  if (!connection.remoteAddr.toString().startsWith('/dns')) return undefined
  if (!hasMembers('libp2p', connection, { 'maConn.socket': 'object' })) return undefined
  return ipBehindName((connection as Connection & { maConn: MultiaddrConnection }).maConn)
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
