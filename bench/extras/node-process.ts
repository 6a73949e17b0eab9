/** A process with nodes of ours in it, for what a node costs: time to start, memory, CPU while idle. */
import type { P2pNode } from '../../src/index.js'

const CONFIG = { listen: '/ip4/127.0.0.1/tcp/0', reqResp: { connectionKeepAlive: 3_600_000 } }

const nodes: P2pNode[] = []

/** Times from here: until the package is loaded, and until a node listens, ms. */
export async function startUp(): Promise<{ imported: number; listening: number; address: string }> {
  const began = performance.now()
  const { createNode } = await import('../../src/index.js')
  const imported = performance.now() - began
  const node = await createNode(CONFIG)
  node.setEventHandler({ handleInboundRequest: (data) => data })
  nodes.push(node)
  return { imported, listening: performance.now() - began, address: node.addresses[0] ?? '' }
}

/**
 * That many new nodes; each asks the peer something, so that its session is open. They are not to find each other: that
 * would be a connection for each two of them.
 */
export async function askFrom(count: number, address: string): Promise<void> {
  const { launchOurs } = await import('../contestants/launched.js')
  const hub = address.slice(address.lastIndexOf('/') + 1)
  for (let index = 0; index < count; index++) {
    const node = await launchOurs(CONFIG, { gate: { deny: (peer) => peer !== hub } })
    nodes.push(node)
    await node.request(address, new Uint8Array(32))
  }
}

/** Bytes after a garbage collection: what JavaScript holds, its buffers included, and the whole process. */
export async function memory(): Promise<{ held: number; resident: number }> {
  for (let pass = 0; pass < 3; pass++) {
    globalThis.gc?.()
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  const { heapUsed, external, rss } = process.memoryUsage()
  return { held: heapUsed + external, resident: rss }
}

/** Connections of the first node. */
export async function connections(): Promise<number> {
  const status = await nodes[0]?.status()
  return status?.connections.length ?? 0
}

/** CPU time of the process so far, µs. */
export function cpu(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}

/** Asks 32 B, one request at a time, for `time` ms; with 1 MiB at a time beside it, or without. Times in µs. */
export async function beside(
  address: string,
  time: number,
  isBusy: boolean,
): Promise<{ times: number[]; transfers: number }> {
  const node = nodes[0]!
  const small = new Uint8Array(32)
  const large = new Uint8Array(2 ** 20)
  const times: number[] = []
  let transfers = 0
  const end = performance.now() + time
  const transferring = (async () => {
    while (isBusy && performance.now() < end) {
      const reply = await node.request(address, large)
      if (reply.length !== large.length) throw new Error(`a reply of ${reply.length} bytes`)
      transfers++
    }
  })()
  while (performance.now() < end) {
    const began = performance.now()
    const reply = await node.request(address, small)
    times.push((performance.now() - began) * 1_000)
    if (reply.length !== small.length) throw new Error(`a reply of ${reply.length} bytes`)
  }
  await transferring
  return { times, transfers }
}
