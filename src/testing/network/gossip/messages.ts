/**
 * The way of messages through one host: its own are sent to all subscribers, and accepted ones of others are forwarded through the
 * mesh.
 */
import type { PortEffect, PortEvent, SignedMessage, Verdict } from '../../../core/port.js'
import { REPEATED, type PubsubOptions } from '../../../core/pubsub.js'
import type { Side } from '../link.js'
import type { Wire } from '../wire.js'
import type { GossipCache } from './cache.js'
import type { Mesh } from './mesh.js'
import { GossipMessage, proofOf } from './message.js'
import type { Scores } from './scores.js'
import type { SendQueues } from './send-queues.js'
import type { Topics } from './topics.js'

type Effect<Type extends PortEffect['type']> = Extract<PortEffect, { type: Type }>
type DropReason = Extract<PortEvent, { type: 'gossipDropped' }>['reason']

/** What the messages need of pub/sub. */
export interface MessagesHost {
  readonly peerId: string
  readonly wire: Wire
  readonly now: number
  /** Our end of a connection to the peer. */
  sideTo(peer: string): Side | undefined
  /** Is anything of the peer read? */
  reads(peer: string): boolean
  /** Is nothing heard that this peer has signed? */
  silences(peer: string): boolean
  /** The messages of the host at the other end. */
  messagesBeyond(side: Side): Messages
}

/** The parts of pub/sub that messages go through. */
export interface MessageParts {
  topics: Topics
  mesh: Mesh
  scores: Scores
  queues: SendQueues
  cache: GossipCache
}

export class Messages {
  private nextSequence: bigint

  constructor(
    private readonly host: MessagesHost,
    private readonly parts: MessageParts,
    private readonly emit: (event: PortEvent) => void,
    private readonly options: PubsubOptions,
  ) {
    // A host that is started again remembers nothing, and must not use a number twice either.
    this.nextSequence = BigInt(++host.wire.births) << 32n
  }

  publish({ ask, topic, data: bytes, except }: Effect<'publish'>): void {
    const { peerId: from } = this.host
    const data = bytes.slice()
    const proof = proofOf({ topic, data, from }, this.nextSequence++)
    const message = new GossipMessage({ topic, data, from, proof })
    const id = message.idBy(this.options.messageIdOf)
    if (this.parts.cache.isSeen(id, this.host.now)) {
      return this.emit({ type: 'publishFailed', ask, code: 'DuplicateMessage', failure: { message: REPEATED } })
    }
    const { publishThreshold } = this.options.scoring
    const recipients = (this.parts.topics.subscribersOf(topic)?.all ?? []).filter(
      (peer) => !except.includes(peer) && this.parts.scores.of(peer) >= publishThreshold,
    )
    const { queues } = this.parts
    const peers = recipients.filter((peer) => queues.isFull(this.host.sideTo(peer)))
    if (peers.length > 0) {
      const busy = recipients.filter((peer) => !peers.includes(peer) && queues.isHalfFull(this.host.sideTo(peer)))
      for (const peer of [...peers, ...busy]) queues.watch(peer)
      return this.emit({ type: 'publishHeld', ask, peers, busy })
    }
    if (recipients.length > 0) this.parts.cache.add(id, message, this.host.now)
    for (const peer of recipients) this.send(peer, message)
    this.emit({ type: 'published', ask, recipients, id, proof: proof.slice() })
  }

  /** Passes on a message of another host, if the peer can take it. */
  forward(peer: string, message: GossipMessage): void {
    if (this.parts.queues.isFull(this.host.sideTo(peer))) this.dropped(peer, message.topic, 'queueFull')
    else this.send(peer, message)
  }

  /** Sends a message without a look at it, as a hostile host may. */
  send(peer: string, message: GossipMessage): void {
    const side = this.host.sideTo(peer)
    if (side === undefined) return
    const { topic, size } = message
    if (this.host.wire.vanishes({ kind: 'gossip', from: this.host.peerId, to: peer, topic })) return
    side.gossiping += size
    side.link.send(side, size, () => {
      side.gossiping -= size
      this.parts.queues.onProgress(peer)
      this.host.messagesBeyond(side).onMessage(message, this.host.peerId)
    })
  }

  private onMessage(message: GossipMessage, via: string): void {
    if (!this.host.reads(via)) return
    const { topic: name, from } = message
    const topic = this.parts.topics.get(name)
    if (topic === undefined) return this.onUnknownTopic(via, name)
    if (this.host.silences(from)) return this.dropped(via, name, 'denied')
    if (message.size > this.options.maxMessageSize) return this.onInvalid(via, name, 'oversize')
    if (!message.isGenuine) return this.onInvalid(via, name, 'signature')
    const id = message.idBy(this.options.messageIdOf)
    if (this.parts.cache.isSeen(id, this.host.now)) {
      if (this.parts.cache.noteRepeat(id, message)) this.emit({ type: 'repeated', topic: name, id, from, via })
      this.has(via, id)
      if (this.parts.cache.again(id, via)) this.parts.scores.invalidMessage(via)
      return
    }
    const { guarded: held } = topic
    this.parts.cache.add(id, message, this.host.now, held ? via : undefined)
    const [data, proof] = [message.data.slice(), message.proof.slice()]
    this.emit({ type: 'message', topic: name, data, from, proof, via, id, held })
    if (!held) this.relay(message, [via])
  }

  /** The peer has handed on a message that is known, or offers it. */
  has(peer: string, id: string): void {
    if (this.parts.cache.noteAnnouncer(id, peer)) this.emit({ type: 'announcedAgain', id, via: peer })
  }

  /** To all peers in the mesh but its signer and those that have it. */
  private relay(message: GossipMessage, have: Iterable<string>): void {
    const others = new Set([message.from, ...have])
    for (const peer of this.parts.mesh.of(message.topic) ?? []) if (!others.has(peer)) this.forward(peer, message)
  }

  verdict({ id, via, verdict }: { id: string; via: string; verdict: Verdict }): void {
    if (verdict === 'accept') {
      const accepted = this.parts.cache.accept(id)
      if (accepted !== undefined) this.relay(accepted.message, [via, ...accepted.givers])
      return
    }
    const givers = this.parts.cache.drop(id, verdict === 'reject')
    if (verdict === 'reject') for (const peer of givers) this.parts.scores.invalidMessage(peer)
  }

  private onInvalid(via: string, topic: string, reason: 'oversize' | 'signature'): void {
    this.parts.scores.invalidMessage(via)
    this.dropped(via, topic, reason)
  }

  private onUnknownTopic(via: string, topic: string): void {
    const { topics, scores } = this.parts
    if (topics.isOneTooMany(via, topic)) scores.misbehaved(via, 1)
    this.dropped(via, topics.wasJoined(topic) ? topic : undefined, 'unknownTopic')
  }

  private dropped(peer: string, topic: string | undefined, reason: DropReason): void {
    this.emit({ type: 'gossipDropped', peer, ...(topic !== undefined && { topic }), reason, count: 1 })
  }

  verify({ ask, messages }: Effect<'verify'>): void {
    const idOf = (signed: SignedMessage): string => {
      const message = new GossipMessage(signed)
      return message.isGenuine ? message.idBy(this.options.messageIdOf) : ''
    }
    this.emit({ type: 'verified', ask, ids: messages.map(idOf) })
  }
}
