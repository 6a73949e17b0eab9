/** Whose code a CPU profile was in. */
import type { Profiler } from 'node:inspector'

/** In the order of the table. */
export const OWNERS = ['ours', 'rxjs', 'libp2p', 'cipher', 'system calls', 'garbage', 'Node', 'benchmark'] as const
export type Owner = (typeof OWNERS)[number]

/** µs by owner; idle time is nobody's. */
export type Shares = Record<Owner, number>

export function noShares(): Shares {
  return Object.fromEntries(OWNERS.map((owner) => [owner, 0])) as Shares
}

/** Each sample's time belongs to the function on top of the stack. */
export function shares({ nodes, samples = [], timeDeltas = [] }: Profiler.Profile): Shares {
  const owners = new Map(nodes.map(({ id, callFrame }) => [id, ownerOf(callFrame)]))
  const sums = noShares()
  for (const [index, node] of samples.entries()) {
    const owner = owners.get(node)
    // The time to the next sample: what V8 gives is the time since the one before.
    if (owner !== undefined) sums[owner] += Math.max(0, timeDeltas[index + 1] ?? 0)
  }
  return sums
}

/** Functions of Node's C++, which have no file: those of its sockets … */
const SOCKET = new Set([
  'writev',
  'writeBuffer',
  'writeUtf8String',
  'writeLatin1String',
  'readStart',
  'readStop',
  'shutdown',
])
/** … and those of its ciphers. */
const CIPHER = new Set(['update', 'final', 'setAuthTag', 'getAuthTag', 'setAAD', 'CipherBase'])

function ownerOf({
  functionName,
  url,
}: Pick<Profiler.ProfileNode['callFrame'], 'functionName' | 'url'>): Owner | undefined {
  if (functionName === '(idle)' || functionName === '(root)') return undefined
  if (functionName === '(garbage collector)') return 'garbage'
  // The loop itself, in which libuv reads the sockets.
  if (functionName === '(program)') return 'system calls'
  if (url === '') return SOCKET.has(functionName) ? 'system calls' : CIPHER.has(functionName) ? 'cipher' : 'Node'
  if (url.startsWith('wasm:') || url.startsWith('node:internal/crypto') || /chacha/.test(url)) return 'cipher'
  if (url.startsWith('node:')) return 'Node'
  if (/\/tinyp2p-bench-[^/]+\/src\//.test(url)) return 'ours'
  if (/\/tinyp2p-bench-[^/]+\/bench\//.test(url)) return 'benchmark'
  return url.includes('/node_modules/rxjs/') ? 'rxjs' : 'libp2p'
}
