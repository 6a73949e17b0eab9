/**
 * A model of gossipsub 1.1 behind one host: a mesh by degree with GRAFT, PRUNE, back-off and its share of connections that
 * we opened ourselves, a seen cache, forwarding, flood publishing of our own messages, and a heartbeat that announces what
 * was heard (IHAVE) to peers outside the mesh, who ask for what they lack (IWANT). Not modelled: peer scores (so nobody is
 * grafted opportunistically), IDONTWANT, peer exchange, signatures.
 */
import type { AskId, PortEvent } from '../port.js'
import type { Side } from './link.js'
import { Pool } from './pool.js'
import type { Wire } from './wire.js'

// gossipsub's own parameters, by their names in its specification.
const D = 6
const D_LOW = 4
const D_HIGH = 12
const D_OUT = 2
const D_LAZY = 6
const GOSSIP_FACTOR = 0.25
const HEARTBEAT = 1_000
const HISTORY_LENGTH = 5
const HISTORY_GOSSIP = 3
const SEEN_TTL = 60_000
const PRUNE_BACKOFF = 60_000
const UNSUBSCRIBE_BACKOFF = 10_000
/** Heartbeats between two looks for back-offs that are over. */
const BACKOFF_CLEARING = 15
/** Bytes of a message beside its payload (signature, key, topic), and of a control message, about. */
const ENVELOPE = 170
const CONTROL_SIZE = 80

interface Message {
  id: string
  topic: string
  data: Uint8Array
  from: string
}

interface Topic {
  mesh: Set<string>
  /** Peers that must not be grafted before a time. */
  backoff: Map<string, number>
}

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

export class PubSub {
  private readonly joined = new Map<string, Topic>()
  /** Topic → peers that have told us that they are in it. */
  private readonly subscribers = new Map<string, Pool<string>>()
  /** Message id → when it is forgotten. In the order of that time. */
  private readonly seen = new Map<string, number>()
  /** The messages of the last heartbeats, newest first. */
  private readonly history: Map<string, Message>[] = [new Map<string, Message>()]
  /** The peers of all meshes, as last reported. */
  private reported = new Set<string>()
  private beating = false
  private beats = 0
  private stopped = false

  constructor(
    private readonly host: PubSubHost,
    private readonly emit: (event: PortEvent) => void,
    private readonly messageId: (data: Uint8Array) => string,
  ) {}

  private get now(): number {
    return this.host.wire.clock.time
  }

  // ---- topics and peers

  join(name: string): void {
    if (this.joined.has(name)) return
    const topic: Topic = { mesh: new Set(), backoff: new Map() }
    this.joined.set(name, topic)
    this.tellAll(name, true)
    this.graft(name, topic, D)
    this.meshChanged()
    if (this.beating) return
    this.beating = true
    this.host.wire.clock.after(this.host.wire.random.below(HEARTBEAT) + 1, this.heartbeat)
  }

  leave(name: string): void {
    const topic = this.joined.get(name)
    if (topic === undefined) return
    this.joined.delete(name)
    for (const peer of topic.mesh)
      this.control(peer, (there) => there.onPrune(this.host.peerId, name, UNSUBSCRIBE_BACKOFF))
    this.tellAll(name, false)
    this.meshChanged()
  }

  stop(): void {
    this.stopped = true
  }

  /** The topics that we are in: what a new neighbour is told. */
  topics(): string[] {
    return [...this.joined.keys()]
  }

  onClosed(side: Side): void {
    const { peer } = side
    if (this.host.sideTo(peer) !== undefined) return
    for (const [name, peers] of this.subscribers) {
      if (peers.delete(peer)) this.emit({ type: 'subscriptionChanged', peer, topic: name, subscribed: false })
    }
    let left = false
    for (const topic of this.joined.values()) left = topic.mesh.delete(peer) || left
    if (left) this.meshChanged()
  }

  private tellAll(name: string, subscribed: boolean): void {
    for (const side of this.host.neighbours()) this.tell(side, name, subscribed)
  }

  private tell(side: Side, name: string, subscribed: boolean): void {
    side.link.send(side, CONTROL_SIZE, () => {
      this.host.pubsubBeyond(side).onSubscription(this.host.peerId, name, subscribed)
    })
  }

  onSubscription(peer: string, name: string, subscribed: boolean): void {
    let peers = this.subscribers.get(name)
    if (peers === undefined) this.subscribers.set(name, (peers = new Pool()))
    if (!(subscribed ? peers.add(peer) : peers.delete(peer))) return
    this.emit({ type: 'subscriptionChanged', peer, topic: name, subscribed })
    // A newcomer is grafted at a heartbeat, if at all.
    if (!subscribed && this.joined.get(name)?.mesh.delete(peer) === true) this.meshChanged()
  }

  // ---- the mesh

  /** Up to so many peers more, of those whom nothing speaks against and who fit; in no order. */
  private graft(name: string, topic: Topic, amount: number, fits?: (peer: string) => boolean): void {
    if (amount <= 0) return
    const { mesh, backoff } = topic
    const candidates: string[] = []
    for (const peer of this.subscribers.get(name)?.all ?? []) {
      if (mesh.has(peer) || (backoff.get(peer) ?? 0) > this.now || fits?.(peer) === false) continue
      candidates.push(peer)
    }
    for (const peer of this.host.wire.random.some(candidates, amount)) {
      mesh.add(peer)
      this.control(peer, (there) => there.onGraft(this.host.peerId, name))
    }
  }

  private onGraft(peer: string, name: string): void {
    const topic = this.joined.get(name)
    if (topic?.mesh.has(peer) === true) return
    // A full mesh takes only those whom we have dialled ourselves: nobody can crowd it from outside.
    const isWelcome =
      topic !== undefined &&
      (topic.backoff.get(peer) ?? 0) <= this.now &&
      (topic.mesh.size < D_HIGH || this.isOutbound(peer))
    if (isWelcome) {
      topic.mesh.add(peer)
      this.meshChanged()
    } else {
      topic?.backoff.set(peer, this.now + PRUNE_BACKOFF)
      this.control(peer, (there) => there.onPrune(this.host.peerId, name, PRUNE_BACKOFF))
    }
  }

  private onPrune(peer: string, name: string, backoff: number): void {
    const topic = this.joined.get(name)
    if (topic === undefined) return
    topic.mesh.delete(peer)
    topic.backoff.set(peer, this.now + backoff)
    this.meshChanged()
  }

  private readonly isOutbound = (peer: string): boolean => this.host.sideTo(peer)?.isOutbound === true

  private meshChanged(): void {
    const peers = new Set<string>()
    for (const { mesh } of this.joined.values()) for (const peer of mesh) peers.add(peer)
    const { reported } = this
    let isSame = peers.size === reported.size
    for (const peer of peers) isSame &&= reported.has(peer)
    if (isSame) return
    this.reported = peers
    this.emit({ type: 'meshChanged', peers: [...peers].sort() })
  }

  private control(peer: string, act: (there: PubSub) => void): void {
    const side = this.host.sideTo(peer)
    side?.link.send(side, CONTROL_SIZE, () => {
      act(this.host.pubsubBeyond(side))
    })
  }

  // ---- messages

  publish(ask: AskId, name: string, data: Uint8Array): void {
    const message: Message = { id: this.messageId(data), topic: name, data: data.slice(), from: this.host.peerId }
    if (this.isSeen(message.id)) {
      const failure = {
        message: 'the same bytes were broadcast or heard less than a minute ago: the network would drop them',
      }
      return this.emit({ type: 'publishFailed', ask, code: 'DuplicateMessage', failure })
    }
    const recipients = [...(this.subscribers.get(name)?.all ?? [])]
    if (recipients.length > 0) this.remember(message)
    for (const peer of recipients) this.send(peer, message)
    this.emit({ type: 'published', ask, recipients })
  }

  private send(peer: string, message: Message): void {
    const side = this.host.sideTo(peer)
    if (side === undefined) return
    const { topic } = message
    if (this.host.wire.vanishes({ kind: 'gossip', from: this.host.peerId, to: peer, topic })) return
    side.link.send(side, message.data.length + ENVELOPE, () => {
      this.host.pubsubBeyond(side).onMessage(message, this.host.peerId)
    })
  }

  private onMessage(message: Message, via: string): void {
    if (this.stopped || this.isSeen(message.id)) return
    this.remember(message)
    const { id, topic: name, from } = message
    const topic = this.joined.get(name)
    if (topic === undefined) return
    this.emit({ type: 'message', topic: name, data: message.data.slice(), from, via, id })
    for (const peer of topic.mesh) if (peer !== via && peer !== from) this.send(peer, message)
  }

  private remember(message: Message): void {
    this.seen.set(message.id, this.now + SEEN_TTL)
    this.history[0]!.set(message.id, message)
  }

  private isSeen(id: string): boolean {
    return (this.seen.get(id) ?? 0) > this.now
  }

  // ---- the heartbeat

  private readonly heartbeat = (): void => {
    if (this.stopped || this.joined.size === 0) {
      this.beating = false
      return
    }
    this.beats++
    for (const [name, topic] of this.joined) {
      if (this.beats % BACKOFF_CLEARING === 0) this.clearBackoff(topic)
      this.maintain(name, topic)
      this.gossip(name, topic)
    }
    this.meshChanged()
    this.history.unshift(new Map())
    this.history.length = Math.min(this.history.length, HISTORY_LENGTH)
    for (const [id, until] of this.seen) {
      if (until > this.now) break
      this.seen.delete(id)
    }
    this.host.wire.clock.after(HEARTBEAT, this.heartbeat)
  }

  private clearBackoff({ backoff }: Topic): void {
    for (const [peer, until] of backoff) if (until <= this.now) backoff.delete(peer)
  }

  /** Neither too few in the mesh, nor too many, and some whom we have dialled ourselves. */
  private maintain(name: string, topic: Topic): void {
    const { mesh } = topic
    if (mesh.size < D_LOW) this.graft(name, topic, D - mesh.size)
    if (mesh.size > D_HIGH) this.thin(name, topic)
    if (mesh.size < D_LOW) return
    let outbound = 0
    for (const peer of mesh) if (this.isOutbound(peer)) outbound++
    this.graft(name, topic, D_OUT - outbound, this.isOutbound)
  }

  private thin(name: string, topic: Topic): void {
    const peers = this.host.wire.random.shuffle(topic.mesh)
    const outbound = peers.filter(this.isOutbound).slice(0, D_OUT)
    const kept = new Set([...outbound, ...peers.filter((peer) => !outbound.includes(peer))].slice(0, D))
    for (const peer of peers) {
      if (kept.has(peer)) continue
      topic.mesh.delete(peer)
      topic.backoff.set(peer, this.now + PRUNE_BACKOFF)
      this.control(peer, (there) => there.onPrune(this.host.peerId, name, PRUNE_BACKOFF))
    }
  }

  private gossip(name: string, topic: Topic): void {
    const ids: string[] = []
    for (let age = 0; age < HISTORY_GOSSIP && age < this.history.length; age++) {
      for (const message of this.history[age]!.values()) if (message.topic === name) ids.push(message.id)
    }
    const subscribers = this.subscribers.get(name)
    if (ids.length === 0 || subscribers === undefined) return
    const { mesh } = topic
    // All of the mesh are subscribers.
    const outside = subscribers.all.length - mesh.size
    const amount = Math.max(D_LAZY, Math.floor(GOSSIP_FACTOR * outside))
    for (const peer of subscribers.draw(this.host.wire.random, amount, (one) => !mesh.has(one))) {
      this.control(peer, (there) => there.onIHave(this.host.peerId, ids))
    }
  }

  private onIHave(peer: string, ids: string[]): void {
    const lacking = ids.filter((id) => !this.isSeen(id))
    if (lacking.length > 0) this.control(peer, (there) => there.onIWant(this.host.peerId, lacking))
  }

  private onIWant(peer: string, ids: string[]): void {
    for (const id of ids) {
      const message = this.history.map((window) => window.get(id)).find((found) => found !== undefined)
      if (message !== undefined) this.send(peer, message)
    }
  }
}
