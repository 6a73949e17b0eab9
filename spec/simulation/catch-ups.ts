/**
 * Late subscribers: what they get has no gap and no repeat. What the peers remember that are asked is written down when they
 * are; and what a mesh neighbour hears from then on has to come too. Besides: what callers wait for, `joined` and subscribers,
 * is there when they are told so.
 */
import type { Heard } from '../../src/core/terms.js'
import type { Effect } from '../../src/core/effects.js'
import type { Event } from '../../src/core/events.js'
import type { SimulatedNetwork } from '../../src/testing/index.js'
import { INBOUND, isLimited } from './expected.js'
import { insidesOf, type Insides, type Report } from './inside.js'
import { idOf } from './payloads.js'
import type { Publications } from './publications.js'
import type { Member } from './run.js'
import type { Scenario } from './scenario.js'
import type { Subscriptions } from './subscriptions.js'
import type { Verdicts } from './verdicts.js'

/** Broadcasts that were made within so long of each other may be heard in either order, ms. */
const SLACK = 5_000
/** Limits with which not everything that is remembered can be had. */
const LIMITS = [...INBOUND, 'historyMessages', 'historyBytes', 'maxQueuedValues', 'maxPendingRequests'] as const
const OWN_LIMITS = ['maxValidating', 'maxValidatingPerPeer', ...LIMITS] as const

interface CatchingUp {
  topic: string
  count: number
  /** What has been delivered since it began. */
  live: Heard[]
  /** What those remembered who were asked, once they have been. */
  asked: Heard[] | undefined
  /** What the listener is to have got; `undefined`: nothing yet. */
  right: number[] | undefined
  replayed: Set<string>
}

export class CatchUps {
  private readonly looks: (() => void)[] = []
  /** Something has been rejected: gossip of somebody may not be heard for a while. */
  hasPunished = false

  constructor(
    private readonly net: SimulatedNetwork,
    private readonly scenario: Scenario,
    private readonly report: Report,
    private readonly publications: Publications,
    private readonly verdicts: Verdicts,
    private readonly subscriptions: Subscriptions,
    private readonly memberOf: (peer: string) => Member | undefined,
    /** Nothing breaks, and nothing is slow. */
    private readonly isQuiet: () => boolean,
  ) {}

  /** Follows a new life of a node. */
  follow(member: Member): { event: (event: Event) => void; effect: (effect: Effect) => void } {
    const insides = insidesOf(member.node)
    const { state } = insides
    const open = new Map<number, CatchingUp>()
    const joining = new Map<number, string>()
    /** Broadcasts that wait for subscribers → how many. */
    const waiting = new Map<number, { topic: string; min: number }>()
    /** When somebody was last lost. */
    let lost = -Infinity
    const { node } = member
    this.looks.push(() => {
      for (const [subscription, { right, topic }] of open) {
        const order = this.subscriptions.ofCatchUp(node, subscription)?.order
        if (right === undefined || order === undefined || member.node !== node || member.phase !== 'up') continue
        if (right.join() !== order.join())
          this.report('replay', `n${member.index} heard ${order.join()} of ${topic}, and should have: ${right.join()}`)
      }
    })
    return {
      event: (event) => {
        if (event.type === 'subscribe' && event.replay !== undefined) {
          const { subscription, count } = event.replay
          const rest = { live: [], asked: undefined, right: undefined, replayed: new Set<string>() }
          open.set(subscription, { topic: event.topic, count, ...rest })
        } else if (event.type === 'unsubscribe' && event.subscription !== undefined) open.delete(event.subscription)
        else if (event.type === 'joined') joining.set(event.ask, event.topic)
        else if (event.type === 'broadcast' && event.waitForPeers !== undefined)
          waiting.set(event.ask, { topic: event.topic, min: event.waitForPeers.min })
        else if (event.type === 'gossipClosed' || (event.type === 'subscriptionChanged' && !event.subscribed))
          lost = this.net.now
      },
      effect: (effect) => {
        this.lookForAsked(insides, open)
        switch (effect.type) {
          case 'penalize':
            this.hasPunished = true
            return
          case 'verdict':
            if (effect.verdict === 'reject') this.hasPunished = true
            return
          case 'settle':
            if (joining.has(effect.ask)) this.onJoined(insides, member, joining.get(effect.ask)!)
            return
          case 'publish': {
            const wait = waiting.get(effect.ask)
            if (wait === undefined) return
            // Whoever was there may have gone while it waited for its turn.
            waiting.delete(effect.ask)
            const there = [...(state.topics.subscribers.get(wait.topic) ?? [])].filter((peer) =>
              state.topics.gossipPeers.has(peer),
            )
            if (there.length < wait.min && lost < state.now - SLACK)
              this.report('waits', `n${member.index} sends to ${there.length} subscribers, and ${wait.min} were wanted`)
            return
          }
          case 'deliver':
            for (const one of open.values()) {
              if (one.topic !== effect.topic) continue
              if (one.right === undefined) one.live.push(effect)
              else if (!one.replayed.delete(effect.id)) one.right.push(idOf(effect.data)!)
            }
            return
          case 'replayed': {
            const one = open.get(effect.subscription)
            if (one === undefined) return
            one.right = effect.broadcasts.map(({ data }) => idOf(data)!)
            one.replayed = new Set(effect.broadcasts.map(({ id }) => id))
            return this.onReplayed(member, one, effect.broadcasts)
          }
          default:
            return
        }
      },
    }
  }

  private onJoined({ state }: Insides, { index }: Member, topic: string): void {
    const own = state.topics.joined.get(topic)
    const isAlone = !state.topics.subscribers.has(topic)
    if (own === undefined || (own.mesh.length === 0 && !isAlone))
      this.report('joined', `n${index} says that it has joined ${topic}, and is in no mesh`)
  }

  /** Those who are asked now: what do they remember? */
  private lookForAsked({ state }: Insides, open: Map<number, CatchingUp>): void {
    if (state.catchUps.size === 0) return
    for (const [subscription, one] of open) {
      if (one.asked !== undefined || state.catchUps.get(subscription)?.stage !== 'asking') continue
      one.asked = []
      for (const purpose of state.services.purposes.values()) {
        if (purpose.kind !== 'history' || purpose.subscription !== subscription) continue
        const member = this.memberOf(purpose.peer)
        const plan = this.scenario.nodes[member?.index ?? -1]
        if (member === undefined || plan === undefined || plan.isOld || isLimited(plan, LIMITS)) continue
        const history = insidesOf(member.node).state.topics.joined.get(one.topic)?.history ?? []
        for (const { id, data, from, via } of history.slice(-one.count))
          one.asked.push({ topic: one.topic, id, data, from, via })
      }
    }
  }

  private onReplayed({ index, node }: Member, { topic, count, live, asked }: CatchingUp, got: Heard[]): void {
    const say = (what: string): void => this.report('replay', `n${index}, ${topic}, the last ${count}: ${what}`)
    const ids = got.map(({ id }) => id)
    if (new Set(ids).size !== ids.length) say(`one comes twice: ${ids.join()}`)
    const news = live.map(({ id }) => id)
    const old = got.slice(0, Math.max(0, got.length - news.length))
    if (ids.slice(old.length).join() !== news.join()) say('what has come meanwhile is not at the end, whole')
    if (old.length > count) say(`${old.length} come`)
    if (!this.isQuiet() || this.hasPunished) return
    // One that was broadcast again has two times.
    const times = old.filter((heard) => !this.isRepeated(heard)).map((heard) => this.madeAt(heard))
    for (let i = 1; i < times.length; i++) {
      if (times[i - 1]! > times[i]! + SLACK) say(`not in the order of time: ${times.join()}`)
    }
    const plan = this.scenario.nodes[index]!
    if (plan.isOld || isLimited(plan, OWN_LIMITS)) return
    const mesh = insidesOf(node).state.topics.joined.get(topic)?.mesh ?? []
    const canAsk = mesh.length > 0 && mesh.every((peer) => this.planOf(peer)?.isOld === false)
    if (asked === undefined && canAsk) say('nobody was asked, and there is a mesh')
    if (asked === undefined) return
    const first = Math.min(...got.map((heard) => this.madeAt(heard)))
    for (const heard of asked) {
      if (ids.includes(heard.id) || heard.from === node.peerId) continue
      if (!this.verdicts.accepts(index, topic, idOf(heard.data)!)) continue
      // There was no room for it: the last ones may have come while the peer was asked.
      if (this.isRepeated(heard)) continue
      if (got.length >= count && this.madeAt(heard) <= first + SLACK) continue
      say(`broadcast ${idOf(heard.data)} is missing, which a peer remembered that was asked`)
    }
  }

  private planOf(peer: string): Scenario['nodes'][number] | undefined {
    return this.scenario.nodes[this.memberOf(peer)?.index ?? -1]
  }

  private isRepeated({ data }: Heard): boolean {
    return [...(this.publications.all.get(idOf(data)!)?.by.values() ?? [])].flat().length > 1
  }

  private madeAt({ data }: Heard): number {
    return this.publications.all.get(idOf(data)!)?.at ?? 0
  }

  check(): void {
    for (const look of this.looks) look()
  }
}
