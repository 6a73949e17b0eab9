/**
 * Nodes on real sockets of 127.0.0.1, and what a spec waits for. Nothing here sleeps: a wait is for an event of the
 * network, a status or a value, and ends with an error that says what did not come.
 */
import { filter, firstValueFrom, ReplaySubject, take, timeout, toArray, type Observable } from 'rxjs'
import { readConfig, type NodeConfig } from '../../src/config/config.js'
import type { Settings } from '../../src/core/settings.js'
import type { State } from '../../src/core/state.js'
import type { NodeStatus } from '../../src/core/explanation.js'
import { createLogger, type LogEntry } from '../../src/edge/log.js'
import { peerIdOf, privateKeyOf } from '../../src/identity.js'
import { newIncarnation, newSecret } from '../../src/secret.js'
import { createLibp2pPort, type Libp2pPortOptions } from '../../src/libp2p/index.js'
import type { PortEvent } from '../../src/core/port.js'
import { launch } from '../../src/node/node.js'
import type { P2pNode } from '../../src/node/p2p-node.js'
import { readPubsub } from '../../src/config/pubsub.js'
import { LaneScheduler } from '../../src/lane/scheduler.js'
import { REQUEST_PROTOCOLS } from '../../src/wire/protocols.js'

// What almost every spec with sockets needs beside them.
export { bytes, text } from './bytes.js'
export { outcome, within } from './promises.js'

export const LOOPBACK = '/ip4/127.0.0.1/tcp/0'
export const MiB = 1_048_576

/** How long anything that should happen may take. */
const PATIENCE = 10_000

type Of<Type extends PortEvent['type']> = Extract<PortEvent, { type: Type }>

interface Watched {
  events$: ReplaySubject<PortEvent>
  log: LogEntry[]
}

const running = new Map<P2pNode, Watched>()

/**
 * As `createNode`, but on loopback if the config does not say where, with a look at what its network reports, and with
 * `settings` and a port that the public config does not have.
 */
export async function startNode(
  config: NodeConfig = {},
  settings: Partial<Settings> = {},
  port: Pick<Libp2pPortOptions, 'gossipsub' | 'gate' | 'names'> = {},
): Promise<P2pNode> {
  const { secret = newSecret() } = config
  const events$ = new ReplaySubject<PortEvent>()
  const log: LogEntry[] = []
  const privateKey = await privateKeyOf(secret)
  const pubsub = readPubsub(config.pubsub)
  const logger = createLogger((entry) => {
    log.push(entry)
    if (typeof config.logger === 'function') config.logger(entry)
  })
  const createPort = createLibp2pPort({
    privateKey,
    protocols: settings.protocols ?? REQUEST_PROTOCOLS,
    pubsub: pubsub.options,
    log: (line) => logger('debug', line),
    ...port,
  })
  const node = await launch({
    peerId: await peerIdOf(secret),
    settings: {
      ...readConfig({ listen: LOOPBACK, ...config }).settings,
      incarnation: newIncarnation(),
      ...settings,
    },
    scheduler: config.scheduler ?? new LaneScheduler(),
    createPort: (emit) =>
      createPort((event) => {
        emit(event)
        events$.next(event)
      }),
    log: logger,
    validators: pubsub.validators,
  })
  running.set(node, { events$, log })
  return node
}

/** A node that answers with what it was asked. */
export async function startEcho(config: NodeConfig = {}, settings: Partial<Settings> = {}): Promise<P2pNode> {
  const node = await startNode(config, settings)
  node.setEventHandler({ handleInboundRequest: (data) => data })
  return node
}

/** For `afterEach`: ends every node that was started here. */
export async function stopNodes(): Promise<void> {
  const nodes = [...running.keys()]
  running.clear()
  await Promise.all(nodes.map((node) => node.stop()))
}

/** What a node's network reported or reports, of this type and fitting. */
export function heard<Type extends PortEvent['type']>(
  node: P2pNode,
  type: Type,
  fits: (event: Of<Type>) => boolean = () => true,
  patience = PATIENCE,
): Promise<Of<Type>> {
  const { events$ } = running.get(node)!
  const fitting$ = events$.pipe(filter((event): event is Of<Type> => event.type === type))
  return next(fitting$, fits, patience, type)
}

/** `node` has heard that `peer` is in the topic, so what it publishes goes there. */
export async function hearsSubscription(node: P2pNode, peer: { peerId: string }, topic: string): Promise<void> {
  await heard(node, 'subscriptionChanged', (event) => {
    return event.peer === peer.peerId && event.topic === topic && event.subscribed
  })
}

/** … and there is a stream to it: what `node` publishes reaches it. */
export async function canReach(node: P2pNode, { peerId }: { peerId: string }, topic: string): Promise<void> {
  await Promise.all([
    hearsSubscription(node, { peerId }, topic),
    heard(node, 'gossipOpened', ({ peer }) => peer === peerId),
  ])
}

/**
 * Broadcasts until somebody takes it, and tells who. A subscription may be heard before there is a stream to the
 * subscriber; what nobody took may be sent again.
 */
export async function handOver(node: P2pNode, topic: string, data: Uint8Array): Promise<string[]> {
  const end = performance.now() + PATIENCE
  for (;;) {
    const { recipients } = await node.broadcast(topic, data)
    if (recipients.length > 0 || performance.now() > end) return recipients
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

export function logOf(node: P2pNode): LogEntry[] {
  return running.get(node)!.log
}

/** The first value that fits. */
export function next<T>(
  source$: Observable<T>,
  fits: (value: T) => boolean = () => true,
  patience = PATIENCE,
  what = 'value',
): Promise<T> {
  const late = { first: patience, with: () => { throw new Error(`no fitting ${what} within ${patience} ms`) } } // prettier-ignore
  return firstValueFrom(source$.pipe(filter(fits), timeout(late)))
}

/** The next `amount` values. */
export function nextFew<T>(source$: Observable<T>, amount: number, patience = PATIENCE): Promise<T[]> {
  return next(source$.pipe(take(amount), toArray()), undefined, patience, `${amount} values`)
}

export function statusOf(node: P2pNode, fits: (status: NodeStatus) => boolean, patience?: number): Promise<NodeStatus> {
  return next(node.status$, fits, patience, 'status')
}

/** `node` knows all of these peers. */
export async function knows(node: P2pNode, ...peers: { peerId: string }[]): Promise<void> {
  await knowsWithin(PATIENCE, node, ...peers)
}

export async function knowsWithin(ms: number, node: P2pNode, ...peers: { peerId: string }[]): Promise<void> {
  let missing = peers
  const fits = ({ knownPeers }: NodeStatus): boolean => {
    missing = peers.filter(({ peerId }) => !(peerId in knownPeers))
    return missing.length === 0
  }
  await statusOf(node, fits, ms).catch(async (error: Error) => {
    const reasons = await Promise.all(missing.slice(0, 2).map(async ({ peerId }) => (await node.explain(peerId)).text))
    throw new Error(`${error.message}: ${node.peerId} does not know ${missing.length} peers; ${reasons.join('; ')}`)
  })
}

/** The inside of a node. */
export function stateOf(node: P2pNode): State {
  return (node as unknown as { state: State }).state
}

/** What is under way in a node's state: nothing, when all of these are 0. */
export function pending(state: State): Record<string, number> {
  const { asks, streams, exchanges, budget, turns, dials } = state
  const collections = {
    asks: asks.open,
    askDeadlines: asks.deadlines,
    calls: streams.v1Requests,
    exchanges: exchanges.open,
    exchangeDeadlines: exchanges.deadlines,
    waiting: budget.waiting,
    queued: turns.peers,
    lingering: turns.lingering,
    dials,
  }
  const sizes = Object.entries(collections).map(([name, { size }]) => [name, size])
  const { expected: _remembered, ...used } = budget.all
  return { ...Object.fromEntries(sizes), ...used } as Record<string, number>
}
