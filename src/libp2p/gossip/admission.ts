/**
 * Messages that come in, before and after gossipsub looks at them. What is cheap to find out comes before the signature, which is dear:
 * whether we are in the topic, the size, whether we have heard just this publish, and whether its key is one that we verify with. Each
 * dropped message is counted, with the peer that sent it, and each peer has to wait when its rate is used, or this turn's time.
 */
import type { Door } from '../../core/access/door.js'
import type { RPC } from '@chainsafe/libp2p-gossipsub/message'
import type { PeerId } from '@libp2p/interface'
import { LEFT_TOPICS, LEFT_TOPIC_GRACE, UNKNOWN_TOPIC_TOLERANCE } from '../defaults.js'
import type { Drops } from './drops.js'
import type { Internals, Validated } from './internals.js'
import type { MessageCache } from './message-cache.js'
import type { Repeats } from './repeats.js'
import { frameSize, unverified } from './signed-message.js'
import type { Scores } from './scores.js'
import { priceOf } from './keys.js'
import { UNVERIFIED } from './work.js'

/** No offence more: it is not looked at. */
const UNREAD: Validated = { code: 'invalid', reason: 'blacklisted', msgIdStr: '' }

export interface Pausing {
  /** It has said more than its rate. */
  owes(peer: string): boolean
  /** `undefined`: messages of this peer may be looked at now; otherwise it resolves when that is to be asked again. */
  pause(peer: string): Promise<void> | undefined
  /** The peer has made so much work, in messages. */
  work(peer: string, amount: number): void
  /** The peer has said again what was heard long ago. */
  replayed(peer: string): void
}

export class MessageAdmission {
  /** Topics that we are in. */
  readonly topics = new Set<string>()
  /** Topics that we were in → until when messages of them are no offence. */
  private readonly left = new Map<string, number>()
  /** Peer → its messages of topics that we were never in. */
  private readonly strange = new Map<string, number>()

  /** `idOf`: a message's id, if it can have one. */
  constructor(
    private readonly inside: Internals,
    private readonly maxMessageSize: number,
    private readonly idOf: (message: RPC.Message) => string | undefined,
    private readonly drops: Drops,
    private readonly scores: Scores,
    private readonly repeats: Repeats,
    private readonly cache: Pick<MessageCache, 'comes'>,
    private readonly pausing: Pausing,
    private readonly door: Pick<Door, 'silences'>,
  ) {
    this.verify = inside.validateReceivedMessage.bind(inside)
    inside.validateReceivedMessage = (from, message) => this.admit(from, message)
  }

  private readonly verify: Internals['validateReceivedMessage']

  private admit(from: PeerId, message: RPC.Message): Promise<Validated> {
    const peer = from.toString()
    // Earlier messages of the same frame were bad ones, and too many.
    if (this.pausing.owes(peer) && !this.scores.allowRead(peer)) {
      this.pausing.work(peer, UNVERIFIED)
      return Promise.resolve(UNREAD)
    }
    const pause = this.pausing.pause(peer)
    if (pause !== undefined) return pause.then(() => this.admit(from, message))
    const known = this.refuse(peer, message)
    if (known !== undefined) {
      this.pausing.work(peer, UNVERIFIED)
      return Promise.resolve(known)
    }
    const price = priceOf(message)
    if (price === undefined) return Promise.resolve(this.refuseKey(peer, message))
    this.pausing.work(peer, price)
    return this.verify(from, message).then((result) => {
      if (result.code === 'valid') this.taken(result.messageId.msgIdStr, message, peer)
      else if (result.code === 'duplicate') this.repeats.seen(result.msgIdStr, message, from)
      else this.invalid(peer, message)
      return result
    })
  }

  join(topic: string): void {
    this.topics.add(topic)
  }

  leave(topic: string): void {
    this.topics.delete(topic)
    this.left.delete(topic)
    this.left.set(topic, Date.now() + LEFT_TOPIC_GRACE)
    const [oldest] = this.left.keys()
    if (this.left.size > LEFT_TOPICS && oldest !== undefined) this.left.delete(oldest)
  }

  /** Whose messages are no offence yet. */
  leftLately(): string[] {
    const now = Date.now()
    return [...this.left].flatMap(([topic, until]) => (until > now && !this.topics.has(topic) ? [topic] : []))
  }

  forget(peer: string): void {
    this.strange.delete(peer)
  }

  private refuse(peer: string, message: RPC.Message): Validated | undefined {
    const { topic } = message
    if (!this.topics.has(topic)) {
      this.unknown(peer, topic)
      // We may have asked for it, and then left. Its id ends gossipsub's wait, so its sender has kept its promise.
      return { code: 'invalid', reason: 'blacklisted', msgIdStr: this.left.has(topic) ? this.idOf(message) : undefined }
    }
    if (this.isSilenced(message)) {
      this.drops.count(peer, 'denied', topic)
      return { code: 'invalid', reason: 'blacklisted', msgIdStr: this.idOf(message) }
    }
    if (frameSize(message) > this.maxMessageSize) {
      this.drops.count(peer, 'oversize', topic)
      this.scores.changed(peer)
      // gossipsub counts it as an invalid message of the sender's.
      return { code: 'invalid', reason: 'error', error: 'transform_failed' }
    }
    const id = this.idOf(message)
    if (id === undefined) return undefined
    const duplicate: Validated = { code: 'duplicate', msgIdStr: id }
    if (this.inside.seenCache.has(id)) return this.repeats.hasHeard(id, message) ? duplicate : undefined
    if (!this.repeats.isReplay(message)) return undefined
    this.pausing.replayed(peer)
    return duplicate
  }

  private isSilenced(message: RPC.Message): boolean {
    try {
      return this.door.silences(() => unverified(message).from)
    } catch {
      // Its signer is nobody.
      return false
    }
  }

  /** A key is chosen by who signs, so to hand on such a message is an offence. */
  private refuseKey(peer: string, { topic, key, from }: RPC.Message): Validated {
    this.pausing.work(peer, UNVERIFIED)
    this.drops.count(peer, key === undefined && from === undefined ? 'signature' : 'key', topic)
    this.scores.changed(peer)
    return { code: 'invalid', reason: 'error', error: 'invalid_peerid' }
  }

  private taken(id: string, message: RPC.Message, peer: string): void {
    this.repeats.note(id, message)
    this.cache.comes(id, peer)
  }

  private invalid(peer: string, { topic }: RPC.Message): void {
    this.drops.count(peer, 'signature', topic)
    this.scores.changed(peer)
  }

  /**
   * Honest peers send such messages until they know that we have left the topic. After that, a number of them counts as one
   * misbehaviour.
   */
  private unknown(peer: string, topic: string): void {
    const grace = this.left.get(topic)
    this.drops.count(peer, 'unknownTopic', grace === undefined ? undefined : topic)
    if (grace !== undefined && Date.now() < grace) return
    const count = (this.strange.get(peer) ?? 0) + 1
    this.strange.set(peer, count)
    if (count % UNKNOWN_TOPIC_TOLERANCE === 0) this.scores.penalize(peer, 1)
  }
}
