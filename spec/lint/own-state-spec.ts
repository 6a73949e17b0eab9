/** The law of the state, on small texts that keep it or break it. */
import { describe, expect, it } from '@jest/globals'
import { fileURLToPath } from 'node:url'
import { Linter } from 'eslint'
import ts from 'typescript'
import tseslint from 'typescript-eslint'
import { ownState } from '../../scripts/lint/own-state.js'

const STATE = `
export interface State { now: number; peers: Peers }
export interface Peers {
  cursor: number
  /** A connection's number → the connection. */
  all: Map<number, Connection>
  byTopic: Map<string, Set<number>>
  list: string[]
  readonly waiting: Set<number>
}
export interface Connection {
  readonly id: number
  pings: number
  queue: Set<number>
  counts: Partial<Record<'lost' | 'sent', number>>
}
export type Purpose = { kind: 'one'; chunks: number } | { kind: 'two'; values: string[] }
export interface Stray { at: number }
export interface Fixed { readonly at: number }
`

/** A part of the state that is declared elsewhere. */
const ELSEWHERE = 'export interface Hidden { at: number }\nexport interface Whole { readonly at: number }\n'
const STRAY = `
import type { Hidden, Whole } from '../elsewhere.js'
export interface Room { readonly hidden: readonly Hidden[]; readonly whole: Whole }
`

/** The owner's file: what others are to call. */
const PEERS = `
import type { Connection, State } from './state.js'
export function ping(connection: Connection): void { connection.pings++ }
export function stopWaiting({ peers: { waiting } }: State, id: number): void { waiting.delete(id) }
export function countAll(all: ReadonlyMap<number, unknown>): number { return all.size }
export function drop(ids: Set<number>): void { ids.clear() }
export function dropAll(...all: Set<number>[]): void { for (const ids of all) ids.clear() }
export function dropEither(ids: Set<number> | Map<number, unknown>): void { ids.clear() }
export function dropAny<T extends Set<number>>(ids: T): void { ids.clear() }
export function hide(connection: { pings: number }): void { connection.pings = 0 }
export function look(connection: { readonly pings: number }): number { return connection.pings }
export function nameOf({ id }: { id: number }): number { return id }
export function any<T>(value: T): T { return value }
`

const OWNERS = {
  'state.ts': { State: ['step.ts'], Peers: ['peers.ts'], Connection: ['peers.ts'], Purpose: ['peers.ts'] },
}

const HEAD = `
import type { Connection, Peers, Purpose, State } from './state.js'
import { any, countAll, drop, dropAll, dropAny, dropEither, hide, look, nameOf, ping, stopWaiting } from './peers.js'
export function run(state: State, connection: Connection, purpose: Purpose): void {
`

/** What it does → how it does it. Each changes what is not its own. */
const BREACHES: Record<string, string> = {
  'a field by its path': 'state.peers.cursor = 1',
  'a field with +=': 'state.peers.cursor += 1',
  'a field with ++': 'state.peers.cursor++',
  'a field that it deletes': 'delete connection.counts.lost',
  'a field by a text': `state['peers']['cursor'] = 1`,
  'a field by a name that it computes': `const key = 'pings' as const; connection[key] = 1`,
  'a field of a table': `const reason = 'lost' as 'lost' | 'sent'; connection.counts[reason] = 1`,
  'a part as a whole': 'state.peers = any(state.peers)',
  'an alias of a part': 'const p = state.peers; p.cursor = 1',
  'an alias of an alias': 'const s = state; const { peers: p } = s; p.cursor = 1',
  'a part by a pattern': 'const { peers } = state; peers.cursor = 1',
  'a parameter of another name': 'const f = (it: State) => { it.peers.cursor = 1 }; f(state)',
  'a Readonly state': 'const f = (it: Readonly<State>) => { it.peers.cursor = 1 }; f(state)',
  'a parameter that is a pattern': 'const f = ({ peers }: State) => { peers.cursor = 1 }; f(state)',
  'what a cast gives': '(state as Readonly<State>).peers.cursor = 1',
  'a field on the left of a pattern': '[state.peers.cursor] = [1]',
  'a field on the left of a pattern of names': '({ id: state.peers.cursor } = connection)',
  'a field that a loop sets': 'for (connection.pings of [1]) ping(connection)',
  'a record by Object.assign': 'Object.assign(connection, { pings: 1 })',
  'a part by Object.assign': 'Object.assign(state.peers, { cursor: 1 })',
  'a collection by Object.assign': 'Object.assign(state.peers.list, { 0: "a" })',
  'a record by Reflect.set': `Reflect.set(connection, 'pings', 1)`,
  'a record by Object.defineProperty': `Object.defineProperty(connection, 'pings', { value: 1 })`,
  'a record taken by get': 'state.peers.all.get(1)!.pings = 1',
  'a record taken by get into a variable': 'const c = state.peers.all.get(1); if (c !== undefined) c.pings++',
  'a record of a loop': 'for (const [, c] of state.peers.all) c.pings = 0',
  'a record of a loop over values': 'for (const c of state.peers.all.values()) c.pings = 0',
  'a record of a callback': 'state.peers.all.forEach((c) => { c.pings = 0 })',
  'a record of a copied list': 'for (const c of [...state.peers.all.values()]) c.pings = 0',
  'a variant of a union': `if (purpose.kind === 'one') purpose.chunks++`,
  'a collection of a variant': `if (purpose.kind === 'two') purpose.values.push('a')`,
  'a collection': 'state.peers.all.delete(1)',
  'a collection that is readonly to assign': 'state.peers.waiting.add(1)',
  'a collection by a pattern': 'const { all } = state.peers; all.clear()',
  'a collection by a deep pattern': 'const { peers: { all } } = state; all.clear()',
  'a collection by an alias': 'const all = state.peers.all; all.clear()',
  'a collection by a variable that is set later': 'let ids = new Set<number>(); ids = connection.queue; ids.add(1)',
  'one collection or the other': 'const ids = connection.pings > 0 ? connection.queue : new Set<number>(); ids.add(1)',
  'a collection or a new one': `const ids = state.peers.byTopic.get('a') ?? new Set<number>(); ids.add(1)`,
  'a collection in a collection': `state.peers.byTopic.get('a')?.add(1)`,
  'a collection of a loop': 'for (const [, ids] of state.peers.byTopic) ids.clear()',
  'a collection of a callback': 'state.peers.byTopic.forEach((ids) => ids.clear())',
  'a method by a text': `state.peers.all['delete'](1)`,
  'a method by apply': `state.peers.list.push.apply(state.peers.list, ['a'])`,
  'the order of a list': 'state.peers.list.reverse()',
  'an item of a list': `state.peers.list[0] = 'a'`,
  'the length of a list': 'state.peers.list.length = 0',
  'a collection that a function gets, to change it': 'drop(connection.queue)',
  'a record that a function gets under another type': 'hide(connection)',
  'a record under another type': 'const v: { pings: number } = connection; v.pings++',
  'a record that is cast to another type': '(connection as { pings: number }).pings = 1',
  'a collection of a list of them': 'for (const ids of [connection.queue, state.peers.waiting]) ids.clear()',
  'a record that Array.from copies': 'for (const ids of Array.from(state.peers.byTopic.values())) ids.clear()',
  'a collection of a reversed copy': 'for (const ids of [...state.peers.byTopic.values()].reverse()) ids.clear()',
  'the first collection': 'const [ids] = state.peers.byTopic.values(); ids?.clear()',
  'the next collection': 'state.peers.byTopic.values().next().value?.clear()',
  'a collection or a new one that a function gets': `drop(state.peers.byTopic.get('a') ?? new Set())`,
  'one collection or the other that a function gets': 'drop(state.now > 0 ? connection.queue : new Set())',
  'the second of the rest that a function gets': 'dropAll(new Set(), connection.queue)',
  'a collection that a function gets as one of two types': 'dropEither(connection.queue)',
  'a collection that a function gets as a T': 'dropAny(connection.queue)',
}

/** What it does → how it does it. None changes what is not its own. */
const HONEST: Record<string, string> = {
  'reads fields': 'const { pings } = connection; any(pings + state.now)',
  'reads collections': `any([state.peers.all.get(1), state.peers.list[0], state.peers.list.at(-1)])`,
  'calls a function of the owner': 'ping(connection); stopWaiting(state, 1)',
  'hands a collection to one who reads': 'countAll(state.peers.all)',
  'hands a record to one who reads': 'look(connection); nameOf(connection); any(connection)',
  'looks at a record by another type': 'const v: { readonly pings: number } = connection; any(v.pings)',
  'looks at the first': 'const [first] = state.peers.list; any(first)',
  'copies and pushes': 'const ids = Array.from(state.peers.list); ids.push("a")',
  'sorts a copy': '[...state.peers.list].sort()',
  'reverses a slice': 'state.peers.list.slice().reverse()',
  'filters and pushes': `const found = state.peers.list.filter((name) => name !== ''); found.push('a')`,
  'changes a set made of another': 'const ids = new Set(connection.queue); ids.delete(1); drop(ids)',
  'changes its own':
    'const own = { cursor: 1, list: [1] }; own.cursor++; own.list.push(2); const all = new Map(); all.set(1, 2)',
  'has another thing of the same name': '{ const state = { peers: { cursor: 1 } }; state.peers.cursor = 2 }',
  'sets a variable': 'let first = state.peers.list; first = []; any(first)',
}

const root = fileURLToPath(new URL('../..', import.meta.url))
const DIRECTORY = `${root}src/core`

const texts = new Map<string, string>([
  [`${DIRECTORY}/state.ts`, STATE],
  [`${DIRECTORY}/peers.ts`, PEERS],
  [`${DIRECTORY}/elsewhere.ts`, ELSEWHERE],
  [`${DIRECTORY}/room/state.ts`, STRAY],
  ...Object.entries({ ...BREACHES, ...HONEST }).map(([name, body]): [string, string] => [
    fileOf(name),
    `${HEAD}${body}\n}\nexport type { Peers }\n`,
  ]),
])

function fileOf(name: string): string {
  return `${DIRECTORY}/${name.replaceAll(/[^\w]+/g, '-')}.ts`
}

function programOf(files: Map<string, string>): ts.Program {
  const options: ts.CompilerOptions = {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    lib: ['lib.es2022.d.ts'],
    types: [],
  }
  const host = ts.createCompilerHost(options, true)
  const { getSourceFile, fileExists, readFile } = host
  host.directoryExists = () => true
  host.fileExists = (name) => files.has(name) || fileExists(name)
  host.readFile = (name) => files.get(name) ?? readFile(name)
  host.getSourceFile = (name, ...rest) => {
    const text = files.get(name)
    return text === undefined
      ? getSourceFile(name, ...rest)
      : ts.createSourceFile(name, text, ts.ScriptTarget.ES2022, true)
  }
  return ts.createProgram([...files.keys()], options, host)
}

const program = programOf(texts)
const linter = new Linter({ cwd: root })

/** The ids of what is reported. */
function lint(file: string, owners: object = OWNERS): string[] {
  const messages = linter.verify(
    texts.get(file)!,
    {
      files: ['**/*.ts'],
      languageOptions: { parser: tseslint.parser, parserOptions: { programs: [program] } },
      plugins: { house: { rules: { 'own-state': ownState } } },
      rules: { 'house/own-state': ['error', owners] },
    },
    { filename: file },
  )
  return messages.map(({ messageId, message }) => messageId ?? message)
}

describe('the law of the state', () => {
  it('is tried on texts that compile', () => {
    const files = [...texts.keys()].map((file) => program.getSourceFile(file))
    const wrong = files.flatMap((file) => program.getSemanticDiagnostics(file).map(({ messageText }) => messageText))
    expect(wrong).toEqual([])
  })

  it.each(Object.keys(BREACHES))('reports who changes %s', (name) => {
    expect([['foreign'], ['hidden']]).toContainEqual(lint(fileOf(name)))
  })

  it.each(Object.keys(HONEST))('is silent about who %s', (name) => {
    expect(lint(fileOf(name))).toEqual([])
  })

  it('lets the owner change its records', () => {
    expect(lint(`${DIRECTORY}/peers.ts`)).toEqual([])
  })

  it('names the record and its owners', () => {
    const file = fileOf('a record of a loop')
    const owners = { 'state.ts': { ...OWNERS['state.ts'], 'Connection.pings': ['pings.ts', 'beats.ts'] } }
    expect(lint(file, owners)).toEqual(['foreign'])
    owners['state.ts']['Connection.pings'].push('a-record-of-a-loop.ts')
    expect(lint(file, owners)).toEqual([])
  })

  it('wants a row for each record that can be changed', () => {
    // `Stray` has none. `Fixed` needs none.
    expect(lint(`${DIRECTORY}/state.ts`)).toEqual(['unowned'])
    expect(lint(`${DIRECTORY}/state.ts`, { 'state.ts': { ...OWNERS['state.ts'], Stray: [] } })).toEqual([])
    expect(lint(`${DIRECTORY}/state.ts`, {})).toHaveLength(5)
  })

  it('wants the parts of the state in files of it', () => {
    expect(lint(`${DIRECTORY}/room/state.ts`)).toEqual(['stray'])
    expect(lint(`${DIRECTORY}/room/state.ts`, { 'elsewhere.ts': { Hidden: [] } })).toEqual([])
  })
})
