/**
 * A simulated network in virtual time. Its nodes run the same code as on real sockets. The same seed gives the same run, event by
 * event.
 */
import type { SchedulerLike } from 'rxjs'
import { readConfig, type NodeConfig } from '../config/config.js'
import { isQuestion } from '../core/events.js'
import { fnvOfText } from '../core/fnv.js'
import type { Settings } from '../core/settings.js'
import { show } from '../edge/checks.js'
import { setClock } from '../edge/clocks.js'
import { createLogger } from '../edge/log.js'
import { P2pError } from '../errors.js'
import { peerIdOf, peerIdOfPublicKey } from '../identity.js'
import { textOfNetworkKey } from '../network-key.js'
import type { PubsubOptions } from '../core/pubsub.js'
import { Clock, NodeClock } from './network/clock.js'
import { proofOf } from './network/gossip/message.js'
import { Host } from './network/host.js'
import { Random } from './network/random.js'
import { Wire, type Datagram } from './network/wire.js'
import { build, type Built, type BuildOptions } from '../node/node.js'
import type { P2pNode } from '../node/p2p-node.js'
import { recordOfLife } from '../recording/options.js'
import { buildRecorded } from '../recording/recorded.js'
import { EventLog } from './event-log.js'
import { checkAmount, checkSimulateOptions, checkSkew, type SimulateOptions, type Skew } from './options.js'
import { pendingOf } from './pending.js'
import { Timekeeper } from './timekeeper.js'

/** A node of the network, with what starts it again. */
interface Resident {
  built: Built
  host: Host
  clock: NodeClock
  index: number
  config: NodeConfig
  skew: Skew
  /** Settings that replace those of the config. */
  settings: Partial<Settings>
  crashed: boolean
  /** How often it was started. */
  life: number
}

/** A message as `plant` sends it. `from`: its signer, if that is not the sender. */
export interface Planted {
  topic: string
  data: Uint8Array
  from?: string
  proof?: Uint8Array | 'wrong'
}

type Launch = Pick<Resident, 'index' | 'config' | 'skew' | 'settings' | 'life'> & { peerId: string }

/** A simulated network. See `simulate`. */
export class SimulatedNetwork {
  /** The seed, which reproduces this run. */
  readonly seed: number | string
  private readonly clock = new Clock()
  private readonly random: Random
  private readonly wire: Wire<Host>
  private readonly events = new EventLog()
  private readonly residents = new Map<P2pNode, Resident>()
  private nextIndex = 1
  /** Sequence number of the next planted message. Hosts use lower ones. */
  private planted = 1n << 63n
  private readonly time = new Timekeeper(this.clock, () => pendingOf(this.states()))

  constructor(options: SimulateOptions) {
    const { seed, latency, jitter, loss, bandwidth } = checkSimulateOptions(options)
    this.seed = seed
    this.random = new Random(seed)
    this.wire = new Wire(this.clock, this.random, { latency, jitter, loss, bandwidth })
  }

  /** Virtual milliseconds since the start. */
  get now(): number {
    return this.clock.time
  }

  /** All events so far, in order, one line each. The same seed and the same calls give the same lines. */
  get log(): string[] {
    return this.events.lines()
  }

  /** What the simulation has done so far: events, pieces of work and packets; and how many nodes it has. */
  get counts(): { events: number; work: number; packets: number; nodes: number } {
    const { executed: work } = this.clock
    return { events: this.events.length, work, packets: this.wire.packets, nodes: this.residents.size }
  }

  /**
   * The clock of the network as a scheduler, for timers and observables of a test. Promises that they settle go on in the same
   * instant.
   */
  readonly scheduler: SchedulerLike = this.time.scheduler

  /**
   * Lets `ms` milliseconds of virtual time pass, rounded up. Several may be under way at once, `until` among them. @throws `InvalidConfig`
   */
  run(ms: number): Promise<void> {
    return this.time.run(ms)
  }

  /**
   * Lets virtual time pass until the promise settles, and resolves with its value.
   * @throws what the promise rejects with; an `Error` that names what is still pending, when nothing is left to happen or more than
   * `within` virtual ms (default 600,000) have passed; `InvalidConfig` for bad arguments.
   */
  until<T>(promise: PromiseLike<T>, options: { within?: number | undefined } = {}): Promise<T> {
    return this.time.until(promise, options)
  }

  /**
   * Starts a node in this network, and resolves when it listens. No virtual time passes. It takes the config of any node, except
   * `scheduler`, because the network's clock is used, and `dataDir`. (`settings` is internal: it replaces settings of the config.)
   * @throws `InvalidConfig`, `InvalidAddress`, `InvalidPeerId` or `InvalidSecretKey` for a bad config or `skew`.
   */
  async createNode(config: NodeConfig = {}, skew: Skew = {}, settings: Partial<Settings> = {}): Promise<P2pNode> {
    readConfig(config) // before its secret is used
    const index = this.nextIndex++
    const chance = this.random.bytes(32)
    return this.time.whileLaunching(async () => {
      const peerId = config.secret === undefined ? peerIdOfPublicKey(chance) : await peerIdOf(config.secret)
      return this.launch({ peerId, config, skew, settings, index, life: 1 })
    })
  }

  private async launch({ peerId, config, skew, settings: internal, index, life }: Launch): Promise<P2pNode> {
    if (config.scheduler !== undefined) {
      throw new P2pError('InvalidConfig', 'a simulated node runs on the clock of its network: leave out scheduler')
    }
    const {
      settings: configured,
      name,
      pubsub,
      validators,
      authorize,
      networkKey,
      record,
      dataDir,
    } = readConfig(config)
    if (dataDir !== undefined) {
      throw new P2pError('InvalidConfig', 'a simulated node keeps nothing on disk: leave out dataDir')
    }
    // By the seed, and without a draw: the rest of a run does not depend on it.
    const incarnation = fnvOfText(`${this.seed} ${index} ${life}`) >>> 0
    const settings = { ...configured, incarnation, ...internal }
    const { offset, rate } = checkSkew(skew)
    const clock = new NodeClock(this.clock, offset, rate)
    let host!: Host
    const options: BuildOptions = {
      peerId,
      settings,
      scheduler: clock,
      log: createLogger(config.logger, { node: () => peerId, name: name ?? `n${index}`, now: () => clock.now() }),
      validators,
      authorize,
      createPort: (emit) => {
        const { protocols } = settings
        const secrets = {
          pubsub: { ...pubsub, ...limitsOf(settings) },
          networkKey: networkKey && textOfNetworkKey(networkKey),
        }
        host = new Host(this.wire, { peerId, protocols, ...secrets, index }, emit)
        return host
      },
      tap: (batch) => {
        this.events.batch(index, this.clock.time, batch)
      },
      onCommand: (command) => {
        // (Who stops a node at the end of a test may not wait for that.)
        if (isQuestion(command) && command.type !== 'shutdown')
          this.time.asked(`n${index} was asked for something (${command.type})`)
      },
      onEdge: () => this.time.touch(),
    }
    const built =
      record === undefined
        ? build(options)
        : await buildRecorded({ ...options, record: recordOfLife(record, life), seed: this.seed })
    // Timers of users' calls give way to users' code when they fire.
    setClock(built.node, { scheduler: this.scheduler, requestTimeout: settings.requestTimeout })
    this.residents.set(built.node, {
      built,
      host,
      clock,
      index,
      config,
      skew,
      settings: internal,
      crashed: false,
      life,
    })
    this.time.finishInstant()
    await built.ready
    return built.node
  }

  // ---- faults

  /**
   * Cuts the network: no packet passes between the groups, nor between a group and the nodes that are in none.
   * @throws `InvalidConfig` if it is not an array of groups, or a node is in two of them or not in this network.
   */
  partition(groups: P2pNode[][]): void {
    if (!Array.isArray(groups) || !groups.every((group) => Array.isArray(group))) {
      throw new P2pError('InvalidConfig', `partition takes groups of nodes, such as [[a, b], [c]], not ${show(groups)}`)
    }
    const peers = groups.map((group) => group.map((node) => this.residentOf(node).host.peerId))
    const all = peers.flat()
    if (new Set(all).size !== all.length) throw new P2pError('InvalidConfig', 'a node can be in one group only')
    this.note(
      `partition ${groups.map((group) => group.map((node) => `n${this.residentOf(node).index}`).join(',')).join(' | ')}`,
    )
    this.wire.partition(peers)
  }

  /**
   * Cuts one way: nothing passes from the one to the other, and what passes the other way is not acknowledged. Returns what ends
   * that; `heal` does too.
   */
  cut(from: P2pNode, to: P2pNode): () => void {
    const name = `n${this.residentOf(from).index} n${this.residentOf(to).index}`
    this.note(`cut ${name}`)
    const end = this.wire.cut(from.peerId, to.peerId)
    return () => {
      this.note(`uncut ${name}`)
      end()
    }
  }

  /** Ends `partition` and `cut`. What was on its way when the network was cut arrives. */
  heal(): void {
    this.note('heal')
    this.wire.heal()
  }

  /**
   * Ends a node as `kill -9` does: its promises reject with `NodeStopped`, and its peers only see their sockets end.
   * @throws `NodeStopped` if it has crashed already; `InvalidConfig` if it is not in this network.
   */
  async crash(node: P2pNode): Promise<void> {
    const resident = this.residentOf(node)
    if (resident.crashed) throw new P2pError('NodeStopped', `n${resident.index} has crashed already`)
    this.note(`crash n${resident.index}`)
    resident.crashed = true
    resident.host.crash()
    const message = `the node has crashed at ${this.now} ms; use what restart gave you`
    resident.built.kill(new P2pError('NodeStopped', message))
    await this.time.turn()
  }

  /**
   * Starts a node again that crashed or was stopped, with the same identity, address and config, but without its memory. Resolves
   * with the new node. @throws `InvalidConfig` if it is running, or not in this network.
   */
  async restart(node: P2pNode): Promise<P2pNode> {
    const { index, config, skew, settings, host, life } = this.residentOf(node)
    if (host.up) throw new P2pError('InvalidConfig', `n${index} is running: crash or stop it before it is restarted`)
    this.residents.delete(node)
    this.note(`restart n${index}`)
    const { peerId } = host
    return this.time.whileLaunching(() => this.launch({ peerId, config, skew, settings, index, life: life + 1 }))
  }

  /** Packets between two nodes take `extra` ms more in each direction, from 0 on; 0: as before. @throws `InvalidConfig` */
  slow(a: P2pNode, b: P2pNode, extra: number): void {
    checkAmount(extra, 'the extra time', 'ms', 0, Number.MAX_SAFE_INTEGER)
    this.note(`slow n${this.residentOf(a).index} n${this.residentOf(b).index} ${extra}`)
    this.wire.slow(a.peerId, b.peerId, extra)
  }

  /** A connection of the two carries so many bytes a second in each direction; `Infinity`: as many as the network allows. */
  limit(a: P2pNode, b: P2pNode, bandwidth: number): void {
    if (bandwidth !== Infinity) checkAmount(bandwidth, 'the bandwidth', 'bytes a second', 1, Number.MAX_SAFE_INTEGER)
    this.note(`limit n${this.residentOf(a).index} n${this.residentOf(b).index} ${bandwidth}`)
    this.wire.limit(a.peerId, b.peerId, bandwidth)
  }

  /**
   * Stops the process of a node, as SIGSTOP or a sleeping machine does: it does nothing and hears nothing, and its connections stay
   * open. What it is asked and told waits for `thaw`. Nothing happens if it is frozen already.
   */
  freeze(node: P2pNode): void {
    const { index, host, clock } = this.residentOf(node)
    this.note(`freeze n${index}`)
    host.freeze()
    clock.freeze()
  }

  /** As `freeze`, and its clock stands still too, as that of a Linux machine which is suspended. After `thaw` the node learns of it. */
  suspend(node: P2pNode): void {
    const { index, host, clock } = this.residentOf(node)
    this.note(`suspend n${index}`)
    host.freeze()
    clock.suspend()
  }

  /** Lets it run again. Nothing happens if it is neither frozen nor suspended. */
  thaw(node: P2pNode): void {
    const { index, host, clock } = this.residentOf(node)
    this.note(`thaw n${index}`)
    host.thaw(clock.thaw())
  }

  /**
   * Drops the dials and gossip messages for which the predicate returns true, until the returned function is called.
   * @throws `InvalidConfig` if it is not a function.
   */
  drop(predicate: (datagram: Datagram) => boolean): () => void {
    if (typeof predicate !== 'function') {
      throw new P2pError('InvalidConfig', `drop takes a function that says what vanishes, not ${show(predicate)}`)
    }
    this.note('drop')
    return this.wire.drop(predicate)
  }

  /** Damages the next packet between two nodes, which ends their connection, because Noise detects it. @throws `InvalidConfig` */
  corrupt(a: P2pNode, b: P2pNode): void {
    this.note(`corrupt n${this.residentOf(a).index} n${this.residentOf(b).index}`)
    this.wire.corrupt(a.peerId, b.peerId)
  }

  // ---- for tests of the simulation itself

  /**
   * Hostile gossip: `by` sends a message to a peer that it is connected to, against all rules. Without `proof` it gets a valid one;
   * `proof: 'wrong'`: a proof of other data.
   */
  plant(by: P2pNode, to: P2pNode, { topic, data, from = by.peerId, proof }: Planted): void {
    this.note(`plant n${this.residentOf(by).index} n${this.residentOf(to).index} ${topic}`)
    const signed = proof === 'wrong' ? Uint8Array.of(...data, 1) : data
    const bytes = proof instanceof Uint8Array ? proof : proofOf({ topic, data: signed, from }, this.planted++)
    this.residentOf(by).host.plant(to.peerId, { topic, data, from, proof: bytes })
  }

  /** The states of all nodes, by their numbers. To be read, never changed. */
  states(): Map<number, Built['state']> {
    return new Map([...this.residents.values()].map(({ index, built }) => [index, built.state]))
  }

  /** How many events there were of each type. */
  tally(): Map<string, number> {
    return this.events.tally()
  }

  private note(text: string): void {
    this.events.note(this.clock.time, text)
  }

  private residentOf(node: P2pNode): Resident {
    const resident = this.residents.get(node)
    if (resident !== undefined) return resident
    throw new P2pError(
      'InvalidConfig',
      `that is no node of this network, or one that was restarted since: ${show(node)}`,
    )
  }
}

/**
 * Makes a simulated network in virtual time, without nodes.
 *
 * ```ts
 * const net = simulate({ seed: 7, latency: 20, jitter: 10 })
 * const a = await net.createNode()
 * const b = await net.createNode({ bootNodes: a.addresses })
 * b.requests$.subscribe((request) => request.respond(request.data))
 * const reply = await net.until(a.request(b.addresses[0]!, bytes))
 * ```
 *
 * @throws `InvalidConfig` for options that make no sense.
 */
export function simulate(options: SimulateOptions = {}): SimulatedNetwork {
  return new SimulatedNetwork(options)
}

/** (Tests of tinyp2p override settings behind the config.) */
function limitsOf({ maxMessageSize, maxQueueSize }: Settings): Partial<PubsubOptions> {
  return { maxMessageSize, maxQueueSize }
}
