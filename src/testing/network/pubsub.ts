/**
 * A model of gossipsub 1.1 behind one host: who is in which topic, the way of messages (flood publishing of our own,
 * forwarding through the mesh once nothing speaks against it, a seen cache), and a heartbeat that mends the meshes
 * (`mesh.ts`) and announces what was heard (IHAVE) to peers outside of them, who ask for what they lack (IWANT). Not modelled:
 * what earns a peer a score above zero (so nobody is grafted opportunistically), broken promises, IDONTWANT, peer exchange.
 */
import type { PortEffect, PortEvent, SignedMessage, Verdict } from '../../core/port.js'
import type { PubsubOptions } from '../../core/pubsub.js'
import { GossipCache } from './gossip-cache.js'
import { GossipMessage, proofOf } from './gossip-message.js'
import type { Side } from './link.js'
import { Mesh, type MeshHost } from './mesh.js'
import { Pool } from './pool.js'
import type { Random } from './random.js'
import { Scores } from './scores.js'
import { SendQueues } from './send-queues.js'
import type { Wire } from './wire.js'

// gossipsub's own parameters, by their names in its specification.
const D_LAZY = 6
const GOSSIP_FACTOR = 0.25
const HEARTBEAT = 1_000
/** Heartbeats between two looks for back-offs that are over. */
const BACKOFF_CLEARING = 15
/** Bytes of a control message, about. */
const CONTROL_SIZE = 80

type Effect<Type extends PortEffect['type']> = Extract<PortEffect, { type: Type }>

/** What pub/sub needs of its host. */
export interface PubSubHost {
  readonly peerId: string
  readonly wire: Wire
  /** Our end of a connection to the peer. */
  sideTo(peer: string): Side | undefined
  /** One end for each connected peer. */
  neighbours(): Side[]
  /** The pub/sub of the host at the other end. */
  pubsubBeyond(side: Side): PubSub
}

export class PubSub implements MeshHost {
  private readonly mesh: Mesh
  private readonly scores: Scores
  private readonly queues: SendQueues
  private readonly cache = new GossipCache()
  /** The topics that we are in. */
  private readonly joined = new Map<string, { guarded: boolean }>()
  /** Peers whom we gossip with. */
  private readonly open = new Set<string>()
  /** Topic → peers that have told us that they are in it. */
  private readonly subscribers = new Map<string, Pool<string>>()
  private nextSequence: bigint
  private beating = false
  private beats = 0
  private lastBeat = 0
  private stopped = false

  constructor(
    private readonly host: PubSubHost,
    private readonly emit: (event: PortEvent) => void,
    private readonly options: PubsubOptions,
  ) {
    const { wire } = host
    this.mesh = new Mesh(this, emit)
    this.scores = new Scores(wire.clock, options.scoring)
    const sideTo = (peer: string): Side | undefined => host.sideTo(peer)
    this.queues = new SendQueues(wire, options.maxQueueSize, sideTo, (peer) => {
      emit({ type: 'gossipDrained', peer })
    })
    // A host that is started again remembers nothing, and must not use a number twice either.
    this.nextSequence = BigInt(++wire.births) << 32n
  }

  get now(): number {
    return this.host.wire.clock.time
  }

  get random(): Random {
    return this.host.wire.random
  }

  // ---- topics and peers

  join(name: string, guarded: boolean): void {
    if (this.joined.has(name)) return
    this.joined.set(name, { guarded })
    for (const side of this.host.neighbours()) this.tell(side, name, true)
    this.mesh.join(name)
    if (this.beating) return
    this.beating = true
    this.cache.shift(Math.floor((this.now - this.lastBeat) / HEARTBEAT), this.now)
    this.host.wire.clock.after(this.random.below(HEARTBEAT) + 1, this.heartbeat)
  }

  guard(name: string, guarded: boolean): void {
    const topic = this.joined.get(name)
    if (topic !== undefined) topic.guarded = guarded
  }

  leave(name: string): void {
    if (!this.joined.delete(name)) return
    this.mesh.leave(name)
    for (const side of this.host.neighbours()) this.tell(side, name, false)
  }

  stop(): void {
    this.stopped = true
  }

  /** The topics that we are in: what a new neighbour is told. */
  topics(): string[] {
    return [...this.joined.keys()]
  }

  /** The first that a peer says on a connection. We have said it there too, and nothing that we send overtakes it. */
  onHello(peer: string, topics: string[]): void {
    if (!this.open.has(peer)) {
      this.open.add(peer)
      this.scores.onCome(peer)
      this.emit({ type: 'gossipOpened', peer })
    }
    for (const topic of topics) if (this.reads(peer)) this.onSubscription(peer, topic, true)
  }

  onClosed({ peer }: Side): void {
    if (this.host.sideTo(peer) !== undefined) return this.queues.onProgress(peer)
    for (const [name, peers] of this.subscribers) {
      if (peers.delete(peer)) this.emit({ type: 'subscriptionChanged', peer, topic: name, subscribed: false })
    }
    this.mesh.removeFromAll(peer)
    this.queues.onGone(peer)
    if (!this.open.delete(peer)) return
    this.scores.onGone(peer)
    this.emit({ type: 'gossipClosed', peer })
  }

  /** Has it heard this message? */
  isSeen(id: string): boolean {
    return this.cache.isSeen(id, this.now)
  }

  private tell(side: Side, name: string, subscribed: boolean): void {
    this.control(side, (there) => {
      there.onSubscription(this.host.peerId, name, subscribed)
    })
  }

  /** Tells a new neighbour which topics we have joined and left since it was told of these. */
  tellNews(side: Side, told: string[]): void {
    for (const name of this.joined.keys()) if (!told.includes(name)) this.tell(side, name, true)
    for (const name of told) if (!this.joined.has(name)) this.tell(side, name, false)
  }

  private onSubscription(peer: string, name: string, subscribed: boolean): void {
    let peers = this.subscribers.get(name)
    if (peers === undefined) this.subscribers.set(name, (peers = new Pool()))
    if (!(subscribed ? peers.add(peer) : peers.delete(peer))) return
    this.emit({ type: 'subscriptionChanged', peer, topic: name, subscribed })
    // A newcomer is grafted at a heartbeat, if at all.
    if (!subscribed) this.mesh.remove(peer, name)
  }

  private control(side: Side | undefined, act: (there: PubSub) => void): void {
    side?.link.send(side, CONTROL_SIZE, () => {
      const there = this.host.pubsubBeyond(side)
      if (there.reads(this.host.peerId)) act(there)
    })
  }

  /** Of a peer whose score is too low nothing is read at all. */
  private reads(peer: string): boolean {
    return !this.stopped && this.scores.of(peer) >= this.options.scoring.graylistThreshold
  }

  // ---- what the meshes need

  sideTo(peer: string): Side | undefined {
    return this.host.sideTo(peer)
  }

  subscribersOf(topic: string): readonly string[] {
    return this.subscribers.get(topic)?.all ?? []
  }

  scoreOf(peer: string): number {
    return this.scores.of(peer)
  }

  misbehaved(peer: string, times: number): void {
    this.scores.misbehaved(peer, times)
  }

  tellMesh(peer: string, act: (there: Mesh, from: string) => void): void {
    this.control(this.host.sideTo(peer), (there) => {
      act(there.mesh, this.host.peerId)
    })
  }

  // ---- messages

  publish({ ask, topic, data: bytes, except }: Effect<'publish'>): void {
    const { peerId: from } = this.host
    const data = bytes.slice()
    const proof = proofOf({ topic, data, from }, this.nextSequence++)
    const message = new GossipMessage({ topic, data, from, proof })
    const id = message.idBy(this.options.messageIdOf)
    if (this.isSeen(id)) {
      const failure = {
        message: 'the same bytes were broadcast or heard less than a minute ago: the network would drop them',
      }
      return this.emit({ type: 'publishFailed', ask, code: 'DuplicateMessage', failure })
    }
    const { publishThreshold } = this.options.scoring
    const recipients = this.subscribersOf(topic).filter(
      (peer) => !except.includes(peer) && this.scores.of(peer) >= publishThreshold,
    )
    const { size } = message
    const peers = recipients.filter((peer) => this.queues.isFullFor(this.sideTo(peer), size))
    if (peers.length > 0) {
      for (const peer of peers) this.queues.watch(peer, size)
      return this.emit({ type: 'publishHeld', ask, peers })
    }
    if (recipients.length > 0) this.cache.add(id, message, this.now)
    for (const peer of recipients) this.send(peer, message)
    this.emit({ type: 'published', ask, recipients, id, proof: proof.slice() })
  }

  /** Passes on a message of somebody else, if the peer can take it. */
  private forward(peer: string, message: GossipMessage): void {
    if (this.queues.isFullFor(this.sideTo(peer), message.size)) this.dropped(peer, message.topic, 'queueFull')
    else this.send(peer, message)
  }

  /** Sends a message whatever it is, as a host that keeps to no rules may. */
  send(peer: string, message: GossipMessage): void {
    const side = this.host.sideTo(peer)
    if (side === undefined) return
    const { topic, size } = message
    if (this.host.wire.vanishes({ kind: 'gossip', from: this.host.peerId, to: peer, topic })) return
    side.gossiping += size
    side.link.send(side, size, () => {
      side.gossiping -= size
      this.queues.onProgress(peer)
      this.host.pubsubBeyond(side).onMessage(message, this.host.peerId)
    })
  }

  private onMessage(message: GossipMessage, via: string): void {
    if (!this.reads(via)) return
    const { topic: name, from } = message
    if (message.size > this.options.maxMessageSize) return this.onInvalid(via, name, 'oversize')
    if (!message.isGenuine) return this.onInvalid(via, name, 'signature')
    const id = message.idBy(this.options.messageIdOf)
    if (this.isSeen(id)) {
      if (this.cache.again(id, via)) this.scores.invalidMessage(via)
      return
    }
    const topic = this.joined.get(name)
    if (topic === undefined) {
      this.cache.add(id, message, this.now)
      return this.dropped(via, name, 'unknownTopic')
    }
    const { guarded: held } = topic
    this.cache.add(id, message, this.now, held ? via : undefined)
    const [data, proof] = [message.data.slice(), message.proof.slice()]
    this.emit({ type: 'message', topic: name, data, from, proof, via, id, held })
    if (!held) this.relay(message, [via])
  }

  /** To everybody in the mesh but its signer and those who have it. */
  private relay(message: GossipMessage, have: Iterable<string>): void {
    const others = new Set([message.from, ...have])
    for (const peer of this.mesh.of(message.topic) ?? []) if (!others.has(peer)) this.forward(peer, message)
  }

  verdict({ id, via, verdict }: { id: string; via: string; verdict: Verdict }): void {
    if (verdict === 'accept') {
      const accepted = this.cache.accept(id)
      if (accepted !== undefined) this.relay(accepted.message, [via, ...accepted.givers])
      return
    }
    const givers = this.cache.drop(id, verdict === 'reject')
    if (verdict === 'reject') for (const peer of givers) this.scores.invalidMessage(peer)
  }

  private onInvalid(via: string, topic: string, reason: 'oversize' | 'signature'): void {
    this.scores.invalidMessage(via)
    this.dropped(via, topic, reason)
  }

  private dropped(peer: string, topic: string, reason: Extract<PortEvent, { type: 'gossipDropped' }>['reason']): void {
    this.emit({ type: 'gossipDropped', peer, topic, reason, count: 1 })
  }

  // ---- questions

  verify({ ask, messages }: Effect<'verify'>): void {
    const idOf = (signed: SignedMessage): string => {
      const message = new GossipMessage(signed)
      return message.isGenuine ? message.idBy(this.options.messageIdOf) : ''
    }
    this.emit({ type: 'verified', ask, ids: messages.map(idOf) })
  }

  inspect({ ask, peers }: Effect<'inspect'>): void {
    const known = peers.filter((peer) => this.open.has(peer))
    const standing = known.map((peer) => {
      const queued = this.queues.waitingFor(this.sideTo(peer))
      return [peer, { score: this.scores.of(peer), queued }] as const
    })
    this.emit({ type: 'inspected', ask, peers: Object.fromEntries(standing) })
  }

  // ---- the heartbeat

  private readonly heartbeat = (): void => {
    if (this.stopped || this.joined.size === 0) {
      this.beating = false
      return
    }
    this.beats++
    this.lastBeat = this.now
    if (this.beats % BACKOFF_CLEARING === 0) this.mesh.clearBackOffs()
    for (const name of this.joined.keys()) {
      this.mesh.maintain(name)
      this.gossip(name)
    }
    this.cache.shift(1, this.now)
    this.host.wire.clock.after(HEARTBEAT, this.heartbeat)
  }

  private gossip(name: string): void {
    const ids = this.cache.recent(name)
    const subscribers = this.subscribers.get(name)
    if (ids.length === 0 || subscribers === undefined) return
    const mesh = this.mesh.of(name)!
    // All of the mesh are subscribers.
    const outside = subscribers.all.length - mesh.size
    const amount = Math.max(D_LAZY, Math.floor(GOSSIP_FACTOR * outside))
    const fits = (peer: string): boolean => !mesh.has(peer) && this.trusts(peer)
    for (const peer of subscribers.draw(this.random, amount, fits)) {
      const side = this.sideTo(peer)
      if (side === undefined) continue
      // Most have heard all of it, and would do nothing.
      const beyond = this.host.pubsubBeyond(side)
      if (ids.every((id) => beyond.isSeen(id))) side.link.sendIdly(side, CONTROL_SIZE)
      else {
        this.control(side, (there) => {
          there.onIHave(this.host.peerId, name, ids)
        })
      }
    }
  }

  private onIHave(peer: string, topic: string, ids: string[]): void {
    if (!this.trusts(peer) || !this.joined.has(topic)) return
    const lacking = ids.filter((id) => !this.cache.isSeen(id, this.now))
    if (lacking.length === 0) return
    this.control(this.sideTo(peer), (there) => {
      there.onIWant(this.host.peerId, lacking)
    })
  }

  private onIWant(peer: string, ids: string[]): void {
    if (!this.trusts(peer)) return
    for (const id of ids) {
      const message = this.cache.get(id)
      if (message !== undefined) this.forward(peer, message)
    }
  }

  private trusts(peer: string): boolean {
    return this.scores.of(peer) >= this.options.scoring.gossipThreshold
  }
}
