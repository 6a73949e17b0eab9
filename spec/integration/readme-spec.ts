/**
 * What the README, and the pages about broadcasts and for operators, show is run as it stands: every TypeScript block, in a process of its own. A
 * block that imports from tinyp2p is a whole program; the others get the prelude below. `// prints: …` says what a block writes. Besides: tables
 * against the code.
 */
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it, test } from '@jest/globals'
import { createNode, type P2pNode } from 'tinyp2p'
import { defaultSettings } from '../../src/core/settings.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const readme = read('README.md')

/** As the README says of its snippets: a running node, the peer id of another one, and text ↔ bytes. */
const PRELUDE = `
import { createNode, P2pError } from 'tinyp2p'
const encode = (text: string): Uint8Array => new TextEncoder().encode(text)
const decode = (data: Uint8Array): string => new TextDecoder().decode(data)
const boot = process.env['BOOT'] as string
const peer = boot.slice(boot.lastIndexOf('/') + 1)
const node = await createNode({ listen: '/ip4/127.0.0.1/tcp/0', bootNodes: boot })
`
const POSTLUDE = `
await node.stop()
export { P2pError, decode, encode, peer }
`

interface Block {
  title: string
  code: string
  prints: string
}

/** The fenced TypeScript blocks of a page, each under the heading that it stands below. */
function blocksOf(page: string): Block[] {
  return [...page.matchAll(/^```(?:ts|typescript)\n(.*?)^```$/gms)].map(({ 1: code = '', index }) => {
    const heading = [...page.slice(0, index).matchAll(/^#+ (.*)$/gm)].at(-1)?.[1] ?? 'the beginning'
    const isWhole = /from 'tinyp2p(\/\w+)?'/.test(code)
    return {
      title: `line ${page.slice(0, index).split('\n').length}, ${heading}`,
      code: isWhole ? code : `${PRELUDE}${code}${POSTLUDE}`,
      prints: [...code.matchAll(/\/\/ prints: (.*)$/gm)].map(([, text]) => `${text}\n`).join(''),
    }
  })
}

const blocks = blocksOf(readme)
const broadcastBlocks = blocksOf(read('docs/broadcasts.md'))
const all = [...blocks, ...broadcastBlocks, ...blocksOf(read('docs/operators.md'))]

describe('the README', () => {
  /** Where the blocks become files; the packages are those of the repository, and tinyp2p is src (by tsconfig.json). */
  let folder: string
  let boot: P2pNode

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tinyp2p-readme-'))
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
    boot = await createNode({ listen: '/ip4/127.0.0.1/tcp/0', topics: ['news'] })
    boot.setEventHandler({
      async handleInboundRequest(data) {
        const [, text] = /^please broadcast: (.*)$/.exec(new TextDecoder().decode(data)) ?? []
        if (text !== undefined) await boot.broadcast('news', new TextEncoder().encode(text))
        return data
      },
    })
    // What a late subscriber gets.
    await boot.broadcast('news', new TextEncoder().encode('the last of them'))
  })

  afterAll(async () => {
    await boot.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  it('has programs, all of them in blocks that are found here', () => {
    expect(blocks.length).toBeGreaterThan(5)
    expect(readme.match(/^\s*(```|~~~)\s*(ts|typescript|tsx|js|javascript)\b/gim)).toHaveLength(blocks.length)
  })

  test.each(all)(
    'runs: $title',
    async ({ code, prints }) => {
      const file = join(folder, `block-${all.findIndex((block) => block.code === code)}.mts`)
      writeFileSync(file, code)
      const env = { ...process.env, BOOT: boot.addresses[0], LISTEN: '/ip4/127.0.0.1/tcp/0', NODE_OPTIONS: '' }
      // A block that never ends is killed, and one whose promises never settle ends with code 13: both reject here.
      const run = await promisify(execFile)(process.execPath, ['--import', 'tsx', file], {
        cwd: root,
        env,
        timeout: 25_000,
      })
      expect(run.stderr).toBe('')
      expect(run.stdout).toBe(prints)
    },
    30_000,
  )

  it('has blocks without type errors', async () => {
    all.forEach(({ code }, index) => writeFileSync(join(folder, `typed-${index}.mts`), code))
    // One that has an error shows that they are looked at.
    writeFileSync(join(folder, 'typed-wrong.mts'), `import { createNode } from 'tinyp2p'\nawait createNode(7)\n`)
    const compilerOptions = {
      rootDir: '/',
      noUnusedLocals: false,
      noUnusedParameters: false,
      typeRoots: [join(root, 'node_modules/@types')],
    }
    const config = { extends: join(root, 'tsconfig.json'), compilerOptions, include: ['typed-*.mts'] }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
    const tsc = join(root, 'node_modules/typescript/bin/tsc')
    const run = promisify(execFile)(process.execPath, [tsc, '-p', folder], { timeout: 60_000 })
    const output = await run.then(
      ({ stdout }) => stdout,
      (error: { stdout: string }) => error.stdout,
    )
    // What is wrong in src is for the type check of src to say.
    expect(output.split('\n').filter((line) => line.includes('typed-'))).toEqual([
      expect.stringContaining('typed-wrong.mts(2,18): error'),
    ])
  }, 90_000)

  it('gives the defaults that the code has', () => {
    const rows = [...readme.matchAll(/^\| `(\w+)` +\| ([\d,]+)/gm)]
    expect(rows.length).toBeGreaterThan(10)
    const settings = defaultSettings as unknown as Record<string, unknown>
    for (const [, name = '', value = ''] of rows) {
      expect(`${name} ${Number(value.replaceAll(',', ''))}`).toBe(`${name} ${String(settings[name])}`)
    }
  })

  it('names every error code', () => {
    const codes = [...read('src/errors.ts').matchAll(/^ {2}\| '(\w+)'/gm)].map(([, code]) => code)
    expect(codes.length).toBeGreaterThan(15)
    expect([...readme.matchAll(/^\| `([A-Z]\w+)` +\|/gm)].map(([, code]) => code).sort()).toEqual(codes.sort())
  })
})

describe('the questions', () => {
  it('are headings, each with a short answer that leads on', () => {
    const [, ...questions] = read('docs/faq.md').split(/^### /m)
    expect(questions.length).toBeGreaterThan(20)
    for (const question of questions) {
      const [heading = '', ...answer] = question.split(/^## /m)[0]!.trim().split('\n')
      expect([heading, heading.includes('?')]).toEqual([heading, true])
      expect([heading, answer.join('\n')]).toEqual([heading, expect.stringMatching(/\]\(\S+\)/)])
      expect([heading, answer.join(' ').length < 700]).toEqual([heading, true])
    }
  })
})
