/**
 * Those who hear broadcasts in a run, as subscribers and in loops: nothing comes twice, altered, uninvited, or from somebody
 * who did not take it; nothing comes after the verdict against it; and loops lose only what their policy says.
 */
import type { Subscription } from 'rxjs'
import type { Broadcast, BroadcastsOptions } from '../../src/edge/broadcasts/broadcasts.js'
import { isP2pError } from '../../src/errors.js'
import type { P2pNode } from '../../src/node/node.js'
import type { SimulatedNetwork } from '../../src/testing/index.js'
import { insidesOf, type Report } from './inside.js'
import { idOf, isSame, payload } from './payloads.js'
import type { Publications } from './publications.js'
import type { Member } from './run.js'
import type { HearStep, Scenario } from './scenario.js'
import type { Verdicts } from './verdicts.js'

/** For this long the network suppresses a repeat, ms. */
const SEEN = 60_000

/** So long a topic stays joined after its last subscriber, ms, on a clock that may be a tenth wrong. */
const LINGER = 10_000

export interface Subscriber {
  node: P2pNode
  index: number
  topic: string | undefined
  /** The number of its catch-up. */
  catchUp: number | undefined
  /** Broadcast and signer → when it came. */
  heard: Map<string, number[]>
  /** All of it, in order. */
  order: number[]
  completed: boolean
  left: boolean
}

/** A loop, and a subscriber that began with it and hears what it could have heard. */
interface Loop {
  step: HearStep
  own: Subscriber
  beside: Subscriber
  /** It waits for the next one. */
  idle: boolean
  failed: boolean
}

export class Subscriptions {
  deliveries = 0
  private readonly subscribers = new Set<Subscriber>()
  private readonly loops = new Set<Loop>()
  private readonly left: { member: Member; node: P2pNode; topic: string; at: number }[] = []

  constructor(
    private readonly net: SimulatedNetwork,
    private readonly scenario: Scenario,
    private readonly report: Report,
    private readonly publications: Publications,
    private readonly verdicts: Verdicts,
    private readonly memberOf: (peer: string) => Member | undefined,
  ) {}

  /** Subscribes to a topic; what it returns unsubscribes. */
  add(member: Member, topic: string, options?: BroadcastsOptions): () => void {
    const { subscriber, subscription } = this.subscribe(member, topic, options)
    return () => {
      subscription.unsubscribe()
      this.leave(member, subscriber, topic)
    }
  }

  /** Hears every topic that the node is in. */
  all(member: Member): void {
    this.subscribe(member, undefined)
  }

  /** What it returns ends it. */
  hear(member: Member, step: HearStep): () => void {
    const { topic, replay, buffer, onOverflow } = step
    const options: BroadcastsOptions = {}
    if (replay !== undefined) options.replay = replay
    if (buffer !== undefined) options.buffer = buffer
    if (onOverflow !== undefined) options.onOverflow = onOverflow
    if (step.by === 'subscriber') return this.add(member, topic, options)
    // Another catch-up would find something else.
    const beside = replay === undefined ? this.subscribe(member, topic) : undefined
    const own = this.subscriberOf(member, topic, undefined)
    const iterator = member.node.broadcasts$(topic, options)[Symbol.asyncIterator]()
    const loop: Loop = { step, own, beside: beside?.subscriber ?? own, idle: true, failed: false }
    this.loops.add(loop)
    void this.take(loop, iterator)
    return () => {
      this.checkLoop(loop)
      this.loops.delete(loop)
      void iterator.return!()
      beside?.subscription.unsubscribe()
      if (beside !== undefined) this.leave(member, beside.subscriber, topic)
      this.leave(member, own, topic)
    }
  }

  private async take(loop: Loop, iterator: AsyncIterator<Broadcast, unknown>): Promise<void> {
    const { step, own } = loop
    try {
      for (;;) {
        loop.idle = true
        const { done, value } = await iterator.next()
        if (done === true) break
        loop.idle = false
        if (own.left) return this.report('observable', `a loop of n${own.index} goes on after it was left`)
        this.deliver(own, value)
        if (step.pause > 0)
          await new Promise<void>((resolve) => this.net.scheduler.schedule(() => resolve(), step.pause))
      }
      own.completed = true
    } catch (error) {
      loop.failed = true
      own.completed = true
      if (!isP2pError(error, 'Overloaded') || (step.onOverflow ?? 'error') !== 'error' || step.buffer === undefined)
        this.report('observable', `a loop of n${own.index} failed: ${String(error)}`)
    }
  }

  /** Everything but what its policy drops. */
  private checkLoop({ step, own, beside, idle, failed }: Loop): void {
    if (own === beside || own.completed !== failed) return
    const { onOverflow: policy = 'error', buffer = 1_024 } = step
    const say = (what: string): void =>
      this.report(
        'loop',
        `a loop of n${own.index} (${policy}, ${buffer}) ${what}: ${own.order.join()} of ${beside.order.join()}`,
      )
    let at = 0
    for (const id of own.order) {
      while (at < beside.order.length && beside.order[at] !== id) at++
      if (at === beside.order.length) return say('took what nobody else heard, or in another order')
      at++
    }
    const missing = beside.order.length - own.order.length
    if (policy === 'error' && at !== own.order.length) say('lost something')
    // (A loop at work hears of what it has missed only when it has taken what waits.)
    if (failed ? missing === 0 : idle && policy === 'error' && missing > buffer)
      say(`has ${missing} to come, and failed: ${failed}`)
    if (idle && !failed && at !== beside.order.length) say('waits, and has not got the newest')
  }

  has({ node }: Member, topic: string, id: number): boolean {
    for (const one of this.subscribers) {
      if (one.node === node && one.topic === topic && one.order.includes(id)) return true
    }
    return false
  }

  /** Who hears with this catch-up; loops take their time. */
  ofCatchUp(node: P2pNode, catchUp: number): Subscriber | undefined {
    for (const one of this.subscribers) if (one.node === node && one.catchUp === catchUp) return one
    return undefined
  }

  private subscriberOf({ node, index }: Member, topic: string | undefined, replay: number | undefined): Subscriber {
    const catchUp = replay === undefined ? undefined : insidesOf(node).broadcasts.nextSubscription
    const rest = { catchUp, heard: new Map<string, number[]>(), order: [], completed: false, left: false }
    const subscriber: Subscriber = { node, index, topic, ...rest }
    this.subscribers.add(subscriber)
    return subscriber
  }

  private subscribe(
    member: Member,
    topic: string | undefined,
    options: BroadcastsOptions = {},
  ): { subscriber: Subscriber; subscription: Subscription } {
    const { node, index } = member
    const subscriber = this.subscriberOf(member, topic, options.replay)
    const subscription = node.broadcasts$(topic, options).subscribe({
      next: (broadcast) => this.deliver(subscriber, broadcast),
      complete: () => {
        subscriber.completed = true
      },
      error: (error: unknown) => this.report('observable', `broadcasts$ of n${index} failed: ${String(error)}`),
    })
    return { subscriber, subscription }
  }

  private leave(member: Member, subscriber: Subscriber, topic: string): void {
    subscriber.left = true
    this.subscribers.delete(subscriber)
    // One that ended by itself has left already.
    if (!subscriber.completed) this.left.push({ member, node: subscriber.node, topic, at: this.net.now })
  }

  private deliver(subscriber: Subscriber, { data, topic, from, via }: Broadcast): void {
    const { heard, node, index } = subscriber
    this.deliveries++
    const id = idOf(data)
    const sent = id === undefined ? undefined : this.publications.all.get(id)
    if (id === undefined || sent === undefined)
      return this.report('altered', `n${index} heard a broadcast that nobody sent`)
    const say = (invariant: string, what: string): void =>
      this.report(invariant, `n${index} heard broadcast ${id} ${what}`)
    if (!isSame(data, payload('broadcast', id, sent.size))) say('altered', 'with other bytes')
    const lives = sent.by.get(from)
    const isRight = topic === sent.topic && (subscriber.topic ?? topic) === topic && lives !== undefined
    if (!isRight) say('altered', `of ${from} on ${topic}`)
    // What an earlier life has said may come back.
    if (from === node.peerId && lives?.every((life) => life === node) === true) say('altered', 'of itself')
    subscriber.order.push(id)
    if (subscriber.topic === undefined) this.publications.onHeard(node.peerId, id)

    if (!this.verdicts.hasTaken(index, topic, id)) say('after a verdict', 'which its own validator has not taken')
    const neighbour = this.memberOf(via)
    const isTheirs =
      sent.by.has(via) || (neighbour !== undefined && this.verdicts.hasEverTaken(neighbour.index, topic, id))
    if (!isTheirs) say('after a verdict', `from n${neighbour?.index}, whose validator has not taken it`)

    const isUnique = this.scenario.pubsub.messageId === 'unique'
    const key = isUnique ? `${id} ${from}` : String(id)
    const times = (heard.get(key) ?? []).filter((at) => this.net.now - at < SEEN)
    const most = isUnique ? (lives?.length ?? 0) : 1
    if (times.length >= most) say('delivered twice', `again after ${this.net.now - times.at(-1)!} ms`)
    heard.set(key, [...times, this.net.now])
  }

  /** A topic is left some time after its last subscriber, neither sooner nor never. */
  check(): void {
    for (const loop of this.loops) this.checkLoop(loop)
    for (const one of [...this.left]) {
      const { member, node, topic, at } = one
      const isWanted = [...this.subscribers].some(
        (other) => other.node === node && other.topic === topic && !other.completed,
      )
      if (member.phase !== 'up' || member.node !== node || isWanted || this.net.now > at + LINGER * 1.2) {
        this.left.splice(this.left.indexOf(one), 1)
      }
      if (member.phase !== 'up' || member.node !== node) continue
      const isIn = insidesOf(node).state.topics.joined.has(topic)
      if (!isIn && (isWanted || this.net.now < at + LINGER * 0.9))
        this.report('lingers', `n${member.index} left ${topic} after ${this.net.now - at} ms`)
      const isFixed = insidesOf(node).state.topics.joined.get(topic)?.fixed
      if (isIn && !isWanted && isFixed !== true && this.net.now > at + LINGER * 1.2)
        this.report('lingers', `n${member.index} is still in ${topic}`)
    }
  }

  /** Every node has ended: so has every observable. */
  checkEnd(): void {
    const open = [...this.subscribers].filter(({ completed, left }) => !completed && !left)
    if (open.length > 0)
      this.report('ends', `${open.length} subscriptions have not completed, and their nodes have ended`)
  }
}
