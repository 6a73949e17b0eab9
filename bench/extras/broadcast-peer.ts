/**
 * One node of a measurement of broadcasts, in a process of its own: ours, or @libp2p/gossipsub used directly. Each message
 * carries its number and when it was sent; receivers acknowledge every so many, on a topic of their own, and the publisher
 * keeps no more than a window ahead of the slowest of them.
 */
import '../../src/platform/polyfill.js'
import type { GossipSub } from '@chainsafe/libp2p-gossipsub'
import { identify } from '@libp2p/identify'
import { ping } from '@libp2p/ping'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { createNode } from '../../src/index.js'
import { CONNECTION_MANAGER, CONNECTION_MONITOR } from '../../src/libp2p/defaults.js'
import { gossipsubService } from '../../src/libp2p/gossip/gossipsub.js'
import { quietLogger } from '../../src/libp2p/logger.js'
import { transport } from '../../src/libp2p/host.js'
import { PUBSUB } from '../harness/pubsub.js'
import { percentile } from '../harness/statistics.js'

export type Kind = 'ours' | 'gossipsub'

const DATA = 'bench'
const ACKS = 'bench-acks'
/** Messages between two acknowledgements, and the most that are not acknowledged. */
const ACK_EVERY = 64
const WINDOW = 256
const LISTEN = '/ip4/127.0.0.1/tcp/0'

interface Bus {
  address: string
  /** Resolves with the number of peers that it was sent to. */
  publish(topic: string, data: Uint8Array): Promise<number>
}

type Hear = (topic: string, data: Uint8Array) => void

/** Messages heard so far, and the latencies of each, µs. */
let latencies: number[] = []
let heard = 0
/** How far each receiver is; the keys are theirs. */
const acknowledged = new Map<number, number>()
let progressed: () => void = () => undefined
let bus: Bus
let self = 0
/** Messages of an earlier measurement, and its acknowledgements, count no more. */
let epoch = 0

/** Resolves with the address. `number` tells the nodes apart. */
export async function start(kind: Kind, number: number, peers: readonly string[]): Promise<string> {
  self = number
  bus = kind === 'ours' ? await startOurs(peers) : await startGossipsub(peers)
  return bus.address
}

async function startOurs(peers: readonly string[]): Promise<Bus> {
  const reqResp = { connectionKeepAlive: 3_600_000 }
  const node = await createNode({ listen: LISTEN, topics: [DATA, ACKS], bootNodes: [...peers], reqResp })
  node.broadcasts$().subscribe(({ topic, data }) => hear(topic, data))
  return {
    address: node.addresses[0] ?? '',
    publish: async (topic, data) => (await node.broadcast(topic, data)).recipients.length,
  }
}

async function startGossipsub(peers: readonly string[]): Promise<Bus> {
  // As it comes: it reads, forwards and sends by itself. In ours, pubsub.ts does.
  const stock = { asyncValidation: false, awaitRpcHandler: false, awaitRpcMessageHandler: false }
  const node = await createLibp2p({
    addresses: { listen: [LISTEN] },
    logger: quietLogger(),
    connectionManager: CONNECTION_MANAGER,
    connectionMonitor: CONNECTION_MONITOR,
    ...transport(),
    services: { identify: identify(), ping: ping(), pubsub: gossipsubService(PUBSUB, stock) },
  })
  const pubsub: GossipSub = node.services.pubsub
  pubsub.addEventListener('gossipsub:message', ({ detail: { msg } }) => hear(msg.topic, msg.data))
  for (const topic of [DATA, ACKS]) pubsub.subscribe(topic)
  for (const peer of peers) await node.dial(multiaddr(peer))
  return {
    address: node.getMultiaddrs().join(),
    publish: (topic, data) =>
      pubsub.publish(topic, data).then(
        ({ recipients }) => recipients.length,
        (error: Error) => {
          if (error.message === 'PublishError.NoPeersSubscribedToTopic') return 0
          throw error
        },
      ),
  }
}

/** A message: its number, the clock that all processes of a machine share (ns), the sender's number, the epoch. */
function message(size: number, number: number): Uint8Array {
  const data = Buffer.alloc(size)
  data.writeUInt32LE(number)
  data.writeBigUInt64LE(process.hrtime.bigint(), 4)
  data.writeUInt32LE(self, 12)
  data.writeUInt32LE(epoch, 16)
  return data
}

const hear: Hear = (topic, bytes) => {
  const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const number = data.readUInt32LE(0)
  // Some are only sent to find out which peers are in the topic.
  if (number === 0 || data.readUInt32LE(16) !== epoch) return
  if (topic === ACKS) {
    const receiver = data.readUInt32LE(12)
    acknowledged.set(receiver, Math.max(number, acknowledged.get(receiver) ?? 0))
    return progressed()
  }
  latencies.push(Number(process.hrtime.bigint() - data.readBigUInt64LE(4)) / 1_000)
  if (++heard % ACK_EVERY === 0) void bus.publish(ACKS, message(32, heard))
}

/** To how many peers a message goes now. */
export function reach(): Promise<number> {
  return Promise.all([bus.publish(DATA, message(32, 0)), bus.publish(ACKS, message(31, 0))]).then((counts) =>
    Math.min(...counts),
  )
}

/** Forgets what was heard, for the next measurement. */
export function reset(next: number): void {
  epoch = next
  heard = 0
  latencies = []
  acknowledged.clear()
}

/** Publishes for `time` ms, as fast as `receivers` receivers keep up. Resolves with what was sent and for how long, ms. */
export async function flood(size: number, receivers: number, time: number): Promise<{ sent: number; time: number }> {
  const began = performance.now()
  const slowest = (): number => (acknowledged.size < receivers ? 0 : Math.min(...acknowledged.values()))
  let failure: Error | undefined
  let sent = 0
  const untilProgress = async (): Promise<void> => {
    await new Promise<void>((resolve) => (progressed = resolve))
    if (failure !== undefined) throw failure
  }
  // Whole acknowledgements, so that the last one says that all arrived.
  while (performance.now() - began < time || sent % ACK_EVERY !== 0) {
    while (sent - slowest() >= WINDOW) await untilProgress()
    publishOne(size, ++sent, receivers).catch((error: Error) => {
      failure ??= error
      progressed()
    })
  }
  while (slowest() < sent) await untilProgress()
  return { sent, time: performance.now() - began }
}

async function publishOne(size: number, number: number, receivers: number): Promise<void> {
  const reached = await bus.publish(DATA, message(size, number))
  if (reached < receivers) throw new Error(`message ${number} went to ${reached} of ${receivers}`)
}

/** Publishes `count` messages, one every `interval` ms. */
export async function trickle(size: number, receivers: number, count: number, interval: number): Promise<void> {
  for (let number = 1; number <= count; number++) {
    await publishOne(size, number, receivers)
    await new Promise((resolve) => setTimeout(resolve, interval))
  }
}

export function latency(): { heard: number; p50: number; p99: number } {
  if (latencies.length === 0) return { heard, p50: NaN, p99: NaN }
  return { heard, p50: percentile(latencies, 0.5), p99: percentile(latencies, 0.99) }
}
