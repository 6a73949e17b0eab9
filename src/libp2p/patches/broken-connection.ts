/**
 * Whether a connection can carry new streams.
 *
 * Package: libp2p 3.3.11
 * Private members: `muxer` of a connection (its status is public)
 * Changes: nothing, it only looks.
 * Without it: the status of a connection stays `open` until its muxer has closed, so a dial is answered by a connection that
 *   is being closed, and a request over it fails at once.
 * Missing option: a status `closing` of the connection.
 * Guarded by: spec/integration/libp2p/port-spec.ts, spec/integration/libp2p/connections-spec.ts
 */
import type { Connection, StreamMuxer } from '@libp2p/interface'
import { hasMembers } from './supported.js'

export function isBroken(connection: Connection): boolean {
  if (connection.status !== 'open') return true
  if (!hasMembers('libp2p', connection, { muxer: 'object' })) return false
  return (connection as Connection & { muxer: StreamMuxer }).muxer.status !== 'open'
}
