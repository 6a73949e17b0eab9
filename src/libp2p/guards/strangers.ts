/**
 * Peers that came and went leave nothing in the peer store: those that are not connected, and no members of the table, are deleted from
 * it. Where they were the lane remembers, and for a while the gater.
 */
import type { PeerId } from '@libp2p/interface'
import { STRANGER_KEPT } from '../defaults.js'

interface Host {
  peerStore: { delete(id: PeerId): Promise<void> }
  getConnections(id: PeerId): unknown[]
  addEventListener(type: 'peer:disconnect', listener: (event: CustomEvent<PeerId>) => void): void
}

export class Strangers {
  private readonly leaving = new Map<string, PeerId>()

  constructor(
    private readonly host: Host,
    private readonly isMember: (peer: string) => boolean,
    private readonly failed: (error: unknown) => void,
  ) {
    host.addEventListener('peer:disconnect', ({ detail }) => this.left(detail))
  }

  /** Soon: those who hear of the end find in the store which protocols the peer had. */
  left(id: PeerId): void {
    if (this.leaving.size === 0) setTimeout(() => this.forget(), STRANGER_KEPT).unref()
    this.leaving.set(id.toString(), id)
  }

  private forget(): void {
    const all = [...this.leaving]
    this.leaving.clear()
    for (const [peer, id] of all) {
      if (this.isMember(peer) || this.host.getConnections(id).length > 0) continue
      this.host.peerStore.delete(id).catch(this.failed)
    }
  }
}
