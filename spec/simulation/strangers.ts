/**
 * Strangers who take what they can of a node, beside peers who ask now and then. The peers are all answered, and in time; the node's books
 * keep to its limits, and are empty when the strangers have gone.
 */
import type { P2pError } from '../../src/errors.js'
import type { P2pNode } from '../../src/node/p2p-node.js'
import { simulate, type SimulatedNetwork } from '../../src/testing/index.js'
import { Random } from '../../src/testing/network/random.js'
import { audit } from './audit.js'
import { insidesOf } from './inside.js'
import { sightAll } from './sightings.js'
import { settingsOf, type LowLimits } from './scenario.js'
import { Violation } from './violation.js'

/** Streams that an honest peer reads, which take more together than it may have at once. */
const STREAMS = 8
/** They have turns, and each goes on within this time, ms. */
const GOES_ON = 2_000
/** What the first byte of a request asks for. */
const SMALL = 0
const LARGE = 1
const STREAM = 2
const SLOW = 3
const VARIED = 4

const ATTACKS = ['giveNoCredit', 'cancel', 'flood', 'readNothing', 'wait'] as const
const LASTS = 8_000
const SAMPLE = 50
/** An honest request takes a round trip, and what is before it in its turn, ms. */
const IN_TIME = 400
/** Places for connections, and how often somebody comes who wants one and nothing else, ms. */
const PLACES = 8
const PASSING = 400
/** How long a slow handler works, whatever becomes of its request, ms. */
const WORK = 150
/** A slow handler has time for this, and a request that has to wait for one when many do has not, ms. */
const TIMEOUT = 200
/** At last so many come one after the other, this far apart, ms, and take what they may: half of the rest each. Others are answered all the same. */
const CROWD = 6
const BEHIND = 10
/** When the strangers have gone, their handlers end. */
const OVER = 2_000
/** What a large answer takes, and so many of them may be under way before it is known that they are large. */
const LARGE_ANSWER = 60_032
const FIRST = 4
/** Half way the node's operator denies a stranger, for this long, ms. */
const DENIED = 2_000

type Attack = (typeof ATTACKS)[number]

export async function runStrangers(seed: number): Promise<void> {
  const random = new Random(`${seed} strangers`)
  const net = simulate({ seed, latency: 5, bandwidth: 1_000_000 })
  const limits: LowLimits = {
    requests: 60,
    requestsPerPeer: 30,
    handlers: 30,
    handlersPerPeer: 12,
    answerBytes: 2_000_000,
    answerBytesPerPeer: 100_000,
    answerIdleTimeout: 1_500,
    connections: PLACES,
  }
  const config = { discoveryInterval: 1e9, stayConnected: 100 }
  const victim = await net.createNode({ ...config, reqResp: { requestTimeout: TIMEOUT } }, {}, settingsOf(limits))
  const story = new Story(net, victim, limits)
  const join = (): Promise<P2pNode> => net.createNode({ ...config, bootNodes: victim.addresses })
  const honest = [await join(), await join()]
  const reader = await join()
  const strangers: P2pNode[] = []
  for (let i = 0; i <= random.below(3); i++) strangers.push(await join())
  for (const node of [victim, ...honest, reader, ...strangers]) sightAll(node)
  await net.run(200)
  const passing: P2pNode[] = []
  const attacks = strangers.map(() => ATTACKS[random.below(ATTACKS.length)]!)
  for (let time = 0; time < LASTS; time += SAMPLE) {
    strangers.forEach((stranger, i) => story.attack(stranger, attacks[i]!, random.below(20)))
    for (const peer of honest) story.ask(peer)
    if (time < STREAMS * SAMPLE) story.read(reader)
    if (time % PASSING === 0) passing.push(await join())
    if (time === LASTS / 2) story.deny(strangers[0]!)
    await net.run(SAMPLE)
    story.check()
  }
  for (const stranger of [...strangers, ...passing, reader]) await net.until(stranger.stop())
  await net.run(OVER)
  story.checkEnd()
  const crowd: P2pNode[] = []
  for (let i = 0; i < CROWD; i++) crowd.push(await join())
  for (const stranger of crowd) {
    story.attack(stranger, 'wait', limits.requestsPerPeer!)
    await net.run(BEHIND)
  }
  for (const peer of honest) story.ask(peer)
  await net.run(OVER)
  for (const stranger of crowd) await net.until(stranger.stop())
  story.checkEnd()
  for (const node of [victim, ...honest]) await net.until(node.stop())
}

class Story {
  private working = 0
  private violation: Violation | undefined
  /** The streams that are read → when something of them came last; `Infinity`: they are over. */
  private readonly heard = new Map<number, number>()
  private denied: { peer: string; until: number } | undefined

  constructor(
    private readonly net: SimulatedNetwork,
    private readonly victim: P2pNode,
    private readonly limits: LowLimits,
  ) {
    victim.setEventHandler({
      handleInboundRequest: ([kind]) => {
        if (kind === SMALL) return new Uint8Array(100)
        if (kind === LARGE) return new Uint8Array(60_000)
        if (kind === VARIED) return this.endless((count) => (count % 20 < 10 ? 2_000 : 60_000))
        return kind === STREAM ? this.endless(() => 20_000) : this.slow()
      },
    })
  }

  private async *endless(sizeOf: (count: number) => number): AsyncGenerator<Uint8Array> {
    this.begin()
    try {
      for (let count = 0; ; count++) yield new Uint8Array(sizeOf(count))
    } finally {
      this.working--
    }
  }

  /** It does not heed its signal. */
  private slow(): Promise<Uint8Array> {
    this.begin()
    return new Promise((resolve) => {
      this.net.scheduler.schedule(() => {
        this.working--
        resolve(new Uint8Array(1))
      }, WORK)
    })
  }

  private begin(): void {
    this.working++
    if (this.working > this.limits.handlers!) this.say('bounded', `${this.working} handlers are at work`)
  }

  ask(peer: P2pNode): void {
    const since = this.net.now
    peer.request(this.victim.peerId, Uint8Array.of(SMALL)).then(
      () => {
        if (this.net.now - since > IN_TIME) this.say('in time', `an honest request took ${this.net.now - since} ms`)
      },
      (error: unknown) => this.say('answered', `an honest request failed: ${String(error)}`),
    )
  }

  /** Reads a stream as fast as it comes. Where there was no room for it, it is over at once. */
  read(peer: P2pNode): void {
    const id = this.heard.size
    this.heard.set(id, this.net.now)
    peer.request$(this.victim.peerId, Uint8Array.of(VARIED), { timeout: 60_000 }).subscribe({
      next: () => this.heard.set(id, this.net.now),
      error: () => this.heard.set(id, Infinity),
    })
  }

  attack(stranger: P2pNode, attack: Attack, count: number): void {
    const to = this.victim.peerId
    const nothing = (): void => undefined
    for (let i = 0; i < count; i++) {
      switch (attack) {
        case 'giveNoCredit':
          stranger.request$(to, Uint8Array.of(STREAM))[Symbol.asyncIterator]().next().catch(nothing)
          break
        case 'cancel': {
          const controller = new AbortController()
          stranger.request(to, Uint8Array.of(SLOW), { signal: controller.signal }).catch(nothing)
          this.net.scheduler.schedule(() => controller.abort(), i)
          break
        }
        case 'flood':
          stranger.request(to, Uint8Array.of(LARGE)).catch(nothing)
          break
        case 'wait':
          stranger.request(to, Uint8Array.of(SLOW)).catch(nothing)
          break
        case 'readNothing':
          stranger.request$(to, Uint8Array.of(LARGE), { timeout: 60_000 })[Symbol.asyncIterator]()
          break
      }
    }
  }

  deny({ peerId }: P2pNode): void {
    this.victim.deny(peerId, { for: DENIED }).catch((error: unknown) => this.say('deny', String(error)))
    this.denied = { peer: peerId, until: this.net.now + DENIED }
  }

  /** Nothing of it is here, and nobody can ask it, until its time is over. */
  private checkDenied(): void {
    if (this.denied === undefined) return
    const { peer, until } = this.denied
    const { state } = insidesOf(this.victim)
    if (this.net.now >= until + SAMPLE) {
      if (state.access.lists.deny.peers.size > 0) this.say('access', 'a denial does not end')
      this.denied = undefined
      return
    }
    if (state.connections.byPeer.has(peer)) this.say('access', 'a denied peer is connected')
    for (const exchange of state.exchanges.open.values())
      if (exchange.peer === peer) this.say('access', `request ${exchange.id} is of a denied peer`)
    this.victim.request(peer, Uint8Array.of(SMALL)).then(
      () => this.say('access', 'a denied peer was asked'),
      (error: P2pError) => {
        const isDenied = error.code === 'Denied' || this.net.now >= until
        if (!isDenied) this.say('access', `a request to a denied peer failed: ${String(error)}`)
      },
    )
  }

  check(): void {
    this.checkDenied()
    for (const [id, at] of this.heard)
      if (this.net.now - at > GOES_ON) this.say('goes on', `nothing came of stream ${id} for ${this.net.now - at} ms`)
    const { state } = insidesOf(this.victim)
    const most = this.limits.answerBytesPerPeer! + FIRST * LARGE_ANSWER
    for (const { peer, answers } of state.budget.accounts.values())
      if (answers > most) this.say('bounded', `answers to ${peer} take ${answers} bytes`)
    audit(state, (invariant, detail) => this.say(invariant, detail))
    for (const { id, stage, held } of state.exchanges.open.values())
      if (stage === 'queued' && held > 0) this.say('books', `inbound ${id} waits, and takes ${held} bytes`)
    for (const exchange of state.exchanges.open.values()) {
      const idle = exchange.protocol === 'session' && exchange.series !== undefined ? exchange.series.movedAt : Infinity
      if (state.now - idle > 2 * this.limits.answerIdleTimeout! + SAMPLE && exchange.stage === 'answering')
        this.say('idle', `nothing of answer ${exchange.id} was taken for ${state.now - idle} ms`)
    }
    if (this.violation !== undefined) throw this.violation
  }

  checkEnd(): void {
    this.heard.clear()
    this.check()
    const { expected: _remembered, ...use } = insidesOf(this.victim).state.budget.all
    for (const [name, value] of Object.entries(use))
      if (value !== 0) this.say('leak', `${value} ${name} are booked, and everybody has gone`)
    if (this.violation !== undefined) throw this.violation
  }

  private say(invariant: string, detail: string): void {
    this.violation ??= new Violation(invariant, detail, this.net.now)
  }
}
