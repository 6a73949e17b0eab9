/**
 * Publishes in place of gossipsub, which sends to a peer however much waits for it already, cannot leave out a peer, returns neither
 * the id nor the signature, and remembers a message as sent even if no peer got it.
 */
import type { AskId } from '../../core/terms.js'
import type { PortEvent } from '../../core/port.js'
import { repeatedBy, type PubsubOptions } from '../../core/pubsub.js'
import { failureOf } from '../failure.js'
import type { Gossipsub } from './gossipsub.js'
import type { Internals } from './internals.js'
import type { Repeats } from './repeats.js'
import type { Scores } from './scores.js'
import { frameSize, nextSequence, proofOf, type Signed, type Signer } from './signed-message.js'
import type { Outbound } from './outbound.js'
import type { OutboundStream, PeerStreams } from './peer-streams.js'

const utf8 = new TextEncoder()

export class Publishing {
  /** Streams that were too full, and what to do when they have drained. */
  private readonly draining = new Map<OutboundStream, () => void>()

  constructor(
    private readonly pubsub: Gossipsub,
    private readonly inside: Internals,
    private readonly scores: Scores,
    private readonly streams: PeerStreams,
    private readonly outbound: Outbound,
    private readonly signer: Signer,
    private readonly repeats: Repeats,
    private readonly options: PubsubOptions,
    private readonly emit: (event: PortEvent) => void,
  ) {}

  publish(ask: AskId, topic: string, data: Uint8Array, except: ReadonlySet<string>): void {
    const { maxQueueSize } = this.options
    const targets = this.targets(topic, except)
    const peers = targets.filter((peer) => this.outbound.queued(peer) > maxQueueSize)
    if (peers.length > 0) {
      const busy = targets.filter((peer) => !peers.includes(peer) && this.outbound.queued(peer) > maxQueueSize / 2)
      for (const peer of [...peers, ...busy]) this.watch(peer)
      return this.emit({ type: 'publishHeld', ask, peers, busy })
    }
    this.send(ask, topic, data, except).catch((error: unknown) => {
      this.emit({
        type: 'publishFailed',
        ask,
        code: 'PublishError',
        failure: failureOf('the broadcast was not sent', error),
      })
    })
  }

  private async send(ask: AskId, topic: string, data: Uint8Array, except: ReadonlySet<string>): Promise<void> {
    const { inside, signer } = this
    const { seenCache } = inside
    const sequence = nextSequence()
    const id = this.options.messageIdOf({ topic, data, from: signer.peer.toString(), sequence })
    if (seenCache.has(id)) return this.repeated(ask, id)
    const message = await signer.sign(topic, data, sequence)
    const size = frameSize(message)
    if (size > this.options.maxMessageSize)
      throw new Error(`it takes ${size} bytes; the limit is ${this.options.maxMessageSize}`)
    // The same bytes may have been sent, or heard, meanwhile.
    if (seenCache.has(id)) return this.repeated(ask, id)
    const recipients = this.targets(topic, except).filter((peer) => this.outbound.publish(peer, message))
    // If no peer got it, the same bytes may be sent again.
    if (recipients.length > 0) this.remember(id, message)
    const proof = proofOf(signer.peer, sequence, message.signature, signer.publicKey)
    this.emit({ type: 'published', ask, recipients, id, proof })
  }

  private repeated(ask: AskId, id: string): void {
    const first = this.repeats.firstOf(id)
    const message = repeatedBy(first === this.signer.peer.toString() ? undefined : first)
    this.emit({ type: 'publishFailed', ask, code: 'DuplicateMessage', failure: { message } })
  }

  /** As gossipsub remembers what it publishes: no repeat is delivered, and a peer that asks for it gets it. */
  private remember(msgIdStr: string, message: Signed): void {
    this.inside.seenCache.put(msgIdStr)
    this.repeats.note(msgIdStr, message)
    this.pubsub.messageCache.put({ msgId: utf8.encode(msgIdStr), msgIdStr }, message, true)
  }

  /** All subscribers whose score is high enough, as with gossipsub's `floodPublish`. */
  private targets(topic: string, except: ReadonlySet<string>): string[] {
    const subscribers = this.pubsub.getSubscribers(topic).map(String)
    return subscribers.filter((peer) => !except.has(peer) && this.scores.allowPublish(peer))
  }

  /** Reports once that half of it has gone. The end of the stream is reported elsewhere. */
  private watch(peer: string): void {
    const stream = this.streams.to(peer)
    if (stream === undefined || this.draining.has(stream)) return
    const { raw } = stream
    // After the stream's own handler, which sends in a microtask too.
    const drained = (): void => queueMicrotask(() => stream.queued <= this.options.maxQueueSize / 2 && done())
    const done = (): void => {
      if (!this.draining.delete(stream)) return
      for (const type of ['drain', 'idle'] as const) raw.removeEventListener(type, drained)
      raw.removeEventListener('close', done)
      if (raw.status === 'open') this.emit({ type: 'gossipDrained', peer })
    }
    this.draining.set(stream, done)
    for (const type of ['drain', 'idle'] as const) raw.addEventListener(type, drained)
    raw.addEventListener('close', done)
  }
}
