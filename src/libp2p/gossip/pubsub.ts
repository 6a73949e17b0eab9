/**
 * Topics: joins and leaves, verdicts, and reports of messages, subscriptions and meshes as gossipsub tells of them. Puts the
 * other files of this folder together.
 */
import { TopicValidatorResult } from '@chainsafe/libp2p-gossipsub'
import type { RPC } from '@chainsafe/libp2p-gossipsub/message'
import type { Connection, PeerId, PrivateKey } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import type { GossipPeer, PortEvent, SignedMessage, Verdict } from '../../core/port.js'
import type { PubsubOptions } from '../../core/pubsub.js'
import type { Door } from '../../core/access/door.js'
import type { AskId } from '../../core/terms.js'
import { copyIfSmall } from '../../wire/gather.js'
import type { Connections } from '../connections.js'
import { GOSSIP_UNREAD, gossipLimits } from '../defaults.js'
import type { Guards } from '../guards/guards.js'
import { OWN, type Refuse } from '../guards/refusals.js'
import type { Host } from '../host.js'
import { plain } from '../request-streams.js'
import { MessageAdmission } from './admission.js'
import { Drops } from './drops.js'
import { internalsOf, type Internals } from './internals.js'
import { MeshPlaces } from './mesh-places.js'
import { Outbound } from './outbound.js'
import { Pace } from './pace.js'
import { PeerStreams, type StreamsListener } from './peer-streams.js'
import { Publishing } from './publishing.js'
import { Repeats } from './repeats.js'
import { Scores } from './scores.js'
import { proofOf, Signer, unverified } from './signed-message.js'
import { TopicShares } from './topic-shares.js'
import { GossipTurns } from './turns.js'
import { Verifying } from './verifying.js'
import { lastWords, workOf } from './work.js'

const RESULTS: Record<Verdict, TopicValidatorResult> = {
  accept: TopicValidatorResult.Accept,
  ignore: TopicValidatorResult.Ignore,
  reject: TopicValidatorResult.Reject,
}

export class Pubsub {
  private readonly inside: Internals
  private readonly drops: Drops
  private readonly scores: Scores
  private readonly streams: PeerStreams
  private readonly outbound: Outbound
  private readonly admission: MessageAdmission
  private readonly publishing: Publishing
  private readonly verifying: Verifying
  private readonly places: MeshPlaces
  private readonly turns = new GossipTurns()
  private readonly pace: Pace
  private readonly topicShares: TopicShares
  private readonly guarded = new Set<string>()
  private readonly subscriptions = new Map<string, Set<string>>()
  /** Topic → the peers of its mesh as last reported, joined. */
  private readonly meshes = new Map<string, string>()
  private meshDirty = false
  private readonly refuse: Refuse

  constructor(
    private readonly host: Host,
    private readonly connections: Connections,
    private readonly emit: (event: PortEvent) => void,
    privateKey: PrivateKey,
    options: PubsubOptions,
    { limits: book, isNamed, refused }: Pick<Guards, 'limits' | 'isNamed' | 'refused'>,
    door: Pick<Door, 'silences'>,
  ) {
    const { messageIdOf, maxMessageSize, scoring } = options
    const limits = gossipLimits(options)
    const idOf = (message: RPC.Message): string | undefined => {
      try {
        return messageIdOf(unverified(message))
      } catch {
        return undefined
      }
    }
    const { pubsub } = host.services
    this.inside = internalsOf(pubsub)
    this.drops = new Drops(emit)
    this.refuse = refused
    this.pace = new Pace(book, isNamed, refused)
    const isOurs = (topic: string): boolean => this.admission.topics.has(topic)
    this.topicShares = new TopicShares(book.topicBytes, isOurs, (peer, topics) => this.dropTopics(peer, topics))
    this.places = new MeshPlaces(pubsub, this.inside, (peer) => refused(peer, 'meshPlaces'))
    this.scores = new Scores(this.inside, scoring)
    this.streams = new PeerStreams(host, limits, this.streamsListener())
    this.outbound = new Outbound(pubsub, this.inside, this.streams, limits, this.drops)
    const repeats = new Repeats(emit)
    pubsub.messageCache.onAnnouncedAgain = (id, via) => emit({ type: 'announcedAgain', id, via })
    this.admission = new MessageAdmission(
      this.inside,
      maxMessageSize,
      idOf,
      this.drops,
      this.scores,
      repeats,
      pubsub.messageCache,
      {
        owes: (peer) => this.pace.owes(peer),
        pause: (peer) => this.pause(peer),
        work: (peer, amount) => this.work(peer, amount),
        replayed: (peer) => refused(peer, 'gossipReplay'),
      },
      door,
    )
    const signer = new Signer(host.peerId, privateKey)
    const { inside, scores, streams, outbound } = this
    this.publishing = new Publishing(pubsub, inside, scores, streams, outbound, signer, repeats, options, emit)
    this.verifying = new Verifying(messageIdOf, emit, this.turns)
    this.listen()
  }

  private streamsListener(): StreamsListener {
    return {
      met: (connection) => {
        this.connections.idOf(connection)
        this.pace.meet(connection)
        this.places.meet(connection)
        this.topicShares.meet(connection)
      },
      opened: (peer) => this.opened(peer),
      closed: (peer) => this.emit({ type: 'gossipClosed', peer }),
      forgotten: (peer) => this.forget(peer),
      moving: (peer) => void this.inside.streamsOutbound.delete(peer),
      tooMany: (peer) => this.refuse(peer, 'gossipStreams', OWN),
      malformed: (peer) => this.drops.count(peer, 'malformed'),
      tooLong: (peer, count) => this.drops.count(peer, 'oversize', undefined, count),
      pause: (peer) => this.pause(peer),
      received: (peer, rpc, size, late) => this.received(peer, rpc, size, late),
    }
  }

  private pause(peer: string): Promise<void> | undefined {
    return this.pace.pause(peer) ?? this.turns.pause()
  }

  private work(peer: string, amount: number): void {
    this.pace.work(peer, this.scores.allowRead(peer) ? amount : amount * GOSSIP_UNREAD)
  }

  /** Our topics are announced. The peer may not have heard that we left others: that may be under way over a connection that is dead. */
  private opened(peer: string): void {
    const subscriptions = this.admission.leftLately().map((topic) => ({ topic, subscribe: false }))
    if (subscriptions.length > 0) this.inside.sendRpc(peer, { subscriptions, messages: [] })
    this.emit({ type: 'gossipOpened', peer })
  }

  /** Not an async function: a frame costs no more microtasks than it must. */
  private received(peer: PeerId, rpc: RPC, size: number, late: boolean): Promise<void> {
    const id = peer.toString()
    this.work(id, workOf(rpc))
    this.pace.bytes(id, size)
    if (late) return this.receivedLate(peer, rpc)
    if (!this.scores.allowRead(id)) {
      this.work(id, rpc.messages.length)
      return Promise.resolve()
    }
    rpc = this.admitted(id, lastWords(rpc))
    for (const { messageIDs } of rpc.control?.ihave ?? [])
      this.host.services.pubsub.messageCache.offeredBy(messageIDs, id)
    return this.inside.handleReceivedRpc(peer, rpc).catch(() => undefined)
  }

  /** Without topics beyond the share of the peer. */
  private admitted(peer: string, rpc: RPC): RPC {
    if (rpc.subscriptions.length === 0) return rpc
    const { words, left } = this.topicShares.admit(peer, rpc.subscriptions)
    if (left === 0) return rpc
    this.refuse(peer, 'topics', { count: left })
    return { ...rpc, subscriptions: words }
  }

  /** As if it had left them, unless gossipsub hears nothing of it. */
  private dropTopics(peer: string, topics: string[]): boolean {
    if (!this.scores.allowRead(peer)) return false
    this.refuse(peer, 'topics', { count: topics.length })
    const subscriptions = topics.map((topic) => ({ topic, subscribe: false }))
    void this.inside.handleReceivedRpc(peerIdFromString(peer), { subscriptions, messages: [] }).catch(() => undefined)
    return true
  }

  /** Of a peer that has gone since messages alone count: gossipsub would keep for ever what it says of topics and meshes. */
  private async receivedLate(peer: PeerId, { messages }: RPC): Promise<void> {
    if (!this.scores.allowReadLate(peer.toString())) return
    for (const message of messages) await this.inside.handleReceivedMessage(peer, message).catch(() => undefined)
  }

  private listen(): void {
    const { pubsub } = this.host.services
    pubsub.addEventListener('gossipsub:message', ({ detail: { msg, msgId, propagationSource } }) => {
      if (msg.type !== 'signed') return
      const { topic, data, sequenceNumber, signature, key } = msg
      const via = propagationSource.toString()
      // Mostly it comes from its signer, whose text is known. It costs some microseconds to make.
      const from = msg.from.equals(propagationSource) ? via : msg.from.toString()
      const held = this.guarded.has(topic)
      if (!held) this.verdict(msgId, via, 'accept')
      const proof = proofOf(msg.from, sequenceNumber, signature, key)
      // A user may keep it.
      this.emit({
        type: 'message',
        topic,
        data: copyIfSmall(plain(data), 0, data.length),
        from,
        via,
        id: msgId,
        held,
        proof,
      })
    })
    pubsub.addEventListener('subscription-change', ({ detail: { peerId, subscriptions } }) => {
      for (const { topic, subscribe } of subscriptions) {
        this.subscriptionChanged(peerId.toString(), topic, subscribe)
      }
    })
    pubsub.addEventListener('gossipsub:heartbeat', () => this.places.spread())
    for (const event of ['gossipsub:graft', 'gossipsub:prune', 'gossipsub:heartbeat'] as const) {
      pubsub.addEventListener(event, () => this.meshMayHaveChanged())
    }
  }

  /** The connection does not answer: gossip goes on over another one, if the peer has one. */
  avoid(connection: Connection): void {
    this.streams.move(connection)
  }

  join(topic: string, guarded: boolean): void {
    this.guard(topic, guarded)
    this.scores.join(topic)
    this.admission.join(topic)
    this.topicShares.joined(topic)
    this.host.services.pubsub.subscribe(topic)
    this.meshMayHaveChanged()
  }

  guard(topic: string, guarded: boolean): void {
    if (guarded) this.guarded.add(topic)
    else this.guarded.delete(topic)
  }

  leave(topic: string): void {
    if (!this.admission.topics.has(topic)) return
    this.host.services.pubsub.unsubscribe(topic)
    this.guarded.delete(topic)
    this.scores.leave(topic)
    this.admission.leave(topic)
    const those = [...this.subscriptions].filter(([, topics]) => topics.has(topic))
    this.topicShares.left(
      topic,
      those.map(([peer]) => peer),
    )
    this.meshMayHaveChanged()
  }

  publish(ask: AskId, topic: string, data: Uint8Array, except: string[]): void {
    this.publishing.publish(ask, topic, data, new Set(except))
  }

  verdict(id: string, via: string, verdict: Verdict): void {
    this.inside.reportMessageValidationResult(id, via, RESULTS[verdict])
    if (verdict === 'reject') this.scores.changed(via)
  }

  verify(ask: AskId, messages: SignedMessage[]): void {
    this.verifying.ask(ask, messages)
  }

  penalize(peer: string, count: number): void {
    this.scores.penalize(peer, count)
  }

  inspect(ask: AskId, peers: string[]): void {
    const known: Record<string, GossipPeer> = {}
    for (const peer of peers) {
      if (!this.streams.knows(peer)) continue
      known[peer] = { score: this.scores.of(peer), queued: this.outbound.queued(peer) }
    }
    this.emit({ type: 'inspected', ask, peers: known })
  }

  /** gossipsub reports nothing of the topics of a peer that has gone. */
  private forget(peer: string): void {
    // One that is connected may be back at once.
    if (this.host.getConnections(peerIdFromString(peer)).length === 0) {
      this.pace.leave(peer)
      this.places.leave(peer)
      this.topicShares.leave(peer)
    }
    this.admission.forget(peer)
    this.scores.forget(peer)
    for (const topic of [...(this.subscriptions.get(peer) ?? [])]) this.subscriptionChanged(peer, topic, false)
  }

  private subscriptionChanged(peer: string, topic: string, subscribed: boolean): void {
    const topics = this.subscriptions.get(peer) ?? new Set()
    if (topics.has(topic) === subscribed) return
    this.topicShares.changed(peer, topic, subscribed)
    if (subscribed) topics.add(topic)
    else topics.delete(topic)
    if (topics.size > 0) this.subscriptions.set(peer, topics)
    else this.subscriptions.delete(peer)
    this.emit({ type: 'subscriptionChanged', peer, topic, subscribed })
    this.meshMayHaveChanged()
  }

  /** gossipsub tells before it acts, and of many changes at once, so the meshes are compared a moment later. */
  private meshMayHaveChanged(): void {
    if (this.meshDirty) return
    this.meshDirty = true
    setTimeout(() => {
      this.meshDirty = false
      for (const topic of new Set([...this.meshes.keys(), ...this.admission.topics])) this.compareMesh(topic)
    }, 0)
  }

  private compareMesh(topic: string): void {
    // gossipsub keeps a peer in its mesh that left the topic while our GRAFT was on its way.
    const inTopic = (peer: string): boolean => this.subscriptions.get(peer)?.has(topic) === true
    const peers = this.inside.getMeshPeers(topic).filter(inTopic).sort()
    const joined = peers.join()
    if (joined === (this.meshes.get(topic) ?? '')) return
    if (peers.length > 0) this.meshes.set(topic, joined)
    else this.meshes.delete(topic)
    this.emit({ type: 'meshChanged', topic, peers })
  }
}
