/**
 * A network in which some faults never heal: the boot node leaves for good, and by chance one way between two is cut, one freezes
 * and is replaced by a process with its secret, a line carries 25 kB/s, a clock runs slow. Two are parted from all others for two
 * minutes while some restart or sleep. Once that is over, all who can must know and reach each other within two ticks.
 */
import type { P2pNode } from '../../src/node/p2p-node.js'
import { simulate, type SimulatedNetwork } from '../../src/testing/index.js'
import { Random } from '../../src/testing/network/random.js'
import { dialBothWays } from './both-ways.js'
import { sightAll } from './sightings.js'
import { Violation } from './violation.js'

/** How many discovery ticks after the healing. */
const TICKS = 2
const PARTED = 120_000
/** They have met by then. */
const MEET = 40_000
/** Who sleeps is connected again so soon after it, ms. */
const AWAKE = 2_000
/** Longer than a large request takes over the slow line, ms. */
const PATIENCE = 100_000
const SLOW_LINE = 25_000
/** An answer takes no longer when all is well, ms. */
const PROMPT = 1_000

/** What never heals in the network of this seed, beside the boot node's end. */
interface Faults {
  oneWay: boolean
  twin: boolean
  slowLine: boolean
  slowClock: boolean
  /** All are frozen for a minute, as on a machine that sleeps. */
  sleep: boolean
}

export function faultsOf(seed: number): Faults {
  const random = new Random(`faults ${seed}`)
  // In every third network the boot node's end is all.
  const chance = (): boolean => seed % 3 !== 0 && random.below(5) < 2
  return { oneWay: chance(), twin: chance(), slowLine: chance(), slowClock: chance(), sleep: chance() }
}

export async function runLiveness(seed: number): Promise<void> {
  await dialBothWays(seed)
  await new Liveness(seed).go()
}

class Liveness {
  private readonly random: Random
  private readonly faults: Faults
  private readonly net: SimulatedNetwork
  private readonly config: object
  /** Of the slowest clock, ms of the network. */
  private readonly tick: number
  private readonly slowRate: number
  private readonly discoveryInterval: number
  private readonly nodes: P2pNode[] = []
  /** Nothing else befalls these. */
  private readonly spared = new Set<number>([0, 1])
  private cut: [P2pNode, P2pNode] | undefined

  constructor(seed: number) {
    this.random = new Random(`liveness ${seed}`)
    this.faults = faultsOf(seed)
    const latency = this.between(1, 60)
    this.net = simulate({ seed, latency, jitter: this.between(0, Math.min(latency, 20)) })
    this.discoveryInterval = this.between(5_000, 30_000)
    const { discoveryInterval } = this
    this.slowRate = this.faults.slowClock ? this.between(5, 9) / 10 : 1
    this.tick = Math.ceil(discoveryInterval / this.slowRate)
    this.config = {
      discoveryInterval,
      // Some networks are small enough to stay connected, in the others idle connections are closed.
      stayConnected: this.random.below(2) === 0 ? 0 : 30,
      reqResp: { connectionKeepAlive: this.between(5_000, 20_000), requestTimeout: PATIENCE },
    }
  }

  async go(): Promise<void> {
    const { net, nodes, faults } = this
    const boot = await net.createNode(this.config)
    for (let i = this.between(2, 11); i > 0; i--) {
      nodes.push(await this.start(boot, nodes.length === 0 ? this.slowRate : 1))
      await net.run(this.between(0, 3_000))
    }
    await net.run(MEET)
    if (this.random.below(2) === 0) await net.until(boot.stop())
    else await net.crash(boot)
    await net.run(this.between(0, 3_000))
    if (faults.oneWay) this.cutOneWay()
    if (faults.twin) await this.replace()
    const large = faults.slowLine ? this.useSlowLine() : []
    net.partition([[nodes[0]!], [nodes[1]!], nodes.slice(2)])
    await this.goOn(net.now + PARTED)
    this.checkDials(boot.peerId)
    // (`heal` would mend the one way too.)
    net.partition([])
    await net.run(TICKS * this.tick)
    await this.check(`${TICKS} ticks later`)
    for (const answer of large) {
      const end = await net.until(answer)
      if (end !== 'ok') this.fail(`a large request over the slow line ended with ${end}`)
    }
    if (faults.sleep) await this.sleep()
    for (const node of nodes) await net.until(node.stop())
  }

  private between(least: number, most: number): number {
    return least + this.random.below(most - least + 1)
  }

  private fail(what: string): never {
    const faults = Object.entries(this.faults).flatMap(([name, isThere]) => (isThere ? [name] : []))
    throw new Violation('liveness', `of ${this.nodes.length} (${faults.join()}), ${what}`, this.net.now)
  }

  private async start(from: P2pNode, rate = 1, secret?: Uint8Array): Promise<P2pNode> {
    const own = secret ?? Uint8Array.from({ length: 32 }, () => this.random.below(256))
    const node = await this.net.createNode({ ...this.config, secret: own, bootNodes: from.addresses }, { rate })
    this.secrets.set(node.peerId, own)
    return this.answering(node)
  }

  private readonly secrets = new Map<string, Uint8Array>()

  private answering(node: P2pNode): P2pNode {
    sightAll(node)
    node.setEventHandler({ handleInboundRequest: (data) => data.slice(0, 1) })
    return node
  }

  /** Another one than those of whom something is expected. */
  private pick(): number | undefined {
    const free = [...this.nodes.keys()].filter((index) => !this.spared.has(index))
    const index = free[this.random.below(Math.max(1, free.length))]
    if (index !== undefined) this.spared.add(index)
    return index
  }

  private cutOneWay(): void {
    const [from, to] = [this.pick(), this.pick()]
    if (from === undefined || to === undefined) return
    this.cut = [this.nodes[from]!, this.nodes[to]!]
    this.net.cut(...this.cut)
  }

  /** A process that hangs, and one that is started in its place, elsewhere. The first request to it is answered. */
  private async replace(): Promise<void> {
    const { net, nodes } = this
    const index = this.pick()
    if (index === undefined) return
    const old = nodes[index]!
    net.freeze(old)
    await net.run(this.between(0, 20_000))
    const from = nodes[(index + 1) % nodes.length]!
    const twin = (nodes[index] = await this.start(from, 1, this.secrets.get(old.peerId)))
    // It has reached the other: four legs, and one until that knows.
    await net.run(500)
    const end = await this.ask(from, twin)
    if (end !== 'ok') this.fail(`n${nodes.indexOf(from)} asks the twin n${index}: ${end}`)
  }

  /** Two large requests cross it at once. */
  private useSlowLine(): Promise<string>[] {
    const [from, to] = [this.pick(), this.pick()]
    if (from === undefined || to === undefined) return []
    const [a, b] = [this.nodes[from]!, this.nodes[to]!]
    this.net.limit(a, b, SLOW_LINE)
    return [0, 1].map(() => a.request(b.peerId, new Uint8Array(1_000_000)).then(() => 'ok', String))
  }

  /** Until then those who are not spared restart, one after the other, and remember nobody: those who knew them find them. */
  private async goOn(end: number): Promise<void> {
    const { net, nodes, random } = this
    const left = (): number => Math.max(0, end - net.now)
    while (left() > 0) {
      await net.run(Math.min(this.between(5_000, 40_000), left()))
      const index = this.between(0, nodes.length - 1)
      if (nodes.length < 5 || this.spared.has(index) || random.below(3) > 0) continue
      await net.crash(nodes[index]!)
      await net.run(Math.min(this.between(100, 5_000), left()))
      nodes[index] = this.answering(await net.restart(nodes[index]!))
    }
  }

  /** The two that were parted, n2 and n3 of the log, have not dialled it all the time. */
  private checkDials(gone: string): void {
    const failed = this.net.log.filter((line) => / n[23] dialFailed /.test(line) && line.endsWith(gone)).length
    // While nobody is connected the pauses are of 400 ms at least, and later they grow.
    const most = 2 * (10 + PARTED / 400 + (4 * PARTED) / this.discoveryInterval)
    if (failed > most) this.fail(`the boot node, which is gone, was dialled ${failed} times in vain`)
  }

  private async sleep(): Promise<void> {
    const { net, nodes } = this
    for (const node of nodes) net.freeze(node)
    await net.run(60_000)
    for (const node of nodes) net.thaw(node)
    await net.run(AWAKE)
    await this.check(`${AWAKE} ms after a sleep`)
  }

  private ask(a: P2pNode, b: P2pNode): Promise<string> {
    return this.net.until(this.answer(a, b, 10_000))
  }

  private answer(a: P2pNode, b: P2pNode, timeout: number): Promise<string> {
    return a.request(b.peerId, Uint8Array.of(1), { timeout }).then(() => 'ok', String)
  }

  /** All at once: who has to be dialled first, or waits for a dead connection, is late. */
  private async check(when: string): Promise<void> {
    const { net, nodes } = this
    const known = await net.until(Promise.all(nodes.map((node) => node.knownPeers())))
    const pairs = nodes
      .flatMap((a, from) => nodes.map((b, to) => ({ a, b, from, to })))
      .filter(({ a, b }) => {
        return a !== b && !(this.cut?.includes(a) === true && this.cut.includes(b))
      })
    for (const { b, from, to } of pairs)
      if (!(b.peerId in known[from]!)) this.fail(`n${from} … n${to} does not know it ${when}`)
    const answers = await net.until(Promise.all(pairs.map(({ a, b }) => this.answer(a, b, PROMPT))))
    for (const [index, { from, to }] of pairs.entries()) {
      const answer = answers[index]!
      if (answer !== 'ok') this.fail(`n${from} … n${to} does not reach it ${when}: ${answer}`)
    }
  }
}
