/**
 * The one check of the private members that our patches reach. Their packages are pinned exactly, so a member that is not as
 * expected means that another version was forced into the installation: then there is one warning, and the package stays as it
 * is; or, where a node would not keep its promises without the member, one clear error.
 */
import { emitWarning } from '../../platform/process.js'

/** The packages whose private members we reach, and the versions that package.json pins (a spec compares the two). */
export const PINNED = {
  libp2p: '3.3.11',
  '@libp2p/gossipsub': '17.1.1',
  '@libp2p/identify': '4.1.14',
  '@libp2p/kad-dht': '16.4.5',
  '@libp2p/noise': '17.0.3',
  '@libp2p/tcp': '11.0.28',
  '@libp2p/utils': '7.4.1',
  '@libp2p/yamux': '8.0.3',
} as const

type Package = keyof typeof PINNED

/** A member, or a path of members with dots, and what it must be. */
export type Members = Readonly<Record<string, 'function' | 'number' | 'string' | 'object' | 'map'>>

/** Throws when a member is not as expected: for patches without which a node would not keep its promises. */
export function requireMembers(name: Package, object: unknown, members: Members): void {
  const found = misfits(object, members)
  if (found.length > 0) throw new Error(describe(name, found))
}

const warned = new Set<string>()

/** False, and one warning for the process, when a member is not as expected: for patches without which a node works. */
export function hasMembers(name: Package, object: unknown, members: Members): boolean {
  const found = misfits(object, members)
  if (found.length === 0) return true
  const text = `${describe(name, found)} The node runs without this improvement.`
  if (!warned.has(text)) emitWarning(text, 'TINYP2P_UNPATCHED')
  warned.add(text)
  return false
}

function describe(name: Package, found: string[]): string {
  return `this version of ${name} is not supported, tinyp2p needs ${PINNED[name]}: ${found.join(', ')}.`
}

function misfits(object: unknown, members: Members): string[] {
  const found: string[] = []
  for (const path in members) {
    const kind = kindOf(valueAt(object, path))
    if (kind !== members[path]) found.push(`${path} is ${kind} and not ${members[path]}`)
  }
  return found
}

function valueAt(object: unknown, path: string): unknown {
  let value = object
  for (const name of path.split('.')) value = (value as Record<string, unknown> | null | undefined)?.[name]
  return value
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  return value instanceof Map ? 'map' : typeof value
}
