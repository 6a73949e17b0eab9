/**
 * Gossip that ended by itself: a stream was reset, and the connection under it lives. It is opened again, as go-libp2p and
 * rust-libp2p do, and gossipsub does not. A peer that wants none is asked a few times, at longer and longer intervals.
 */
import type { Connection, PeerId } from '@libp2p/interface'
import { GOSSIP_REOPENED, GOSSIP_REOPEN_AFTER } from '../defaults.js'

export class Reopening {
  private readonly pending = new WeakSet<Connection>()
  /** How often so far. */
  private readonly times = new WeakMap<Connection, number>()

  /** `open` checks by itself that the peer, the connection and the node are still there. */
  constructor(private readonly open: (peer: PeerId, connection: Connection) => void) {}

  /** The gossip on this connection is over. Once for both of its streams. */
  lost(peer: PeerId, connection: Connection): void {
    const times = this.times.get(connection) ?? 0
    if (times === GOSSIP_REOPENED || this.pending.has(connection)) return
    this.times.set(connection, times + 1)
    this.pending.add(connection)
    const again = setTimeout(
      () => {
        this.pending.delete(connection)
        this.open(peer, connection)
      },
      GOSSIP_REOPEN_AFTER * 2 ** times,
    )
    again.unref()
  }
}
