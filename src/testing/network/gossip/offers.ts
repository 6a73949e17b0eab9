/**
 * What a host offers of the messages that it has heard to peers outside of its mesh (IHAVE), and what they ask for (IWANT). Not
 * modelled: a promise that is not kept, and the limits on both.
 */
import { GOSSIP } from '../../../core/parameters.js'
import type { GossipCache } from './cache.js'
import type { Messages } from './messages.js'

/** What the offers need of pub/sub. */
export interface OffersHost {
  readonly now: number
  isJoined(topic: string): boolean
  /** Is its score good enough for offers? */
  trusts(peer: string): boolean
  /** Peers of the topic that are outside of its mesh, and trusted; so many of them, chosen by chance. */
  drawOutside(topic: string, amountOf: (outside: number) => number): string[]
  /** True: the peer has heard all of these, or is gone, and need not be told. */
  tellNothing(peer: string, ids: string[]): boolean
  /** Has the offers of the peer do something, once a control message has arrived there. */
  tellOffers(peer: string, act: (there: Offers, from: string) => void): void
}

export class Offers {
  constructor(
    private readonly host: OffersHost,
    private readonly cache: GossipCache,
    private readonly messages: Messages,
  ) {}

  /** Tells some peers of what came in the last heartbeats. */
  tell(topic: string): void {
    const { host } = this
    const ids = this.cache.recent(topic)
    if (ids.length === 0) return
    for (const peer of host.drawOutside(topic, amountOf)) {
      if (host.tellNothing(peer, ids)) continue
      host.tellOffers(peer, (there, from) => {
        there.onIHave(from, topic, ids)
      })
    }
  }

  private onIHave(peer: string, topic: string, ids: string[]): void {
    const { host } = this
    if (!host.trusts(peer) || !host.isJoined(topic)) return
    for (const id of ids) this.messages.has(peer, id)
    const lacking = ids.filter((id) => !this.cache.isSeen(id, host.now))
    if (lacking.length === 0) return
    host.tellOffers(peer, (there, from) => {
      there.onIWant(from, lacking)
    })
  }

  private onIWant(peer: string, ids: string[]): void {
    if (!this.host.trusts(peer)) return
    for (const id of ids) {
      const message = this.cache.get(id)
      if (message !== undefined) this.messages.forward(peer, message)
    }
  }
}

function amountOf(outside: number): number {
  return Math.max(GOSSIP.Dlazy, Math.floor(GOSSIP.factor * outside))
}
