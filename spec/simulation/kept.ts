/**
 * The rhythm of ordinary use, in a network without faults: requests with pauses about the keep-alive time, so that idle connections
 * are just being left; nodes that drain and come back; processes that sleep while answers come; dials that are told better
 * addresses. Here nothing may be lost: each request is answered, each broadcast is heard.
 */
import type { P2pNode } from '../../src/node/p2p-node.js'
import { isP2pError } from '../../src/errors.js'
import { simulate, type SimulatedNetwork } from '../../src/testing/index.js'
import { Random } from '../../src/testing/network/random.js'
import { sightAll } from './sightings.js'
import { Violation } from './violation.js'

const ROUNDS = 25
const TOPIC = 'news'
const DRAIN = 10_000
/** What a drain needs beside the work that it waits for, ms. */
const LEAVES = 1_500
/** Nobody answers that. */
const NEVER = 255

export async function runKept(seed: number): Promise<void> {
  await new Kept(seed).go()
}

class Kept {
  private readonly random: Random
  private readonly net: SimulatedNetwork
  private readonly latency: number
  private readonly keepAlive: number
  private readonly nodes: P2pNode[] = []
  /** Broadcasts by their first bytes, and who has heard them. */
  private readonly heard = new Map<number, Set<string>>()
  private nextBroadcast = 1
  private seen: Violation | undefined
  /** Peers of a mesh stay connected: in two of three networks nobody is in a topic. */
  private readonly topics: string[]

  constructor(seed: number) {
    this.topics = seed % 3 === 0 ? [TOPIC] : []
    this.random = new Random(`kept ${seed}`)
    this.latency = this.one(0, 1, 10, 50, 150)
    this.keepAlive = this.between(1_500, 8_000)
    this.net = simulate({ seed, latency: this.latency, jitter: this.one(0, this.latency / 5) })
  }

  async go(): Promise<void> {
    const { net, nodes } = this
    for (let i = this.between(3, 5); i > 0; i--) {
      const node = await net.createNode({
        topics: this.topics,
        stayConnected: 0,
        reqResp: { connectionKeepAlive: this.keepAlive, requestTimeout: 30_000 },
        logger: ({ level, message }) => {
          if (level === 'error' || /was reset: /.test(message)) this.note('fault', message)
        },
      })
      nodes.push(this.settle(node))
      await this.meet(node)
    }
    for (let round = 0; round < ROUNDS; round++) {
      await net.run(this.pause())
      const kind = this.random.below(12)
      if (kind === 0) await this.drain()
      else if (kind === 1) await this.doze()
      else if (kind === 2) await this.race()
      else await this.talk()
      if (this.seen !== undefined) throw this.seen
    }
    for (const node of nodes) await net.until(node.stop())
  }

  private between(least: number, most: number): number {
    return least + this.random.below(most - least + 1)
  }

  private one<T>(...choices: T[]): T {
    return choices[this.random.below(choices.length)]!
  }

  /** For what is seen inside of a callback: the run ends after this round. */
  private note(invariant: string, what: string): void {
    this.seen ??= new Violation(invariant, what, this.net.now)
  }

  private fail(invariant: string, what: string): never {
    throw new Violation(
      invariant,
      `${what} (keep-alive ${this.keepAlive} ms, latency ${this.latency} ms)`,
      this.net.now,
    )
  }

  /** Mostly about the time after which a connection is left: a twentieth after its keep-alive at the latest. */
  private pause(): number {
    const { keepAlive, latency } = this
    const slack = Math.ceil(keepAlive / 20) + 6 * latency + 5
    return this.random.below(4) === 0 ? this.between(0, 3 * keepAlive) : keepAlive + this.between(-slack, 2 * slack)
  }

  /** Answers after as many tenths of a second as the first byte says. */
  private settle(node: P2pNode): P2pNode {
    sightAll(node)
    node.setEventHandler({
      handleInboundRequest: (data) =>
        new Promise((resolve) => {
          const delay = data[0]! * 100
          if (data[0] === NEVER) return
          if (delay === 0) resolve(data)
          else this.net.scheduler.schedule(() => resolve(data), delay)
        }),
    })
    for (const topic of this.topics)
      node.broadcasts$(topic).subscribe(({ data }) => {
        const id = new DataView(data.buffer, data.byteOffset).getUint32(0)
        const by = this.heard.get(id)
        if (by?.has(node.peerId) !== false) this.note('twice', `broadcast ${id} came to ${node.peerId} again`)
        by?.add(node.peerId)
      })
    return node
  }

  private async within(ms: number, what: string, promise: Promise<unknown>): Promise<void> {
    const error = await this.net.until(promise, { within: ms }).then(() => undefined, String)
    if (error !== undefined) this.fail('ends', `${what}: ${error}`)
  }

  private two(): [P2pNode, P2pNode] {
    const [a, b] = this.random.shuffle(this.nodes)
    return [a!, b!]
  }

  private ask(from: P2pNode, to: P2pNode, tenths = 0, timeout = 30_000): Promise<string> {
    return from.request(to.peerId, Uint8Array.of(tenths), { timeout }).then(
      () => 'ok',
      (error: unknown) => (isP2pError(error) ? `${error.code}: ${error.message}` : String(error)),
    )
  }

  private async all(what: string, answers: Promise<string>[]): Promise<void> {
    for (const end of await this.net.until(Promise.all(answers))) if (end !== 'ok') this.fail('lost', `${what}: ${end}`)
  }

  /** Requests, one way or both ways at once. */
  private async talk(): Promise<void> {
    const [a, b] = this.two()
    const answers = [this.ask(a, b)]
    if (this.random.below(3) === 0) answers.push(this.ask(b, a))
    if (this.random.below(3) === 0) {
      await this.net.run(this.between(0, 2 * this.latency + 2))
      answers.push(this.ask(a, b), this.ask(b, a))
    }
    await this.all('a request', answers)
  }

  /** A node ends with work in flight, and comes back. */
  private async drain(): Promise<void> {
    const { net, nodes } = this
    const [node, other] = this.two()
    for (const one of nodes) if (one !== node) await this.all('a request', [this.ask(node, one)])
    // Topics are told over a connection that is there.
    await net.run(2 * this.latency + 1_500)
    const hangs = this.random.below(4) === 0
    const tenths = this.between(0, 40)
    const answers = [this.ask(node, other, tenths), this.ask(other, node, this.between(0, tenths))]
    if (hangs) void this.ask(other, node, NEVER)
    // They are there, though a dial or a goodbye may have come before them.
    await net.run(20 * this.latency + this.between(5, 50))
    const recipients = new Map<number, Promise<string[]>>()
    for (let i = this.topics.length * this.between(0, 60); i > 0; i--) {
      const id = this.nextBroadcast++
      this.heard.set(id, new Set())
      const data = new Uint8Array(this.between(4, 2_000))
      new DataView(data.buffer).setUint32(0, id)
      recipients.set(
        id,
        node.broadcast(TOPIC, data).then((published) => published.recipients),
      )
    }
    const started = net.now
    const stopped = node.stop({ drain: DRAIN })
    const late = node.request(other.peerId, Uint8Array.of(0)).then(
      () => 'ok',
      (error: { code: string }) => error.code,
    )
    if ((await net.until(late)) !== 'NodeStopped') this.fail('drain', 'a node that drains takes new work')
    if (hangs) {
      await net.run(1)
      const refused = await net.until(this.ask(other, node))
      if (!refused.startsWith('Overloaded')) this.fail('drain', `a node that drains was asked, and: ${refused}`)
    }
    let isOver = false
    const repeated = tenths % 2 === 0 ? this.askOften(other, node, () => isOver) : Promise.resolve([])
    await this.all('a request in flight at a drain', answers)
    await this.within(60_000, 'a drain', stopped)
    isOver = true
    const took = net.now - started
    const reason = await node.closed
    if (hangs ? took < DRAIN - 1 || took > DRAIN + LEAVES : took > tenths * 100 + 8 * this.latency + LEAVES)
      this.fail('drain', `it took ${took} ms${hangs ? ', and one hung' : ''}`)
    if (hangs !== (reason?.message.includes('1 handler') === true))
      this.fail('drain', `it ended with ${String(reason)}`)
    await net.run(2 * this.latency + 5)
    for (const end of await net.until(repeated)) {
      if (!/^(Overloaded|DialError)/.test(end)) this.fail('drain', `a request that was never handled ended as ${end}`)
    }
    for (const [id, published] of recipients) {
      for (const peer of await published) {
        if (this.heard.get(id)!.has(peer)) continue
        this.fail('drain', `broadcast ${id} of ${recipients.size} was handed over, and ${peer} did not hear it`)
      }
    }
    await net.run(this.between(0, 5_000))
    const index = nodes.indexOf(node)
    nodes[index] = this.settle(await net.restart(node))
    await this.meet(nodes[index])
  }

  /** One after the other, whatever the answer is. (Repeats of what nobody has handled: none may count as handled.) */
  private async askOften(from: P2pNode, to: P2pNode, isOver: () => boolean): Promise<string[]> {
    const ends: string[] = []
    while (!isOver()) {
      ends.push(await this.ask(from, to))
      await new Promise<void>((resolve) => void this.net.scheduler.schedule(() => resolve(), 5))
    }
    return ends
  }

  /** It knows nobody, and all know it. */
  private async meet(node: P2pNode): Promise<void> {
    const { net, nodes } = this
    for (const one of nodes) if (one !== node) await net.until(node.dial(one.addresses[0]!))
    await net.run(1_000)
  }

  /** A process sleeps while answers come: they lie in its sockets when it wakes, and count. */
  private async doze(): Promise<void> {
    const { net } = this
    const [node, other] = this.two()
    await this.all('a request', [this.ask(node, other)])
    const answers = [this.ask(node, other, 2, 3_000), this.ask(other, node, 2)]
    await net.run(3 * this.latency + 50)
    net.freeze(node)
    await net.run(this.between(3_500, 12_000))
    net.thaw(node)
    await this.all('a request of or to a process that slept', answers)
  }

  /** A dial hangs at one address, and is told another. */
  private async race(): Promise<void> {
    const { net } = this
    const [node, hung] = [await net.createNode(), await net.createNode()]
    const [to] = this.two()
    net.freeze(hung)
    const started = net.now
    const first = node.dial(`${hung.addresses[0]!.split('/p2p/')[0]}/p2p/${to.peerId}`)
    await net.run(this.between(0, 1_000))
    const second = node.dial(to.addresses[0]!)
    await this.within(60_000, 'a dial that was told a good address', Promise.all([first, second]))
    const took = net.now - started
    if (took > 1_300 + 10 * this.latency + 250) this.fail('race', `a dial took ${took} ms beside an address that hangs`)
    await net.until(node.stop())
    net.thaw(hung)
    await net.until(hung.stop())
  }
}
