/**
 * The public node: calls become commands, and effects become promises, observables and calls of handlers. It reads the
 * state of the core but never changes it, and does not know which network is behind the port.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import {
  distinctUntilChanged,
  filter,
  map,
  startWith,
  Subject,
  throwError,
  type Observable,
  type SchedulerLike,
  type Subscription,
} from 'rxjs'
import type { Explanation, NodeStatus, PeerExplanation, TopicExplanation } from '../core/explanation.js'
import type { Answer, ClockEffect, EdgeEffect, Effect } from '../core/effects.js'
import type { Batch, Command } from '../core/events.js'
import type { AskId, Said } from '../core/terms.js'
import type { Settings } from '../core/settings.js'
import { createState, type State } from '../core/state.js'
import { peerState, peerStates, type PeerState } from '../core/peers/peer-states.js'
import { fullAddresses, snapshot } from '../core/explain/status.js'
import type { AuditEvent } from '../core/access/audit-event.js'
import { Authorizer, type Authorize } from '../edge/access/authorizer.js'
import { checkEntries } from '../edge/access/entries.js'
import { OutboundRequests, type RequestOptions, type StreamOptions } from '../edge/requests/outbound.js'
import { Asks, errorOf } from '../edge/asks.js'
import { Broadcasts, type Broadcast, type BroadcastsOptions } from '../edge/broadcasts/broadcasts.js'
import { checkNumber, checkOptions, checkSignal, checkText, checkTopic, type Names } from '../edge/checks.js'
import { checkAbout, checkPeer, checkTarget } from '../edge/targets.js'
import {
  requestAll,
  requestAny,
  type PeerFailure,
  type PeerValue,
  type RequestAllOptions,
  type RequestAnyOptions,
} from '../edge/requests/fan-out.js'
import { leading, leadsToCaller, leadsToCallerInDevelopment } from '../edge/callers.js'
import { setClock } from '../edge/clocks.js'
import { checkHandler } from '../edge/answers/handler.js'
import { InboundRequests, type EventHandler, type InboundRequest } from '../edge/answers/inbound.js'
import type { Logger } from '../edge/log.js'
import { publish, type BroadcastOptions, type Published } from '../edge/broadcasts/publishing.js'
import { Receipts } from '../edge/broadcasts/receipts.js'
import type { IterableObservable } from '../edge/queue.js'
import { firstValueFrom } from '../edge/first-value.js'
import { abortable } from '../edge/signals.js'
import { Validators, type Validator } from '../edge/broadcasts/validators.js'
import { P2pError } from '../errors.js'
import { Lane } from '../lane/lane.js'
import { nextTurnOf } from '../lane/scheduler.js'
import type { DenyOptions, P2pNode, StopOptions } from './p2p-node.js'
import type { CreatePort, NetworkPort } from '../core/port.js'
import { MAX_DELAY } from '../platform/timers.js'

/** Everything that a node is made of. */
export interface BuildOptions {
  peerId: string
  settings: Settings
  scheduler: SchedulerLike
  /** The time that callers are told, ms; default: that of the scheduler. */
  time?: () => number
  createPort: CreatePort
  log: Logger
  /** Validators of the config: topic → function. */
  validators?: Readonly<Record<string, Validator>>
  /** The config's `access.authorize`. */
  authorize?: Authorize | undefined
  /** Sees every batch of events before it is stepped (a recording, a log of a simulation). */
  tap?: (batch: Batch) => void
  /** Called with each command of user code, before it enters the lane. */
  onCommand?: (command: Command) => void
  /** Called whenever something reaches user code: a promise settles, an observable emits, a handler is called. */
  onEdge?: () => void
  /** Called once, when the node has ended in any way. `stop()` waits for the returned promise, which must not reject. */
  onEnd?: () => Promise<void> | void
}

/** A node, and what only the code that runs it may touch. */
export interface Built {
  node: P2pNode
  /** Resolves when the node listens; rejects with `ListenError` or `NodeStopped`. */
  ready: Promise<void>
  /** To be read, never changed. */
  state: Readonly<State>
  /** Ends the node at once, without closing its network: everything pending fails with this error. */
  kill(error: P2pError): void
}

/** A node over any network, which begins to start. */
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

/** The effects that reach user code at once. (`…Changed` do if an observable has subscribers.) */
const REACHES_USERS: Record<EdgeEffect['type'], boolean> = {
  ready: true,
  settle: true,
  value: true,
  valuesEnded: true,
  fail: true,
  handle: true,
  produce: true,
  cancelHandler: true,
  deliver: true,
  replayed: true,
  validate: true,
  cancelValidation: true,
  digest: false,
  audited: false,
  authorize: true,
  cancelAuthorization: true,
  receipt: true,
  receiptsEnded: true,
  topicsChanged: false,
  subscribersChanged: false,
  statusChanged: false,
  peersChanged: false,
  log: false,
  ended: true,
}

const DENY_NAMES: Names<DenyOptions> = { for: true, reason: true }
const STOP_NAMES: Names<StopOptions> = { drain: true }
const JOINED_NAMES: Names<NonNullable<Parameters<P2pNode['joined']>[1]>> = { timeout: true, signal: true }
const ONLINE_NAMES: Names<NonNullable<Parameters<P2pNode['online']>[0]>> = { peers: true, ...JOINED_NAMES }

function shutdownCommand(options: StopOptions): (ask: AskId) => Command {
  checkOptions(options, 'stop', STOP_NAMES)
  const drain = options.drain === undefined ? 0 : checkNumber(options.drain, 'drain', 'ms', 0, MAX_DELAY)
  return (ask) => (drain === 0 ? { type: 'shutdown', ask } : { type: 'shutdown', ask, drain })
}

function notWanted(isDenied: boolean): P2pError {
  return isDenied
    ? new P2pError('Denied', 'the peer may not come in any more, whatever authorize says')
    : new P2pError('RequestTimeout', 'authorize took longer than limits.authorizeTimeout: the peer is not admitted')
}

/** What `read` returns: at once for each subscriber, and after each change. */
function nowAndAfter<T>(changes$: Observable<unknown>, read: () => T): Observable<T> {
  return changes$.pipe(startWith(undefined), map(read))
}

function saidBy({ message: text, kind = text, peer }: Extract<EdgeEffect, { type: 'log' }>): Said {
  return { kind, text, ...(peer !== undefined && { peer }) }
}

type PushCommand = (command: Command) => void

class Node implements P2pNode {
  readonly peerId: string
  readonly ready: Promise<void>
  readonly state: State
  private readonly lane: Lane
  private readonly port: NetworkPort
  private readonly log: Logger
  private readonly asks: Asks
  private readonly outbound: OutboundRequests
  private readonly scheduler: SchedulerLike
  private readonly time: () => number
  private readonly inbound: InboundRequests
  private readonly broadcasts: Broadcasts
  private readonly validators: Validators
  private readonly authorizer: Authorizer
  private readonly receipts = new Receipts()
  private readonly settings: Settings
  private readonly push: PushCommand
  private readonly statusChanges$ = new Subject<void>()
  private readonly peersChanges$ = new Subject<void>()
  private readonly topicsChanges$ = new Subject<void>()
  private readonly subscribersChanges$ = new Subject<string>()
  private readonly audits$ = new Subject<AuditEvent>()
  private resolveReady!: () => void
  private rejectReady!: (error: P2pError) => void
  private hasHandler = false
  private ended = false
  readonly closed: Promise<P2pError | undefined>
  private resolveClosed!: (error: P2pError | undefined) => void
  private stopping: Promise<void> | undefined
  private readonly onEnd: BuildOptions['onEnd']
  private ending: Promise<void> | void = undefined

  constructor({
    peerId,
    settings,
    scheduler,
    time = () => scheduler.now(),
    createPort,
    log,
    validators = {},
    authorize,
    tap,
    onCommand,
    onEdge,
    onEnd,
  }: BuildOptions) {
    this.peerId = peerId
    setClock(this, { scheduler, requestTimeout: settings.requestTimeout })
    this.scheduler = scheduler
    this.time = time
    this.settings = settings
    this.log = log
    this.onEnd = onEnd
    this.ready = new Promise((resolve, reject) => {
      this.resolveReady = resolve
      this.rejectReady = reject
    })
    this.closed = new Promise((resolve) => (this.resolveClosed = resolve))
    this.state = createState(peerId, settings)
    const push: PushCommand = (command) => {
      onCommand?.(command)
      this.lane.commands$.next(command)
    }
    this.push = push
    this.asks = new Asks(push)
    this.outbound = new OutboundRequests(this.asks, settings)
    this.inbound = new InboundRequests(push, log, () => scheduler.now(), nextTurnOf(scheduler))
    this.broadcasts = new Broadcasts(push, log)
    this.validators = new Validators(push, log, validators)
    this.authorizer = new Authorizer(authorize, push, log)
    this.port = createPort((event, idly) => {
      if (idly === true) this.lane.reportIdly(event)
      else this.lane.events$.next(event)
    })
    this.lane = new Lane({
      state: this.state,
      scheduler,
      run: (effect) => {
        if (effect.type !== 'handle') this.inbound.pause()
        this.run(effect)
        if (onEdge !== undefined && this.reachesUsers(effect.type)) onEdge()
      },
      ran: () => this.inbound.pause(),
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
    return nowAndAfter(this.statusChanges$, () => snapshot(this.state))
  }

  @leadsToCallerInDevelopment
  // Not `async`, which would cost two more promises per request.
  request(peer: string, data: Uint8Array, options: RequestOptions = {}): Promise<Uint8Array> {
    try {
      return leading(firstValueFrom(this.outbound.oneToTheEnd(peer, data, options)))
    } catch (error) {
      return firstValueFrom(throwError(() => error))
    }
  }

  request$(peer: string, data: Uint8Array, options: StreamOptions = {}): IterableObservable<Uint8Array> {
    return this.outbound.all(peer, data, options)
  }

  @leadsToCaller
  async requestAny(peers: readonly string[], data: Uint8Array, options: RequestAnyOptions = {}): Promise<PeerValue> {
    return firstValueFrom(requestAny(this.outbound, this.scheduler, peers, data, options))
  }

  requestAll(
    peers: readonly string[],
    data: Uint8Array,
    options: RequestAllOptions = {},
  ): Observable<PeerValue | PeerFailure> {
    try {
      return requestAll(this.outbound, peers, data, options)
    } catch (error) {
      return throwError(() => error)
    }
  }

  @leadsToCaller
  async broadcast(topic: string, data: Uint8Array, options?: BroadcastOptions): Promise<Published> {
    return publish(this.asks, this.receipts, this.settings.requestTimeout, topic, data, options)
  }

  broadcasts$(topic?: string, options?: BroadcastsOptions): IterableObservable<Broadcast> {
    return this.broadcasts.of(topic === undefined ? undefined : checkTopic(topic), options)
  }

  @leadsToCaller
  async joined(topic: string, options: { timeout?: number; signal?: AbortSignal } = {}): Promise<void> {
    const name = checkTopic(topic)
    checkOptions(options, 'joined', JOINED_NAMES)
    const { timeout = this.settings.requestTimeout } = options
    const patience = checkNumber(timeout, 'timeout', 'ms', 1, MAX_DELAY)
    const answer$ = this.asks.ask((ask) => ({ type: 'joined', ask, topic: name, timeout: patience }))
    await firstValueFrom(abortable(answer$, checkSignal(options.signal)))
  }

  validate(topic: string, validator: Validator): void {
    this.validators.set(checkTopic(topic), validator)
  }

  get topics$(): Observable<string[]> {
    return nowAndAfter(this.topicsChanges$, () => [...this.state.topics.joined.keys()])
  }

  subscribers$(topic: string): Observable<string[]> {
    const name = checkTopic(topic)
    const changes$ = this.subscribersChanges$.pipe(filter((changed) => changed === name))
    return nowAndAfter(changes$, () => [...(this.state.topics.subscribers.get(name) ?? [])])
  }

  explain(about: { topic: string }): Promise<TopicExplanation>
  explain(about: { peer: string }): Promise<PeerExplanation>
  explain(about: string): Promise<Explanation>
  @leadsToCaller
  async explain(about: unknown): Promise<Explanation> {
    const checked = checkAbout(about)
    return this.ask((ask) => ({ type: 'explain', ask, about: checked }))
  }

  serve(protocol: string, server: (request: InboundRequest) => void): Subscription {
    return this.inbound.protocols.add(protocol, server)
  }

  setEventHandler(handler: EventHandler): void {
    checkHandler(handler, this.log)
    if (this.hasHandler) throw new P2pError('HandlerAlreadySet', 'a handler is set already, and it stays')
    this.hasHandler = true
    this.inbound.setHandler(handler)
    this.broadcasts.setHandler(handler)
  }

  @leadsToCaller
  async dial(address: string, options: Record<string, never> = {}): Promise<string> {
    // It has no options, and one that a caller thinks of would be ignored.
    checkOptions(options, 'dial', {})
    const { target, addresses } = checkTarget(address)
    return this.ask((ask) => ({ type: 'dialPeer', ask, target, addresses }))
  }

  @leadsToCaller
  async allow(entries: string | readonly string[], options: Record<string, never> = {}): Promise<void> {
    checkOptions(options, 'allow', {})
    const checked = checkEntries(entries, 'allow')
    await this.ask((ask) => ({ type: 'allow', ask, entries: checked }))
  }

  @leadsToCaller
  async deny(entries: string | readonly string[], options: DenyOptions = {}): Promise<void> {
    checkOptions(options, 'deny', DENY_NAMES)
    const checked = checkEntries(entries, 'deny')
    if (checked.some((entry) => 'peer' in entry && entry.peer === this.peerId))
      throw new P2pError('InvalidConfig', `deny: ${this.peerId} is this node itself`)
    const { for: duration, reason } = options
    if (duration !== undefined) checkNumber(duration, 'for', 'ms', 1, Number.MAX_SAFE_INTEGER)
    if (reason !== undefined) checkText(reason, 'reason')
    await this.ask((ask) => ({
      type: 'deny',
      ask,
      entries: checked,
      ...(duration !== undefined && { duration }),
      ...(reason !== undefined && { reason }),
    }))
  }

  get audit$(): Observable<AuditEvent> {
    return this.audits$.asObservable()
  }

  @leadsToCaller
  async knownPeers(): Promise<Record<string, string[]>> {
    return this.ask((ask) => ({ type: 'knownPeers', ask }))
  }

  @leadsToCaller
  async status(): Promise<NodeStatus> {
    return this.ask((ask) => ({ type: 'status', ask }))
  }

  get peers$(): Observable<PeerState[]> {
    return nowAndAfter(this.peersChanges$, () => peerStates(this.state))
  }

  peer$(peer: string): Observable<PeerState> {
    const { target } = checkPeer(peer)
    return nowAndAfter(this.peersChanges$, () => peerState(this.state, target)).pipe(
      distinctUntilChanged((a, b) => JSON.stringify(a) === JSON.stringify(b)),
    )
  }

  @leadsToCaller
  async online(options: { peers?: number; timeout?: number; signal?: AbortSignal } = {}): Promise<void> {
    checkOptions(options, 'online', ONLINE_NAMES)
    const { peers = 1, timeout = this.settings.requestTimeout } = options
    const amount = checkNumber(peers, 'peers', 'peers', 1, Number.MAX_SAFE_INTEGER)
    const patience = checkNumber(timeout, 'timeout', 'ms', 1, MAX_DELAY)
    const answer$ = this.asks.ask((ask) => ({ type: 'online', ask, peers: amount, timeout: patience }))
    await firstValueFrom(abortable(answer$, checkSignal(options.signal)))
  }

  stop(options: StopOptions = {}): Promise<void> {
    try {
      const command = shutdownCommand(options)
      if (this.stopping === undefined) this.stopping = this.shutDown(command)
      // The end that comes first counts, and all wait for that.
      else if (!this.ended) this.asks.ask(command).subscribe({ error: () => undefined })
      return this.stopping
    } catch (error) {
      return firstValueFrom(throwError(() => error))
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  private async shutDown(command: (ask: AskId) => Command): Promise<void> {
    if (!this.ended) await this.ask<undefined>(command)
    await this.ending
  }

  private async ask<T extends Answer>(command: Parameters<Asks['ask']>[0]): Promise<T> {
    return (await firstValueFrom(this.asks.askToTheEnd(command))) as T
  }

  private reachesUsers(type: Effect['type']): boolean {
    switch (type) {
      case 'statusChanged':
        return this.statusChanges$.observed
      case 'audited':
        return this.audits$.observed
      case 'peersChanged':
        return this.peersChanges$.observed
      case 'topicsChanged':
        return this.topicsChanges$.observed
      case 'subscribersChanged':
        return this.subscribersChanges$.observed
      default:
        return type in REACHES_USERS && REACHES_USERS[type as EdgeEffect['type']]
    }
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
        return this.inbound.onRequest(effect.exchange, effect.from, effect.data, effect.waited)
      case 'produce':
        return this.inbound.onProduce(effect.exchange, effect.allowance)
      case 'cancelHandler':
        return this.inbound.onCancel(effect.exchange, effect.refusal)
      case 'deliver':
        return this.broadcasts.onBroadcast(effect)
      case 'replayed':
        return this.broadcasts.onReplayed(effect.subscription, effect.broadcasts)
      case 'validate':
        return this.validators.onValidate(effect.validation, effect)
      case 'cancelValidation':
        return this.validators.onCancel(effect.validation, effect.refusal)
      case 'receipt':
        return this.receipts.onReceipt(effect.ask, { peer: effect.peer, rtt: effect.rtt })
      case 'receiptsEnded':
        return this.receipts.onEnded(effect.ask)
      case 'digest':
        return this.push({ type: 'digested', digest: effect.digest, hash: sha256(effect.data) })
      case 'statusChanged':
        return this.statusChanges$.next()
      case 'peersChanged':
        return this.peersChanges$.next()
      case 'topicsChanged':
        return this.topicsChanges$.next()
      case 'subscribersChanged':
        return this.subscribersChanges$.next(effect.topic)
      case 'authorize':
        return this.authorizer.onAuthorize(effect)
      case 'cancelAuthorization':
        return this.authorizer.onCancel(effect.authorization, notWanted(effect.denied))
      case 'audited':
        return this.audits$.next({ ...effect.event, at: Math.floor(this.time() - effect.ago) })
      case 'log':
        return this.log(effect.level, saidBy(effect), effect.cause)
      case 'ready':
        return this.resolveReady()
      case 'ended':
        return this.end(effect.refusal && errorOf(effect.refusal))
      default:
        return this.port.run(effect)
    }
  }

  /** `step` threw, which is a bug of the core. The node ends, because its state may be half changed. */
  private crash(cause: unknown): void {
    this.log('error', 'the node stopped because of a fault of its own', cause)
    this.port.run({ type: 'stop' })
    this.end(new P2pError('NodeStopped', 'the node stopped because of a fault of its own', { cause }))
  }

  /** `reason`: why it ends, if not by `stop()`. */
  end(reason?: P2pError): void {
    if (this.ended) return
    const error = reason ?? new P2pError('NodeStopped', 'the node was stopped')
    this.ended = true
    this.lane.close()
    this.rejectReady(error)
    this.asks.end(error)
    this.inbound.end(error)
    this.broadcasts.end()
    this.validators.end(error)
    this.receipts.end()
    this.authorizer.end(error)
    this.audits$.complete()
    this.statusChanges$.complete()
    this.peersChanges$.complete()
    this.topicsChanges$.complete()
    this.subscribersChanges$.complete()
    this.ending = this.onEnd?.()
    void Promise.resolve(this.ending).then(() => {
      this.resolveClosed(reason)
    })
  }
}
