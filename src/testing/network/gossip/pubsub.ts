/**
 * A model of gossipsub 1.1 behind one host. Here its parts are put together, its peers come and go, and its heart beats: at
 * each beat the meshes are mended, and peers outside of them are offered what was heard. Not modelled: what earns a peer a
 * score above zero (so nobody is grafted opportunistically), IDONTWANT, peer exchange.
 */
import type { Door } from '../../../core/access/door.js'
import { GOSSIP, MESH } from '../../../core/parameters.js'
import type { PortEffect, PortEvent } from '../../../core/port.js'
import type { PubsubOptions } from '../../../core/pubsub.js'
import { GossipCache } from './cache.js'
import { Messages, type MessagesHost } from './messages.js'
import type { Side } from '../link.js'
import { Mesh, type MeshHost } from './mesh.js'
import { Offers, type OffersHost } from './offers.js'
import type { Random } from '../random.js'
import { Scores } from './scores.js'
import { SendQueues } from './send-queues.js'
import { Topics, type TopicsHost } from './topics.js'
import type { Wire } from '../wire.js'

/** Bytes of a control message, about: the model has no bytes of it. */
const CONTROL_SIZE = 80

/** What pub/sub needs of its host. */
export interface PubsubHost {
  readonly peerId: string
  readonly wire: Wire
  /** Our end of a connection to the peer. */
  sideTo(peer: string): Side | undefined
  /** One end for each connected peer. */
  neighbours(): Side[]
  /** Who may come in. */
  readonly door: Pick<Door, 'silences'>
  /** The pub/sub of the host at the other end. */
  pubsubBeyond(side: Side): Pubsub
}

export class Pubsub implements MeshHost, MessagesHost, OffersHost, TopicsHost {
  readonly messages: Messages
  private readonly cache = new GossipCache()
  private readonly topics: Topics
  private readonly mesh: Mesh
  private readonly offers: Offers
  private readonly scores: Scores
  private readonly queues: SendQueues
  /** Peers that we gossip with. */
  private readonly open = new Set<string>()
  private beating = false
  private beats = 0
  private lastBeat = 0
  private stopped = false

  constructor(
    private readonly host: PubsubHost,
    private readonly emit: (event: PortEvent) => void,
    private readonly options: PubsubOptions,
  ) {
    const { wire } = host
    this.topics = new Topics(this, emit)
    this.mesh = new Mesh(this, emit)
    this.scores = new Scores(wire.clock, options.scoring)
    const sideTo = (peer: string): Side | undefined => host.sideTo(peer)
    this.queues = new SendQueues(wire, options.maxQueueSize, sideTo, (peer) => {
      emit({ type: 'gossipDrained', peer })
    })
    const { topics, mesh, scores, queues, cache } = this
    this.messages = new Messages(this, { topics, mesh, scores, queues, cache }, emit, options)
    this.offers = new Offers(this, cache, this.messages)
  }

  silences(peer: string): boolean {
    return this.host.door.silences(peer)
  }

  get peerId(): string {
    return this.host.peerId
  }

  get wire(): Wire {
    return this.host.wire
  }

  get now(): number {
    return this.host.wire.clock.time
  }

  get random(): Random {
    return this.host.wire.random
  }

  // ---- topics and peers

  join(name: string, guarded: boolean): void {
    if (this.topics.get(name) !== undefined) return
    this.topics.join(name, guarded)
    if (!this.beating) this.wake()
    this.mesh.join(name)
  }

  /**
   * The model differs: gossipsub's heart beats from the start of the node on. Here a node without topics costs nothing, and what
   * the beats in between would have done is done now. Chance decides when in a second it beats, because all nodes of a network
   * may start in one instant.
   */
  private wake(): void {
    this.beating = true
    const missed = Math.floor((this.now - this.lastBeat) / GOSSIP.heartbeat)
    this.cache.shift(missed, this.now)
    this.beat(missed)
    this.host.wire.clock.after(this.random.below(GOSSIP.heartbeat) + 1, this.heartbeat)
  }

  guard(name: string, guarded: boolean): void {
    this.topics.guard(name, guarded)
  }

  leave(name: string): void {
    if (!this.topics.leave(name)) return
    this.mesh.leave(name)
    this.topics.tellAll(name, false)
  }

  stop(): void {
    this.stopped = true
  }

  /** The topics that we are in: a new neighbour is told of them first. */
  greeting(): string[] {
    return this.topics.names()
  }

  /** … and then of what has changed since. */
  tellNews(side: Side, told: string[]): void {
    this.topics.tellNews(side, told)
  }

  /** The greeting of a peer. We have greeted it on the same connection, and nothing that we send overtakes that. */
  onGreeting(peer: string, names: string[]): void {
    if (!this.open.has(peer)) {
      this.open.add(peer)
      this.scores.onCome(peer)
      this.emit({ type: 'gossipOpened', peer })
    }
    for (const name of names) if (this.reads(peer)) this.topics.onSubscription(peer, name, true)
  }

  onClosed({ peer }: Side): void {
    if (this.host.sideTo(peer) !== undefined) return this.queues.onProgress(peer)
    this.topics.onGone(peer)
    this.mesh.onGone(peer)
    this.queues.onGone(peer)
    if (!this.open.delete(peer)) return
    this.scores.onGone(peer)
    this.emit({ type: 'gossipClosed', peer })
  }

  /** What goes to the peer goes over another connection from now on. */
  onMoved(peer: string): void {
    this.queues.onProgress(peer)
  }

  /** Has it heard this message? */
  isSeen(id: string): boolean {
    return this.cache.isSeen(id, this.now)
  }

  private control(side: Side | undefined, act: (there: Pubsub) => void): void {
    side?.link.send(side, CONTROL_SIZE, () => {
      const there = this.host.pubsubBeyond(side)
      if (there.reads(this.host.peerId)) act(there)
    })
  }

  /** From a peer whose score is too low nothing is read. */
  reads(peer: string): boolean {
    return !this.stopped && this.scores.of(peer) >= this.options.scoring.graylistThreshold
  }

  // ---- what topics, meshes and offers need

  neighbours(): Side[] {
    return this.host.neighbours()
  }

  sideTo(peer: string): Side | undefined {
    return this.host.sideTo(peer)
  }

  subscribersOf(topic: string): readonly string[] {
    return this.topics.subscribersOf(topic)?.all ?? []
  }

  scoreOf(peer: string): number {
    return this.scores.of(peer)
  }

  misbehaved(peer: string, times: number): void {
    this.scores.misbehaved(peer, times)
  }

  onUnsubscribed(peer: string, topic: string): void {
    this.mesh.remove(peer, topic)
  }

  messagesBeyond(side: Side): Messages {
    return this.host.pubsubBeyond(side).messages
  }

  tellTopics(side: Side, act: (there: Topics, from: string) => void): void {
    this.control(side, (there) => {
      act(there.topics, this.host.peerId)
    })
  }

  tellMesh(peer: string, act: (there: Mesh, from: string) => void): void {
    this.control(this.host.sideTo(peer), (there) => {
      act(there.mesh, this.host.peerId)
    })
  }

  tellOffers(peer: string, act: (there: Offers, from: string) => void): void {
    this.control(this.host.sideTo(peer), (there) => {
      act(there.offers, this.host.peerId)
    })
  }

  /** For messages that all peers have already, a packet is counted and none is sent. */
  tellNothing(peer: string, ids: string[]): boolean {
    const side = this.sideTo(peer)
    if (side === undefined) return true
    const beyond = this.host.pubsubBeyond(side)
    if (!ids.every((id) => beyond.isSeen(id))) return false
    side.link.sendIdly(side, CONTROL_SIZE)
    return true
  }

  /** Up to so many peers of the topic that are outside of the mesh, and that we gossip with. */
  drawOutside(topic: string, amountOf: (outside: number) => number): string[] {
    const subscribers = this.topics.subscribersOf(topic)
    if (subscribers === undefined) return []
    const mesh = this.mesh.of(topic)!
    // All of the mesh are subscribers.
    const amount = amountOf(subscribers.all.length - mesh.size)
    return subscribers.draw(this.random, amount, (peer) => !mesh.has(peer) && this.trusts(peer))
  }

  isJoined(topic: string): boolean {
    return this.topics.get(topic) !== undefined
  }

  /** Is its score good enough for offers? */
  trusts(peer: string): boolean {
    return this.scores.of(peer) >= this.options.scoring.gossipThreshold
  }

  inspect({ ask, peers }: Extract<PortEffect, { type: 'inspect' }>): void {
    const known = peers.filter((peer) => this.open.has(peer))
    const standing = known.map((peer) => {
      const queued = this.queues.waitingFor(this.sideTo(peer))
      return [peer, { score: this.scores.of(peer), queued }] as const
    })
    this.emit({ type: 'inspected', ask, peers: Object.fromEntries(standing) })
  }

  // ---- the heartbeat

  private readonly heartbeat = (): void => {
    if (this.stopped || this.topics.size === 0) {
      this.beating = false
      return
    }
    this.beat(1)
    for (const name of this.topics.names()) {
      this.mesh.maintain(name)
      this.offers.tell(name)
    }
    this.cache.shift(1, this.now)
    this.host.wire.clock.after(GOSSIP.heartbeat, this.heartbeat)
  }

  private beat(amount: number): void {
    this.lastBeat = this.now
    const rounds = Math.floor(this.beats / MESH.backoffClearing)
    this.beats += amount
    if (Math.floor(this.beats / MESH.backoffClearing) > rounds) this.mesh.clearBackOffs()
  }
}
