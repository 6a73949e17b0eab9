/**
 * Every file that touches a package's inside says what is to be known of it, and what it says is so: the versions, the members,
 * the specs. Whether those fail without it, `npm run upstream -- --guards` tries.
 */
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from '@jest/globals'
import ts from 'typescript'
import { without } from '../../../scripts/upstream/guards.js'
import { FIELDS, headerOf, headersOf, prefixes, sourcesOf, type Header } from '../../../scripts/upstream/headers.js'
import { SWITCHES } from '../../../scripts/upstream/switches.js'
import { PINNED } from '../../../src/libp2p/patches/supported.js'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const sources = sourcesOf(root)
const headers = headersOf(sources)

/** Casts to what every error is, or every event, and to what is only read more narrowly. */
const HARMLESS = /^(const|Error|Error \| undefined|Partial<Error>( \| undefined)?|Partial<globalThis\.Event>)$/

/** Goes by what no type promises: which object a socket's address is, which progress is told, and that a socket gets this option. */
const RELIED_ON = /^(new WeakMap<Multiaddr\b.*|onProgress|lookup)$/

/** Why a file needs a header: it says of a foreign value what its type does not say, or puts itself in place of a component. */
function touches(file: string, text: string): string[] {
  const found: string[] = []
  const visit = (node: ts.Node): void => {
    if (RELIED_ON.test(node.getText(parsed))) found.push(node.getText(parsed))
    if (ts.isAsExpression(node) && !HARMLESS.test(node.type.getText(parsed))) found.push(node.getText(parsed))
    if (ts.isCallExpression(node)) {
      const name = node.expression.getText(parsed)
      if (['hasMembers', 'requireMembers', 'override'].includes(name)) found.push(name)
    }
    ts.forEachChild(node, visit)
  }
  const parsed = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
  ts.forEachChild(parsed, visit)
  return found
}

/** The paths that are given to `hasMembers` and `requireMembers`, here or in a constant. */
function checked(file: string, text: string): string[] {
  const constants = new Map<string, ts.Expression>()
  const paths: string[] = []
  const collect = (members: ts.Expression | undefined): void => {
    if (members === undefined) return
    if (ts.isAsExpression(members)) return collect(members.expression)
    if (ts.isIdentifier(members)) return collect(constants.get(members.text))
    if (!ts.isObjectLiteralExpression(members)) throw new Error(`${file}: ${members.getText()} cannot be read`)
    for (const { name } of members.properties) paths.push(name!.getText().replace(/^'|'$/g, ''))
  }
  const visit = (node: ts.Node): void => {
    if (ts.isVariableDeclaration(node) && node.initializer !== undefined)
      constants.set(node.name.getText(), node.initializer)
    if (ts.isCallExpression(node) && /^(has|require)Members$/.test(node.expression.getText()))
      collect(node.arguments[2])
    ts.forEachChild(node, visit)
  }
  ts.forEachChild(ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true), visit)
  return paths
}

/** The two files that reach nothing by themselves. */
const TOOLS = ['src/libp2p/patches/supported.ts', 'src/libp2p/component-override.ts']

it('a file that touches the inside of a package has a header, and no other one needs one', () => {
  const touching = [...sources].filter(([file, text]) => !TOOLS.includes(file) && touches(file, text).length > 0)
  expect(headers.map(({ file }) => file)).toEqual(touching.map(([file]) => file))
})

describe.each(headers.map((header): [string, Header] => [header.file, header]))('%s', (file, header) => {
  const { fields, packages, specs, members } = header

  it('says everything, in order', () => {
    expect([...fields.keys()]).toEqual([...FIELDS])
    for (const said of fields.values()) expect(said.length).toBeGreaterThan(3)
  })

  it('names packages at the versions that are pinned', () => {
    expect(packages.size).toBeGreaterThan(0)
    for (const [name, version] of packages) expect(PINNED).toHaveProperty([name], version)
  })

  it('names specs that there are', () => {
    expect(specs.length).toBeGreaterThan(0)
    for (const spec of specs) expect({ spec, exists: existsSync(root + spec) }).toEqual({ spec, exists: true })
  })

  it('can be switched off, once for each of these specs at least, and a test in it is to fail then', () => {
    const own = SWITCHES.filter(({ patch }) => patch === file)
    expect([...new Set(own.map(({ spec }) => spec))].sort()).toEqual([...specs].sort())
    for (const one of own) {
      expect(readFileSync(root + one.spec, 'utf8')).toContain(one.test)
      expect(without(one, sources.get(one.file)!)).not.toBe(sources.get(one.file))
    }
  })

  it('names each member that is checked, or the one above it', () => {
    const said = fields.get('Private members')!
    const unnamed = checked(file, sources.get(file)!).filter(
      (path) => !prefixes(path).some((one) => members.includes(one) || said.includes(`\`${one}\``)),
    )
    const hasNone = said.startsWith('none')
    if (!hasNone) expect(unnamed).toEqual([])
    expect(members.length === 0).toBe(hasNone)
  })
})

it('no switch is of a file without a header', () => {
  const files = new Set(headers.map(({ file }) => file))
  expect(SWITCHES.map(({ patch }) => patch).filter((patch) => !files.has(patch))).toEqual([])
})

it('the documentation counts the members that the headers name', () => {
  const counts = new Map<string, Set<string>>()
  for (const { packages, members } of headers) {
    const [name] = packages.keys()
    counts.set(name!, new Set([...(counts.get(name!) ?? []), ...members]))
  }
  const rows = readFileSync(`${root}docs/upstream.md`, 'utf8').matchAll(/^\| (\S+) +\| +\d+ \| +(\d+) \|/gm)
  const documented = new Map([...rows].map(([, name, now]) => [name!, Number(now)]))
  const actual = new Map([...counts].map(([name, { size }]): [string, number] => [name, size]))
  for (const [name, count] of actual) if (count === 0) actual.delete(name)
  const all = [...actual.values()].reduce((sum, count) => sum + count, 0)
  expect(documented).toEqual(new Map([...actual, ['all', all]]))
})

describe('a header', () => {
  it('is read field by field, with what it says in several lines', () => {
    const text = [
      '/**',
      ' * What it is.',
      ' *',
      ' * Package: libp2p 1.2.3, @libp2p/tcp 4.5.6 (below it)',
      ' * Private members: `a.b` of one, and',
      ' *   `c` of another; the public `d` is replaced',
      ' * Changes: nothing.',
      ' * Guarded by: spec/a-spec.ts, spec/b/c-spec.ts',
      ' *',
      ' * More of it.',
      ' */',
    ].join('\n')
    const { fields, packages, members, specs } = headerOf('a.ts', text)
    expect([...fields.keys()]).toEqual(['Package', 'Private members', 'Changes', 'Guarded by'])
    expect([...packages]).toEqual([
      ['libp2p', '1.2.3'],
      ['@libp2p/tcp', '4.5.6'],
    ])
    expect(members).toEqual(['a', 'a.b', 'c'])
    expect(specs).toEqual(['spec/a-spec.ts', 'spec/b/c-spec.ts'])
  })
})
