/**
 * One host of a simulated network: the port of one node. Connections, identify and pings are here. It reports what a real
 * network would, after the time that a real network would take.
 */
import { unhandled } from '../../core/terms.js'
import { Door } from '../../core/access/door.js'
import { NOT_AUTHORIZED } from '../../core/access/lists.js'
import { acceptsAddress, isLoopback } from '../../core/peers/addresses.js'
import { viaOf } from '../../core/peers/scopes.js'
import { GOSSIPSUB, KADEMLIA, servedAs, servedIn } from '../../wire/protocols.js'
import { CLOCKS, PROCESS } from '../../core/parameters.js'
import type { ConnectionId, NetworkPort, PortEffect, PortEvent, SignedMessage } from '../../core/port.js'
import type { PubsubOptions } from '../../core/pubsub.js'
import { Dials, type Dialler, type Reached } from './dials.js'
import { GossipMessage } from './gossip/message.js'
import { Link, type Side } from './link.js'
import { Timeouts } from './timeouts.js'
import { Pubsub, type PubsubHost } from './gossip/pubsub.js'
import { Streams } from './streams.js'
import { Table, type TableHost } from './kademlia/table.js'
import type { Wire } from './wire.js'

/** About how many bytes a ping and an identify message take. The model sends no real ones. */
const PING_SIZE = 100
const IDENTIFY_SIZE = 600
/** The model cuts every so many chunks of a stream somewhere: TCP keeps no boundaries, so nothing may rely on them. */
const WHOLE_CHUNKS = 8
/** Ports of hosts that take any: on loopback, which all hosts share, each has its own. */
const ANY_PORT = 4_001
const FIRST_LOOPBACK_PORT = 10_000

export interface HostOptions {
  peerId: string
  /** Request/response protocols that the node serves. */
  protocols: string[]
  pubsub: PubsubOptions
  /** The pre-shared key of its network, as text; `undefined`: none. */
  networkKey?: string | undefined
  /** Number of the host in its network: gives its IP address. */
  index: number
}

export class Host implements NetworkPort, Dialler<Host>, PubsubHost, TableHost {
  readonly peerId: string
  readonly streams: Streams
  readonly table: Table
  readonly pubsub: Pubsub
  readonly door: Door
  nextConnection: ConnectionId = 1
  /** The announced addresses, without `/p2p`. */
  addresses: string[] = []
  /** All addresses that lead here. */
  private places: string[] = []
  get networkKey(): string | undefined {
    return this.options.networkKey
  }

  /** Where others see it. */
  get place(): string {
    return this.places[0] ?? ''
  }

  /** False before it listens, and after it was stopped or has crashed. */
  up = false
  isClosed = false
  frozen = false
  private readonly sides = new Map<ConnectionId, Side>()
  private readonly byPeer = new Map<string, Side[]>()
  private readonly dials: Dials<Host>
  /** Pings without an answer. */
  private readonly pings: Timeouts<Ping>
  private isLoopbackOnly = true
  private hasLoopback = false
  private readonly emit: (event: PortEvent) => void
  /** What we tell others that we speak. */
  private protocols: string[]

  constructor(
    readonly wire: Wire<Host>,
    private readonly options: HostOptions,
    emit: (event: PortEvent) => void,
  ) {
    this.peerId = options.peerId
    this.protocols = [...options.protocols, KADEMLIA, GOSSIPSUB]
    this.emit = (event) => {
      if (this.up || event.type === 'listenFailed') emit(event)
    }
    const later = (ms: number, run: () => void) => {
      wire.clock.after(ms, run)
    }
    this.door = new Door(this.emit, later, () => wire.clock.now())
    const { random } = wire
    this.pings = new Timeouts(wire.clock, (ping) => {
      this.onPingOver(ping)
    })
    this.dials = new Dials(this)
    const cut = () => (random.below(WHOLE_CHUNKS) === 0 ? random.float() : 0)
    this.streams = new Streams(this.emit, options.protocols, cut, (side) => beyond(side).streams)
    this.table = new Table(this, this.emit)
    this.pubsub = new Pubsub(this, this.emit, options.pubsub)
  }

  run(effect: PortEffect): void {
    switch (effect.type) {
      case 'write':
        return this.streams.write(effect)
      case 'open':
        return this.openStream(effect)
      case 'reset':
        return this.streams.reset(effect.stream)
      case 'pause':
        return this.streams.pause(effect.stream)
      case 'resume':
        return this.streams.resume(effect.stream)
      case 'dial':
        return this.dial(effect.target, effect.addresses, effect.anew)
      case 'closeConnection':
        return this.closeConnection(effect.connection, effect.dead)
      case 'ping':
        return this.ping(effect)
      case 'serve':
        return this.serve(effect.protocols)
      case 'closeDoor':
        return void (this.isClosed = true)
      case 'announceObserved':
        return // Nobody here is reached at an address that it does not know.
      case 'tableAdd':
        return this.table.add(effect.peer, effect.addresses)
      case 'tableRemove':
        return this.table.remove(effect.peer)
      case 'tableQuery':
        return this.table.bootstrap()
      case 'join':
        return this.pubsub.join(effect.topic, effect.guarded)
      case 'guard':
        return this.pubsub.guard(effect.topic, effect.guarded)
      case 'leave':
        return this.pubsub.leave(effect.topic)
      case 'publish':
        return this.pubsub.messages.publish(effect)
      case 'verdict':
        return this.pubsub.messages.verdict(effect)
      case 'verify':
        return this.pubsub.messages.verify(effect)
      case 'penalize':
        return this.pubsub.misbehaved(effect.peer, effect.count)
      case 'inspect':
        return this.pubsub.inspect(effect)
      case 'access':
        return this.door.set(effect)
      case 'admit':
        return this.door.answer(effect.visit, effect.admitted)
      case 'listen':
        return this.listen(effect.addresses, effect.announce)
      case 'stop':
        return this.stop()
      default:
        return unhandled(effect)
    }
  }

  // ---- coming and going

  private listen(wanted: string[], announce: string[] = []): void {
    const isTaken = (address: string): boolean => this.wire.hosts.has(address)
    const resolved = wanted.map((address) => this.resolve(address))
    const bound = resolved.filter((address) => !isTaken(address))
    const failures = resolved.filter(isTaken).map((address) => `cannot listen on ${address} (address in use)`)
    if (failures.length > 0 && bound.length === 0) {
      this.emit({ type: 'listenFailed', failure: { message: failures.join(', ') } })
      return
    }
    // The announced addresses lead to this host, but for those that another one had before: it is told of no clash.
    this.places = [...bound, ...announce.filter((address) => !isTaken(address))]
    for (const place of this.places) this.wire.hosts.set(place, this)
    const isAnnounced = announce.length > 0
    this.addresses = isAnnounced ? announce : bound
    this.isLoopbackOnly = bound.every(isLoopback)
    this.hasLoopback = bound.some(isLoopback)
    this.up = true
    this.isClosed = false
    const isPartial = failures.length > 0
    const told = { ...(isAnnounced && { bound }), ...(isPartial && { failures }) }
    this.emit({ type: 'listening', addresses: [...this.addresses], ...told })
  }

  /** Every host has its own IP address, and any ports. */
  private resolve(address: string): string {
    const { index } = this.options
    const ip = `10.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}`
    const own = address.replace(/^\/(ip4|ip6)\/(0\.0\.0\.0|::)\//, `/ip4/${ip}/`)
    return own.replace(/\/tcp\/0$/, `/tcp/${isLoopback(own) ? FIRST_LOOPBACK_PORT + index : ANY_PORT}`)
  }

  private stop(): void {
    const { emit } = this
    for (const side of [...this.sides.values()]) side.link.close(side)
    emit({ type: 'stopped' })
    this.leaveNetwork()
  }

  /** The host is switched off: it sends nothing more, but its peers see their connections end. */
  crash(): void {
    const sides = [...this.sides.values()]
    this.frozen = false
    this.leaveNetwork()
    for (const side of sides) side.link.abort(side)
  }

  freeze(): void {
    this.frozen = true
  }

  /** `slept`: for how long its clock has stood still, ms. */
  thaw(slept: number): void {
    this.frozen = false
    this.wire.healWhereWhole()
    if (slept < CLOCKS.jump) return
    this.wire.clock.after(CLOCKS.interval, () => {
      this.emit({ type: 'clockJumped', by: slept })
    })
  }

  private leaveNetwork(): void {
    this.up = false
    this.door.close()
    this.pubsub.stop()
    for (const place of this.places) this.wire.hosts.delete(place)
  }

  /** Hostile gossip, for tests: sends the peer a message as it is, against all rules. */
  plant(peer: string, message: SignedMessage): void {
    this.pubsub.messages.send(peer, new GossipMessage(message))
  }

  pubsubBeyond(side: Side): Pubsub {
    return beyond(side).pubsub
  }

  tableBeyond(side: Side): Table {
    return beyond(side).table
  }

  // ---- connections

  sideTo(peer: string): Side | undefined {
    const sides = this.byPeer.get(peer)
    return sides && used(sides)
  }

  /** One side for each connected peer. */
  neighbours(): Side[] {
    return [...this.byPeer.values()].map(used)
  }

  private openStream(effect: Extract<PortEffect, { type: 'open' }>): void {
    const side = this.sides.get(effect.connection)
    if (side !== undefined) return this.streams.open(effect, side)
    const failure = { message: 'the connection is closed' }
    this.emit({ type: 'streamOpenFailed', stream: effect.stream, reason: 'lost', failure })
  }

  private closeConnection(id: ConnectionId, dead = false): void {
    const side = this.sides.get(id)
    if (dead) side?.link.abort(side)
    else side?.link.close(side)
  }

  private dial(target: string, addresses: string[], anew?: boolean): void {
    const done: Reached = (side, why, tried = []) => {
      if (side === undefined) {
        this.emit({ type: 'dialFailed', target, failure: { message: why }, tried })
      } else {
        this.emit({ type: 'dialled', target, peer: side.peer, connection: side.id })
      }
    }
    if (target.startsWith('/')) return this.dials.dial(target, done)
    this.dials.reach(target, addresses, done, anew)
  }

  reach(peer: string, addresses: string[], done: Reached): void {
    this.dials.reach(peer, addresses, done)
  }

  addressesOf(peer: string): string[] {
    return this.table.addressesOf(peer)
  }

  find(peer: string, done: (addresses: string[]) => void): void {
    this.table.find(peer, done)
  }

  /**
   * The dialler has the connection at once, and the listener when its first packet comes. Each then learns the peer id of the other,
   * and its topics. (The model differs: in truth identify takes two legs more. An instant of its own for each connection is
   * much of what a large network costs.)
   */
  connect(listener: Host, place: string, done: (side: Side | undefined, why: string) => void): void {
    this.door.visit({ peer: listener.peerId, address: place, inbound: false }, (isAdmitted) => {
      if (!isAdmitted) done(undefined, NOT_AUTHORIZED)
      else if (!this.up) return
      else if (!listener.up) done(undefined, 'connection refused')
      else this.link(listener, place, done)
    })
  }

  private link(listener: Host, place: string, done: (side: Side, why: string) => void): void {
    const link = new Link(this.wire, this, listener, place, this.place)
    this.wire.links.add(link)
    const { dialler } = link
    const theirs = listener.greeting()
    this.onLinkOpened(dialler, place, false)
    const ours = this.greeting()
    link.send(dialler, IDENTIFY_SIZE, () => {
      // It was switched off meanwhile.
      if (!listener.up) return link.abort(link.listener)
      const arrival = { peer: this.peerId, address: link.diallerAddress, inbound: true }
      // What changed while it was on its way.
      if (listener.door.refuses(arrival) !== undefined) return link.abort(link.listener)
      link.hold(dialler)
      listener.door.visit(arrival, (isAdmitted) => {
        if (!link.isOpenFor(dialler)) return
        if (!isAdmitted || !listener.up) return link.abort(link.listener)
        listener.onLinkOpened(link.listener, link.diallerAddress, true)
        listener.onGreeting(link.listener, ours)
        listener.pubsub.tellNews(link.listener, theirs.topics)
        link.admit(dialler)
      })
    })
    done(dialler, '')
    this.onGreeting(dialler, theirs)
  }

  private onLinkOpened(side: Side, address: string, inbound: boolean): void {
    const { peer } = side
    this.sides.set(side.id, side)
    const sides = this.byPeer.get(peer)
    if (sides === undefined) this.byPeer.set(peer, [side])
    else sides.push(side)
    this.emit({ type: 'connectionOpened', connection: side.id, peer, address, inbound })
  }

  private greeting(): Greeting {
    return { protocols: this.protocols, addresses: this.addresses, topics: this.pubsub.greeting() }
  }

  private serve(names: string[]): void {
    const others = this.protocols.filter((protocol) => servedIn([protocol]).length === 0)
    this.protocols = [...others, ...names.map(servedAs)]
    const greeting = this.greeting()
    // Those that are connected hear it by a push of identify.
    for (const side of this.sides.values()) {
      side.link.send(side, IDENTIFY_SIZE, () => beyond(side).onIdentified(side.other, greeting))
    }
  }

  private onGreeting(side: Side, greeting: Greeting): void {
    this.onIdentified(side, greeting)
    this.pubsub.onGreeting(side.peer, greeting.topics)
  }

  private onIdentified(side: Side, { protocols, addresses: theirs }: Greeting): void {
    const { peer } = side
    const via = viaOf(side.link.listenerAddress)
    const rule = { loopbackOnly: this.isLoopbackOnly, via, anyOverLoopback: via === 'loopback' }
    const addresses = acceptable(theirs, (address) => {
      return acceptsAddress(address, rule) && this.door.bars({ peer, address }) === undefined
    })
    this.emit({ type: 'identified', connection: side.id, peer, protocols, addresses, agent: 'simulated' })
  }

  /** Of a peer that we are not connected to: the addresses that may go into the table. */
  acceptable(peer: string, addresses: string[]): string[] {
    const { isLoopbackOnly: loopbackOnly, hasLoopback: anyOverLoopback } = this
    const rule = { loopbackOnly, via: undefined, anyOverLoopback }
    return acceptable(addresses, (address) => {
      return acceptsAddress(address, rule) && this.door.bars({ peer, address }) === undefined
    })
  }

  onLinkEnding(side: Side): void {
    if (this.sides.has(side.id)) this.streams.onLinkEnding(side)
  }

  onLinkClosed(side: Side): void {
    if (!this.sides.delete(side.id)) return
    const sides = this.byPeer.get(side.peer)!
    if (sides.length === 1) this.byPeer.delete(side.peer)
    else sides.splice(sides.indexOf(side), 1)
    this.streams.onLinkClosed(side)
    this.pubsub.onClosed(side)
    this.table.onClosed(side)
    this.emit({ type: 'connectionClosed', connection: side.id })
  }

  private ping({ connection: id, ...times }: Extract<PortEffect, { type: 'ping' }>): void {
    const side = this.sides.get(id)
    if (side === undefined) return
    const { clock } = this.wire
    const started = clock.time
    side.line.look(side.sent, started)
    const timeout = side.line.timeOf(times)
    const ping: Ping = { connection: id, timeout, started, waits: timeout }
    this.pings.begin(ping, timeout)
    let isAnswered = false
    const silent = (): void => {
      if (isAnswered || !this.sides.has(id)) return
      if (this.frozen) clock.after(PROCESS.grace, silent)
      else this.onSilent(side)
    }
    if (times.avoidAfter !== undefined) clock.after(times.avoidAfter, silent)
    this.prove(side, (rtt) => {
      isAnswered = true
      if (this.pings.end(ping, ping.waits)) this.emit({ type: 'pinged', connection: id, rtt })
    })
  }

  /** A stream is opened, which takes a round trip, and then there is an echo over it. */
  private prove(side: Side, answered: (rtt: number) => void): void {
    const { clock } = this.wire
    const before = side.line.look(side.sent, clock.time)
    const echo = (then: () => void): void => {
      side.link.send(side, PING_SIZE, () => side.link.send(side.other, PING_SIZE, then))
    }
    side.proving++
    echo(() => {
      const opened = clock.time
      echo(() => {
        side.proving--
        side.line.answered(before, clock.time)
        answered(Math.max(1, clock.time - opened))
      })
    })
  }

  onUnproven(side: Side): void {
    if (side.proving === 0 && !this.frozen) this.prove(side, nothing)
  }

  /** Gossip goes on over another connection of the peer, if there is one. */
  private onSilent(side: Side): void {
    side.silent = true
    this.pubsub.onMoved(side.peer)
  }

  private onPingOver(ping: Ping): void {
    const { connection, timeout, started } = ping
    const side = this.sides.get(connection)
    if (side === undefined) return
    // A process that runs again reads its sockets before it gives up.
    if (this.frozen) return this.pings.begin(ping, (ping.waits = PROCESS.grace))
    const failure = { message: `no answer within ${timeout} ms` }
    this.emit({ type: 'pingFailed', connection, failure, heard: side.heardAt > started })
  }
}

/** The oldest, unless it is silent. */
function used(sides: Side[]): Side {
  const oldest = sides[0]!
  return oldest.silent ? (sides.filter(({ silent }) => !silent).pop() ?? oldest) : oldest
}

function nothing(): void {
  // The line itself has the answer.
}

/** What a host says of itself on a new connection. */
interface Greeting {
  protocols: string[]
  addresses: string[]
  /** That it is in. */
  topics: string[]
}

interface Ping {
  connection: ConnectionId
  timeout: number
  started: number
  /** So long it is waited for: its timeout, or what it has more after a freeze. */
  waits: number
}

/**
 * The addresses that `accepts` accepts. Most often that is all of them, and then they are not copied: nothing changes them, and
 * a large network holds those of each host in every table.
 */
function acceptable(addresses: string[], accepts: (address: string) => boolean): string[] {
  return addresses.every(accepts) ? addresses : addresses.filter(accepts)
}

/** The host at the other end: links join nothing but hosts. */
function beyond(side: Side): Host {
  return side.other.host as Host
}
