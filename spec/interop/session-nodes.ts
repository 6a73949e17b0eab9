/** What the specs of sessions share: nodes that speak the session protocol, and payloads whose every byte counts. */
import { createNode, type EventHandler, type NodeConfig, type P2pNode } from 'tinyp2p'
import type { LogEntry } from '../../src/edge/log.js'
import { LOOPBACK, statusOf } from '../support/nodes.js'
import { RustPeer } from '../support/rust-peer.js'

const running = new Map<P2pNode, LogEntry[]>()

export async function startNode(config: NodeConfig = {}): Promise<P2pNode> {
  const log: LogEntry[] = []
  const node = await createNode({ listen: LOOPBACK, logger: (entry) => void log.push(entry), ...config })
  running.set(node, log)
  return node
}

/** For `afterEach`. */
export async function stopSessionNodes(): Promise<void> {
  const nodes = [...running.keys()]
  running.clear()
  await Promise.all(nodes.map((node) => node.stop()))
}

export function linesOf(node: P2pNode): string[] {
  return running.get(node)!.map(({ message }) => message)
}

/** A Rust peer that speaks sessions, and a node of ours; nobody is connected. */
export function startPair(flags: string[] = [], config: NodeConfig = {}): Promise<[RustPeer, P2pNode]> {
  return Promise.all([RustPeer.start('--session', ...flags), startNode(config)])
}

/** As `startPair`, with our handler and connected: Rust dials, and each knows what the other speaks. */
export async function startAsked(
  handleInboundRequest: EventHandler['handleInboundRequest'],
  config: NodeConfig = {},
  flags: string[] = [],
): Promise<[RustPeer, P2pNode]> {
  const [rust, node] = await startPair(flags, config)
  if (handleInboundRequest) node.setEventHandler({ handleInboundRequest })
  await rust.dial(node.addresses[0]!)
  await statusOf(node, ({ connections }) => connections.length > 0)
  return [rust, node]
}

/** Bytes that differ from place to place, so that a lost or swapped piece shows. */
export function payload(size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, place) => (place * 31 + (place >> 8) * 7) & 0xff)
}

export function equal(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}

/** The index that begins each value of Rust's streams. */
export function indexOf({ buffer, byteOffset }: Uint8Array): number {
  return new DataView(buffer, byteOffset).getUint32(0)
}

/** The value with that index of one of Rust's streams. */
export function numbered(index: number, size: number): Uint8Array {
  const value = Uint8Array.from({ length: size }, (_, place) => (place + index) & 0xff)
  new DataView(value.buffer).setUint32(0, index)
  return value
}

/** How a promise failed, in the parts that a caller sees; or that it did not. */
export async function failure(
  promise: Promise<unknown>,
): Promise<{ code: string; message: string; retryAfterMs?: number; remoteCode?: string }> {
  try {
    await promise
  } catch (error) {
    const { code = '', message, ...rest } = error as Error & { code?: string }
    return { ...rest, code, message }
  }
  return { code: 'fulfilled', message: '' }
}
