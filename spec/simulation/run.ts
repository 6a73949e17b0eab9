/**
 * One run: builds the network of a scenario, does what the schedule says, heals everything, and sees at every turn that the
 * invariants hold. Ends with a `Violation`, or with what was counted.
 */
import { createHash } from 'node:crypto'
import type { P2pNode, RequestOptions, StreamOptions } from '../../src/node/p2p-node.js'
import { snapshot } from '../../src/core/explain/status.js'
import { peerStates } from '../../src/core/peers/peer-states.js'
import { P2pError } from '../../src/errors.js'
import { simulate, type SimulatedNetwork } from '../../src/testing/index.js'
import { REQUEST_RESPONSE_V1 } from '../../src/wire/protocols.js'
import { auditEdge, auditEdgeEnd } from './audit-broadcasts.js'
import { audit, auditEnd } from './audit.js'
import { Calls } from './calls.js'
import { CatchUps } from './catch-ups.js'
import { Streams } from './streams.js'
import type { Fairness } from './fairness.js'
import { insidesOf, loseNothing, nextOf, watch, type Report } from './inside.js'
import { Publications } from './publications.js'
import { FAULTS, settingsOf, type Scenario, type Step, type StreamStep } from './scenario.js'
import { sightAll } from './sightings.js'
import { Subscriptions } from './subscriptions.js'
import { Verdicts } from './verdicts.js'
import { Violation } from './violation.js'

/** A peer id that nobody has. */
const NOBODY = '12D3KooWHHzSeKaY8xuZVzkLbKFfvNgPPeKhFBGrMbNzbm5akpqu'
/** How many discovery ticks after the healing every node knows every other. */
export const TICKS = 4
/** States are looked at this often, virtual ms. */
const SAMPLE = 250
/** How long the promises of dials and the like may take: dials of several addresses and a lookup with dead peers. */
const SETTLES = 90_000

/** A node is ready without any virtual time; this is real time, ms, in which even a loaded machine gets there. */
const STARTS = 5_000

/** What a node says of a peer that breaks the session protocol. */
const BROKEN = /^the session (with|of) .* was reset: |opened a second session/

/** A stream that only the end of a node ends. */
const ENDLESS: Omit<StreamStep, 'id' | 'from' | 'to' | 'producer'> = {
  do: 'stream',
  by: 'id',
  size: 100,
  sizes: [100],
  count: 900,
  pace: 20,
  ends: 'never',
  consumer: 'loop',
  pause: 0,
}

export interface Outcome {
  events: number
  requests: Record<string, number>
  streams: Record<string, number>
  deliveries: number
  /** SHA-256 of the run's log, where it was asked for. */
  digest?: string
}

/** A node of a run, in its current life. */
export interface Member {
  index: number
  node: P2pNode
  phase: 'up' | 'crashed' | 'stopped'
  fairness?: Fairness
}

export async function runScenario(
  scenario: Scenario,
  schedule: Step[] = scenario.schedule,
  isDigested = false,
): Promise<Outcome> {
  const rejections: unknown[] = []
  const onRejection = (reason: unknown): void => void rejections.push(reason)
  process.on('unhandledRejection', onRejection)
  try {
    return await new Run(scenario, schedule, rejections).go(isDigested)
  } finally {
    process.off('unhandledRejection', onRejection)
  }
}

/** The invariant that a run breaks, if it does. */
export async function verdictOf(scenario: Scenario, schedule?: Step[]): Promise<Violation | undefined> {
  try {
    await runScenario(scenario, schedule)
    return undefined
  } catch (error) {
    if (error instanceof Violation) return error
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
    return new Violation('exception', text, -1)
  }
}

class Run {
  private readonly net: SimulatedNetwork
  private readonly members: Member[] = []
  private readonly agenda: { at: number; order: number; act: () => unknown }[] = []
  private readonly calls: Calls
  private readonly streams: Streams
  private readonly verdicts: Verdicts
  private readonly publications: Publications
  private readonly subscriptions: Subscriptions
  private readonly catchUps: CatchUps
  /** Everything has been healed. */
  private isHealed = false
  private readonly due = new Map<string, number>()
  /** Nothing breaks, and nothing is slow. */
  private readonly isQuiet: boolean
  /** What nodes have told last is compared. */
  private readonly looks: (() => void)[] = []
  private order = 0
  private violation: Violation | undefined

  constructor(
    private readonly scenario: Scenario,
    private readonly schedule: Step[],
    private readonly rejections: unknown[],
  ) {
    this.net = simulate({ seed: scenario.seed, ...scenario.network })
    const isFaulty = scenario.network.loss > 0 || schedule.some((step) => FAULTS.has(step.do))
    this.isQuiet = !isFaulty && scenario.network.bandwidth >= 10_000_000
    this.streams = new Streams(this.net, scenario, this.report, isFaulty)
    this.calls = new Calls(this.net, scenario, this.report, isFaulty, this.streams)
    const memberOf = (peer: string): Member | undefined => this.members.find(({ node }) => node.peerId === peer)
    this.verdicts = new Verdicts(this.net, scenario, this.report)
    this.publications = new Publications(this.net, scenario, this.report, memberOf)
    const { publications, verdicts } = this
    this.subscriptions = new Subscriptions(this.net, scenario, this.report, publications, verdicts, memberOf)
    this.catchUps = new CatchUps(
      this.net,
      scenario,
      this.report,
      publications,
      verdicts,
      this.subscriptions,
      memberOf,
      () => this.isQuiet || (this.isHealed && scenario.network.bandwidth >= 10_000_000),
    )
  }

  readonly report: Report = (invariant, detail) => {
    this.violation ??= new Violation(invariant, detail, this.net.now)
  }

  async go(isDigested: boolean): Promise<Outcome> {
    for (let index = 0; index < this.scenario.nodes.length; index++) await this.create(index)
    for (const step of this.schedule) this.at(step.at, () => this.act(step))
    await this.runUntil(this.scenario.duration)
    await this.heal()
    await this.discover()
    await this.converse()
    await this.end()
    const outcome = {
      events: this.net.counts.events,
      requests: this.calls.endings,
      streams: this.streams.endings,
      deliveries: this.subscriptions.deliveries,
    }
    if (!isDigested) return outcome
    return { ...outcome, digest: createHash('sha256').update(this.net.log.join('\n')).digest('hex') }
  }

  // ---- time

  private at(time: number, act: () => unknown): void {
    this.agenda.push({ at: time, order: this.order++, act })
    this.agenda.sort((a, b) => a.at - b.at || a.order - b.order)
  }

  private async runUntil(time: number): Promise<void> {
    for (;;) {
      const next = this.agenda[0]?.at ?? Infinity
      const to = Math.min(time, next, this.net.now + SAMPLE)
      await this.net.run(Math.max(0, to - this.net.now))
      this.check()
      if (next <= to) await this.agenda.shift()!.act()
      else if (to >= time) return
    }
  }

  private check(): void {
    for (const member of this.members) {
      const insides = insidesOf(member.node)
      const { state } = insides
      const say: Report = (invariant, detail) => this.report(invariant, `n${member.index}: ${detail}`)
      if (state.lifecycle.phase === 'running' && member.phase === 'up') {
        audit(state, say)
        auditEdge(insides, say)
      } else if (member.phase === 'crashed') auditEdgeEnd(insides, say)
      member.fairness?.check(this.isQuiet, this.net.now)
      if (member.phase === 'up' && state.lifecycle.phase !== 'running')
        this.report('fault', `n${member.index} is ${state.lifecycle.phase}`)
    }
    for (const look of this.looks) look()
    this.calls.check()
    this.streams.check()
    this.verdicts.check()
    this.publications.check()
    this.subscriptions.check()
    this.catchUps.check()
    for (const [what, due] of this.due) if (this.net.now > due) this.report('ends', `${what} has not ended`)
    if (this.rejections.length > 0) this.report('unhandled', String(this.rejections[0]))
    if (this.violation !== undefined) throw this.violation
  }

  // ---- nodes

  private async create(index: number): Promise<void> {
    const plan = this.scenario.nodes[index]!
    const { requestTimeout, maxRequestSize, maxResponseSize, keepAlive, discoveryInterval, topics, skew } = plan
    const { messageId, large } = this.scenario.pubsub
    const starting = this.net.createNode(
      {
        bootNodes: plan.boot.flatMap((boot) => this.members[boot]!.node.addresses),
        reqResp: { requestTimeout, maxRequestSize, maxResponseSize, connectionKeepAlive: keepAlive },
        discoveryInterval,
        // Otherwise nothing would be closed for being idle.
        stayConnected: 0,
        topics,
        pubsub: {
          messageId,
          validators: this.verdicts.of(index),
          ...(large > 0 ? { largeMessages: { maxSize: large } } : {}),
        },
        logger: ({ level, message, cause }) => {
          const isOurs = /fault of its own|^the effect /.test(message)
          if (level === 'error' && isOurs) this.report('fault', `n${index}: ${message}: ${String(cause)}`)
          // Each side sees whether the other one keeps to the protocol.
          if (level === 'warn' && BROKEN.test(message)) this.report('protocol', `n${index}: ${message}`)
        },
      },
      skew,
      { ...settingsOf(plan.limits), ...(plan.isOld && { protocols: [REQUEST_RESPONSE_V1] }) },
    )
    const node = await Promise.race([starting, realTime(STARTS)])
    if (node === undefined) throw new Violation('start', `n${index} does not become ready`, this.net.now)
    const member: Member = { index, node, phase: 'up' }
    this.members.push(member)
    this.settle(member)
  }

  /** What is done with each new life of a node. */
  private settle(member: Member): void {
    const { index, node } = member
    const plan = this.scenario.nodes[index]!
    member.fairness = watch(
      node,
      this.net,
      (invariant, detail) => this.report(invariant, `n${index}: ${detail}`),
      this.catchUps.follow(member),
    )
    sightAll(node)
    this.calls.answer(member, plan)
    this.verdicts.forget(index)
    this.told(member)
    this.subscriptions.all(member)
    for (const topic of plan.topics) this.subscriptions.add(member, topic)
  }

  /** What a node tells of topics, and keeps telling, is what it knows. */
  private told({ node, index }: Member): void {
    const { state } = insidesOf(node)
    const keys = (names: Iterable<string> | undefined): string => [...(names ?? [])].sort().join()
    const tell = (what: string, told: string[], right: Iterable<string> | undefined): void => {
      if (state.lifecycle.phase === 'running' && keys(told) !== keys(right))
        this.report('topics', `${what} of n${index} are ${keys(told)}, and should be ${keys(right)}`)
    }
    const news: { topics?: string[]; others?: string[] } = {}
    node.topics$.subscribe((topics) => (news.topics = topics))
    node.subscribers$('news').subscribe((peers) => (news.others = peers))
    // Each change of the status, and of the peers' states, is announced.
    const latest = { status: '', peers: '' }
    node.status$.subscribe((status) => (latest.status = JSON.stringify(status)))
    node.peers$.subscribe((peers) => (latest.peers = JSON.stringify(peers)))
    this.looks.push(() => {
      if (state.lifecycle.phase === 'running') {
        this.compare(`the status of n${index}`, latest.status, JSON.stringify(snapshot(state)))
        this.compare(`the peers of n${index}`, latest.peers, JSON.stringify(peerStates(state)))
      }
      tell('the topics', news.topics!, state.topics.joined.keys())
      tell('the subscribers of news', news.others!, state.topics.subscribers.get('news'))
    })
  }

  private compare(what: string, told: string, right: string): void {
    if (told === right) return
    let at = 0
    while (told[at] === right[at]) at++
    const excerpt = (text: string): string => text.slice(Math.max(0, at - 40), at + 60)
    this.report('announced', `${what} was told as …${excerpt(told)}…, and is …${excerpt(right)}…`)
  }

  private async restart(member: Member): Promise<void> {
    if (member.phase !== 'crashed') return
    member.node = await this.net.restart(member.node)
    member.phase = 'up'
    this.settle(member)
  }

  // ---- deeds

  private act(step: Step): unknown {
    const { net, members } = this
    switch (step.do) {
      case 'request':
        return this.ask(step)
      case 'stream':
        return this.stream(step)
      case 'dial': {
        const { node, phase } = members[step.from]!
        if (phase !== 'up') return
        const to = members[step.to]!.node
        const target = {
          id: to.peerId,
          address: `${addressOf(step.to)}/p2p/${to.peerId}`,
          bare: addressOf(step.to),
          nobody: `/ip4/10.9.9.9/tcp/1/p2p/${NOBODY}`,
        }[step.by]
        const right = step.by === 'nobody' ? NOBODY : to.peerId
        return this.expect(
          `dial ${step.from} to ${step.to} by ${step.by}`,
          node.dial(target),
          ['DialError', 'Overloaded', 'NodeStopped'],
          (peer) => {
            if (peer !== right) this.report('dial', `a dial of ${right} reached ${peer}`)
          },
        )
      }
      case 'broadcast': {
        const member = members[step.from]!
        if (member.phase !== 'up') return
        return this.publications.broadcast(member, step, (ms, act) => this.at(net.now + ms, act))
      }
      case 'hear': {
        const member = members[step.node]!
        if (member.phase !== 'up') return
        const end = this.subscriptions.hear(member, step)
        return this.at(net.now + step.for, end)
      }
      case 'joined': {
        const { node, phase } = members[step.node]!
        if (phase !== 'up') return
        const { topic, timeout } = step
        const codes = ['NotSubscribed', 'RequestTimeout', 'NodeStopped']
        const promise = node.joined(topic, timeout === undefined ? {} : { timeout })
        return this.expect(`joined of n${step.node}`, promise, codes, () => undefined)
      }
      case 'explain':
        return this.explain(step)
      case 'subscribe': {
        const member = members[step.node]!
        if (member.phase !== 'up') return
        const end = this.subscriptions.add(member, step.topic)
        return this.at(net.now + step.for, end)
      }
      case 'status': {
        const { node, phase } = members[step.node]!
        if (phase !== 'up') return
        return this.expect(
          `status of n${step.node}`,
          node.status(),
          ['NodeStopped'],
          ({ peerId, knownPeersCount, knownPeers }) => {
            const isRight =
              peerId === node.peerId && Object.keys(knownPeers).length === knownPeersCount && !(peerId in knownPeers)
            if (!isRight)
              this.report(
                'status',
                `a status that is not right: ${knownPeersCount} of ${Object.keys(knownPeers).length}`,
              )
          },
        )
      }
      case 'partition':
        return net.partition(step.groups.map((group) => group.map((index) => members[index]!.node)))
      case 'heal':
        return net.heal()
      case 'crash': {
        const member = members[step.node]!
        if (member.phase !== 'up') return
        member.phase = 'crashed'
        return net.crash(member.node)
      }
      case 'restart':
        return this.restart(members[step.node]!)
      case 'stop':
        return this.stop(members[step.node]!)
      case 'drain':
        return this.stop(members[step.node]!, step.ms)
      case 'limit': {
        const [a, b] = [members[step.a]!, members[step.b]!]
        net.limit(a.node, b.node, step.bandwidth)
        return this.at(this.until(step.for), () => net.limit(a.node, b.node, Infinity))
      }
      case 'swizzle': {
        const start = net.now
        for (const { from, to, after, until } of step.clogs) {
          let end = (): void => undefined
          this.at(this.until(after), () => (end = net.cut(members[from]!.node, members[to]!.node)))
          this.at(Math.max(this.until(until), start), () => end())
        }
        return
      }
      case 'slow':
        return net.slow(members[step.a]!.node, members[step.b]!.node, step.extra)
      case 'drop': {
        let count = 0
        const end = net.drop(({ kind }) => kind === step.kind && count++ % step.each === 0)
        return this.at(this.until(step.for), end)
      }
      case 'corrupt':
        return net.corrupt(members[step.a]!.node, members[step.b]!.node)
    }
  }

  /** So many ms from now, or the end of all faults. */
  private until(ms: number): number {
    return Math.min(this.net.now + ms, Math.max(this.net.now, this.scenario.duration))
  }

  private explain({ node: index, topic, peer }: Extract<Step, { do: 'explain' }>): void {
    const { node, phase } = this.members[index]!
    if (phase !== 'up') return
    const { state } = insidesOf(node)
    const what = `explain of n${index}`
    const wrong = (about: object): void => this.report('explain', `${what} says ${JSON.stringify(about)}`)
    if (peer !== undefined) {
      const about = { peer: this.members[peer]!.node.peerId }
      return this.expect(what, node.explain(about), ['NodeStopped', 'Overloaded'], (told) => {
        const { connections, topics, meshes } = told
        const links = state.connections.byPeer.get(about.peer)?.length ?? 0
        const isRight = connections.length === links && meshes.every((name) => topics.includes(name))
        if (told.peer !== about.peer || told.text === '' || !isRight) wrong(told)
      })
    }
    this.expect(what, node.explain({ topic }), ['NodeStopped', 'Overloaded'], (told) => {
      const others = state.topics.subscribers.get(topic) ?? new Set()
      const { subscribers, subscribed, nobody } = told
      const isRight =
        subscribers.length === others.size &&
        subscribers.every((one) => others.has(one.peer)) &&
        subscribed === state.topics.joined.has(topic) &&
        (nobody === undefined) === subscribers.some(({ reachable }) => reachable)
      if (told.topic !== topic || told.text === '' || !isRight) wrong(told)
    })
  }

  private stream(step: StreamStep): void {
    const member = this.members[step.from]!
    if (member.phase !== 'up') return
    const { timeout, buffer, onOverflow } = step
    const options: StreamOptions = {}
    if (timeout !== undefined) options.timeout = timeout
    if (buffer !== undefined) options.buffer = buffer
    if (onOverflow !== undefined) options.onOverflow = onOverflow
    if (step.abortAfter !== undefined) {
      const controller = new AbortController()
      options.signal = controller.signal
      this.at(this.net.now + step.abortAfter, () => controller.abort())
    }
    const peer = this.members[step.to]!.node.peerId
    this.streams.take(member, step.by === 'id' ? peer : `${addressOf(step.to)}/p2p/${peer}`, step, options)
  }

  private ask(step: Extract<Step, { do: 'request' }>): void {
    const member = this.members[step.from]!
    if (member.phase !== 'up') return
    const options: RequestOptions = {}
    if (step.timeout !== undefined) options.timeout = step.timeout
    if (step.cancelAfter !== undefined) {
      const controller = new AbortController()
      options.signal = controller.signal
      this.at(this.net.now + step.cancelAfter, () => controller.abort())
    }
    const peer = step.to < 0 ? NOBODY : this.members[step.to]!.node.peerId
    const target =
      step.by === 'id' ? peer : step.to < 0 ? `/ip4/10.9.9.9/tcp/1/p2p/${peer}` : `${addressOf(step.to)}/p2p/${peer}`
    void this.calls.ask(member, target, step, options)
  }

  /** A promise that settles in time, with one of these codes or a value that is looked at. */
  private expect<T>(what: string, promise: Promise<T>, codes: string[], look: (value: T) => void): void {
    const key = `${what} (at ${this.net.now} ms, ${this.order++})`
    this.due.set(key, this.net.now + SETTLES)
    promise
      .then(look, (error: unknown) => {
        if (!(error instanceof P2pError) || !codes.includes(error.code))
          this.report('error', `${key} failed with ${String(error)}`)
      })
      .finally(() => this.due.delete(key))
  }

  private stop(member: Member, drain = 0): void {
    if (member.phase !== 'up') return
    member.phase = 'stopped'
    const { node, index } = member
    const started = this.net.now
    const { rate } = this.scenario.nodes[index]!.skew
    let isOver = false
    const limit = (drain + 2_000) / rate
    void node.stop({ drain }).then(() => {
      isOver = true
      if (this.net.now > started + limit + 2) this.report('stop', `n${index} took ${this.net.now - started} ms`)
    })
    this.at(started + Math.ceil(limit) + 3, () => {
      if (!isOver) this.report('stop', `n${index} has not ended within ${drain} ms and 2 s`)
      this.checkEnded(member)
    })
  }

  // ---- the end

  private async heal(): Promise<void> {
    const { net, members } = this
    net.heal()
    loseNothing(net)
    this.streams.leaveEndless()
    for (const a of members) {
      for (const b of members) if (a.index < b.index) net.slow(a.node, b.node, 0)
    }
    for (const member of members) await this.restart(member)
    // The limits were for the turmoil. In the end everybody is to reach everybody.
    for (const { node } of members) {
      const { settings } = insidesOf(node).state
      Object.assign(settings, { maxPendingRequests: 1_000, maxDials: 100 })
      settings.limits.requestsPerPeer = 100
    }
  }

  private get live(): Member[] {
    return this.members.filter(({ phase }) => phase === 'up')
  }

  /** After some ticks every live node knows every other, and nobody that is gone. */
  private async discover(): Promise<void> {
    const tick = Math.max(...this.scenario.nodes.map(({ discoveryInterval, skew }) => discoveryInterval / skew.rate))
    // What a cut connection needs to be noticed, and a dial that vanishes, come on top.
    await this.runUntil(this.net.now + Math.ceil(TICKS * tick) + 35_000)
    for (const { index, node } of this.live) {
      const { table } = insidesOf(node).state.discovery
      for (const member of this.members) {
        if (member.index === index) continue
        const isKnown = table.has(member.node.peerId)
        if (member.phase === 'up' && !isKnown) this.report('discovery', `n${index} does not know n${member.index}`)
        if (member.phase !== 'up' && isKnown)
          this.report('forgets', `n${index} still knows n${member.index}, which has stopped`)
      }
    }
    this.check()
  }

  /** Everybody can ask everybody and hears everybody. */
  private async converse(): Promise<void> {
    const { live } = this
    let id = 1_000_000
    const heard = live.map((member) => this.subscriptions.add(member, 'all'))
    const failed = new Map<string, string>()
    const rounds: Promise<void>[] = []
    live.forEach((a, i) => {
      for (let k = 1; k <= Math.min(3, live.length - 1); k++) {
        const b = live[(i + k) % live.length]!
        const key = `n${a.index} cannot reach n${b.index}`
        failed.set(key, 'no answer')
        rounds.push(
          this.reach(
            a,
            b,
            () => id++,
            (why) => failed.set(key, why),
          ).then((ok) => void (ok && failed.delete(key))),
        )
      }
    })
    // Four tries, each bounded by its timeout.
    const end = this.net.now + 62_000
    while (failed.size > 0 && this.net.now < end) await this.runUntil(this.net.now + 500)
    await Promise.all(failed.size > 0 ? [] : rounds)
    for (const [who, why] of failed) this.report('reach', `${who}: ${why}`)
    // Everybody has been connected: topics were announced, and meshes grow.
    await this.runUntil(this.net.now + 3_000)
    const from = live[this.scenario.seed % live.length]!
    const broadcast = id++
    this.act({ at: 0, do: 'broadcast', id: broadcast, from: from.index, topic: 'all', size: 500 })
    await this.runUntil(this.net.now + 8_000)
    for (const member of live) {
      // Who has been punished is out of meshes for a minute or more: nobody promises it anything.
      if (member === from || this.catchUps.hasPunished) continue
      if (!this.subscriptions.has(member, 'all', broadcast))
        this.report('coverage', `n${member.index} did not hear the broadcast of n${from.index}`)
    }
    this.check()
    this.isHealed = true
    await this.comeLate()
    for (const stop of heard) stop()
  }

  /** Half of them have a topic; then another one comes while it goes on, and misses nothing. */
  private async comeLate(): Promise<void> {
    const { live } = this
    if (live.length < 2) return
    const late = live[0]!
    const others = live.slice(1, Math.max(2, Math.ceil(live.length / 2)))
    const stops = others.map((member) => this.subscriptions.add(member, 'late'))
    await this.runUntil(this.net.now + 3_000)
    let id = 1_500_000
    const say = async (count: number, pause: number): Promise<void> => {
      for (let i = 0; i < count; i++) {
        const { index: from } = others[id % others.length]!
        this.act({ at: 0, do: 'broadcast', id: id++, from, topic: 'late', size: 50 })
        await this.runUntil(this.net.now + pause)
      }
    }
    await say(5, 1_000)
    // Gossip goes over connections that there are.
    for (const { index: to } of others) this.act({ at: 0, do: 'dial', from: late.index, to, by: 'id' })
    await this.runUntil(this.net.now + 600)
    const hear = {
      at: 0,
      do: 'hear',
      node: late.index,
      topic: 'late',
      for: 20_000,
      by: 'subscriber',
      pause: 0,
    } as const
    this.act({ ...hear, replay: 3 })
    this.act({ ...hear, replay: 100 })
    this.act({ at: 0, do: 'joined', node: late.index, topic: 'late' })
    await say(12, 40)
    await this.runUntil(this.net.now + 6_000)
    this.check()
    const { latency } = this.scenario.network
    // Those who are asked must remember what came before they had us in their mesh.
    const remember = this.scenario.nodes.every(({ isOld, limits }) => !isOld && !isLimited(limits))
    if (remember && !this.catchUps.hasPunished && latency <= 20 && this.scenario.network.bandwidth >= 10_000_000) {
      for (let i = 1_500_011; i < id; i++) {
        if (!this.subscriptions.has(late, 'late', i))
          this.report('replay', `n${late.index} did not hear broadcast ${i} of those that came after it`)
      }
    }
    for (const stop of stops) stop()
  }

  private async reach(a: Member, b: Member, nextId: () => number, say: (why: string) => void): Promise<boolean> {
    for (let i = 0; i < 4; i++) {
      const step = {
        do: 'request',
        id: nextId(),
        from: a.index,
        to: b.index,
        by: 'id',
        size: 1_000,
        reply: 1_000,
        behaviour: 'answer',
        delay: 0,
      } as const
      const ending = await this.calls.ask(a, b.node.peerId, step, { timeout: 15_000 })
      if (ending === 'value') {
        await this.justInTime(a, b, nextId)
        return true
      }
      say(ending)
      // A connection may be closed as idle, or a dial be lost, just then.
      if (ending !== 'ConnectionLost' && ending !== 'DialError') return false
    }
    return false
  }

  /** A reply that comes in the instant of its deadline wins. (Known only where packets always take the same time.) */
  private async justInTime(a: Member, b: Member, nextId: () => number): Promise<void> {
    const { latency, jitter, bandwidth } = this.scenario.network
    const { offset, rate } = this.scenario.nodes[a.index]!.skew
    if (latency === 0 || jitter > 0 || bandwidth !== Infinity || offset !== 0 || rate !== 1) return
    const step = {
      do: 'request',
      from: a.index,
      to: b.index,
      by: 'id',
      size: 100,
      reply: 100,
      behaviour: 'answer',
      delay: 0,
    } as const
    const started = this.net.now
    if ((await this.calls.ask(a, b.node.peerId, { ...step, id: nextId() }, { timeout: 15_000 })) !== 'value') return
    const timeout = this.net.now - started
    if (timeout !== 4 * latency) return
    let ending = 'RequestTimeout'
    // A discovery tick in that very instant is a batch of its own: so once more.
    for (let i = 0; i < 2 && ending === 'RequestTimeout'; i++)
      ending = await this.calls.ask(a, b.node.peerId, { ...step, id: nextId() }, { timeout })
    if (ending === 'RequestTimeout')
      this.report('in time', `n${a.index} gave up a reply that came in the ${timeout} ms that it had`)
  }

  /** Stops everything and sees that nothing is left. */
  private async end(): Promise<void> {
    const { live } = this
    let id = 2_000_000
    // Some are at work, and some wait, when the others go.
    live.forEach((a, i) => {
      const b = live[(i + 1) % live.length]!
      const who = { id: id++, from: a.index, to: b.index }
      const step = { ...who, do: 'request', by: 'id', size: 100, reply: 100, behaviour: 'never', delay: 0 } as const
      if (a === b) return
      void this.calls.ask(a, b.node.peerId, step, { timeout: 15_000 })
      this.stream({ ...ENDLESS, ...who, id: id++, producer: i % 2 === 0 ? 'iterable' : 'observable' })
    })
    this.streams.isEnding = true
    await this.runUntil(this.net.now + 400)
    live.forEach((member, i) => {
      if (i % 2 === 0) this.stop(member)
    })
    await this.runUntil(this.net.now + 1_000)
    for (const member of this.live) this.stop(member)
    await this.runUntil(this.net.now + 3_000)
    this.calls.checkEnd()
    this.streams.checkEnd()
    this.publications.checkEnd()
    this.subscriptions.checkEnd()
    if (this.due.size > 0) this.report('ends', `${[...this.due.keys()][0]} has not ended`)
    const { events } = this.net.counts
    // What the network had under way, dials and pings, ends too; then there is nothing left to happen.
    await this.net.run(60_000)
    if (this.net.counts.events !== events) this.report('over', `${this.net.log[events]} entered a lane after the end`)
    if (nextOf(this.net) !== Infinity) this.report('leak', 'something is still scheduled a minute after the end')
    this.check()
  }

  private checkEnded(member: Member): void {
    const insides = insidesOf(member.node)
    const report: Report = (invariant, detail) => this.report(invariant, `n${member.index}: ${detail}`)
    auditEnd(insides.state, report)
    auditEdgeEnd(insides, report)
    if (insides.asks.observers.size > 0) report('leak', `${insides.asks.observers.size} promises wait after the end`)
    if (insides.inbound.requests.size > 0)
      report('leak', `${insides.inbound.requests.size} handlers are open after the end`)
    if (insides.lane.gathering.events.length > 0) report('leak', 'events wait in the lane after the end')
  }
}

/** Does it remember less than others? */
function isLimited({ historyMessages, historyBytes, maxQueuedValues }: Scenario['nodes'][number]['limits']): boolean {
  return historyMessages !== undefined || historyBytes !== undefined || maxQueuedValues !== undefined
}

function realTime(ms: number): Promise<undefined> {
  return new Promise((resolve) => setTimeout(resolve, ms, undefined).unref())
}

/** Where a node listens, without its peer id. Known from its number alone: it may be down. */
function addressOf(index: number): string {
  return `/ip4/10.0.0.${index + 1}/tcp/4001`
}
