/**
 * Strangers who come to the victim: each is a node with a new identity that dials it and asks once. Orders (see spec/world/orders.ts):
 * - `join { address, seconds, perSecond }`: gives `Joined` of goals.ts. Each has three seconds.
 */
import { createNode, type P2pError } from 'tinyp2p'
import { takeOrders } from '../../world/programs/take-orders.js'
import type { Joined } from '../goals.js'

type Order = { id: number; do: string; address: string; seconds: number; perSecond: number }

const WITHIN = 3_000

async function join({ address, seconds, perSecond }: Order): Promise<Joined> {
  const errors: Record<string, number> = {}
  const amount = Math.floor(seconds * perSecond)
  const one = async (index: number): Promise<boolean> => {
    await new Promise((resolve) => setTimeout(resolve, (index * 1_000) / perSecond))
    const node = await createNode({ listen: '/ip4/127.0.0.1/tcp/0', logger: () => {} })
    try {
      await node.request(address, new Uint8Array(32), { timeout: WITHIN })
      return true
    } catch (error) {
      const { code } = error as P2pError
      errors[code] = (errors[code] ?? 0) + 1
      return false
    } finally {
      void node.stop()
    }
  }
  const outcomes = await Promise.all(Array.from({ length: amount }, (_, index) => one(index)))
  return { tried: amount, joined: outcomes.filter((joined) => joined).length, errors }
}

takeOrders((order: Order) => (order.do === 'join' ? join(order) : Promise.reject(new Error(`no order ${order.do}`))))
