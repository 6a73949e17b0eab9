/**
 * One host of a simulated network: the port of one node. Dials, identify and pings are here; streams, the routing table and
 * pub/sub have their own files. It reports what a real network would, after the time that it would take.
 */
import { acceptsAddress, isLoopback, peerOf, withoutPeer } from '../../core/addresses.js'
import { GOSSIPSUB, KADEMLIA } from '../../wire/protocols.js'
import type { Attempt, ConnectionId, NetworkPort, PortEffect, PortEvent, SignedMessage } from '../port.js'
import type { PubsubOptions } from '../pubsub.js'
import { GossipMessage } from './gossip-message.js'
import { Link, type LinkHost, type Side } from './link.js'
import { Patience } from './patience.js'
import { PubSub, type PubSubHost } from './pubsub.js'
import { Streams } from './streams.js'
import { Table, type TableHost } from './table.js'
import type { Wire } from './wire.js'

/** How long a dial waits for an answer that does not come, ms (js-libp2p's default). */
const DIAL_TIMEOUT = 10_000
/** Bytes of a ping and of an identify message, about. */
const PING_SIZE = 100
const IDENTIFY_SIZE = 600

export interface HostOptions {
  peerId: string
  /** Request/response protocols that the node serves. */
  protocols: string[]
  pubsub: PubsubOptions
  /** Number of the host in its network: gives its IP address. */
  index: number
}

export class Host implements NetworkPort, LinkHost, PubSubHost, TableHost {
  readonly peerId: string
  readonly streams: Streams
  readonly table: Table
  readonly pubsub: PubSub
  nextConnection: ConnectionId = 1
  /** Where we listen, without `/p2p`. */
  addresses: string[] = []
  /** False before it listens, and after it was stopped or has crashed. */
  up = false
  private readonly sides = new Map<ConnectionId, Side>()
  private readonly byPeer = new Map<string, Side[]>()
  /** Connections that the listener has and we do not have yet: what to do when they are lost. */
  private readonly opening = new Map<Side, () => void>()
  /** Dials under way: those who want the same peer share one. */
  private readonly dials = new Map<string, Reached[]>()
  /** Pings without an answer. */
  private readonly pings: Patience<Ping>
  private isLoopbackOnly = true
  private hasLoopback = false
  private readonly emit: (event: PortEvent) => void
  /** What we tell others that we speak. */
  private readonly protocols: string[]

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
    const { random } = wire
    this.pings = new Patience(wire.clock, (ping) => {
      this.onPingOver(ping)
    })
    const cut = () => (random.below(8) === 0 ? random.float() : 0)
    this.streams = new Streams(this.emit, options.protocols, cut, (side) => beyond(side).streams)
    this.table = new Table(this, this.emit)
    this.pubsub = new PubSub(this, this.emit, options.pubsub)
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
        return this.dial(effect.target, effect.addresses)
      case 'closeConnection':
        return this.closeConnection(effect.connection)
      case 'ping':
        return this.ping(effect.connection, effect.timeout)
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
        return this.pubsub.publish(effect)
      case 'verdict':
        return this.pubsub.verdict(effect)
      case 'verify':
        return this.pubsub.verify(effect)
      case 'penalize':
        return this.pubsub.misbehaved(effect.peer, effect.count)
      case 'inspect':
        return this.pubsub.inspect(effect)
      case 'listen':
        return this.listen(effect.addresses)
      case 'stop':
        return this.stop()
    }
  }

  // ---- coming and going

  private listen(wanted: string[]): void {
    const addresses = wanted.map((address) => this.resolve(address))
    const taken = addresses.find((address) => this.wire.hosts.has(address))
    if (taken !== undefined) {
      this.emit({ type: 'listenFailed', failure: { message: `cannot listen on ${taken}: address in use` } })
      return
    }
    for (const address of addresses) this.wire.hosts.set(address, this)
    this.addresses = addresses
    this.isLoopbackOnly = addresses.every(isLoopback)
    this.hasLoopback = addresses.some(isLoopback)
    this.up = true
    this.emit({ type: 'listening', addresses: [...addresses] })
  }

  /** Every host has an IP address of its own, and the ports that it likes. */
  private resolve(address: string): string {
    const { index } = this.options
    const ip = `10.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}`
    const own = address.replace(/^\/(ip4|ip6)\/(0\.0\.0\.0|::)\//, `/ip4/${ip}/`)
    return own.replace(/\/tcp\/0$/, `/tcp/${isLoopback(own) ? 10_000 + index : 4_001}`)
  }

  private stop(): void {
    const { emit } = this
    for (const side of [...this.sides.values()]) side.link.close(side)
    emit({ type: 'stopped' })
    this.leaveNetwork()
  }

  /** The host is switched off: nobody is told, but who talks to it hears that it is gone. */
  crash(): void {
    const sides = [...this.sides.values()]
    this.leaveNetwork()
    for (const side of sides) side.link.close(side)
  }

  private leaveNetwork(): void {
    this.up = false
    this.pubsub.stop()
    for (const address of this.addresses) this.wire.hosts.delete(address)
  }

  /** Hostile gossip, for tests: sends the peer a message as it is, whatever the rules say. */
  plant(peer: string, message: SignedMessage): void {
    this.pubsub.send(peer, new GossipMessage(message))
  }

  pubsubBeyond(side: Side): PubSub {
    return beyond(side).pubsub
  }

  tableBeyond(side: Side): Table {
    return beyond(side).table
  }

  // ---- connections

  sideTo(peer: string): Side | undefined {
    return this.byPeer.get(peer)?.[0]
  }

  /** One side for each connected peer. */
  neighbours(): Side[] {
    return [...this.byPeer.values()].map((sides) => sides[0]!)
  }

  private openStream(effect: Extract<PortEffect, { type: 'open' }>): void {
    const side = this.sides.get(effect.connection)
    if (side !== undefined) return this.streams.open(effect, side)
    const failure = { message: 'the connection is closed' }
    this.emit({ type: 'streamOpenFailed', stream: effect.stream, reason: 'lost', failure })
  }

  private closeConnection(id: ConnectionId): void {
    const side = this.sides.get(id)
    side?.link.close(side)
  }

  private dial(target: string, addresses: string[]): void {
    const done: Reached = (side, why, tried = []) => {
      if (side === undefined) {
        this.emit({ type: 'dialFailed', target, failure: { message: why }, tried })
      } else {
        this.emit({ type: 'dialled', target, peer: side.peer, connection: side.id })
      }
    }
    if (target.startsWith('/')) return this.tryAddresses(undefined, [target], [], done)
    this.reach(target, addresses, done)
  }

  /** A connection to the peer: the one that there is, or a new one. */
  reach(peer: string, addresses: string[], done: Reached): void {
    const side = this.sideTo(peer)
    if (side !== undefined) return done(side, '')
    if (peer === this.peerId) return done(undefined, 'that is this node itself')
    const waiting = this.dials.get(peer)
    if (waiting !== undefined) return void waiting.push(done)
    this.dials.set(peer, [done])
    const over: Reached = (reached, why, tried) => {
      const all = this.dials.get(peer) ?? []
      this.dials.delete(peer)
      for (const one of all) one(reached, why, tried)
    }
    const known = addresses.length > 0 ? addresses : this.table.addressesOf(peer)
    if (known.length > 0) return this.tryAddresses(peer, known, [], over)
    this.table.find(peer, (found) => {
      if (found.length > 0) this.tryAddresses(peer, found, [], over)
      else over(undefined, 'nobody that we could ask knows an address of it')
    })
  }

  private tryAddresses(
    peer: string | undefined,
    [address, ...others]: string[],
    tried: Attempt[],
    done: Reached,
  ): void {
    if (address === undefined) {
      return done(undefined, tried.map((attempt) => `${attempt.address}: ${attempt.reason}`).join('; '), tried)
    }
    const failed = (reason: string): void => {
      this.tryAddresses(peer, others, [...tried, { address, reason }], done)
    }
    const { clock } = this.wire
    const listener = this.wire.hosts.get(withoutPeer(address))
    const wanted = peer ?? peerOf(address)
    if (listener === this) return failed('that is this node itself')
    if (listener === undefined) return clock.after(2 * this.wire.once(this, this), () => failed('connection refused'))
    if (this.wire.vanishes({ kind: 'dial', from: this.peerId, to: listener.peerId })) {
      return clock.after(DIAL_TIMEOUT, () => failed('no answer'))
    }
    // TCP's handshake and Noise's: three legs until the listener has the connection, a fourth until the dialler has it.
    const there = 3 * this.wire.once(this, listener)
    clock.after(there, () => {
      if (this.wire.isCut(this, listener)) return clock.after(DIAL_TIMEOUT - there, () => failed('no answer'))
      if (!listener.up) return clock.after(this.wire.once(this, this), () => failed('connection refused'))
      if (!this.up) return
      if (wanted !== undefined && wanted !== listener.peerId) return failed(`${listener.peerId} is there`)
      const link = new Link(this.wire, this, listener, withoutPeer(address), this.addresses[0] ?? '')
      this.wire.links.add(link)
      // Before all that the listener says on its own: nothing may arrive on a connection that is not there yet.
      this.opening.set(link.dialler, () => {
        failed('the connection was lost at once')
      })
      link.send(link.listener, 100, () => {
        this.opening.delete(link.dialler)
        // Switched off since it dialled: nobody is here who could talk.
        if (!this.up) return link.close(link.dialler)
        this.onLinkOpened(link.dialler, link.listenerAddress, false)
        done(link.dialler, '')
      })
      listener.onLinkOpened(link.listener, link.diallerAddress, true)
    })
  }

  private onLinkOpened(side: Side, address: string, inbound: boolean): void {
    const { peer, link } = side
    this.sides.set(side.id, side)
    const sides = this.byPeer.get(peer)
    if (sides === undefined) this.byPeer.set(peer, [side])
    else sides.push(side)
    this.emit({ type: 'connectionOpened', connection: side.id, peer, address, inbound })
    // Identify, and the topics that we are in: each side tells the other at once, in one packet.
    const topics = this.pubsub.topics()
    const overLoopback = isLoopback(link.listenerAddress)
    link.send(side, IDENTIFY_SIZE, () => {
      const there = beyond(side)
      there.onIdentify(side.other, this.protocols, this.addresses, overLoopback)
      there.pubsub.onHello(this.peerId, topics)
    })
  }

  private onIdentify(side: Side, protocols: string[], theirs: string[], overLoopback: boolean): void {
    const addresses = theirs.filter((address) =>
      acceptsAddress(address, { loopbackOnly: this.isLoopbackOnly, overLoopback, anyOverLoopback: overLoopback }),
    )
    this.emit({ type: 'identified', connection: side.id, peer: side.peer, protocols, addresses, agent: 'simulated' })
  }

  /** Of a peer that we are not connected to: may this address go into the table? */
  accepts(address: string): boolean {
    const { isLoopbackOnly: loopbackOnly, hasLoopback: anyOverLoopback } = this
    return acceptsAddress(address, { loopbackOnly, overLoopback: undefined, anyOverLoopback })
  }

  onLinkClosed(side: Side): void {
    const opening = this.opening.get(side)
    if (opening !== undefined) {
      this.opening.delete(side)
      return opening()
    }
    if (!this.sides.delete(side.id)) return
    const sides = this.byPeer.get(side.peer)!
    if (sides.length === 1) this.byPeer.delete(side.peer)
    else sides.splice(sides.indexOf(side), 1)
    this.streams.onLinkClosed(side)
    this.pubsub.onClosed(side)
    this.table.onClosed(side)
    this.emit({ type: 'connectionClosed', connection: side.id })
  }

  private ping(id: ConnectionId, timeout: number): void {
    const side = this.sides.get(id)
    if (side === undefined) return
    const { clock } = this.wire
    const ping: Ping = { connection: id, timeout }
    const started = clock.time
    this.pings.begin(ping, timeout)
    side.link.send(side, PING_SIZE, () => {
      side.link.send(side.other, PING_SIZE, () => {
        if (this.pings.end(ping, timeout)) this.emit({ type: 'pinged', connection: id, rtt: clock.time - started })
      })
    })
  }

  private onPingOver({ connection, timeout }: Ping): void {
    if (!this.sides.has(connection)) return
    this.emit({ type: 'pingFailed', connection, failure: { message: `no answer within ${timeout} ms` } })
  }
}

/** The connection; or why there is none, and the addresses that were tried. */
type Reached = (side: Side | undefined, why: string, tried?: Attempt[]) => void

interface Ping {
  connection: ConnectionId
  timeout: number
}

/** The host at the other end: links join nothing but hosts. */
function beyond(side: Side): Host {
  return side.other.host as Host
}
