/** Topics: joins, leaves and publishes, and reports messages, subscriptions and the mesh as gossipsub tells of them. */
import type { GossipSub } from '@chainsafe/libp2p-gossipsub'
import type { PeerId } from '@libp2p/interface'
import type { AskId, PortEvent } from '../port.js'
import { keepable } from './bytes.js'
import { failureOf } from './failure.js'
import type { Host } from './host.js'

export class Pubsub {
  private readonly joined = new Set<string>()
  private readonly subscriptions = new Map<string, Set<string>>()
  /** The ids that gossipsub suppresses for a minute. */
  private readonly seen: Map<string, unknown>
  private mesh: string[] = []
  private meshDirty = false

  constructor(
    private readonly host: Host,
    private readonly emit: (event: PortEvent) => void,
    private readonly messageId: (data: Uint8Array) => string,
  ) {
    const { pubsub } = host.services
    this.seen = seenOf(pubsub)
    pubsub.addEventListener('gossipsub:message', ({ detail: { msg, msgId, propagationSource } }) => {
      if (msg.type !== 'signed' || !this.joined.has(msg.topic)) return
      const { topic, data } = msg
      this.emit({
        type: 'message',
        topic,
        data: keepable(data),
        from: msg.from.toString(),
        via: propagationSource.toString(),
        id: msgId,
      })
    })
    pubsub.addEventListener('subscription-change', ({ detail: { peerId, subscriptions } }) => {
      for (const { topic, subscribe } of subscriptions) this.subscriptionChanged(peerId, topic, subscribe)
    })
    for (const event of ['gossipsub:graft', 'gossipsub:prune', 'gossipsub:heartbeat'] as const) {
      pubsub.addEventListener(event, () => this.meshMayHaveChanged())
    }
    // Gossipsub forgets silently who has gone.
    host.addEventListener('peer:disconnect', ({ detail }) => {
      const topics = [...(this.subscriptions.get(detail.toString()) ?? [])]
      for (const topic of topics) this.subscriptionChanged(detail, topic, false)
    })
  }

  join(topic: string): void {
    this.joined.add(topic)
    this.host.services.pubsub.subscribe(topic)
    this.meshMayHaveChanged()
  }

  leave(topic: string): void {
    if (!this.joined.delete(topic)) return
    this.host.services.pubsub.unsubscribe(topic)
    this.meshMayHaveChanged()
  }

  publish(ask: AskId, topic: string, data: Uint8Array): void {
    this.host.services.pubsub.publish(topic, data).then(
      ({ recipients }) => {
        // Subscribers whom we had no stream to yet: nobody got it, so the same bytes are no repeat.
        if (recipients.length === 0) this.seen.delete(this.messageId(data))
        this.emit({ type: 'published', ask, recipients: recipients.map(String) })
      },
      (error: Error) => {
        if (error.message === 'PublishError.NoPeersSubscribedToTopic') {
          return this.emit({ type: 'published', ask, recipients: [] })
        }
        const duplicate = error.message === 'PublishError.Duplicate'
        const code = duplicate ? 'DuplicateMessage' : 'PublishError'
        const failure = duplicate
          ? { message: 'the same bytes were sent or heard a short while ago', cause: error }
          : failureOf('the broadcast was not sent', error)
        this.emit({ type: 'publishFailed', ask, code, failure })
      },
    )
  }

  private subscriptionChanged(id: PeerId, topic: string, subscribed: boolean): void {
    const peer = id.toString()
    const topics = this.subscriptions.get(peer) ?? new Set()
    if (topics.has(topic) === subscribed) return
    if (subscribed) topics.add(topic)
    else topics.delete(topic)
    if (topics.size > 0) this.subscriptions.set(peer, topics)
    else this.subscriptions.delete(peer)
    this.emit({ type: 'subscriptionChanged', peer, topic, subscribed })
    this.meshMayHaveChanged()
  }

  /** Gossipsub tells before it acts, and of many changes at once: look a moment later. */
  private meshMayHaveChanged(): void {
    if (this.meshDirty) return
    this.meshDirty = true
    setTimeout(() => {
      this.meshDirty = false
      this.compareMesh()
    }, 0)
  }

  private compareMesh(): void {
    const gossipsub = this.host.services.pubsub as GossipSub & { getMeshPeers(topic: string): string[] }
    // Gossipsub keeps a peer in its mesh that left the topic while our GRAFT was on its way.
    const inTopic = (topic: string) =>
      gossipsub.getMeshPeers(topic).filter((peer) => this.subscriptions.get(peer)?.has(topic))
    const peers = [...new Set([...this.joined].flatMap(inTopic))].sort()
    if (peers.join() === this.mesh.join()) return
    this.mesh = peers
    this.emit({ type: 'meshChanged', peers })
  }
}

/** The cast, and a check that it holds. */
function seenOf(pubsub: GossipSub): Map<string, unknown> {
  const { seenCache } = pubsub as unknown as { seenCache?: { entries?: unknown } }
  if (seenCache?.entries instanceof Map) return seenCache.entries as Map<string, unknown>
  throw new Error('this version of @libp2p/gossipsub is not supported: its seen cache is no map')
}
