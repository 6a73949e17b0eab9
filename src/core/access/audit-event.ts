/** What a node tells of who came in and who did not. Types only. */

/**
 * `admitted`: a connection is open. `authorized`, `unauthorized`: what `authorize` has answered; the latter also when it threw, or gave no
 * answer in time. `denied`: a peer that was connected, or was being dialled, is hung up on, because of `deny`. `refused`: a connection
 * was refused by a list, by a ban, for want of the network's key, or because too many wait for `authorize`. `banned`: for a while, for what
 * it has done.
 */
export type AuditKind = 'admitted' | 'authorized' | 'unauthorized' | 'denied' | 'refused' | 'banned'

/** One event that is relevant for security. */
export interface AuditEvent {
  /** What happened. */
  kind: AuditKind
  /** When it happened: ms since 1970, as of `Date.now()`; of a node with a `scheduler`, what its `now()` says. */
  at: number
  /** The peer; absent: it was refused before it has said who it is. */
  peer?: string
  /** The multiaddr of the other side, or the range that was banned. */
  address?: string
  /** The other side has opened the connection, or tried to. */
  inbound?: boolean
  /** Why, as a sentence. */
  reason?: string
  /** How long a ban lasts, ms. */
  duration?: number
  /** How many such refusals this event stands for; 1 for all other kinds. */
  count: number
  /** Events of this kind before it that were not told, because there were too many in a second; absent: none. */
  missed?: number
}
