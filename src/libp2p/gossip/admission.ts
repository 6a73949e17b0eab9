/**
 * Messages that come in, before and after gossipsub looks at them: those of topics that we are not in and those over our limit
 * are refused before their signature is checked, and each dropped message is counted, with the peer that sent it.
 */
import type { Door } from '../../core/access/door.js'
import type { RPC } from '@chainsafe/libp2p-gossipsub/message'
import type { PeerId } from '@libp2p/interface'
import { LEFT_TOPICS, LEFT_TOPIC_GRACE, UNKNOWN_TOPIC_TOLERANCE } from '../defaults.js'
import type { Drops } from './drops.js'
import type { Internals, Validated } from './internals.js'
import type { Repeats } from './repeats.js'
import { frameSize, unverified } from './signed-message.js'
import type { Scores } from './scores.js'

export class Admission {
  /** Topics that we are in. */
  readonly topics = new Set<string>()
  /** Topics that we were in → until when messages of them are no offence. */
  private readonly left = new Map<string, number>()
  /** Peer → its messages of topics that we were never in. */
  private readonly strange = new Map<string, number>()

  /** `idOf`: a message's id, if it can have one. */
  constructor(
    inside: Internals,
    private readonly maxMessageSize: number,
    private readonly idOf: (message: RPC.Message) => string | undefined,
    private readonly drops: Drops,
    private readonly scores: Scores,
    private readonly repeats: Repeats,
    private readonly door: Pick<Door, 'silences'>,
  ) {
    const validate = inside.validateReceivedMessage.bind(inside)
    inside.validateReceivedMessage = (from, message) => {
      const refusal = this.refuse(from, message)
      if (refusal !== undefined) return Promise.resolve(refusal)
      return validate(from, message).then((result) => {
        if (result.code === 'valid') this.repeats.note(result.messageId.msgIdStr, message)
        else if (result.code === 'duplicate') this.repeats.seen(result.msgIdStr, message, from)
        else this.invalid(from, message)
        return result
      })
    }
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

  private refuse(from: PeerId, message: RPC.Message): Validated | undefined {
    const { topic } = message
    if (!this.topics.has(topic)) {
      this.unknown(from.toString(), topic)
      // We may have asked for it, and then left. Its id ends gossipsub's wait, so its sender has kept its promise.
      return { code: 'invalid', reason: 'blacklisted', msgIdStr: this.left.has(topic) ? this.idOf(message) : undefined }
    }
    if (this.isSilenced(message)) {
      this.drops.count(from.toString(), 'denied', topic)
      return { code: 'invalid', reason: 'blacklisted', msgIdStr: this.idOf(message) }
    }
    if (frameSize(message) <= this.maxMessageSize) return undefined
    this.drops.count(from.toString(), 'oversize', topic)
    this.scores.changed(from.toString())
    // gossipsub counts it as an invalid message of the sender's.
    return { code: 'invalid', reason: 'error', error: 'transform_failed' }
  }

  private isSilenced(message: RPC.Message): boolean {
    try {
      return this.door.silences(() => unverified(message).from)
    } catch {
      // Its signer is nobody.
      return false
    }
  }

  private invalid(from: PeerId, { topic }: RPC.Message): void {
    this.drops.count(from.toString(), 'signature', topic)
    this.scores.changed(from.toString())
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
