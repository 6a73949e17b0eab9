/**
 * The public node: calls become commands, effects become promises, observables and calls of handlers. It holds no state of
 * the network; what it knows of it, it reads from snapshots.
 */
import { defer, firstValueFrom, map, startWith, Subject, throwError, type Observable, type SchedulerLike } from 'rxjs'
import type { Answer, ClockEffect, Effect } from './core/effects.js'
import type { Batch } from './core/events.js'
import type { Settings } from './core/settings.js'
import { createState, type State } from './core/state.js'
import { fullAddresses, snapshot, type NodeStatus } from './core/status.js'
import { Asking, type RequestOptions, type StreamOptions } from './edge/asking.js'
import { Asks, errorOf } from './edge/asks.js'
import { Broadcasts, type Broadcast } from './edge/broadcasts.js'
import { checkBytes, checkTarget, checkTopic, show } from './edge/checks.js'
import {
  requestAll,
  requestAny,
  type PeerFailure,
  type PeerValue,
  type RequestAllOptions,
  type RequestAnyOptions,
} from './edge/fan-out.js'
import { InboundRequests, type EventHandler, type InboundRequest } from './edge/inbound.js'
import type { Logger } from './edge/log.js'
import type { Replies } from './edge/replies.js'
import { P2pError } from './errors.js'
import { Lane } from './lane.js'
import type { CreatePort, NetworkPort } from './network/port.js'

export type { RequestOptions, StreamOptions }

/**
 * A running node. Every promise of it rejects with a `P2pError`. Observables of what happens never error; those that ask
 * (`request$`, `requestAll`) do, with a `P2pError`.
 */
export interface P2pNode {
  /** Our peer id. */
  readonly peerId: string
  /** Where we listen: multiaddrs that end in `/p2p/<our peer id>`. Pass one to another node's `bootNodes`. */
  readonly addresses: string[]
  /**
   * Asks a peer, given by its peer id or by a multiaddr that ends in one. It is dialled if need be. Nothing is tried twice.
   * @throws `DialError`, `RequestRejected`, `RequestTimeout`, `RequestTooLarge`, `ResponseTooLarge`, `ConnectionLost`,
   * `Overloaded`, `Aborted`, `NodeStopped`; `InvalidPeerId`, `InvalidAddress` or `InvalidConfig` for bad arguments.
   */
  request(peer: string, data: Uint8Array, options?: RequestOptions): Promise<Uint8Array>
  /**
   * As `request`, for all values of the answer. Cold: each subscriber, and each iteration, asks anew; unsubscribing, or leaving
   * the loop, cancels. A subscriber takes what comes; a `for await` takes what it can, and the producer waits meanwhile.
   * Errors as `request` rejects, bad arguments included; with `ConnectionLost` or `NodeStopped` also between two values.
   */
  request$(peer: string, data: Uint8Array, options?: StreamOptions): Observable<Uint8Array> & AsyncIterable<Uint8Array>
  /**
   * The first answer of several peers; the other requests are cancelled. The peers are asked in their order, all at once or
   * (`hedgeAfter`) one after the other, and the next one also as soon as one fails. Each peer is asked once. `timeout` is that
   * of each request.
   * @throws when all have failed: an error with the code of the last of them, and an `AggregateError` of all as its `cause`.
   * `Aborted`, `NodeStopped`; as `request` for bad arguments, and `InvalidConfig` for no peers.
   */
  requestAny(peers: readonly string[], data: Uint8Array, options?: RequestAnyOptions): Promise<PeerValue>
  /**
   * What became of the same request to each of several peers, in the order of their answers. Cold; each peer is asked once;
   * completes after the last, and at once for no peers. Unsubscribing cancels what is open. A peer that fails is a value with
   * an `error`; the observable errors for bad arguments and with `Aborted` alone.
   */
  requestAll(
    peers: readonly string[],
    data: Uint8Array,
    options?: RequestAllOptions,
  ): Observable<PeerValue | PeerFailure>
  /** Requests of others, from the moment of subscribing. Completes when the node stops. */
  readonly requests$: Observable<InboundRequest>
  /**
   * Publishes on a topic; resolves with the peers to whom it was handed, which is no proof of delivery. Nobody there is no
   * error.
   * @throws `DuplicateMessage` (the network suppresses a repeat of the same bytes for a minute), `MessageTooLarge`,
   * `PublishError`, `Overloaded`, `NodeStopped`; `InvalidConfig` for bad arguments.
   */
  broadcast(topic: string, data: Uint8Array): Promise<{ recipients: string[] }>
  /**
   * The broadcasts of a topic, which is joined with its first subscriber and left some 10 s after its last; without a topic,
   * those of all joined topics. Completes when the node stops.
   */
  broadcasts$(topic?: string): Observable<Broadcast>
  /** Registers what answers requests and hears broadcasts. Once: a second call throws `HandlerAlreadySet`. */
  setEventHandler(handler: EventHandler): void
  /** Connects to a multiaddr or a peer id; resolves with the peer id reached. @throws `DialError`, … */
  dial(address: string): Promise<string>
  /** The routing table: peer id → multiaddrs. */
  knownPeers(): Promise<Record<string, string[]>>
  status(): Promise<NodeStatus>
  /** The status now, and after every change of it. Completes when the node stops. */
  readonly status$: Observable<NodeStatus>
  /**
   * Ends the node within two seconds, even when a peer or a handler hangs: completes every observable and rejects every
   * pending promise with `NodeStopped`. Calling it again returns the same promise.
   */
  stop(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

export interface BuildOptions {
  peerId: string
  settings: Settings
  scheduler: SchedulerLike
  createPort: CreatePort
  log: Logger
  /** Sees every batch of events before it is stepped (a recording, a log of a simulation). */
  tap?: (batch: Batch) => void
  /** Is told whenever something reaches user code: a promise settles, an observable emits, a handler is called. */
  onEdge?: () => void
}

/** A node and what only those who run it may touch. */
export interface Built {
  node: P2pNode
  /** Settles when the node listens, or cannot. */
  ready: Promise<void>
  /** To be read, never changed. */
  state: Readonly<State>
  /** Ends the node on the spot, without a word to its network: everything pending fails with this error. */
  kill(error: P2pError): void
}

/** A node over any network, from the moment when it begins to start. */
export function build(options: BuildOptions): Built {
  const node = new Node(options)
  return {
    node,
    ready: node.ready,
    state: node.state,
    kill: (error) => {
      node.end(error)
    },
  }
}

/** Starts a node over any network. Resolves when it listens. */
export async function launch(options: BuildOptions): Promise<P2pNode> {
  const { node, ready } = build(options)
  await ready
  return node
}

/** Effects that end in user code, but for `statusChanged`, which does when somebody looks. */
const REACHES_USERS = new Set<Effect['type']>([
  'settle',
  'value',
  'valuesEnded',
  'fail',
  'handle',
  'produce',
  'cancelHandler',
  'deliver',
  'ready',
  'ended',
])

class Node implements P2pNode {
  readonly peerId: string
  readonly ready: Promise<void>
  readonly state: State
  private readonly lane: Lane
  private readonly port: NetworkPort
  private readonly log: Logger
  private readonly asks: Asks
  private readonly asking: Asking
  private readonly scheduler: SchedulerLike
  private readonly inbound: InboundRequests
  private readonly broadcasts: Broadcasts
  private readonly statusChanges$ = new Subject<void>()
  private resolveReady!: () => void
  private rejectReady!: (error: P2pError) => void
  private hasHandler = false
  private ended = false
  private stopping: Promise<void> | undefined

  constructor({ peerId, settings, scheduler, createPort, log, tap, onEdge }: BuildOptions) {
    this.peerId = peerId
    this.scheduler = scheduler
    this.log = log
    this.ready = new Promise((resolve, reject) => {
      this.resolveReady = resolve
      this.rejectReady = reject
    })
    this.state = createState(peerId, settings)
    const push = (event: Parameters<Lane['push']>[0]): void => {
      this.lane.push(event)
    }
    this.asks = new Asks(push)
    this.asking = new Asking(this.asks, settings)
    this.inbound = new InboundRequests(push, log)
    this.broadcasts = new Broadcasts(push, log)
    this.port = createPort(push)
    this.lane = new Lane({
      state: this.state,
      scheduler,
      run: (effect) => {
        this.run(effect)
        if (onEdge !== undefined && this.reachesUsers(effect.type)) onEdge()
      },
      tap,
      crashed: (cause) => {
        this.crash(cause)
      },
    })
  }

  get addresses(): string[] {
    return fullAddresses(this.state)
  }

  get requests$(): Observable<InboundRequest> {
    return this.inbound.requests$.asObservable()
  }

  get status$(): Observable<NodeStatus> {
    return defer(() =>
      this.statusChanges$.pipe(
        startWith(undefined),
        map(() => snapshot(this.state)),
      ),
    )
  }

  // Not `async`: that would cost two more promises a request.
  request(peer: string, data: Uint8Array, options: RequestOptions = {}): Promise<Uint8Array> {
    try {
      return firstValueFrom(this.asking.one(peer, data, options))
    } catch (error) {
      return firstValueFrom(throwError(() => error))
    }
  }

  request$(peer: string, data: Uint8Array, options: StreamOptions = {}): Replies {
    return this.asking.all(peer, data, options)
  }

  async requestAny(peers: readonly string[], data: Uint8Array, options: RequestAnyOptions = {}): Promise<PeerValue> {
    return firstValueFrom(requestAny(this.asking, this.scheduler, peers, data, options))
  }

  requestAll(
    peers: readonly string[],
    data: Uint8Array,
    options: RequestAllOptions = {},
  ): Observable<PeerValue | PeerFailure> {
    try {
      return requestAll(this.asking, peers, data, options)
    } catch (error) {
      return throwError(() => error)
    }
  }

  async broadcast(topic: string, data: Uint8Array): Promise<{ recipients: string[] }> {
    const name = checkTopic(topic)
    const bytes = checkBytes(data, 'the broadcast')
    return this.ask((ask) => ({ type: 'broadcast', ask, topic: name, data: bytes }))
  }

  broadcasts$(topic?: string): Observable<Broadcast> {
    return this.broadcasts.of(topic === undefined ? undefined : checkTopic(topic))
  }

  setEventHandler(handler: EventHandler): void {
    if (typeof handler !== 'object' || (handler as unknown) === null) {
      throw new P2pError('InvalidConfig', `a handler is an object with handleInboundRequest, not ${show(handler)}`)
    }
    if (this.hasHandler) throw new P2pError('HandlerAlreadySet', 'a handler is set already, and it stays')
    this.hasHandler = true
    this.inbound.setHandler(handler)
    this.broadcasts.setHandler(handler)
  }

  async dial(address: string): Promise<string> {
    const { target, addresses } = checkTarget(address)
    return this.ask((ask) => ({ type: 'dialPeer', ask, target, addresses }))
  }

  async knownPeers(): Promise<Record<string, string[]>> {
    return this.ask((ask) => ({ type: 'knownPeers', ask }))
  }

  async status(): Promise<NodeStatus> {
    return this.ask((ask) => ({ type: 'status', ask }))
  }

  stop(): Promise<void> {
    this.stopping ??= this.ended ? Promise.resolve() : this.ask<undefined>((ask) => ({ type: 'shutdown', ask }))
    return this.stopping
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  private async ask<T extends Answer>(command: Parameters<Asks['ask']>[0]): Promise<T> {
    return (await firstValueFrom(this.asks.ask(command))) as T
  }

  private reachesUsers(type: Effect['type']): boolean {
    return type === 'statusChanged' ? this.statusChanges$.observed : REACHES_USERS.has(type)
  }

  private run(effect: Exclude<Effect, ClockEffect>): void {
    switch (effect.type) {
      case 'settle':
        return this.asks.settle(effect.ask, effect.value)
      case 'value':
        return this.asks.value(effect.ask, effect.value)
      case 'valuesEnded':
        return this.asks.valuesEnded(effect.ask)
      case 'fail':
        return this.asks.fail(effect.ask, effect.refusal)
      case 'handle':
        return this.inbound.onRequest(effect.exchange, effect.from, effect.data)
      case 'produce':
        return this.inbound.onProduce(effect.exchange, effect.allowance)
      case 'cancelHandler':
        return this.inbound.onCancel(effect.exchange, effect.reason)
      case 'deliver': {
        const { topic, data, from, via } = effect
        return this.broadcasts.onBroadcast({ topic, data, from, via })
      }
      case 'statusChanged':
        return this.statusChanges$.next()
      case 'log':
        return this.log(effect.level, effect.message, effect.cause)
      case 'ready':
        return this.resolveReady()
      case 'ended':
        return this.end(effect.refusal && errorOf(effect.refusal))
      default:
        return this.port.run(effect)
    }
  }

  /** Our own bug: nobody may go on with a state that was changed by half. */
  private crash(cause: unknown): void {
    this.log('error', 'the node stopped because of a fault of its own', cause)
    this.port.run({ type: 'stop' })
    this.end(new P2pError('NodeStopped', 'the node stopped because of a fault of its own', { cause }))
  }

  end(error = new P2pError('NodeStopped', 'the node was stopped')): void {
    if (this.ended) return
    this.ended = true
    this.lane.close()
    this.rejectReady(error)
    this.asks.end(error)
    this.inbound.end()
    this.broadcasts.end()
    this.statusChanges$.complete()
  }
}
