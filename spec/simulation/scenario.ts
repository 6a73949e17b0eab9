/**
 * What a seed means: a small random network and, as plain data, a schedule of what its users do and what befalls it. Made
 * from the seed alone, before anything runs, so that a failing schedule can be cut down and run again.
 */
import type { Overflow } from '../../src/core/terms.js'
import { LIMIT_RULES, limitsOf, type Limits } from '../../src/core/limits/limits.js'
import type { Settings } from '../../src/core/settings.js'
import { Random } from '../../src/testing/network/random.js'

export interface NodePlan {
  requestTimeout: number
  keepAlive: number
  discoveryInterval: number
  maxRequestSize: number
  maxResponseSize: number
  topics: string[]
  /** Earlier nodes that it begins with. */
  boot: number[]
  /** Who answers requests here. */
  answers: 'handler' | 'stream'
  skew: { offset: number; rate: number }
  /** It speaks version 1 of request/response alone, as others do. */
  isOld: boolean
  /** Topic → what judges its messages here. */
  validators: Record<string, ValidatorPlan>
  /** Internal limits that are far below their defaults, so that runs reach them. */
  limits: LowLimits
}

/** Settings, and limits of what others may use. */
export type LowLimits = Partial<Omit<Settings, 'limits'> & Limits>

export function settingsOf(low: LowLimits): Partial<Settings> {
  const limits = Object.entries(low).filter(([name]) => name in LIMIT_RULES)
  const others = Object.entries(low).filter(([name]) => !(name in LIMIT_RULES))
  return { ...Object.fromEntries(others), limits: limitsOf(Object.fromEntries(limits)) }
}

/** A validator: what it says of a broadcast follows from the number of the broadcast alone. */
export interface ValidatorPlan {
  /** Two with the same salt judge alike. */
  salt: number
  /** Shares of a hundred that are rejected, ignored, thrown at, and never judged. */
  reject: number
  ignore: number
  throws: number
  never: number
  /** Before its verdict, ms; 0: it says it at once. */
  delay: number
}

/**
 * What the one who is asked does. `twice`: answers, then answers otherwise; `several`: with a stream of values, of which the
 * first is the answer; `refuse` and `busy`: with a code; `never` leaves it to the timeout.
 */
export type Behaviour = 'answer' | 'slow' | 'reject' | 'refuse' | 'busy' | 'throw' | 'never' | 'twice' | 'several'

export type Step = { at: number } & Deed

export interface RequestStep {
  do: 'request'
  id: number
  from: number
  /** A node, or -1: a peer id that nobody has. */
  to: number
  by: 'id' | 'address'
  /** Bytes of the request and of the answer. */
  size: number
  reply: number
  behaviour: Behaviour
  /** Of a slow answer, ms. */
  delay: number
  timeout?: number
  cancelAfter?: number
}

/** A request for a stream of values, and who makes and who takes them. */
export interface StreamStep {
  do: 'stream'
  id: number
  from: number
  to: number
  by: 'id' | 'address'
  /** Bytes of the request, and of the values in turn. */
  size: number
  sizes: number[]
  count: number
  producer: 'iterable' | 'observable'
  /** From one value to the next, ms. */
  pace: number
  /** Behind its last value. `busy` and `fail` are refusals with a code; `never`: nothing comes any more. */
  ends: 'complete' | 'fail' | 'busy' | 'never'
  consumer: 'loop' | 'subscriber'
  /** Of a loop, after each value, ms. */
  pause: number
  leaveAfter?: number
  abortAfter?: number
  timeout?: number
  buffer?: number
  onOverflow?: Overflow
}

/** A broadcast. Its number says which bytes: one that comes again is a repeat. */
export interface BroadcastStep {
  do: 'broadcast'
  id: number
  from: number
  topic: string
  size: number
  /** Subscribers that it waits for, and for how long. */
  min?: number
  patience?: number
  receipts?: true | { count?: number; timeout?: number }
  abortAfter?: number
}

/** Somebody who hears a topic for a while: a subscriber, or a loop that pauses after each broadcast. */
export interface HearStep {
  do: 'hear'
  node: number
  topic: string
  for: number
  by: 'subscriber' | 'loop'
  replay?: number
  pause: number
  buffer?: number
  onOverflow?: Overflow
}

export type Deed =
  | BroadcastStep
  | HearStep
  | { do: 'joined'; node: number; topic: string; timeout?: number }
  | { do: 'explain'; node: number; topic: string; peer?: number }
  | RequestStep
  | StreamStep
  | { do: 'dial'; from: number; to: number; by: 'id' | 'address' | 'bare' | 'nobody' }
  | { do: 'subscribe'; node: number; topic: string; for: number }
  | { do: 'status'; node: number }
  | { do: 'partition'; groups: number[][] }
  | { do: 'heal' }
  | { do: 'crash' | 'restart' | 'stop'; node: number }
  | { do: 'drain'; node: number; ms: number }
  | { do: 'limit'; a: number; b: number; bandwidth: number; for: number }
  | { do: 'swizzle'; clogs: Clog[] }
  | { do: 'slow'; a: number; b: number; extra: number }
  | { do: 'drop'; kind: 'dial' | 'gossip'; each: number; for: number }
  | { do: 'corrupt'; a: number; b: number }

/** One way that nothing passes for a while, ms after the step. */
export interface Clog {
  from: number
  to: number
  after: number
  until: number
}

export interface Scenario {
  seed: number
  network: { latency: number; jitter: number; loss: number; bandwidth: number }
  /** The same in all nodes. `large`: the largest broadcast that is fetched rather than gossiped; 0: none is. */
  pubsub: { messageId: 'content' | 'unique'; large: number }
  nodes: NodePlan[]
  schedule: Step[]
  /** When the faults end and everything heals, ms. */
  duration: number
}

const OTHERWISE: Behaviour[] = ['slow', 'reject', 'refuse', 'busy', 'throw', 'never', 'twice', 'several']

export const TOPICS = ['news', 'blocks', 'chat']

/** Deeds that make it allowed for a request to fail that would succeed otherwise. */
export const FAULTS = new Set<Deed['do']>([
  'partition',
  'crash',
  'stop',
  'drain',
  'slow',
  'limit',
  'swizzle',
  'drop',
  'corrupt',
])

/** The least that still lets a node do all that it has to, if slowly. */
const LEAST: LowLimits = {
  maxPendingRequests: 1,
  maxDials: 1,
  requestsPerPeer: 1,
  maxStreams: 1,
  maxEarlyStreams: 1,
  maxProbes: 1,
  maxParallelProbes: 1,
  maxReturns: 1,
  maxPublishing: 1,
  maxQueuedBroadcasts: 1,
  maxQueuedValues: 1,
  maxQueueSize: 1,
  historyMessages: 0,
  catchUpPeers: 1,
}

export function scenarioOf(seed: number): Scenario {
  let random = new Random(seed)
  const one = <T>(...choices: T[]): T => choices[random.below(choices.length)]!
  const chance = (share: number): boolean => random.float() < share
  const between = (least: number, most: number): number => least + random.below(most - least + 1)

  const isQuiet = chance(0.3)
  const latency = one(0, 1, 5, 20, 80)
  const network = {
    latency,
    jitter: latency === 0 ? 0 : one(0, latency / 4, latency),
    loss: isQuiet ? 0 : one(0, 0, 0.01, 0.05),
    bandwidth: one(Infinity, Infinity, 10_000_000, 300_000),
  }
  const hasOld = chance(0.4)
  // Mostly small: what goes wrong among twelve mostly goes wrong among three, in a quarter of the time.
  const count = 3 + Math.min(random.below(10), random.below(10), random.below(10))
  const nodes: NodePlan[] = []
  for (let i = 0; i < count; i++) nodes.push(planOf(i))

  const duration = between(20, 45) * 1_000
  const schedule: Step[] = []
  let nextId = 1
  const broadcasts: { id: number; topic: string; size: number }[] = []
  const length = between(15, 45)
  for (let i = 0; i < length; i++) {
    const at = between(0, duration)
    const kind = random.float()
    if (kind < 0.1) {
      // Many at once: queues and limits come into play.
      const pattern = requestOf()
      const many = between(2, 12)
      for (let j = 0; j < many; j++) schedule.push({ at: at + (chance(0.5) ? 0 : j), ...pattern, id: nextId++ })
    } else if (kind < 0.16) {
      crowd(at)
    } else {
      schedule.push({ at, ...(!isQuiet && chance(0.25) ? faultOf() : actionOf()) })
    }
  }
  // Broadcasts have chance of their own.
  random = new Random(`${seed} broadcasts`)
  const pubsub = broadcastsOf()
  random = new Random(`${seed} kept`)
  keptInTouch()
  random = new Random(`${seed} responses`)
  for (const { limits } of nodes) if (chance(0.3)) limits.responseBytesPerPeer = between(20_000, 150_000)
  // A stable sort: what is of one instant stays in the order of its making.
  schedule.sort((a, b) => a.at - b.at)
  return { seed, network, pubsub, nodes, schedule, duration }

  /** Idle phases about the keep-alive, ends in good order, links that clog and clear one by one, and limits at their least. */
  function keptInTouch(): void {
    if (chance(0.3)) rhythm()
    if (chance(0.1)) {
      const { limits } = nodes[random.below(count)]!
      for (const key of random.some(Object.keys(LEAST) as (keyof LowLimits)[], between(1, 3)))
        Object.assign(limits, { [key]: LEAST[key] })
    }
    if (isQuiet) return
    if (chance(0.25))
      schedule.push({
        at: between(0, duration),
        do: 'drain',
        node: between(1, count - 1),
        ms: one(1, 500, 5_000, 15_000),
      })
    if (chance(0.2)) schedule.push({ at: between(0, duration), ...swizzle() })
    if (chance(0.15)) {
      const [a, b] = random.some([...nodes.keys()], 2) as [number, number]
      schedule.push({
        at: between(0, duration),
        do: 'limit',
        a,
        b,
        bandwidth: one(5_000, 25_000),
        for: between(1_000, 30_000),
      })
    }
  }

  function rhythm(): void {
    const { from, to, by } = requestOf()
    const pause = nodes[from]!.keepAlive
    for (let at = between(0, 2_000); at < duration; at += pause + between(-20, Math.floor(pause / 20) + 20))
      schedule.push({ ...requestOf(), at, from, to, by, behaviour: 'answer', size: 100, reply: 100 })
  }

  function swizzle(): Deed {
    const pairs = [...nodes.keys()].flatMap((b) => Array.from({ length: b }, (_, a) => [a, b] as const))
    const chosen = random.some(pairs, between(1, pairs.length))
    const step = between(50, 1_500)
    const clearing = random.shuffle(chosen.keys())
    const clogs = chosen.flatMap(([a, b], i): Clog[] => {
      const times = { after: i * step, until: (chosen.length + clearing[i]!) * step }
      const both = [
        { from: a, to: b, ...times },
        { from: b, to: a, ...times },
      ]
      return chance(0.8) ? both : both.slice(random.below(2), 2).slice(0, 1)
    })
    return { do: 'swizzle', clogs }
  }

  function planOf(index: number): NodePlan {
    const limits: LowLimits = {}
    if (chance(0.3)) limits.maxStreams = limits.maxEarlyStreams = between(1, 6)
    if (chance(0.3)) limits.maxEarlyStreams = 1
    if (chance(0.15)) limits.requestBytesPerPeer = 60_000
    if (chance(0.15)) limits.requestBytes = 90_000
    if (chance(0.08)) limits.requestsPerPeer = between(2, 4)
    if (chance(0.05)) limits.maxPendingRequests = between(4, 10)
    if (chance(0.05)) limits.maxDials = 2
    if (chance(0.1)) limits.maxQueuedValues = between(2_000, 60_000)
    const isOld = hasOld && chance(0.5)
    return {
      requestTimeout: one(500, 2_000, 10_000),
      keepAlive: one(1_500, 3_000, 10_000),
      discoveryInterval: one(3_000, 5_000, 8_000),
      maxRequestSize: one(1_048_576, 1_048_576, 150_000),
      maxResponseSize: one(1_048_576, 1_048_576, 100_000),
      topics: chance(0.6) ? ['news'] : [],
      boot: index === 0 ? [] : [...new Set([0, random.below(index)])],
      answers: one('handler', 'stream'),
      skew: chance(0.25) ? { offset: between(-5_000, 5_000), rate: one(0.9, 1, 1.1) } : { offset: 0, rate: 1 },
      isOld,
      validators: {},
      limits,
    }
  }

  function broadcastsOf(): Scenario['pubsub'] {
    const large = chance(0.25) ? one(150_000, 1_000_000) : 0
    // In some networks nobody has a validator, in some all have the same one, and in some each has its own.
    const judges = one('none', 'alike', 'own')
    const alike = validator()
    for (const node of nodes) {
      if (judges === 'alike') node.validators.news = alike
      if (judges === 'own') for (const topic of TOPICS) if (chance(0.4)) node.validators[topic] = validator()
      if (chance(0.15)) node.limits.historyMessages = between(0, 4)
      if (chance(0.1)) node.limits.historyBytes = between(300, 4_000)
      if (chance(0.1)) node.limits.maxPublishing = between(1, 2)
      if (chance(0.1)) node.limits.maxQueuedBroadcasts = between(1_000, 40_000)
      if (chance(0.1)) node.limits.maxValidatingPerPeer = between(600, 20_000)
      if (chance(0.1)) node.limits.maxValidating = between(600, 20_000)
      if (chance(0.25)) node.limits.maxQueueSize = between(1_024, 70_000)
      if (chance(0.3)) node.limits.validationTimeout = one(600, 1_000, 2_500)
    }
    const amount = between(0, 25)
    for (let i = 0; i < amount; i++) {
      const at = between(0, duration)
      const kind = random.float()
      const [node, topic] = [random.below(count), one(...TOPICS, 'news')]
      if (kind < 0.45) schedule.push({ at, ...said(node, topic) })
      else if (kind < 0.55) {
        const many = between(3, 30)
        for (let j = 0; j < many; j++) schedule.push({ at: at + (chance(0.5) ? 0 : j), ...said(node, topic) })
      } else if (kind < 0.85) schedule.push({ at, ...heard(node, topic) })
      else if (kind < 0.95) {
        const step: Step = { at, do: 'joined', node, topic }
        if (chance(0.5)) step.timeout = one(1, 100, 1_000, 20_000)
        schedule.push(step)
      } else {
        const step: Step = { at, do: 'explain', node, topic }
        if (chance(0.5)) step.peer = random.below(count)
        schedule.push(step)
      }
    }
    return { messageId: chance(0.25) ? 'unique' : 'content', large }

    function validator(): ValidatorPlan {
      const harm = (): number => (chance(0.5) ? 0 : one(5, 20, 50))
      return {
        salt: random.below(1_000_000),
        reject: harm() / 2,
        ignore: harm() / 2,
        throws: chance(0.2) ? 10 : 0,
        never: chance(0.2) ? 10 : 0,
        delay: one(0, 0, 1, 30, 300),
      }
    }

    function said(from: number, topic: string): BroadcastStep {
      if (broadcasts.length > 0 && chance(0.1)) return { do: 'broadcast', from, ...one(...broadcasts) }
      const size =
        large > 0 && chance(0.2) ? between(70_000, 200_000) : chance(0.8) ? between(8, 600) : between(8, 30_000)
      const step: BroadcastStep = { do: 'broadcast', id: nextId++, from, topic, size }
      broadcasts.push({ id: step.id, topic, size })
      if (chance(0.3)) step.min = between(1, 3)
      if (step.min !== undefined && chance(0.6)) step.patience = one(1, 100, 2_000, 15_000)
      if (chance(0.4)) step.receipts = chance(0.5) ? true : { count: between(1, 4) }
      if (typeof step.receipts === 'object' && chance(0.5)) step.receipts.timeout = one(1, 100, 3_000)
      if (chance(0.05)) step.abortAfter = one(0, 1, 100)
      return step
    }

    function heard(node: number, topic: string): HearStep {
      const by = one('subscriber', 'loop')
      const step: HearStep = { do: 'hear', node, topic, for: one(10, 1_000, 9_000, 30_000), by, pause: 0 }
      if (chance(0.6)) step.replay = one(1, 2, 5, 100)
      if (by === 'subscriber') return step
      step.pause = one(0, 0, 10, 300)
      if (chance(0.5)) step.buffer = between(1, 5)
      if (chance(0.6)) step.onOverflow = one('error', 'dropOldest', 'conflate')
      return step
    }
  }

  function sizeOf(): number {
    const kind = random.float()
    if (kind < 0.06) return 0
    if (kind < 0.6) return between(8, 600)
    if (kind < 0.9) return between(600, 20_000)
    return between(20_000, 200_000)
  }

  function requestOf(): RequestStep {
    const from = random.below(count)
    const step: RequestStep = {
      do: 'request',
      id: nextId++,
      from,
      to: chance(0.04) ? -1 : (from + 1 + random.below(count - 1)) % count,
      by: chance(0.5) ? 'address' : 'id',
      size: sizeOf(),
      reply: sizeOf(),
      behaviour: chance(0.6) ? 'answer' : one(...OTHERWISE),
      delay: between(0, 3_000),
    }
    if (chance(0.15)) step.timeout = one(1, 20, 100, 500, 4_000)
    if (chance(0.12)) step.cancelAfter = one(0, 1, 5, 20, 100, 1_000)
    if (step.behaviour === 'never' && chance(0.5)) step.cancelAfter = between(20, 1_000)
    return step
  }

  function streamOf(): StreamStep {
    const from = random.below(count)
    const isLossy = chance(0.25)
    const least = isLossy ? 8 : 0
    const step: StreamStep = {
      do: 'stream',
      id: nextId++,
      from,
      to: (from + 1 + random.below(count - 1)) % count,
      by: chance(0.5) ? 'address' : 'id',
      size: Math.max(8, sizeOf()),
      sizes: Array.from({ length: between(1, 3) }, () => Math.max(least, sizeOf())),
      count: chance(0.1) ? 0 : chance(0.7) ? between(1, 12) : between(12, 60),
      producer: one('iterable', 'observable'),
      pace: one(0, 0, 1, 10, 100),
      ends: chance(0.6) ? 'complete' : one('fail', 'busy', 'never'),
      consumer: one('loop', 'subscriber'),
      pause: one(0, 0, 10, 100, 300),
    }
    // Not too much in all: it has to cross a slow line too.
    step.count = Math.min(step.count, Math.ceil(600_000 / Math.max(1, ...step.sizes)))
    if (chance(0.25)) step.leaveAfter = between(1, 8)
    else if (chance(0.15) || (step.ends === 'never' && chance(0.7))) step.abortAfter = one(0, 1, 20, 200, 1_000, 3_000)
    if (chance(0.1)) step.timeout = one(1, 20, 100, 500)
    if (isLossy) step.onOverflow = one('error', 'dropOldest', 'conflate')
    if (isLossy && chance(0.7)) step.buffer = between(1, 10)
    return step
  }

  /** Large and small at once between two nodes: what is large must not stand in the way. */
  function crowd(at: number): void {
    const { from, to, by } = { ...streamOf() }
    const many = between(2, 6)
    for (let j = 0; j < many; j++) {
      const sizes = { size: Math.max(8, sizeOf()), reply: chance(0.5) ? between(20_000, 200_000) : 100 }
      const step = chance(0.4) ? { ...streamOf(), from, to, by } : { ...requestOf(), ...sizes, from, to, by }
      schedule.push({ at: at + (chance(0.5) ? 0 : between(0, 60)), ...step })
    }
  }

  function actionOf(): Deed {
    const node = random.below(count)
    const kind = random.float()
    if (kind < 0.4) return requestOf()
    if (kind < 0.62) return streamOf()
    if (kind < 0.7)
      return { do: 'dial', from: node, to: random.below(count), by: one('id', 'address', 'bare', 'nobody') }
    if (kind < 0.82) {
      if (broadcasts.length > 0 && chance(0.15)) return { do: 'broadcast', from: node, ...one(...broadcasts) }
      const broadcast = { id: nextId++, topic: one(...TOPICS), size: chance(0.06) ? 70_000 : 8 + sizeOf() / 8 }
      broadcast.size = Math.floor(broadcast.size)
      broadcasts.push(broadcast)
      return { do: 'broadcast', from: node, ...broadcast }
    }
    if (kind < 0.95) return { do: 'subscribe', node, topic: one(...TOPICS), for: one(0, 10, 1_000, 9_000, 30_000) }
    return { do: 'status', node }
  }

  function faultOf(): Deed {
    const node = random.below(count)
    const other = (node + 1 + random.below(count - 1)) % count
    const kind = random.float()
    if (kind < 0.2) {
      const groups: number[][] = [[], []]
      for (let i = 0; i < count; i++) groups[random.below(2)]!.push(i)
      return { do: 'partition', groups }
    }
    if (kind < 0.35) return { do: 'heal' }
    if (kind < 0.5) return { do: 'crash', node }
    if (kind < 0.65) return { do: 'restart', node }
    // The first one leads the others to each other again, so it may crash, but it does not leave.
    if (kind < 0.7) return node === 0 ? { do: 'heal' } : { do: 'stop', node }
    if (kind < 0.8) return { do: 'slow', a: node, b: other, extra: one(0, 50, 500, 3_000) }
    if (kind < 0.9) return { do: 'drop', kind: one('dial', 'gossip'), each: between(1, 3), for: between(100, 8_000) }
    return { do: 'corrupt', a: node, b: other }
  }
}
