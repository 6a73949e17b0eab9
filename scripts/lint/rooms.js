/**
 * The rooms of src, and what each may import: the table of CONTRIBUTING.md, as a law (may-import.js). spec/house-spec.ts finds
 * what is written here and not needed any more.
 *
 * A row is named by a folder or by a file of src. The deepest row that fits a file is its row, and the only one. A row covers
 * the folders in its own, unless one of them has a row: then each of them needs one. What lies in the row's own folder may be
 * imported, in the folders inside too; everything else is named: files and folders of src in `ours`, packages and modules of Node
 * in `packages` (`@libp2p/*` is a scope, `node:*` all of Node).
 */
import { relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

const SRC = fileURLToPath(new URL('../../src', import.meta.url))

/**
 * The name of a file as the rows have it, from `src` on; one that is not in `src` begins with `..`.
 * @returns {string}
 */
export function inSrc(/** @type {string} */ path) {
  return relative(SRC, path).replaceAll(sep, '/')
}

/** What every room of core stands on. step.ts, lifecycle.ts, expire.ts and ask-kinds.ts stand above the rooms. */
export const CORE_BASE = [
  ...[
    'asks',
    'changes',
    'due',
    'effects',
    'events',
    'explanation',
    'fnv',
    'id-map',
    'id-set',
    'nearest',
    'news',
    'parameters',
    'port',
  ],
  ...['settings', 'state', 'terms'],
]
  .map((file) => `core/${file}.ts`)
  // What others may use of a node: numbers and sums of their own, that know no state.
  .concat('core/limits')

/** What a file of the base may import beside the others of it. No rooms: the state alone has a part of each. */
const CORE_BASE_ALSO = {
  'core/effects.ts': ['core/access/audit-event.ts', 'errors.ts'],
  'core/events.ts': ['core/access/lists.ts'],
  'core/port.ts': ['core/access/lists.ts'],
  'core/settings.ts': ['core/access/lists.ts', 'wire/protocols.ts'],
  'core/state.ts': ['access', 'peers', 'requests', 'services', 'broadcasts'].map((room) => `core/${room}/state.ts`),
}

/** What the other rooms of core ask of who may come in, by files. */
const access = (/** @type {string[]} */ ...files) => files.map((file) => `core/access/${file}.ts`)

/** What a network knows of the core. */
const CORE_FOR_NETWORKS = [
  'access/door',
  'access/lists',
  'port',
  'parameters',
  'pubsub',
  'terms',
  'peers/addresses',
  'peers/line',
  'peers/race',
  'peers/scopes',
]
  .map((file) => `core/${file}.ts`)
  .concat('core/limits')

/** @type {Record<string, { ours: string[], packages: string[] }>} */
export const ROOMS = {
  'index.ts': {
    ours: [
      'core',
      'platform',
      'config',
      'edge',
      'errors.ts',
      'network-key.ts',
      'node',
      'protocol',
      'recording',
      'secret.ts',
      'create-node.ts',
    ],
    packages: [],
  },
  'create-node.ts': {
    ours: ['core', 'config', 'edge', 'identity.ts', 'lane', 'libp2p', 'node', 'recording', 'secret.ts', 'storage'],
    packages: [],
  },
  'errors.ts': { ours: ['wire/text.ts'], packages: [] },
  'network-key.ts': { ours: ['errors.ts', 'wire/bytes.ts', 'wire/text.ts'], packages: [] },
  'secret.ts': { ours: ['errors.ts', 'wire/bytes.ts'], packages: ['multiformats'] },
  'identity.ts': {
    ours: ['secret.ts'],
    packages: ['@libp2p/crypto', '@libp2p/interface', '@libp2p/peer-id', 'multiformats'],
  },

  wire: { ours: [], packages: [] },
  core: { ours: [], packages: [] },
  ...Object.fromEntries(
    CORE_BASE.filter((file) => file.endsWith('.ts')).map((file) => [
      file,
      { ours: [...CORE_BASE, ...(CORE_BASE_ALSO[file] ?? [])], packages: [] },
    ]),
  ),
  'core/limits': { ours: [], packages: [] },
  // Four rooms of core need each other: a connection carries requests and ends with them, services are requests, and broadcasts
  // are services and use connections. So they have doors: of a room that is not named as a whole, these files.
  'core/peers': {
    ours: [
      ...CORE_BASE,
      ...access('answers', 'audit', 'lists', 'rules'),
      ...['core/requests', 'core/services/book.ts', 'core/services/own-requests.ts'],
      ...['core/broadcasts/counts.ts', 'core/broadcasts/recipients.ts'],
      'wire',
    ],
    packages: [],
  },
  'core/requests': { ours: [...CORE_BASE, ...access('offences', 'rules'), 'core/peers', 'wire'], packages: [] },
  // Who may come in: others ask it by its doors, and step.ts runs what it does to peers, connections and requests.
  'core/access': { ours: [...CORE_BASE, 'core/peers', 'core/requests', 'core/broadcasts/counts.ts'], packages: [] },
  'core/services': {
    ours: [
      ...CORE_BASE,
      ...['core/requests/answers.ts', 'core/requests/requests.ts', 'core/requests/values.ts', 'core/broadcasts'],
      ...['core/peers/state.ts', 'core/peers/twins.ts'],
      'wire',
    ],
    packages: [],
  },
  'core/broadcasts': {
    ours: [
      ...CORE_BASE,
      ...access('offences', 'rules'),
      ...['core/peers', 'core/requests/answers.ts', 'core/services', 'wire'],
    ],
    packages: [],
  },
  // It only looks, and no other room looks at it.
  'core/explain': {
    ours: [
      ...CORE_BASE,
      ...access('lists', 'rules'),
      'core/peers/addresses.ts',
      'core/peers/connections.ts',
      'core/peers/dials.ts',
      'core/peers/twins.ts',
      'core/requests/dear.ts',
      'core/broadcasts',
      'wire',
    ],
    packages: [],
  },

  lane: { ours: ['core', 'platform'], packages: ['rxjs'] },
  edge: {
    ours: ['core', 'wire/bytes.ts', 'wire/call.ts', 'wire/session/format.ts', 'wire/text.ts', 'platform', 'errors.ts'],
    packages: ['rxjs'],
  },
  'edge/targets.ts': {
    ours: ['core/peers/addresses.ts', 'edge/checks.ts', 'edge/meant.ts', 'errors.ts'],
    packages: ['@libp2p/peer-id', '@multiformats/multiaddr'],
  },
  config: {
    ours: ['core', 'wire', 'edge', 'platform', 'errors.ts', 'network-key.ts', 'recording/options.ts'],
    packages: ['rxjs'],
  },
  node: { ours: ['core', 'lane', 'edge', 'platform', 'errors.ts'], packages: ['@noble/hashes', 'rxjs'] },
  protocol: {
    ours: ['edge', 'wire/call.ts', 'node/p2p-node.ts', 'platform/timers.ts', 'errors.ts'],
    packages: ['rxjs'],
  },
  recording: { ours: ['core', 'wire', 'edge', 'node', 'platform', 'errors.ts'], packages: ['cborg'] },
  libp2p: {
    ours: [...CORE_FOR_NETWORKS, 'core/peers/hearsay.ts', 'wire', 'platform', 'network-key.ts'],
    packages: [
      ...['libp2p', '@libp2p/*', '@chainsafe/*', '@multiformats/multiaddr', 'multiformats', 'uint8arraylist'],
      '@noble/hashes',
    ],
  },
  testing: {
    ours: ['core', 'edge', 'node', 'config', 'recording', 'platform', 'identity.ts', 'network-key.ts', 'errors.ts'],
    packages: ['rxjs'],
  },
  'testing/recorded': { ours: ['core', 'edge', 'recording', 'testing/replay.ts'], packages: ['rxjs'] },
  'testing/network': {
    ours: [...CORE_FOR_NETWORKS, 'core/fnv.ts', 'core/id-map.ts', 'lane/action.ts', 'wire'],
    packages: ['rxjs'],
  },

  // What differs between Node and a browser. Who may import modules of Node may use its globals.
  platform: { ours: [], packages: ['node:*', '@chainsafe/libp2p-noise', 'uint8arraylist'] },
  // The rest that knows Node. In a browser each of them is left out or has a twin.
  'recording/file.ts': { ours: ['recording', 'edge', 'platform', 'errors.ts'], packages: ['node:*'] },
  storage: { ours: ['core', 'edge', 'platform', 'secret.ts', 'errors.ts'], packages: ['multiformats', 'node:*'] },
}

/** @returns {boolean} */
export function covers(/** @type {string} */ entry, /** @type {string} */ path) {
  return path === entry || path.startsWith(`${entry}/`)
}

/**
 * The name of the row of a file of src; `undefined`: it has none.
 * @returns {string | undefined}
 */
export function rowOf(/** @type {string} */ file, rooms = ROOMS) {
  const names = Object.keys(rooms)
  const row = names.filter((name) => covers(name, file)).sort((a, b) => b.length - a.length)[0]
  const isDivided = names.some((name) => name !== row && covers(row, name) && !name.endsWith('.ts'))
  const isInside = row !== undefined && !row.endsWith('.ts') && file.slice(row.length + 1).includes('/')
  return isDivided && isInside ? undefined : row
}

/** @returns {boolean} */
export function namesPackage(/** @type {string} */ entry, /** @type {string} */ specifier) {
  return entry.endsWith('*') ? specifier.startsWith(entry.slice(0, -1)) : covers(entry, specifier)
}

const NODE_ROWS = Object.keys(ROOMS).filter((row) => ROOMS[row].packages.some((name) => name.startsWith('node:')))

/** The rows whose files may use what Node alone has, as patterns. */
export const NODE_FILES = NODE_ROWS.map((row) => `src/${row}${row.endsWith('.ts') ? '' : '/**'}`)

/** The rows that a browser leaves out: other rows import them by `import()`, where they are needed. Of platform it has a twin. */
export const LOADED_ROWS = NODE_ROWS.filter((row) => row !== 'platform')
