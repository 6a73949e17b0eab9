/** What users get: the package as it is packed. Its entry points are found by every loader and compiler, nothing needless is in it, and it is small. */
import { execFileSync } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { build } from 'esbuild'
import { linksOf } from '../support/markdown.js'
import { packed, root, type Packed } from '../support/packed.js'
import { complaint, tool } from './run.js'

/** In bytes. Whoever needs more says in the commit what for. */
const BUDGET = {
  /** `tinyp2p/protocol` in a page of a browser that has rxjs anyway. */
  'tinyp2p/protocol, minified': 20_000,
  'tinyp2p/protocol, minified and gzipped': 7_500,
  'tinyp2p/protocol with rxjs, minified': 41_500,
  'tinyp2p/protocol with rxjs, minified and gzipped': 14_200,
  'the packed tarball': 2_400_000,
  'the unpacked tarball': 9_500_000,
}

/** Of these each file of the package is one. */
const WANTED = [
  /^(package\.json|README\.md|CHANGELOG\.md|LICENSE)$/,
  /^docs\/[\w/-]+\.(md|svg)$/,
  /^dist\/[\w/-]+\.(js|js\.map|d\.ts)$/,
  /^dist\/cjs\/\w+\.(cjs|d\.cts)$/,
  /^dist\/cjs\/bundle\.cjs\.LICENSES\.txt$/,
]

let pack: Packed
/** The unpacked package. */
let inside: string
let files: string[]

beforeAll(async () => {
  pack = await packed()
  execFileSync('tar', ['-xzf', pack.tarball, '-C', pack.folder])
  inside = join(pack.folder, 'package')
  const listed = execFileSync('tar', ['-tzf', pack.tarball], { encoding: 'utf8' }).trim().split('\n')
  files = listed.map((path) => path.replace(/^package\//, ''))
}, 90_000)

afterAll(() => pack.remove())

describe('the packed package', () => {
  it('is as publint wants it', async () => {
    expect(await complaint(tool('publint'), 'run', pack.tarball, '--strict')).toBe('')
  })

  it('has types that are right for every way to import it', async () => {
    const quiet = ['--no-definitely-typed', '--format=ascii', '--no-emoji', '--no-color']
    expect(await complaint(tool('attw'), pack.tarball, ...quiet)).toBe('')
  })

  it('has what users need, and nothing else', () => {
    expect(files.length).toBeGreaterThan(500)
    expect(files.filter((path) => !WANTED.some((pattern) => pattern.test(path)))).toEqual([])
    expect(files.filter((path) => path.startsWith('docs/api/'))).toEqual([])
  })

  it('has the pages that its README and its pages for users link to', () => {
    const pages = files.filter((path) => path.endsWith('.md'))
    const broken = pages.flatMap((page) => {
      const targets = linksOf(readFileSync(join(inside, page), 'utf8')).map((target) => target.split('#')[0]!)
      const local = targets.filter((target) => target !== '' && !/^[a-z][a-z\d+.-]*:/i.test(target))
      return local
        .map((target) => normalize(join(dirname(page), target)))
        .filter((path) => /^docs\/|^[^/]+\.md$/.test(path) && path !== 'CONTRIBUTING.md')
        .filter((path) => !files.includes(path))
        .map((path) => `${page}: ${path}`)
    })
    expect(broken).toEqual([])
  })

  it('has the notices of the packages inside of its bundle', () => {
    const notices = readFileSync(join(inside, 'dist/cjs/bundle.cjs.LICENSES.txt'), 'utf8')
    const bundled = new Set<string>()
    for (const [, name] of readFileSync(join(inside, 'dist/cjs/bundle.cjs'), 'utf8').matchAll(/^\/\/ .*node_modules\/((?:@[^/\n]+\/)?[^/\n]+)\//gm)) bundled.add(name!) // prettier-ignore
    expect(bundled.size).toBeGreaterThan(50)
    // A package may be there by another name.
    const nameOf = (name: string): string =>
      (JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8')) as { name: string }).name
    expect([...bundled].filter((name) => !notices.includes(`\n${nameOf(name)} `))).toEqual([])
  })
})

describe('the size', () => {
  /** The bytes of `tinyp2p/protocol` in a browser. */
  async function protocol(external: string[]): Promise<Uint8Array> {
    const { outputFiles } = await build({
      stdin: { contents: `export * from './dist/protocol/index.js'`, resolveDir: inside },
      nodePaths: [join(root, 'node_modules')],
      bundle: true,
      minify: true,
      format: 'esm',
      platform: 'browser',
      target: 'es2022',
      write: false,
      external,
    })
    // esbuild's arrays are of another realm than jest's.
    return Uint8Array.from(outputFiles[0]!.contents)
  }

  it('is within its budget', async () => {
    const own = await protocol(['rxjs', 'rxjs/*'])
    const whole = await protocol([])
    const sizes: Record<keyof typeof BUDGET, number> = {
      'tinyp2p/protocol, minified': own.length,
      'tinyp2p/protocol, minified and gzipped': gzipSync(own, { level: 9 }).length,
      'tinyp2p/protocol with rxjs, minified': whole.length,
      'tinyp2p/protocol with rxjs, minified and gzipped': gzipSync(whole, { level: 9 }).length,
      'the packed tarball': statSync(pack.tarball).size,
      'the unpacked tarball': files.reduce((sum, path) => sum + statSync(join(inside, path)).size, 0),
    }
    const names = Object.keys(BUDGET) as (keyof typeof BUDGET)[]
    const lines = names.map((name) => {
      return `  ${name}: ${sizes[name].toLocaleString('en')} of ${BUDGET[name].toLocaleString('en')} bytes`
    })
    process.stderr.write(`${lines.join('\n')}\n`)
    expect(lines.filter((_line, at) => sizes[names[at]!] > BUDGET[names[at]!])).toEqual([])
  })
})
