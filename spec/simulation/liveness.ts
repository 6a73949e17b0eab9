/**
 * A network in which some faults never heal: the boot node leaves for good, and by chance one way between two is cut, one freezes
 * and is replaced by a process with its secret, a line carries 25 kB/s, a clock runs slow. Two are parted from all others for two
 * minutes while some restart or sleep. Once that is over, all who can must know and reach each other within two ticks; after a sleep of
 * all, within two seconds.
 */
import type { P2pNode } from '../../src/node/p2p-node.js'
import { simulate, type SimulatedNetwork } from '../../src/testing/index.js'
import { Random } from '../../src/testing/network/random.js'
import { dialBothWays } from './both-ways.js'
import { shareSecret } from './shared-secret.js'
import { sightAll } from './sightings.js'
import { useSlowLine } from './slow-lines.js'
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
/** Broadcasts to a peer that is replaced: so many bytes so often, which is 50 kB/s, … */
const TOPIC = 'news'
const [NEWS, EVERY] = [5_000, 100]
/** … of which none is lost so long after its replacement has come, ms. */
const SETTLED = 2_000
/** Who hangs is named so soon when another drains, ms. */
const BLAMES = 3_000

/** Nobody is at these addresses. */
const CROWD = Array.from({ length: 900 }, (_, i) => {
  return { peer: `gone${i}`, addresses: [`/ip4/51.${i % 250}.${i >> 8}.1/tcp/4001`], age: 1_000 * i }
})

/** What never heals in the network of this seed, beside the boot node's end. */
interface Faults {
  oneWay: boolean
  twin: boolean
  slowLine: boolean
  slowClock: boolean
  /** All, or some, are frozen for a minute, as on a machine that sleeps. */
  sleep: boolean
  /** Some hundreds that are remembered are gone. */
  crowd: boolean
  /** Then all machines are suspended for a minute, and no connection survives it. */
  suspend: boolean
}

export function faultsOf(seed: number): Faults {
  const random = new Random(`faults ${seed}`)
  // In every third network the boot node's end is all.
  const chance = (): boolean => seed % 3 !== 0 && random.below(5) < 2
  return {
    oneWay: chance(),
    twin: chance(),
    slowLine: chance(),
    slowClock: chance(),
    sleep: chance(),
    crowd: chance(),
    suspend: chance(),
  }
}

export async function runLiveness(seed: number): Promise<void> {
  await dialBothWays(seed)
  await useSlowLine(seed)
  await shareSecret(seed)
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
  /** The network is small enough to stay connected. */
  private readonly keepsAll: boolean
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
    this.keepsAll = this.random.below(2) === 1
    this.config = {
      discoveryInterval,
      // In the others idle connections are closed.
      stayConnected: this.keepsAll ? 30 : 0,
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
    if (faults.sleep) await this.sleep(this.some(), (node) => net.freeze(node))
    if (faults.suspend) {
      await this.sleep(nodes, (node) => {
        net.suspend(node)
        // What is sent first meets a host that knows nothing of the connection.
        for (const other of nodes) if (other !== node) net.corrupt(node, other)
      })
    }
    await this.drainBesideOneThatHangs()
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
    const config = { ...this.config, secret: own, bootNodes: from.addresses }
    const node = await this.net.createNode(config, { rate }, { remembered: this.faults.crowd ? CROWD : [] })
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

  /**
   * A process that hangs, and one that is started in its place, elsewhere. The first request to it is answered, and it misses no
   * broadcast for long, however much was sent to the one before it.
   */
  private async replace(): Promise<void> {
    const { net, nodes } = this
    const index = this.pick()
    if (index === undefined) return
    const old = nodes[index]!
    const from = nodes[(index + 1) % nodes.length]!
    old.broadcasts$(TOPIC).subscribe()
    await this.broadcast(from, this.between(0, 20_000))
    net.freeze(old)
    await this.broadcast(from, this.between(0, 20_000))
    const twin = (nodes[index] = await this.start(from, 1, this.secrets.get(old.peerId)))
    const heard = new Set<number>()
    const listening = twin.broadcasts$(TOPIC).subscribe(({ data }) => heard.add(numberOf(data)))
    // It has reached the other: four legs, and one until that knows.
    await this.broadcast(from, 500)
    const answer = this.answer(from, twin, 10_000)
    await this.broadcast(from, SETTLED - 500)
    const end = await net.until(answer)
    if (end !== 'ok') this.fail(`n${nodes.indexOf(from)} asks the twin n${index}: ${end}`)
    const first = this.published
    await this.broadcast(from, SETTLED)
    await net.run(PROMPT)
    for (let number = first; number < this.published; number++)
      if (!heard.has(number)) this.fail(`the twin n${index} misses broadcast ${number - first} of ${SETTLED / EVERY}`)
    listening.unsubscribe()
  }

  private published = 0

  /** For so long. */
  private async broadcast(from: P2pNode, ms: number): Promise<void> {
    for (const end = this.net.now + ms; this.net.now < end; await this.net.run(EVERY)) {
      const news = new Uint8Array(NEWS)
      new DataView(news.buffer).setUint32(0, this.published++)
      from.broadcast(TOPIC, news).catch(() => undefined)
    }
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

  private async sleep(sleepers: P2pNode[], fall: (node: P2pNode) => void): Promise<void> {
    const { net } = this
    for (const node of sleepers) fall(node)
    await net.run(60_000)
    for (const node of sleepers) net.thaw(node)
    await net.run(AWAKE)
    await this.check(`${AWAKE} ms after a sleep`)
  }

  /** All, or only some: those that stay awake close their connections to the others. */
  private some(): P2pNode[] {
    const some = this.nodes.filter(() => this.random.below(2) === 0)
    return some.length === 0 || this.random.below(2) === 0 ? this.nodes : some
  }

  private isCut(a: P2pNode, b: P2pNode): boolean {
    return this.cut?.includes(a) === true && this.cut.includes(b)
  }

  /** Amid broadcasts; they have arrived, or are lost with it. */
  private async drainBesideOneThatHangs(): Promise<void> {
    const { net, nodes } = this
    const [hung, node] = [nodes[0]!, nodes[1]!]
    hung.broadcasts$(TOPIC).subscribe()
    await this.broadcast(node, this.between(5_000, 10_000))
    net.freeze(hung)
    await net.run(this.between(0, 2_000))
    const start = net.now
    await net.until(node.stop({ drain: 60_000 }))
    const took = net.now - start
    if (took > BLAMES) this.fail(`n1 drained for ${took} ms beside n0, which hung`)
    const reason = (await node.closed)?.message
    if (reason?.includes(hung.peerId) !== true) this.fail(`n1 ended with ${reason}, and n0 hung`)
    net.thaw(hung)
  }

  private answer(a: P2pNode, b: P2pNode, timeout: number): Promise<string> {
    return a.request(b.peerId, Uint8Array.of(1), { timeout }).then(() => 'ok', String)
  }

  /** Before anybody asks, because a request dials; then all ask at once: who waits for a dead connection is late. */
  private async check(when: string): Promise<void> {
    const { net, nodes, keepsAll } = this
    const connected = (await net.until(Promise.all(nodes.map((node) => node.status())))).map((one) => one.connections)
    const known = await net.until(Promise.all(nodes.map((node) => node.knownPeers())))
    const pairs = nodes
      .flatMap((a, from) => nodes.map((b, to) => ({ a, b, from, to })))
      .filter(({ a, b }) => {
        return a !== b && !this.isCut(a, b)
      })
    for (const { b, from, to } of pairs) {
      if (!(b.peerId in known[from]!)) this.fail(`n${from} … n${to} does not know it ${when}`)
      if (keepsAll && !connected[from]!.includes(b.peerId))
        this.fail(`n${from} … n${to} is not connected to it ${when}`)
    }
    const answers = await net.until(Promise.all(pairs.map(({ a, b }) => this.answer(a, b, PROMPT))))
    for (const [index, { from, to }] of pairs.entries()) {
      const answer = answers[index]!
      if (answer !== 'ok') this.fail(`n${from} … n${to} does not reach it ${when}: ${answer}`)
    }
  }
}

function numberOf(news: Uint8Array): number {
  return new DataView(news.buffer, news.byteOffset).getUint32(0)
}
