/**
 * The one check of the private members that our patches reach. Their packages are pinned exactly, so a member that is not as
 * expected means that another version was forced into the installation: then there is one warning, and the package stays as it
 * is; or, where a node would not keep its promises without the member, one clear error. Not all that is relied on is a member,
 * so another version is a warning by itself.
 */
import { installedVersions } from '../../platform/packages.js'
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

type Kind = 'function' | 'number' | 'string' | 'boolean' | 'object' | 'map'

/** A member, or a path of members with dots, and what it must be. What a patch replaces must be `writable` too. */
export type Members = Readonly<Record<string, Kind | `writable ${Kind}`>>

/** Throws when a member is not as expected: for patches without which a node would not keep its promises. */
export function requireMembers(name: Package, object: unknown, members: Members): void {
  const found = misfits(object, members)
  if (found.length > 0) throw new Error(describe(name, found))
}

/** One warning for the process when versions are installed that this release was not tried with. */
export function checkVersions(installed = installedVersions('tinyp2p', Object.keys(PINNED))): void {
  const others = Object.entries(PINNED).flatMap(([name, version]) => {
    const found = installed.get(name) ?? version
    return found === version ? [] : [`${name} ${found} is installed, and this release of tinyp2p knows ${version}`]
  })
  if (others.length > 0)
    warnOnce(`${others.join('; ')}. If something fails, install what it knows.`, 'TINYP2P_VERSIONS')
}

const warned = new Set<string>()

/** False, and one warning for the process, when a member is not as expected: for patches without which a node works. */
export function hasMembers(name: Package, object: unknown, members: Members): boolean {
  const found = misfits(object, members)
  if (found.length === 0) return true
  warnOnce(`${describe(name, found)} The node runs without this improvement.`, 'TINYP2P_UNPATCHED')
  return false
}

function warnOnce(text: string, code: string): void {
  if (!warned.has(text)) emitWarning(text, code)
  warned.add(text)
}

function describe(name: Package, found: string[]): string {
  return `this version of ${name} is not supported, tinyp2p needs ${PINNED[name]}: ${found.join(', ')}.`
}

function misfits(object: unknown, members: Members): string[] {
  const found: string[] = []
  for (const path in members) {
    const kind = kindAt(object, path.split('.'), members[path]!.startsWith('writable '))
    if (kind !== members[path]) found.push(`${path} is ${kind} and not ${members[path]}`)
  }
  return found
}

function kindAt(object: unknown, path: readonly string[], toWrite: boolean): string {
  let owner: unknown
  let value = object
  try {
    for (const name of path) {
      owner = value
      value = (value as Record<string, unknown> | null | undefined)?.[name]
    }
  } catch (error) {
    return `unreadable (${String(error)})`
  }
  if (!toWrite || value === undefined) return kindOf(value)
  return `${accessTo(owner as object, path.at(-1)!)} ${kindOf(value)}`
}

/** Whether `owner[name] = …` does what it says. An accessor may do anything with it, or throw. */
function accessTo(owner: object, name: string): 'writable' | 'read-only' | 'computed' {
  let holder: object | null = owner
  while (holder !== null && !Object.hasOwn(holder, name)) holder = Object.getPrototypeOf(holder) as object | null
  const member = holder === null ? undefined : Object.getOwnPropertyDescriptor(holder, name)
  if (member?.get !== undefined || member?.set !== undefined) return 'computed'
  const isWritable = member?.writable !== false && (holder === owner || Object.isExtensible(owner))
  return isWritable ? 'writable' : 'read-only'
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  return value instanceof Map ? 'map' : typeof value
}
