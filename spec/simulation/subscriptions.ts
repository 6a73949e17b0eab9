/** Broadcasts of a run: who subscribed to what, what was published, and that nothing comes twice, altered or uninvited. */
import type { Subscription } from 'rxjs'
import type { Broadcast } from '../../src/edge/broadcasts.js'
import type { P2pNode } from '../../src/node.js'
import type { SimulatedNetwork } from '../../src/testing/index.js'
import { insidesOf, type Report } from './inside.js'
import { idOf, isSame, payload } from './payloads.js'
import type { Member } from './run.js'

/** For this long the network suppresses a repeat, ms. */
const SEEN = 60_000

/** So long a topic stays joined after its last subscriber, ms, on a clock that may be a tenth wrong. */
const LINGER = 10_000

interface Subscriber {
  node: P2pNode
  topic: string | undefined
  subscription: Subscription
  /** Broadcast → when it came. */
  heard: Map<number, number>
  completed: boolean
}

export class Subscriptions {
  deliveries = 0
  private readonly subscribers: Subscriber[] = []
  private readonly left: { member: Member; node: P2pNode; topic: string; at: number }[] = []
  private readonly broadcasts = new Map<number, { topic: string; size: number; from: Set<string> }>()

  constructor(
    private readonly net: SimulatedNetwork,
    private readonly report: Report,
  ) {}

  published(topic: string, id: number, size: number, from: string): void {
    const broadcast = this.broadcasts.get(id)
    if (broadcast === undefined) this.broadcasts.set(id, { topic, size, from: new Set([from]) })
    else broadcast.from.add(from)
  }

  /** Subscribes to a topic; what it returns unsubscribes. */
  add(member: Member, topic: string): () => void {
    const subscriber = this.subscribe(member, topic)
    return () => {
      subscriber.subscription.unsubscribe()
      this.left.push({ member, node: subscriber.node, topic, at: this.net.now })
      if (!subscriber.completed) this.subscribers.splice(this.subscribers.indexOf(subscriber), 1)
    }
  }

  /** Hears every topic that the node is in. */
  all(member: Member): void {
    this.subscribe(member, undefined)
  }

  has({ node }: Member, topic: string, id: number): boolean {
    return this.subscribers.some((one) => one.node === node && one.topic === topic && one.heard.has(id))
  }

  private subscribe({ node, index }: Member, topic: string | undefined): Subscriber {
    const heard = new Map<number, number>()
    const subscriber: Subscriber = { node, topic, heard, completed: false, subscription: undefined! }
    this.subscribers.push(subscriber)
    subscriber.subscription = node.broadcasts$(topic).subscribe({
      next: (broadcast) => this.deliver(subscriber, index, broadcast),
      complete: () => {
        subscriber.completed = true
      },
      error: (error: unknown) => this.report('observable', `broadcasts$ of n${index} failed: ${String(error)}`),
    })
    return subscriber
  }

  private deliver({ topic, heard, node }: Subscriber, index: number, broadcast: Broadcast): void {
    this.deliveries++
    const id = idOf(broadcast.data)
    const sent = id === undefined ? undefined : this.broadcasts.get(id)
    if (id === undefined || sent === undefined)
      return this.report('altered', `n${index} heard a broadcast that nobody sent`)
    if (!isSame(broadcast.data, payload('broadcast', id, sent.size)))
      this.report('altered', `n${index} heard broadcast ${id} with other bytes`)
    const isRight =
      broadcast.topic === sent.topic && (topic ?? sent.topic) === sent.topic && sent.from.has(broadcast.from)
    if (!isRight) this.report('altered', `n${index} heard broadcast ${id} of ${broadcast.from} on ${broadcast.topic}`)
    if (broadcast.from === node.peerId && sent.from.size === 1) this.report('altered', `n${index} heard itself`)
    const before = heard.get(id)
    if (before !== undefined && this.net.now - before < SEEN)
      this.report('delivered twice', `n${index} heard broadcast ${id} again after ${this.net.now - before} ms`)
    heard.set(id, this.net.now)
  }

  /** A topic is left some time after its last subscriber, neither sooner nor never. */
  check(): void {
    for (const one of [...this.left]) {
      const { member, node, topic, at } = one
      const isWanted = this.subscribers.some((other) => other.node === node && other.topic === topic)
      if (member.phase !== 'up' || member.node !== node || isWanted || this.net.now > at + LINGER * 1.2) {
        this.left.splice(this.left.indexOf(one), 1)
      }
      if (member.phase !== 'up' || member.node !== node) continue
      const isIn = insidesOf(node).state.topics.has(topic)
      if (!isIn && (isWanted || this.net.now < at + LINGER * 0.9))
        this.report('lingers', `n${member.index} left ${topic} after ${this.net.now - at} ms`)
      const isFixed = insidesOf(node).state.topics.get(topic)?.fixed
      if (isIn && !isWanted && isFixed !== true && this.net.now > at + LINGER * 1.2)
        this.report('lingers', `n${member.index} is still in ${topic}`)
    }
  }

  /** Every node has ended: so has every observable. */
  checkEnd(): void {
    const open = this.subscribers.filter(({ completed, subscription }) => !completed && !subscription.closed)
    if (open.length > 0)
      this.report('ends', `${open.length} subscriptions have not completed, and their nodes have ended`)
  }
}
