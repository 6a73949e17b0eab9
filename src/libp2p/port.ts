/**
 * The port itself: starts and stops libp2p and gives each effect to the part that runs it. The events of the parts pass
 * through here, so that none is reported before `listening` or after `stopped`.
 */
import { unhandled } from '../core/terms.js'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import type { Limits } from '../core/limits/limits.js'
import { CLOCKS } from '../core/parameters.js'
import type { CreatePort, Emit, NetworkPort, PortEffect, PortEvent } from '../core/port.js'
import { Door } from '../core/access/door.js'
import { Connections } from './connections.js'
import { REQUEST_STREAMS, STOP_TIMEOUT } from './defaults.js'
import { Dialler } from './dialling.js'
import { failureOf, listenFailure, reasonOf, type ListenFailure } from './failure.js'
import { Gater } from './gater.js'
import { createGuards, type Guards } from './guards/guards.js'
import { createHost, type Host, type HostOptions } from './host.js'
import { textOfNetworkKey } from '../network-key.js'
import { watchIdentify } from './identify.js'
import { identifyAgain } from './identify-again.js'
import { listenOn, type Bound } from './own-addresses.js'
import { Pubsub } from './gossip/pubsub.js'
import { lastHeartbeat } from './patches/last-heartbeat.js'
import { RequestStreams } from './request-streams.js'
import { RoutingTable } from './routing-table.js'
import { Served } from './served.js'
import { Strangers } from './guards/strangers.js'
import { watchClock } from '../platform/clock.js'

export interface Libp2pPortOptions extends HostOptions {
  /** The protocols that we serve: a stream for one of them becomes `streamInbound`. */
  protocols: string[]
  /** Called with failures that no event reports. */
  log?: (text: string) => void
  /** Called with the addresses that it listens on, by those that it was to listen on, whatever it announces. */
  onListening?: (bound: Bound) => void
  /** The pre-shared key of a private network, 32 bytes. */
  networkKey?: Uint8Array
  /** What others may use of the node. */
  limits?: Limits
  /** Does the config name this peer? It may do more than strangers. */
  isNamed?: (peer: string) => boolean
  /** For tests: refuses to dial these peers and to be dialled by them. */
  gate?: { deny(peer: string): boolean }
}

export function createLibp2pPort(options: Libp2pPortOptions): CreatePort {
  return (emit) => new Libp2pPort(options, emit)
}

interface Parts {
  host: Host
  gater: Gater
  connections: Connections
  streams: RequestStreams
  served: Served
  dialler: Dialler
  table: RoutingTable
  pubsub: Pubsub
}

class Libp2pPort implements NetworkPort {
  private parts: Parts | undefined
  private starting: Promise<void> | undefined
  private stopping = false
  /** Events before `listening`: a peer may connect before libp2p's start is over. */
  private early: PortEvent[] | undefined = []
  private addresses: string[] = []
  private announces = false
  private unwatchClock: (() => void) | undefined
  private readonly door: Door

  constructor(
    private readonly options: Libp2pPortOptions,
    private readonly report: Emit,
  ) {
    this.door = new Door(
      this.emit,
      (ms, run) => void setTimeout(run, ms).unref(),
      () => performance.now(),
    )
  }

  run(effect: PortEffect): void {
    try {
      if (effect.type === 'stop') this.stop()
      else if (effect.type === 'access') this.door.set(effect)
      else if (effect.type === 'admit') this.door.answer(effect.visit, effect.admitted)
      else if (effect.type === 'listen') this.listen(effect.addresses, effect.announce)
      else if (this.parts === undefined || this.early !== undefined) this.log(`${effect.type} came before we listen`)
      else if (!this.stopping) dispatch(effect, this.parts)
    } catch (error) {
      this.log(`${effect.type} failed: ${reasonOf(error)}`)
    }
  }

  private readonly emit: Emit = (event, idly) => {
    if (this.stopping) return
    if (this.early === undefined) this.report(event, idly)
    else this.early.push(event)
  }

  private readonly log = (text: string): void => this.options.log?.(text)

  private listen(addresses: string[], announce: string[] = []): void {
    if (this.starting !== undefined) return
    this.announces = announce.length > 0
    this.starting = this.begin(addresses, announce).catch((error) => this.giveUp(failureOf('cannot start', error)))
  }

  /** What it throws is no fault of the addresses: another port is no help. */
  private async begin(asked: string[], announce: string[]): Promise<void> {
    const parts = await this.build(asked, announce)
    await this.start(parts)
    const { bound, failures } = await listenOn(parts.host, asked)
    if (failures.length > 0 && failures.length === asked.length) return this.giveUp(listenFailure(failures))
    parts.gater.listensOn(asked.filter((_, index) => bound[index] !== undefined))
    this.watch(parts)
    this.options.onListening?.(bound)
    this.reportAddresses(false, failures)
  }

  private async build(asked: string[], announce: string[]): Promise<Parts> {
    const { gate, privateKey } = this.options
    const gater = new Gater(
      peerIdFromPrivateKey(privateKey).toString(),
      gate && ((peer) => gate.deny(peer)),
      undefined,
      this.door,
    )
    gater.listensOn(asked)
    const guards = createGuards(this.options.limits, this.options.isNamed, (address) =>
      this.door.count('handshakes', { address, inbound: true }),
    )
    guards.refusals.emit = this.emit
    const host = await createHost(await this.hostOptions(), [], gater, announce, guards)
    return this.assemble(host, gater, guards)
  }

  /** What not every node needs is loaded where it is. */
  private async hostOptions(): Promise<HostOptions> {
    const { networkKey, limits } = this.options
    const patience = this.door.asks ? (limits?.authorizeTimeout ?? 0) : 0
    if (networkKey === undefined) return { ...this.options, patience }
    const { preSharedKey } = await import('@libp2p/pnet')
    const psk = new TextEncoder().encode(textOfNetworkKey(networkKey))
    return { ...this.options, patience, protector: preSharedKey({ psk })() }
  }

  private async start(parts: Parts): Promise<void> {
    const { host, streams } = parts
    await host.handle(this.options.protocols, streams.handle, REQUEST_STREAMS)
    await host.start()
    // From here on `stop` ends it.
    this.parts = parts
  }

  private watch({ host, connections }: Parts): void {
    if (this.stopping) return
    const failed = (error: unknown): void => {
      this.log(`following our addresses failed: ${reasonOf(error)}`)
    }
    host.addEventListener('self:peer:update', () => {
      try {
        this.reportAddresses()
      } catch (error) {
        failed(error)
      }
    })
    this.unwatchClock = watchClock(CLOCKS, (by) => this.emit({ type: 'clockJumped', by }))
    host.services.own.watch(({ moved, gone }) => {
      // First what an address that is gone has taken with it.
      connections.abortFrom(gone)
      this.reportAddresses(moved)
    }, failed)
  }

  private assemble(host: Host, gater: Gater, guards: Guards): Parts {
    const { emit } = this
    const connections = new Connections(emit, gater, {
      closed: (connection) => streams.forgetAll(connection),
      silent: (connection) => pubsub.avoid(connection),
    })
    const streams = new RequestStreams(emit, connections)
    connections.watch(host)
    watchIdentify(host, connections, gater, emit)
    identifyAgain(host)
    const strangers = new Strangers(
      host,
      (peer) => host.services.kad.server.isMember(peer),
      (error) => this.log(`forgetting a peer failed: ${reasonOf(error)}`),
    )
    host.services.kad.client.missed = (peer) => strangers.left(peer)
    const { privateKey, pubsub: options } = this.options
    const pubsub = new Pubsub(host, connections, emit, privateKey, options, guards, this.door)
    return {
      host,
      gater,
      connections,
      streams,
      dialler: new Dialler(host, connections, gater, emit, this.options.networkKey !== undefined),
      served: new Served(host, () => this.tell(), this.log),
      table: new RoutingTable(host, gater, emit, this.log),
      pubsub,
    }
  }

  /** Reports what we listen on, if it or the network has changed; after the first time, also the events before it. */
  private reportAddresses(moved = false, failures: ListenFailure[] = []): void {
    if (this.stopping || this.parts === undefined) return
    const { own } = this.parts.host.services
    const addresses = own.list()
    const isNew = [...addresses].sort().join() !== [...this.addresses].sort().join()
    if (this.early === undefined && !moved && !isNew) return
    const listening: PortEvent = { type: 'listening', addresses }
    // It may throw: before anything counts as reported.
    if (this.announces) listening.bound = own.listening()
    this.addresses = addresses
    if (this.early === undefined && isNew) this.tell()
    const early = this.early ?? []
    this.early = undefined
    if (failures.length > 0) listening.failures = failures.map((failure) => listenFailure([failure]).message)
    this.report(listening)
    for (const event of early) this.emit(event)
  }

  /** Those that are connected hear where we are now. */
  private tell(): void {
    this.parts?.host.services.identifyPush.push().catch((error) => this.log(`telling it failed: ${reasonOf(error)}`))
  }

  private giveUp(failure: { message: string; cause?: unknown }): void {
    this.early = undefined
    this.emit({ type: 'listenFailed', failure })
    Promise.resolve(this.parts && stopHost(this.parts.host)).catch((error) =>
      this.log(`stopping failed: ${reasonOf(error)}`),
    )
  }

  private stop(): void {
    if (this.stopping) return
    this.stopping = true
    this.door.close()
    this.shutDown()
      .catch((error) => this.log(`stopping failed: ${reasonOf(error)}`))
      .finally(() => this.report({ type: 'stopped' }))
  }

  private async shutDown(): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const enough = new Promise<void>((resolve) => (timer = setTimeout(resolve, STOP_TIMEOUT)))
    // libp2p's `stop` does nothing while it starts: let it finish that first.
    this.parts?.dialler.stop()
    this.parts?.host.services.names.stop()
    this.parts?.host.services.own.unwatch()
    this.unwatchClock?.()
    const orderly = Promise.resolve(this.starting).then(() => this.parts && stopHost(this.parts.host))
    try {
      await Promise.race([orderly, enough])
    } finally {
      clearTimeout(timer)
      // It may fail later, when nothing waits for it any more.
      orderly.catch((error) => this.log(`stopping failed: ${reasonOf(error)}`))
      this.parts?.connections.abortAll('the node stops')
    }
  }
}

/** Afterwards nothing keeps the process alive. */
async function stopHost(host: Host): Promise<void> {
  const endHeartbeat = lastHeartbeat(host.services.pubsub)
  try {
    await host.stop()
  } finally {
    endHeartbeat()
    host.services.own.end()
  }
}

function dispatch(effect: Exclude<PortEffect, { type: 'access' | 'admit' | 'listen' | 'stop' }>, parts: Parts): void {
  const { connections, streams, dialler, table, pubsub } = parts
  switch (effect.type) {
    case 'dial':
      return dialler.dial(effect.target, effect.addresses, effect.anew)
    case 'open':
      return streams.open(effect.stream, effect.connection, effect.protocols)
    case 'write':
      return streams.write(effect)
    case 'reset':
      return streams.reset(effect.stream, effect.reason)
    case 'pause':
      return streams.pause(effect.stream)
    case 'resume':
      return streams.resume(effect.stream)
    case 'closeConnection':
      return connections.close(effect.connection, effect.reason, effect.dead)
    case 'ping':
      return connections.ping(effect)
    case 'closeDoor':
      return void (parts.gater.isClosed = true)
    case 'serve':
      return parts.served.set(effect.protocols)
    case 'announceObserved':
      return parts.host.services.own.observed(effect.addresses)
    case 'tableAdd':
      return table.add(effect.peer, effect.addresses)
    case 'tableRemove':
      return table.remove(effect.peer)
    case 'tableQuery':
      return table.query()
    case 'join':
      return pubsub.join(effect.topic, effect.guarded)
    case 'guard':
      return pubsub.guard(effect.topic, effect.guarded)
    case 'leave':
      return pubsub.leave(effect.topic)
    case 'publish':
      return pubsub.publish(effect.ask, effect.topic, effect.data, effect.except)
    case 'verdict':
      return pubsub.verdict(effect.id, effect.via, effect.verdict)
    case 'verify':
      return pubsub.verify(effect.ask, effect.messages)
    case 'penalize':
      return pubsub.penalize(effect.peer, effect.count)
    case 'inspect':
      return pubsub.inspect(effect.ask, effect.peers)
    default:
      return unhandled(effect)
  }
}
