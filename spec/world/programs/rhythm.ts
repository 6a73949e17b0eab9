/**
 * Many nodes in one process, which ask at rhythms around the time after which an unused connection is closed. Orders (see ../orders.ts):
 * - `start { amount, keepAlive, host }`: so many nodes that echo, on ports from 4001 on; gives their addresses. `keepAlive` in ms.
 * - `ask { peers, amount, latency, seed }`: the nth node asks the nth of these addresses, unless that is empty, all of them together
 *   that often; gives an `Outcome`. `latency`: one way, ms.
 * - `doubled {}`: how many requests have reached the handlers more than once.
 */
import { createNode, type P2pNode } from 'tinyp2p'
import { Random } from '../../../src/testing/network/random.js'
import { takeOrders } from './take-orders.js'

export interface Outcome {
  asked: number
  /** What became of those without an answer: code and message → how many. */
  lost: Record<string, number>
  /** How often a node lost its last connection to its peer. */
  closings: number
}

interface Order {
  id: number
  do: string
  amount: number
  keepAlive: number
  host: string
  peers: string[]
  latency: number
  seed: number
}

/** Of each request, ms. */
const TIMEOUT = 30_000

const nodes: P2pNode[] = []
const handled = new Map<string, number>()
let keepAlive = 0

async function start({ amount, host, ...order }: Order): Promise<string[]> {
  keepAlive = order.keepAlive
  while (nodes.length < amount) {
    const listen = `/ip4/0.0.0.0/tcp/${4_001 + nodes.length}`
    const reqResp = { connectionKeepAlive: keepAlive, requestTimeout: TIMEOUT }
    const node = await createNode({ listen, stayConnected: 0, logger: () => undefined, reqResp })
    node.setEventHandler({
      handleInboundRequest(data) {
        const name = Buffer.from(data).toString()
        handled.set(name, (handled.get(name) ?? 0) + 1)
        return data
      },
    })
    nodes.push(node)
  }
  return nodes.map((node, i) => `/ip4/${host}/tcp/${4_001 + i}/p2p/${node.peerId}`)
}

async function ask({ peers, amount, latency, seed }: Order): Promise<Outcome> {
  const outcome: Outcome = { asked: 0, lost: {}, closings: 0 }
  const asking = [...nodes.entries()].filter(([i]) => peers[i] !== '')
  const times = Math.ceil(amount / asking.length)
  await Promise.all(asking.map(([i, node]) => askOne(node, peers[i]!, new Random(`${seed} ${i}`))))
  return outcome

  async function askOne(node: P2pNode, peer: string, random: Random): Promise<void> {
    let connected = false
    const states = node.peer$(peer.split('/p2p/')[1]!).subscribe(({ connections }) => {
      if (connected && connections === 0) outcome.closings++
      connected = connections > 0
    })
    const pending: Promise<void>[] = []
    for (let i = 0; i < times; i++) {
      const end = request(node, peer, `${node.peerId} ${i}`)
      pending.push(end)
      // Most come when the connection is about to be closed, is being closed, or has just been.
      if (random.float() < 0.8) await end
      const closing = keepAlive * (0.97 + 0.15 * random.float()) + 2 * latency * random.float()
      await pause(random.float() < 0.8 ? closing : 3 * (keepAlive + latency) * random.float())
    }
    await Promise.all(pending)
    states.unsubscribe()
  }

  async function request(node: P2pNode, peer: string, name: string): Promise<void> {
    outcome.asked++
    try {
      const answer = Buffer.from(await node.request(peer, Buffer.from(name))).toString()
      if (answer !== name) throw new Error('the answer is that of another request')
    } catch (error) {
      const { code, message } = error as Error & { code?: string }
      const what = `${code}: ${message.replaceAll(/12D3\w+/g, '…')}`
      outcome.lost[what] = (outcome.lost[what] ?? 0) + 1
    }
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

async function obey(order: Order): Promise<unknown> {
  switch (order.do) {
    case 'start':
      return start(order)
    case 'ask':
      return ask(order)
    case 'doubled':
      return [...handled.values()].filter((times) => times > 1).length
    default:
      throw new Error(`what is ${order.do}?`)
  }
}

takeOrders(obey)
