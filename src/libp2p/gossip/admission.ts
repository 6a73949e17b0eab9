/**
 * What comes in, before and after gossipsub looks at it: messages of topics that we are not in and messages over our limit are
 * turned away before their signature is checked, and what is dropped is counted, with the peer that sent it.
 */
import type { RPC } from '@chainsafe/libp2p-gossipsub/message'
import type { PeerId } from '@libp2p/interface'
import { LEFT_TOPICS, LEFT_TOPIC_GRACE, UNKNOWN_TOPIC_TOLERANCE } from '../defaults.js'
import type { Drops } from './drops.js'
import type { Internals, Validated } from './internals.js'
import { frameSize } from './signed-message.js'
import type { Scores } from './scores.js'

export class Admission {
  /** Topics that we were in, and until when messages of them are no offence. */
  private readonly left = new Map<string, number>()
  /** Messages of topics that we were never in, by the peers that send them. */
  private readonly strange = new Map<string, number>()

  /** `idOf`: a message's id, if it can have one. */
  constructor(
    private readonly inside: Internals,
    private readonly maxMessageSize: number,
    private readonly idOf: (message: RPC.Message) => string | undefined,
    private readonly drops: Drops,
    private readonly scores: Scores,
  ) {
    const validate = inside.validateReceivedMessage.bind(inside)
    inside.validateReceivedMessage = (from, message) => {
      const refusal = this.refuse(from, message)
      if (refusal !== undefined) return Promise.resolve(refusal)
      return validate(from, message).then((result) => {
        if (result.code === 'invalid') this.invalid(from, message)
        return result
      })
    }
    onlyValidated(inside)
  }

  leave(topic: string): void {
    this.left.delete(topic)
    this.left.set(topic, Date.now() + LEFT_TOPIC_GRACE)
    const [oldest] = this.left.keys()
    if (this.left.size > LEFT_TOPICS && oldest !== undefined) this.left.delete(oldest)
  }

  forget(peer: string): void {
    this.strange.delete(peer)
  }

  private refuse(from: PeerId, message: RPC.Message): Validated | undefined {
    const { topic } = message
    if (!this.inside.subscriptions.has(topic)) {
      this.unknown(from.toString(), message)
      return { code: 'invalid', reason: 'blacklisted' }
    }
    if (frameSize(message) <= this.maxMessageSize) return undefined
    this.drops.count(from.toString(), 'oversize', topic)
    this.scores.changed(from.toString())
    // gossipsub counts this as an invalid message of the sender's.
    return { code: 'invalid', reason: 'error', error: 'transform_failed' }
  }

  private invalid(from: PeerId, { topic }: RPC.Message): void {
    this.drops.count(from.toString(), 'signature', topic)
    this.scores.changed(from.toString())
  }

  /**
   * Honest peers send these for as long as what they sent before they heard that we left is on its way. Beyond that, every so
   * many are one misbehaviour.
   */
  private unknown(peer: string, message: RPC.Message): void {
    const { topic } = message
    const { gossipTracer } = this.inside
    if (gossipTracer.size > 0) {
      // We may have asked for it, and then left: whoever sends it keeps its promise.
      const id = this.idOf(message)
      if (id !== undefined) gossipTracer.deliverMessage(id, true)
    }
    const grace = this.left.get(topic)
    this.drops.count(peer, 'unknownTopic', grace === undefined ? undefined : topic)
    if (grace !== undefined && Date.now() < grace) return
    const count = (this.strange.get(peer) ?? 0) + 1
    this.strange.set(peer, count)
    if (count % UNKNOWN_TOPIC_TOLERANCE === 0) this.scores.penalize(peer, 1)
  }
}

/** gossipsub answers IWANT with messages of which it was not said yet that they are good, to whoever knows their ids. */
function onlyValidated({ mcache }: Internals): void {
  const getWithIWantCount = mcache.getWithIWantCount.bind(mcache)
  mcache.getWithIWantCount = (id, peer) => {
    return mcache.msgs.get(id)?.validated === true ? getWithIWantCount(id, peer) : null
  }
}
