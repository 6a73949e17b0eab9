/**
 * The victim: a node with the default config, on loopback and in a topic, which answers as its requests say: `give <bytes>`, `work <ms>`
 * (of computing), `wait <ms>`, `values <bytes>` (without end), `heard` (how many broadcasts), `ask <peer id>` (how long that took, ms),
 * and the same bytes for all else. Orders (see spec/world/orders.ts):
 * - `start { config }`: gives its address, peer id and process id.
 * - `memory {}`: resident, bytes, with all garbage collected.
 * - `stall {}`: the longest of the event loop since the last time, ms.
 * - `told {}`: what it says of its peers: what was refused to them and dropped of them, by kind, and how many requests of theirs wait.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { createNode, type NodeConfig, type P2pNode, type PeerExplanation } from 'tinyp2p'
import { firstValueFrom } from 'rxjs'
import { block } from '../../support/block.js'
import type { Told } from '../goals.js'
import { takeOrders } from '../../world/programs/take-orders.js'

type Order = { id: number; do: string; config: NodeConfig }

/** Of the monitor's timer, ms. */
const RESOLUTION = 5

export const TOPIC = 'news'

const delays = monitorEventLoopDelay({ resolution: RESOLUTION })
let node: P2pNode
let heard = 0

const text = (content: number | string): Uint8Array => new TextEncoder().encode(String(content))

async function* values(size: number): AsyncIterable<Uint8Array> {
  for (;;) yield new Uint8Array(size).fill(1)
}

async function asked(peer: string): Promise<Uint8Array> {
  const start = performance.now()
  return node.request(peer, new Uint8Array(8), { timeout: 5_000 }).then(
    () => text(performance.now() - start),
    (error: { code: string }) => text(error.code),
  )
}

function answer(data: Uint8Array): Uint8Array | Promise<Uint8Array> | AsyncIterable<Uint8Array> {
  // Those of honest peers begin with a zero.
  if (data.length > 100 || data.length === 0 || data[0]! < 0x61) return data
  const [word, rest = ''] = new TextDecoder().decode(data).split(' ')
  switch (word) {
    case 'give':
      return new Uint8Array(Number(rest)).fill(1)
    case 'work':
      block(Number(rest))
      return data
    case 'wait':
      return new Promise((resolve) => setTimeout(() => resolve(data), Number(rest)))
    case 'values':
      return values(Number(rest))
    case 'heard':
      return text(heard)
    case 'ask':
      return asked(rest)
    default:
      return data
  }
}

async function told(): Promise<Told> {
  const refused: Record<string, number> = {}
  let waiting = 0
  for (const { peer } of await firstValueFrom(node.peers$)) {
    const { uses, ...of } = (await node.explain(peer)) as PeerExplanation
    waiting += uses.queued
    const counts: Record<string, number> = { requests: uses.refused, ...of.refused, ...of.dropped }
    for (const [kind, count] of Object.entries(counts)) if (count > 0) refused[kind] = (refused[kind] ?? 0) + count
  }
  return { refused, waiting }
}

function collect(): void {
  globalThis.gc?.()
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

takeOrders(async (order: Order) => {
  switch (order.do) {
    case 'start':
      node = await createNode({ listen: '/ip4/127.0.0.1/tcp/0', topics: [TOPIC], logger: () => {}, ...order.config })
      node.setEventHandler({ handleInboundRequest: answer, handleBroadcast: () => void heard++ })
      delays.enable()
      return { address: node.addresses[0], peerId: node.peerId, pid: process.pid }
    case 'memory':
      collect()
      await pause(20)
      collect()
      return process.memoryUsage.rss()
    case 'stall': {
      const longest = Math.max(0, delays.max / 1e6 - RESOLUTION)
      delays.reset()
      return longest
    }
    case 'told':
      return told()
    default:
      throw new Error(`no order ${order.do}`)
  }
})
