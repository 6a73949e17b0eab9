/**
 * The program of a node in a process of its own, which another-process.ts starts and orders about over IPC. It takes
 * notice of every rejection that nobody handles, which jest's copy of `process` would not see.
 */
import { createNode, P2pError, type NodeConfig, type P2pNode } from 'tinyp2p'
import type { State } from '../../src/core/state.js'
import { pending } from './nodes.js'

export interface Orders {
  start: { config: NodeConfig; answers: 'echo' | 'never' | 'nobody' }
  dial: { address: string }
  request: { peer: string; data: Uint8Array; timeout?: number }
  /** Starts that many requests, and answers at once. */
  requests: { peer: string; amount: number }
  knownPeers: object
  /** Resolves when nothing is under way in the node's state, or tells what is after `within` ms. */
  quiet: { within: number }
  /** Bytes in use, after a collection. */
  memory: object
  /** How many rejections and exceptions nobody handled. */
  faults: object
  stop: object
}

export type Order<Name extends keyof Orders = keyof Orders> = { id: number; name: Name; args: Orders[Name] }
export type Reply = { id: number; value?: unknown; error?: { code: string | undefined; message: string } }

const faults: string[] = []
process.on('unhandledRejection', (reason) => faults.push(`rejection: ${String((reason as Error).stack ?? reason)}`))
process.on('uncaughtException', (error) => faults.push(`exception: ${String(error.stack)}`))

let node: P2pNode

async function obey({ name, args }: Order): Promise<unknown> {
  switch (name) {
    case 'start': {
      const { config, answers } = args as Orders['start']
      node = await createNode(config)
      if (answers === 'echo') node.setEventHandler({ handleInboundRequest: (data) => data })
      if (answers === 'never') node.setEventHandler({ handleInboundRequest: () => new Promise(() => undefined) })
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
      await node.stop()
      return performance.now() - start
    }
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
