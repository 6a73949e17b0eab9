/**
 * Topics of peers that we are not in. Each is kept in several tables, and all of them are looked through when a peer goes. So all peers
 * together may be in so many, and share them, as ranges of addresses do. Beyond its share what a peer joins is left out; whoever has
 * much less than another one takes from it.
 */
import type { RPC } from '@chainsafe/libp2p-gossipsub/message'
import type { Connection } from '@libp2p/interface'
import { createShares, fits, giveBack, hold, largestHolder, type Shares } from '../../core/limits/shares.js'
import { GOSSIP } from '../../core/parameters.js'
import { rangeOfConnection } from '../guards/admission.js'

/** What one takes, bytes, with its places in the sets of the peer and of the topic. */
export const TOPIC_SIZE = 1_024

export class TopicShares {
  private readonly peers = createShares()
  private readonly ranges = createShares()
  /** Peer → its topics that count, and the range that it had when it joined the first of them. */
  private readonly counted = new Map<string, { range: string; topics: Set<string> }>()
  /** Peer → the range of its newest connection. */
  private readonly at = new Map<string, string>()
  /** Topics in all. */
  private readonly total: number

  constructor(
    topicBytes: number,
    /** Are we in it? */
    private readonly isOurs: (topic: string) => boolean,
    /** The peer is to be in these no more; `changed` is called at once. `false`: gossipsub hears nothing of this peer now. */
    private readonly drop: (peer: string, topics: string[]) => boolean,
  ) {
    this.total = Math.max(1, Math.floor(topicBytes / TOPIC_SIZE))
  }

  meet(connection: Pick<Connection, 'remotePeer' | 'remoteAddr'>): void {
    this.at.set(connection.remotePeer.toString(), rangeOfConnection(connection))
  }

  /** It has no connection. */
  leave(peer: string): void {
    this.at.delete(peer)
  }

  /** What gossipsub may hear of these; `left` are left out. */
  admit(peer: string, words: RPC.SubOpts[]): { words: RPC.SubOpts[]; left: number } {
    const topics = this.counted.get(peer)?.topics
    const isNew = ({ topic = '', subscribe }: RPC.SubOpts): boolean =>
      subscribe === true && topics?.has(topic) !== true && !this.isOurs(topic)
    let wanted = 0
    for (const word of words) if (isNew(word)) wanted++
    // Beyond what one peer may have, room of others is of no use.
    const most = Math.min(wanted, Math.max(0, GOSSIP.topicsPerPeer - this.heldBy(peer)))
    let room = this.most(peer, most)
    if (room < most && this.makeRoom(peer, most - room)) room = this.most(peer, most)
    const left = wanted - room
    if (left === 0) return { words, left }
    // The first ones are kept.
    return { words: words.filter((word) => !isNew(word) || room-- > 0), left }
  }

  /** gossipsub has heard that the peer is in the topic, or is not. */
  changed(peer: string, topic: string, isIn: boolean): void {
    const known = this.counted.get(peer)
    if (isIn === (known?.topics.has(topic) === true)) return
    if (!isIn) {
      known!.topics.delete(topic)
      giveBack(this.peers, peer, 1)
      giveBack(this.ranges, known!.range, 1)
      if (known!.topics.size === 0) this.counted.delete(peer)
    } else if (!this.isOurs(topic)) {
      const its = known ?? { range: this.rangeOf(peer), topics: new Set() }
      this.counted.set(peer, its)
      its.topics.add(topic)
      hold(this.peers, peer, 1)
      hold(this.ranges, its.range, 1)
    }
  }

  private rangeOf(peer: string): string {
    return this.counted.get(peer)?.range ?? this.at.get(peer) ?? peer
  }

  /** Of the range that has most, the peer that has most gives half of what it has more. */
  private makeRoom(peer: string, wanted: number): boolean {
    const range = largestHolder(this.ranges)
    const deaf = new Set<string>()
    for (;;) {
      let largest = peer
      for (const [other, its] of this.counted) {
        if (its.range === range && its.topics.size > this.heldBy(largest) && !deaf.has(other)) largest = other
      }
      const amount = Math.min(wanted, Math.floor((this.heldBy(largest) - this.heldBy(peer)) / 2))
      if (amount < 1) return false
      // Those that have become ours stay.
      const others = [...this.counted.get(largest)!.topics].filter((topic) => !this.isOurs(topic))
      if (others.length > 0 && this.drop(largest, others.slice(-amount))) return true
      deaf.add(largest)
    }
  }

  private heldBy(peer: string): number {
    return this.counted.get(peer)?.topics.size ?? 0
  }

  /** How many of so many more it may be in. */
  private most(peer: string, wanted: number): number {
    const range = this.rangeOf(peer)
    let [least, most] = [0, wanted]
    while (least < most) {
      const amount = Math.ceil((least + most) / 2)
      if (this.fits(peer, range, amount)) least = amount
      else most = amount - 1
    }
    return least
  }

  private fits(peer: string, range: string, amount: number): boolean {
    const { total, peers, ranges } = this
    return mayHold(peers, peer, amount, total, GOSSIP.topicsPerPeer) && mayHold(ranges, range, amount, total, total)
  }
}

/** May it hold the last one of so many more, when it has the others? */
function mayHold({ held, used }: Shares, holder: string, amount: number, total: number, each: number): boolean {
  const others = amount - 1
  return fits((held.get(holder) ?? 0) + others, 1, used + others, { total, each }, () => held.values())
}
