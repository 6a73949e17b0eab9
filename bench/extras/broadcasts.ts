/** Broadcasts: how many a second arrive everywhere, and how long one takes; ours, and gossipsub used directly. */
import type { Compiled } from '../harness/compile.js'
import { number, table } from '../harness/table.js'
import { median, pairedRatio } from '../harness/statistics.js'
import { Worker } from '../harness/worker.js'
import type * as PeerModule from './broadcast-peer.js'
import type { Kind } from './broadcast-peer.js'

type Peer = Worker<typeof PeerModule>

interface Network {
  title: string
  peers: Peer[]
  rates: number[]
  p50s: number[]
  p99s: number[]
}

const SIZE = 32
/** Between two messages when the time of each is taken, ms. */
const INTERVAL = 2
/** How long all may take to be subscribed and connected, ms. */
const PATIENCE = 20_000

let lastEpoch = 0

/** `time`: of each flood, ms. */
export async function broadcasts(
  compiled: Compiled,
  { rounds, time }: { rounds: number; time: number },
  progress: (what: string) => void,
): Promise<string> {
  progress('broadcasts: starting')
  const networks = await Promise.all([
    startNetwork(compiled, 'ours', 2),
    startNetwork(compiled, 'gossipsub', 2),
    startNetwork(compiled, 'ours', 5),
  ])
  for (let round = 0; round <= rounds; round++) {
    progress(`broadcasts: ${round === 0 ? 'warm-up' : `round ${round} of ${rounds}`}`)
    for (const network of networks) await measure(network, time, round > 0)
  }
  await Promise.all(networks.flatMap(({ peers }) => peers.map((peer) => peer.end())))
  const rows = networks.map(({ title, rates, p50s, p99s }) => [
    title,
    ...[rates, p50s, p99s].map((values) => number(median(values))),
  ])
  const [ours, direct] = networks
  const goal = (ratio: number, isMet: boolean): string => `${number(ratio)} (${isMet ? 'met' : 'not met'})`
  const rate = pairedRatio(ours.rates, direct.rates)
  const p50 = pairedRatio(ours.p50s, direct.p50s)
  return [
    `## Broadcasts of ${SIZE} B`,
    table(['', 'broadcasts/s', 'p50 µs', 'p99 µs'], rows),
    `Two nodes, ours by gossipsub: rate ${goal(rate, rate >= 0.9)} for a goal of ≥ 0.9, p50 ${goal(p50, p50 <= 1.1)} for ` +
      'one of ≤ 1.1. Every broadcast was heard by every other node.',
  ].join('\n\n')
}

async function startNetwork(compiled: Compiled, kind: Kind, size: number): Promise<Network> {
  const peers: Peer[] = []
  let first: string | undefined
  for (let index = 0; index < size; index++) {
    const peer: Peer = await Worker.start(compiled, 'bench/extras/broadcast-peer.ts', `${kind} ${index + 1} of ${size}`)
    peers.push(peer)
    const address = await peer.call('start', kind, index, first === undefined ? [] : [first])
    first ??= address
  }
  const network = {
    title: `${kind === 'ours' ? 'ours' : '@libp2p/gossipsub'}, ${size} nodes`,
    peers,
    rates: [],
    p50s: [],
    p99s: [],
  }
  await untilConnected(network)
  return network
}

/** The first node publishes and gets all acknowledgements, so every other node is connected to it. */
async function untilConnected({ title, peers }: Network): Promise<void> {
  const [publisher, ...receivers] = peers
  const deadline = Date.now() + PATIENCE
  const least = (peer: Peer, count: number): Promise<boolean> => peer.call('reach').then((reached) => reached >= count)
  for (;;) {
    const ready = await Promise.all(peers.map((peer) => least(peer, peer === publisher ? receivers.length : 1)))
    if (ready.every(Boolean)) return
    if (Date.now() > deadline) throw new Error(`${title}: not all are connected after ${PATIENCE / 1_000} s`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

async function measure({ title, peers, rates, p50s, p99s }: Network, time: number, counts: boolean): Promise<void> {
  const [publisher, ...receivers] = peers
  if (publisher === undefined) return
  const { length } = receivers
  const reset = (): Promise<unknown> => {
    const epoch = ++lastEpoch
    return Promise.all(peers.map((peer) => peer.call('reset', epoch)))
  }
  const check = async (sent: number): Promise<{ p50: number; p99: number }> => {
    const all = await Promise.all(receivers.map((peer) => peer.call('latency')))
    for (const { heard } of all) if (heard !== sent) throw new Error(`${title}: ${heard} of ${sent} were heard`)
    return { p50: median(all.map(({ p50 }) => p50)), p99: Math.max(...all.map(({ p99 }) => p99)) }
  }
  await reset()
  const flood = await publisher.call('flood', SIZE, length, time)
  await check(flood.sent)
  await reset()
  const count = Math.ceil(time / INTERVAL / 2)
  await publisher.call('trickle', SIZE, length, count, INTERVAL)
  await untilHeard(receivers, count)
  const { p50, p99 } = await check(count)
  if (!counts) return
  rates.push(flood.sent / (flood.time / 1_000))
  p50s.push(p50)
  p99s.push(p99)
}

async function untilHeard(receivers: readonly Peer[], count: number): Promise<void> {
  const deadline = Date.now() + PATIENCE
  for (;;) {
    const all = await Promise.all(receivers.map((peer) => peer.call('latency')))
    if (all.every(({ heard }) => heard >= count) || Date.now() > deadline) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
