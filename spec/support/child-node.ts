/**
 * The program of a node in a process of its own, which another-process.ts starts and orders about over IPC. It takes
 * notice of every rejection that nobody handles, which jest's copy of `process` would not see.
 */
import { createNode, P2pError, type NodeConfig, type P2pNode } from 'tinyp2p'
import type { State } from '../../src/core/state.js'
import { obeyAboutBroadcasts, type BroadcastOrders } from './child-broadcasts.js'
import { obeyAboutLoad, type LoadOrders } from './child-load.js'
import { obeyAboutWay, type WayOrders } from './child-way.js'
import { startGated } from './gated-node.js'
import { pending } from './nodes.js'

export interface Orders extends BroadcastOrders, LoadOrders, WayOrders {
  /** `denied`: peers that it may not dial, and that may not dial it. */
  start: { config: NodeConfig; answers: 'echo' | 'never' | 'nobody' | 'endless'; denied?: string[] }
  dial: { address: string }
  request: { peer: string; data: Uint8Array; timeout?: number }
  /** Starts that many requests, and answers at once. */
  requests: { peer: string; amount: number }
  knownPeers: object
  /** Resolves when nothing is under way in the node's state, or tells what is after `within` ms. */
  quiet: { within: number }
  /** Bytes in use, after a collection. */
  memory: object
  /** How many values the endless answers have made so far, and how many of them have ended. */
  made: object
  /** Reads an endless answer: so many values, one each `pace` ms. */
  read: { peer: string; values: number; pace: number }
  /** How many rejections and exceptions nobody handled. */
  faults: object
  /** `drain`: ms. */
  stop: { drain?: number }
}

export type Order<Name extends keyof Orders = keyof Orders> = { id: number; name: Name; args: Orders[Name] }
export type Reply = { id: number; value?: unknown; error?: { code: string | undefined; message: string } }

/** Of each value of an endless answer. */
export const PIECE = 16_384

let made = 0
let ended = 0

async function* endless(): AsyncGenerator<Uint8Array> {
  try {
    for (;;) {
      made++
      yield new Uint8Array(PIECE)
    }
  } finally {
    ended++
  }
}

const faults: string[] = []
process.on('unhandledRejection', (reason) => faults.push(`rejection: ${String((reason as Error).stack ?? reason)}`))
process.on('uncaughtException', (error) => faults.push(`exception: ${String(error.stack)}`))

let node: P2pNode

async function obey({ name, args }: Order): Promise<unknown> {
  switch (name) {
    case 'start': {
      const { config, answers, denied } = args as Orders['start']
      node = denied === undefined ? await createNode(config) : await startGated(config, { denied: new Set(denied) })
      if (answers === 'echo') node.setEventHandler({ handleInboundRequest: (data) => data })
      if (answers === 'never') node.setEventHandler({ handleInboundRequest: () => new Promise(() => undefined) })
      if (answers === 'endless') node.setEventHandler({ handleInboundRequest: endless })
      return { peerId: node.peerId, addresses: node.addresses }
    }
    case 'dial':
      return node.dial((args as Orders['dial']).address)
    case 'request': {
      const { peer, data, timeout } = args as Orders['request']
      return node.request(peer, data, timeout === undefined ? {} : { timeout })
    }
    case 'requests': {
      const { peer, amount } = args as Orders['requests']
      for (let i = 0; i < amount; i++) node.request(peer, new Uint8Array(i)).catch(expected)
      return undefined
    }
    case 'made':
      return { made, ended }
    case 'read': {
      const { peer, values, pace } = args as Orders['read']
      let taken = 0
      for await (const value of node.request$(peer, new Uint8Array(1))) {
        if (value.length !== PIECE) throw new Error(`a value of ${value.length} bytes`)
        if (++taken === values) break
        await new Promise((resolve) => setTimeout(resolve, pace))
      }
      return taken
    }
    case 'knownPeers':
      return node.knownPeers()
    case 'quiet':
      return quiet((args as Orders['quiet']).within)
    case 'memory':
      gc?.()
      return process.memoryUsage().rss
    case 'faults':
      return faults
    case 'stop': {
      const start = performance.now()
      await node.stop(args as Orders['stop'])
      return performance.now() - start
    }
    case 'load':
    case 'aim':
      return obeyAboutLoad(node, name, args)
    case 'way':
      return obeyAboutWay(node, args as Orders['way'])
    default:
      return obeyAboutBroadcasts(node, name, args)
  }
}

function expected(error: unknown): void {
  if (!(error instanceof P2pError) || error.code !== 'NodeStopped') faults.push(`a request failed: ${String(error)}`)
}

/** Looks at the state again and again: its changes are not events. */
function quiet(within: number): Promise<Record<string, number>> {
  const { state } = node as unknown as { state: State }
  const end = performance.now() + within
  return new Promise((resolve) => {
    const look = (): void => {
      const counts = pending(state)
      const busy = Object.values(counts).some((value) => value > 0)
      if (busy && performance.now() < end) setTimeout(look, 20)
      else resolve(counts)
    }
    look()
  })
}

process.on('message', (order: Order) => {
  const { id, name } = order
  obey(order)
    .then(
      (value): Reply => ({ id, value }),
      (error: P2pError): Reply => ({ id, error: { code: error.code, message: error.message } }),
    )
    .then((reply) => {
      if (!process.connected) return
      process.send!(reply)
      // Nothing of ours must keep the process alive after that: if it does not exit, the node is at fault.
      if (name === 'stop') process.disconnect()
    })
    .catch((error: unknown) => faults.push(String(error)))
})
process.on('exit', () => {
  if (faults.length > 0) process.exitCode = 70
})
