/** Laws of the house that the linter cannot check: what its imports and its folders look like. */
import { describe, expect, it } from '@jest/globals'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const src = fileURLToPath(new URL('../src', import.meta.url))

const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))

/** File → the files of ours that it imports, type imports included. */
const imports = new Map(
  files.map((file) => {
    const { importedFiles } = ts.preProcessFile(readFileSync(join(src, file), 'utf8'))
    const ours = importedFiles.map(({ fileName }) => fileName).filter((name) => name.startsWith('.'))
    return [file, ours.map((name) => relative(src, join(src, dirname(file), name)).replace(/\.js$/, '.ts'))]
  }),
)

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

  it('has no import that closes a circle, type imports included', () => {
    // Each file of a circle finds it, and begins it at itself: it is told once.
    const circles = new Map<string, string[]>()
    for (const file of files) {
      const circle = circleFrom(file)
      if (circle !== undefined) circles.set([...new Set(circle)].sort().join(' '), circle)
    }
    expect([...circles.values()]).toEqual([])
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
