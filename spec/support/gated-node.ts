/**
 * A node that may be kept from some peers, by a gate that refuses to dial and to be dialled, and whose gossipsub has other
 * numbers: the public config can say neither.
 */
import type { GossipsubOpts } from '@chainsafe/libp2p-gossipsub'
import { ReplaySubject } from 'rxjs'
import { readConfig, type NodeConfig } from '../../src/config/config.js'
import { createLogger } from '../../src/edge/log.js'
import { newSecret, peerIdOf, privateKeyOf } from '../../src/identity.js'
import { createLibp2pPort } from '../../src/libp2p/index.js'
import type { PortEvent } from '../../src/core/port.js'
import { launch, type P2pNode } from '../../src/node/node.js'
import { readPubsub } from '../../src/config/pubsub.js'
import { LaneScheduler } from '../../src/lane/scheduler.js'
import { REQUEST_PROTOCOLS } from '../../src/wire/protocols.js'
import { LOOPBACK, next } from './nodes.js'

export interface Gating {
  /** Peer ids; they may be added later. */
  denied?: Set<string>
  gossipsub?: Partial<GossipsubOpts>
}

const running = new Map<P2pNode, ReplaySubject<PortEvent>>()

export async function startGated(config: NodeConfig, { denied = new Set(), gossipsub = {} }: Gating): Promise<P2pNode> {
  const { secret = newSecret() } = config
  const pubsub = readPubsub(config.pubsub)
  const events$ = new ReplaySubject<PortEvent>()
  const createPort = createLibp2pPort({
    privateKey: await privateKeyOf(secret),
    protocols: REQUEST_PROTOCOLS,
    pubsub: pubsub.options,
    gossipsub,
    gate: { deny: (peer) => denied.has(peer) },
  })
  const node = await launch({
    peerId: await peerIdOf(secret),
    settings: readConfig({ listen: LOOPBACK, ...config }).settings,
    scheduler: config.scheduler ?? new LaneScheduler(),
    createPort: (emit) =>
      createPort((event) => {
        emit(event)
        events$.next(event)
      }),
    log: createLogger(config.logger),
    validators: pubsub.validators,
  })
  running.set(node, events$)
  return node
}

/** For `afterEach`. */
export async function stopGated(): Promise<void> {
  const nodes = [...running.keys()]
  running.clear()
  await Promise.all(nodes.map((node) => node.stop()))
}

/** It knows that this peer is in the topic, so what it publishes goes there. */
export async function knowsSubscription(node: P2pNode, peer: { peerId: string }, topic: string): Promise<void> {
  await next(running.get(node)!, (event) => {
    return event.type === 'subscriptionChanged' && event.peer === peer.peerId && event.topic === topic
  })
}

/** How often each control message of gossipsub was received or sent, by the name of its metric. */
export class GossipCounts {
  private readonly counts = new Map<string, number>()

  /** Go among the gossipsub options. */
  readonly options: Partial<GossipsubOpts>

  constructor() {
    const metric = ({ name }: { name: string }) => ({
      inc: (first?: unknown, second?: unknown) => {
        const amount = [first, second].find((value) => typeof value === 'number') ?? 1
        this.counts.set(name, this.of(name) + amount)
      },
      set() {},
      addCollect() {},
      observe() {},
      reset() {},
      startTimer: () => () => {},
    })
    const metricsRegister = { gauge: metric, histogram: metric, avgMinMax: metric } as never
    this.options = { metricsRegister, metricsTopicStrToLabel: new Map() }
  }

  of(name: string): number {
    return this.counts.get(name) ?? 0
  }
}
