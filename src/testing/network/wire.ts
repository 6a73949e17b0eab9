/**
 * What lies between the hosts: how long a packet takes, what is cut, slowed or dropped, and which host listens where. All chance of
 * a simulation comes from the one generator here.
 */
import type { Clock } from './clock.js'
import type { Link, LinkHost, Medium, Side } from './link.js'
import type { Random } from './random.js'

export interface WireOptions {
  /** One way, ms. */
  latency: number
  /** A packet takes up to this much more or less than `latency`, ms. */
  jitter: number
  /** Chance that a packet is lost, 0 … 1. Streams send it again; a dial or a gossip message may vanish. */
  loss: number
  /** Bytes a second that one direction of a connection carries; `Infinity`: no limit. */
  bandwidth: number
}

/** A dial or a gossip message, which may be lost. (A packet of a stream is sent again.) */
export interface Datagram {
  /** An attempt to connect, or a message of pub/sub. */
  kind: 'dial' | 'gossip'
  /** Peer id of the sender. */
  from: string
  /** Peer id of the receiver. */
  to: string
  /** Of a gossip message. */
  topic?: string
}

// TCP's numbers, which are the model's alone, because on real sockets the kernel has them.
/** The first retransmission comes after this time (the least of RFC 6298 as Linux has it), each further one after twice as long. */
const RETRANSMISSION = 200
/** So many losses in a row end the connection. */
const MAX_RETRANSMISSIONS = 6

/** Between the end of its streams and its own a connection of libp2p has less time than this, ms: packets and turns of the event loop. */
const ENDING = 4

export class Wire<Host extends LinkHost = LinkHost> implements Medium {
  /** Address → the host that listens there. */
  readonly hosts = new Map<string, Host>()
  readonly links = new Set<Link>()
  /** Packets sent so far over all links, those of the network itself included. */
  packets = 0
  /** Hosts that there have been so far; one that is started again is another one. */
  births = 0
  /** Peer id → which part of the network it is in; the whole network is one part. */
  private readonly groups = new Map<string, number>()
  /** Ways from one peer to another that nothing passes. */
  private readonly cuts = new Set<{ from: string; to: string }>()
  private readonly slowed = new Map<string, number>()
  private readonly limits = new Map<string, number>()
  private readonly drops = new Set<(datagram: Datagram) => boolean>()

  constructor(
    readonly clock: Clock,
    readonly random: Random,
    readonly options: WireOptions,
  ) {}

  /** Where bandwidth is limited each packet queues for itself. */
  get joinsPackets(): boolean {
    return this.options.bandwidth === Infinity && this.limits.size === 0
  }

  /** Bytes a second. */
  bandwidthBetween(a: string, b: string): number {
    const { bandwidth } = this.options
    return this.limits.size === 0 ? bandwidth : Math.min(bandwidth, this.limits.get(pair(a, b)) ?? Infinity)
  }

  /** How long a packet of a stream takes to the other side, ms; `undefined`: it is never acknowledged. */
  delay(from: Side, size: number): number | undefined {
    this.packets++
    const { time } = this.clock
    let arrival = time + this.once(from.host, from.other.host)
    for (let losses = 0; this.isLost(); losses++) {
      if (losses === MAX_RETRANSMISSIONS) return undefined
      arrival += RETRANSMISSION * 2 ** losses
    }
    const bandwidth = this.bandwidthBetween(from.host.peerId, from.peer)
    if (bandwidth !== Infinity) {
      from.busyUntil = Math.max(from.busyUntil, time) + (size * 1_000) / bandwidth
      arrival += from.busyUntil - time
    }
    from.lastArrival = Math.max(arrival, from.lastArrival)
    return from.lastArrival - time
  }

  passing(from: Side, size: number): number {
    const bandwidth = this.bandwidthBetween(from.host.peerId, from.peer)
    return bandwidth === Infinity ? 0 : (size * 1_000) / bandwidth
  }

  ending(): number {
    return this.random.below(ENDING)
  }

  /** One way of one packet without loss, ms. */
  once(from: LinkHost, to: LinkHost): number {
    const { latency, jitter } = this.options
    const time = jitter === 0 ? latency : latency + jitter * (2 * this.random.float() - 1)
    const extra = this.slowed.size === 0 ? 0 : (this.slowed.get(pair(from.peerId, to.peerId)) ?? 0)
    return Math.max(0, time + extra)
  }

  get isSound(): boolean {
    return this.joinsPackets && this.options.loss === 0
  }

  isLost(): boolean {
    return this.options.loss > 0 && this.random.float() < this.options.loss
  }

  /** Does this dial or gossip message vanish? */
  vanishes(datagram: Datagram): boolean {
    for (const drop of this.drops) if (drop(datagram)) return true
    return this.isLost()
  }

  isCut(from: LinkHost, to: LinkHost): boolean {
    if (from.frozen === true || to.frozen === true) return true
    if (this.groups.size > 0 && this.groups.get(from.peerId) !== this.groups.get(to.peerId)) return true
    for (const cut of this.cuts) if (cut.from === from.peerId && cut.to === to.peerId) return true
    return false
  }

  /** A dial needs both ways. */
  isParted(a: LinkHost, b: LinkHost): boolean {
    return this.isCut(a, b) || this.isCut(b, a)
  }

  /** Cuts the network into parts; hosts that are in none of them are one more part together. */
  partition(parts: string[][]): void {
    this.groups.clear()
    parts.forEach((peers, part) => {
      for (const peer of peers) this.groups.set(peer, part)
    })
    this.healWhereWhole()
  }

  /** Nothing passes from the one to the other. Returns what ends that. */
  cut(from: string, to: string): () => void {
    const cut = { from, to }
    this.cuts.add(cut)
    return () => {
      if (this.cuts.delete(cut)) this.healWhereWhole()
    }
  }

  heal(): void {
    this.groups.clear()
    this.cuts.clear()
    this.healWhereWhole()
  }

  /** What was held back goes on where nothing is in its way any more. */
  healWhereWhole(): void {
    for (const link of [...this.links]) link.heal()
  }

  /** Packets between the two take `extra` ms more, each way; 0: as before. */
  slow(a: string, b: string, extra: number): void {
    if (extra === 0) this.slowed.delete(pair(a, b))
    else this.slowed.set(pair(a, b), extra)
  }

  /** A connection of the two carries so many bytes a second in each direction; `Infinity`: what the network allows. */
  limit(a: string, b: string, bandwidth: number): void {
    if (bandwidth === Infinity) this.limits.delete(pair(a, b))
    else this.limits.set(pair(a, b), bandwidth)
  }

  /** Lets dials and gossip messages vanish of which the predicate says so. Returns what ends that. */
  drop(predicate: (datagram: Datagram) => boolean): () => void {
    this.drops.add(predicate)
    return () => this.drops.delete(predicate)
  }

  /** The next packet between the two comes damaged: their connections die of it. */
  corrupt(a: string, b: string): void {
    for (const link of this.links) {
      if (pair(link.dialler.host.peerId, link.listener.host.peerId) === pair(a, b)) link.corrupted = true
    }
  }
}

function pair(a: string, b: string): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`
}
