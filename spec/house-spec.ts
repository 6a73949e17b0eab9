/** Laws of the house that the linter cannot check: what its imports and its folders look like. */
import { describe, expect, it } from '@jest/globals'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { OWNERS } from '../scripts/lint/owners.js'
import { CORE_BASE, ROOMS, covers, namesPackage, rowOf } from '../scripts/lint/rooms.js'

const src = fileURLToPath(new URL('../src', import.meta.url))

const entries = readdirSync(src, { recursive: true, encoding: 'utf8', withFileTypes: true })
const files = entries
  .filter((entry) => entry.isFile())
  .map(({ parentPath, name }) => relative(src, join(parentPath, name)).replaceAll(sep, '/'))

/** File → what it imports, as it says it, type imports included. */
const specifiers = new Map(
  files.map((file) => {
    const { importedFiles } = ts.preProcessFile(readFileSync(join(src, file), 'utf8'))
    return [file, importedFiles.map(({ fileName }) => fileName)]
  }),
)

/** File → the files of ours that it imports. */
const imports = new Map(
  [...specifiers].map(([file, names]) => {
    const ours = names.filter((name) => name.startsWith('.'))
    return [file, ours.map((name) => relative(src, join(src, dirname(file), name)).replace(/\.js$/, '.ts'))]
  }),
)

/** The packages and the modules of Node that a file imports. */
function packagesOf(file: string): string[] {
  return specifiers.get(file)!.filter((name) => !name.startsWith('.'))
}

/** A way from a file back to itself. */
function circleFrom(start: string): string[] | undefined {
  const before = new Map<string, string>()
  const open = [start]
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    for (const next of imports.get(file) ?? []) {
      if (next === start) {
        const way = [start]
        for (let at: string | undefined = file; at !== undefined && at !== start; at = before.get(at)) way.push(at)
        return [...way, start].reverse()
      }
      if (before.has(next)) continue
      before.set(next, file)
      open.push(next)
    }
  }
  return undefined
}

/** The members that a declaration names, in it and in its variants. */
function membersOf(node: ts.Node): string[] {
  const names = ts.isPropertySignature(node) && ts.isIdentifier(node.name) ? [node.name.text] : []
  ts.forEachChild(node, (child) => void names.push(...membersOf(child)))
  return names
}

function folders(): Map<string, string[]> {
  const inside = new Map<string, string[]>()
  for (const file of files) inside.set(dirname(file), [...(inside.get(dirname(file)) ?? []), file])
  return inside
}

describe('the house', () => {
  it('has files, and reads what they import', () => {
    expect(files.length).toBeGreaterThan(100)
    expect(imports.get('index.ts')).toContain('create-node.ts')
  })

  it('has nothing but TypeScript that the linter and the compiler read: no .mts, .cts, .tsx or .js', () => {
    expect(files.filter((file) => !/^[\w/-]+\.ts$/.test(file))).toEqual([])
  })

  it('has no import that closes a circle, type imports included', () => {
    // Each file of a circle finds it, and begins it at itself: it is told once.
    const circles = new Map<string, string[]>()
    for (const file of files) {
      const circle = circleFrom(file)
      if (circle !== undefined) circles.set([...new Set(circle)].sort().join(' '), circle)
    }
    expect([...circles.values()]).toEqual([])
  })

  it('has a row in the table of imports for each of its files', () => {
    expect(files.filter((file) => rowOf(file) === undefined)).toEqual([])
  })

  it('wants a row for a new file beside the others, and for a new folder where each folder has one', () => {
    expect(rowOf('new.ts')).toBeUndefined()
    expect(rowOf('newroom/file.ts')).toBeUndefined()
    expect(rowOf('testing/newroom/file.ts')).toBeUndefined()
    expect(rowOf('core/newroom/file.ts')).toBeUndefined()
    expect(rowOf('core/requests/newroom/file.ts')).toBe('core/requests')
    expect(rowOf('core/new.ts')).toBe('core')
    expect(rowOf('edge/targets.ts')).toBe('edge/targets.ts')
    expect(rowOf('edge/newroom/file.ts')).toBe('edge')
  })

  it('has no row in the table of imports, and nothing in a row, that no file needs', () => {
    const needless: string[] = []
    const needed = new Set<string>()
    for (const [row, { ours, packages }] of Object.entries(ROOMS)) {
      const inside = files.filter((file) => rowOf(file) === row)
      if (inside.length === 0) needless.push(row)
      const isNeeded = (entry: string) => inside.some((file) => imports.get(file)!.some((name) => covers(entry, name)))
      for (const entry of ours.filter(isNeeded)) needed.add(entry)
      const isUsed = (entry: string) =>
        inside.some((file) => packagesOf(file).some((name) => namesPackage(entry, name)))
      const own = ours.filter((entry) => !CORE_BASE.includes(entry))
      needless.push(...own.filter((entry) => !isNeeded(entry)).map((entry) => `${row}: ${entry}`))
      needless.push(...packages.filter((entry) => !isUsed(entry)).map((entry) => `${row}: ${entry}`))
    }
    // Each room of core may stand on all of its base.
    needless.push(...CORE_BASE.filter((entry) => !needed.has(entry)))
    expect(needless).toEqual([])
  })

  it('has no row in the table of owners for what is not there', () => {
    const gone: string[] = []
    for (const [file, rows] of Object.entries(OWNERS)) {
      const { statements } = ts.createSourceFile(
        file,
        readFileSync(join(src, 'core', file), 'utf8'),
        ts.ScriptTarget.ESNext,
      )
      for (const [row, owners] of Object.entries<string[]>(rows)) {
        const [name, member] = row.split('.')
        const record = statements.find(
          (one) => (ts.isInterfaceDeclaration(one) || ts.isTypeAliasDeclaration(one)) && one.name.text === name,
        )
        const isThere = record !== undefined && (member === undefined || membersOf(record).includes(member))
        if (!isThere) gone.push(`${file}: ${row}`)
        gone.push(...owners.filter((owner) => !files.includes(`core/${owner}`)).map((owner) => `${row}: ${owner}`))
      }
    }
    expect(gone).toEqual([])
  })

  it('has no folder of one file', () => {
    const parents = new Set([...folders().keys()].map((folder) => dirname(folder)))
    const lonely = [...folders()].filter(([folder, inside]) => inside.length === 1 && !parents.has(folder))
    expect(lonely.map(([folder]) => folder)).toEqual([])
  })

  it('has no prefix that should be a folder: three files of one folder that begin with the same word', () => {
    const crowded: string[] = []
    for (const [folder, inside] of folders()) {
      const words = inside.map((file) => /([^/]+)-[^/]+$/.exec(file)?.[1]?.split('-')[0] ?? '')
      for (const word of new Set(words)) {
        if (word !== '' && words.filter((other) => other === word).length > 2) crowded.push(`${folder}/${word}-*`)
      }
    }
    expect(crowded).toEqual([])
  })
})
