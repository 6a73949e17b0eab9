/**
 * Whether a connection can carry new streams.
 *
 * Package: libp2p. Private member: `muxer` of a connection, whose `status` is public.
 * Changes: nothing, it only looks.
 * Without it: the status of a connection stays `open` until its muxer has closed, so a dial is answered by a connection that
 *   is being closed, and a request over it fails at once.
 * Missing option: a status `closing` of the connection.
 * Guarded by: spec/integration/libp2p/port-spec.ts
 */
import type { Connection, StreamMuxer } from '@libp2p/interface'

export function isBroken(connection: Connection): boolean {
  const { muxer } = connection as Connection & { muxer?: StreamMuxer }
  return connection.status !== 'open' || (muxer?.status ?? 'open') !== 'open'
}
