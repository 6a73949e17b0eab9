/** The topics that a host is in, and those that its peers have told it of. */
import { GOSSIP } from '../../../core/parameters.js'
import type { PortEvent } from '../../../core/port.js'
import type { Side } from '../link.js'
import { Pool } from '../pool.js'

/** What the topics need of pub/sub. */
export interface TopicsHost {
  readonly now: number
  /** One end for each connected peer. */
  neighbours(): Side[]
  /** Has the topics of the peer do something, once a control message has arrived there. */
  tellTopics(side: Side, act: (there: Topics, from: string) => void): void
  onUnsubscribed(peer: string, topic: string): void
}

export class Topics {
  /** The topics that we are in. */
  private readonly joined = new Map<string, { guarded: boolean }>()
  /** Topic → peers that have told us that they are in it. */
  private readonly subscribers = new Map<string, Pool<string>>()

  /** Topics that we were in → until when messages of them are no offence. The oldest is first. */
  private readonly left = new Map<string, number>()
  /** Messages of topics that we were never in, by the peers that send them. */
  private readonly strange = new Map<string, number>()

  constructor(
    private readonly host: TopicsHost,
    private readonly emit: (event: PortEvent) => void,
  ) {}

  /** `undefined`: we are not in it. */
  get(name: string): { guarded: boolean } | undefined {
    return this.joined.get(name)
  }

  names(): string[] {
    return [...this.joined.keys()]
  }

  get size(): number {
    return this.joined.size
  }

  subscribersOf(name: string): Pool<string> | undefined {
    return this.subscribers.get(name)
  }

  join(name: string, guarded: boolean): void {
    this.joined.set(name, { guarded })
    this.tellAll(name, true)
  }

  /** Whether its messages wait for a verdict. */
  guard(name: string, guarded: boolean): void {
    const topic = this.joined.get(name)
    if (topic !== undefined) topic.guarded = guarded
  }

  /** False: we are not in it. Our neighbours are told by `tellAll`, after they were pruned. */
  leave(name: string): boolean {
    if (!this.joined.delete(name)) return false
    this.left.delete(name)
    this.left.set(name, this.host.now + GOSSIP.leftTopicGrace)
    const [oldest] = this.left.keys()
    if (this.left.size > GOSSIP.leftTopics) this.left.delete(oldest!)
    return true
  }

  tellAll(name: string, subscribed: boolean): void {
    for (const side of this.host.neighbours()) this.tell(side, name, subscribed)
  }

  /** Tells a new neighbour which topics we have joined and left since it was told of these. */
  tellNews(side: Side, told: string[]): void {
    for (const name of this.joined.keys()) if (!told.includes(name)) this.tell(side, name, true)
    for (const name of told) if (!this.joined.has(name)) this.tell(side, name, false)
  }

  private tell(side: Side, name: string, subscribed: boolean): void {
    this.host.tellTopics(side, (there, from) => {
      there.onSubscription(from, name, subscribed)
    })
  }

  onSubscription(peer: string, name: string, subscribed: boolean): void {
    let peers = this.subscribers.get(name)
    if (peers === undefined) this.subscribers.set(name, (peers = new Pool()))
    if (!(subscribed ? peers.add(peer) : peers.delete(peer))) return
    this.emit({ type: 'subscriptionChanged', peer, topic: name, subscribed })
    // A new peer is grafted at a heartbeat, if at all.
    if (!subscribed) this.host.onUnsubscribed(peer, name)
  }

  wasJoined(name: string): boolean {
    return this.left.has(name)
  }

  /** Honest peers send messages of a topic until they hear that we left. Is this one too many of a topic that we are not in? */
  isOneTooMany(peer: string, name: string): boolean {
    if (this.host.now < (this.left.get(name) ?? 0)) return false
    const count = (this.strange.get(peer) ?? 0) + 1
    this.strange.set(peer, count)
    return count % GOSSIP.unknownTopicTolerance === 0
  }

  /** A peer is gone. */
  onGone(peer: string): void {
    this.strange.delete(peer)
    for (const [name, peers] of this.subscribers) {
      if (peers.delete(peer)) this.emit({ type: 'subscriptionChanged', peer, topic: name, subscribed: false })
    }
  }
}
