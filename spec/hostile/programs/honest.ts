/**
 * The honest peer: a node that asks the victim at a steady pace, however long the answers take. Orders (see spec/world/orders.ts):
 * - `connect { address }`
 * - `ask { seconds, perSecond }`: 32 bytes each; gives `Asked` of goals.ts when the last one is answered or has failed.
 */
import { createNode, type P2pError, type P2pNode } from 'tinyp2p'
import { takeOrders } from '../../world/programs/take-orders.js'
import type { Asked } from '../goals.js'

type Order = { id: number; do: string; address: string; seconds: number; perSecond: number }

/** Of each request, ms. */
const TIMEOUT = 5_000

let node: P2pNode
let victim = ''

async function ask(seconds: number, perSecond: number): Promise<Asked> {
  const times: number[] = []
  const errors: Record<string, number> = {}
  const one = async (): Promise<void> => {
    // From here, and not from when it was due: that this process had no processor is not the victim's fault.
    const start = performance.now()
    try {
      await node.request(victim, new Uint8Array(32), { timeout: TIMEOUT })
      times.push(performance.now() - start)
    } catch (error) {
      const { code } = error as P2pError
      errors[code] = (errors[code] ?? 0) + 1
    }
  }
  const all: Promise<void>[] = []
  const begin = performance.now()
  for (let past = 0; past < seconds * 1_000; past = performance.now() - begin) {
    while (all.length < (past / 1_000) * perSecond) all.push(one())
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  await Promise.all(all)
  const sent = all.length
  const answered = times.length
  while (times.length < sent) times.push(TIMEOUT)
  times.sort((a, b) => a - b)
  const at = (share: number): number => times[Math.min(sent - 1, Math.floor(share * sent))] ?? NaN
  return { sent, answered, p50: at(0.5), p99: at(0.99), errors }
}

takeOrders(async (order: Order) => {
  switch (order.do) {
    case 'connect':
      node = await createNode({ listen: '/ip4/127.0.0.1/tcp/0', logger: () => {} })
      victim = order.address
      await node.request(victim, new Uint8Array(32))
      return undefined
    case 'ask':
      return ask(order.seconds, order.perSecond)
    default:
      throw new Error(`no order ${order.do}`)
  }
})
