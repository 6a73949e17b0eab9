/** One size of the scale study: a network of n nodes from nothing to a broadcast that every node should get. */
import { Random } from '../../src/testing/network/random.js'
import type { P2pNode } from '../../src/node/p2p-node.js'
import { simulate, type SimulatedNetwork } from '../../src/testing/index.js'

export interface Measured {
  nodes: number
  /** Virtual seconds until every node knows every other (30 nodes or fewer), or can reach others by lookup. */
  discovery: number | undefined
  /** Of the last try: the share of nodes that know every other, or of lookups that found their peer. */
  reached: number
  packetsToDiscover: number
  packetsPerMinute: number
  /** Sizes of the routing tables: least, median, most. */
  table: [number, number, number]
  /** Share of the nodes that heard a broadcast. */
  coverage: number
  hops: { mean: number; max: number }
  /** Beyond what goes anyway; `undefined`: that varies by more than a broadcast costs. */
  packetsPerBroadcast: number | undefined
  /** Of the process, MB. */
  memory: number
  eventsPerSecond: number
  /** Of the process, all of its threads. The time of a clock says little where others are at work too. */
  cpuSeconds: number
}

/** "Everyone knows everyone" is promised up to here; above it, that everyone can reach everyone. */
const ALL_KNOWN = 30
/** Who looks up others, and how many each. */
const ASKERS = 50
const ASKED = 20
/** Nodes beyond the first begin with one of the first ones. */
const BOOT_NODES = 8
const TOPIC = 'block'

export async function measure(size: number): Promise<Measured> {
  const random = new Random(size)
  const net = simulate({ seed: 1, latency: 20, jitter: 10 })
  const nodes: P2pNode[] = []
  for (let i = 0; i < size; i++) {
    const bootNodes = i === 0 ? [] : nodes[random.below(Math.min(i, BOOT_NODES))]!.addresses
    nodes.push(await net.createNode({ topics: [TOPIC], bootNodes }))
  }
  for (const node of nodes) node.setEventHandler({ handleInboundRequest: (data) => data })

  let discovery: number | undefined
  let reached = 0
  while (net.now < 120_000) {
    await net.run(size <= ALL_KNOWN ? 100 : 1_000)
    const at = net.now
    reached = size <= ALL_KNOWN ? knowAll(net, size) : await reach(net, nodes, random)
    if (reached < 1) continue
    discovery = at / 1_000
    break
  }
  const packetsToDiscover = net.counts.packets / size

  // Past the first ticks, and then two of them.
  await net.run(Math.max(0, 70_000 - net.now))
  const before = net.counts.packets
  await net.run(60_000)
  const perMinute = net.counts.packets - before
  // In the quiet time between two ticks, when the connections that a tick makes are closed again.
  await net.run((30_000 + 27_000 - (net.now % 30_000)) % 30_000)
  const broadcast = await spread(net, nodes)

  const beyond = broadcast.packets - perMinute / 6
  const tables = [...net.states().values()].map((state) => state.discovery.table.size).sort((a, b) => a - b)
  const { user, system } = process.cpuUsage()
  const cpuSeconds = (user + system) / 1e6
  return {
    nodes: size,
    discovery,
    reached,
    packetsToDiscover,
    packetsPerMinute: perMinute / size,
    table: [tables[0]!, tables[tables.length >> 1]!, tables.at(-1)!],
    ...broadcast,
    packetsPerBroadcast: beyond > 0 ? beyond / size : undefined,
    memory: process.memoryUsage().rss / 1e6,
    eventsPerSecond: net.counts.events / cpuSeconds,
    cpuSeconds,
  }
}

/** The share of nodes that know every other. */
function knowAll(net: SimulatedNetwork, size: number): number {
  const states = [...net.states().values()]
  return states.filter(({ discovery }) => discovery.table.size >= size - 1).length / states.length
}

/** Some nodes, each with some others that it is to find by their peer ids alone: the share of these that it reaches. */
async function reach(net: SimulatedNetwork, nodes: P2pNode[], random: Random): Promise<number> {
  const asking: Promise<boolean>[] = []
  for (const node of random.shuffle(nodes).slice(0, ASKERS)) {
    for (const other of random.shuffle(nodes).slice(0, ASKED)) {
      if (other === node) continue
      asking.push(
        node.dial(other.peerId).then(
          () => true,
          () => false,
        ),
      )
    }
  }
  const found = await net.until(Promise.all(asking))
  return found.filter(Boolean).length / found.length
}

async function spread(
  net: SimulatedNetwork,
  nodes: P2pNode[],
): Promise<Pick<Measured, 'coverage' | 'hops'> & { packets: number }> {
  const via = new Map<string, string>()
  for (const node of nodes) node.broadcasts$(TOPIC).subscribe((broadcast) => via.set(node.peerId, broadcast.via))
  const before = net.counts.packets
  const source = nodes[nodes.length >> 1]!
  await net.until(source.broadcast(TOPIC, new Uint8Array(200)))
  await net.run(10_000)
  const packets = net.counts.packets - before
  const hops = [...via.keys()].map((peer) => {
    let count = 1
    for (let from = via.get(peer); from !== undefined && from !== source.peerId; from = via.get(from)) count++
    return count
  })
  const coverage = via.size / (nodes.length - 1)
  const mean = hops.reduce((sum, count) => sum + count, 0) / Math.max(1, hops.length)
  return { coverage, hops: { mean, max: Math.max(0, ...hops) }, packets }
}
