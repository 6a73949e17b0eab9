/**
 * The package as its users get it: packed, installed into an empty folder, imported, required, compiled against. It is
 * packed from a copy, because packing builds, and others may be at work in this checkout.
 */
import { execFile, execFileSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'

const root = fileURLToPath(new URL('../..', import.meta.url))
const run = promisify(execFile)

let folder: string
let app: string

/** Runs a program in the folder of the app; its standard output. */
async function inApp(command: string, ...args: string[]): Promise<string> {
  const { stdout } = await run(command, args, { cwd: app, timeout: 90_000, env: { ...process.env, NODE_OPTIONS: '' } })
  return stdout
}

/** Two nodes, one request; in either module system. */
const twoNodes = (load: string) => `
  ${load}
  async function main() {
    const listen = '/ip4/127.0.0.1/tcp/0'
    const [a, b] = [await createNode({ listen, secret: newSecret() }), await createNode({ listen })]
    b.setEventHandler({ handleInboundRequest: (data) => data })
    console.log(new TextDecoder().decode(await a.request(b.addresses[0], new TextEncoder().encode('packed'))))
    const error = await a.request('nobody', new Uint8Array()).catch((error) => error)
    console.log(error instanceof P2pError, error.code)
    await Promise.all([a.stop(), b.stop()])
  }
  main().catch((error) => { console.error(error); process.exit(1) })
`

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tinyp2p-package-'))
  const source = join(folder, 'source')
  app = join(folder, 'app')
  mkdirSync(source)
  mkdirSync(app)
  const { files } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { files: string[] }
  const listed = files.filter((name) => name !== 'dist')
  const names = [
    'package.json',
    'README.md',
    'LICENSE',
    'tsconfig.json',
    'tsconfig.build.json',
    'scripts',
    'src',
    ...listed,
  ]
  for (const name of names) cpSync(join(root, name), join(source, name), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(source, 'node_modules'))
  await run('npm', ['pack', '--pack-destination', folder], { cwd: source, timeout: 90_000 })

  writeFileSync(join(app, 'package.json'), '{ "name": "app", "version": "1.0.0", "private": true }')
  const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz'))!
  await inApp(
    'npm',
    'install',
    '--prefer-offline',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
    join(folder, tarball),
  )
}, 180_000)

afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

describe('the package', () => {
  it('contains what is built and what a reader wants, and neither sources nor specs', () => {
    const names = readdirSync(join(app, 'node_modules', 'tinyp2p'), { recursive: true }) as string[]
    expect(names).toEqual(expect.arrayContaining(['dist/index.js', 'dist/index.d.ts', 'package.json']))
    expect(names.filter((name) => /^(src|spec|scripts|examples|bench)(\/|$)|-spec\.|tsconfig/.test(name))).toEqual([])
  })

  it('contains what its documents link to', () => {
    const inside = join(app, 'node_modules', 'tinyp2p')
    const names = readdirSync(inside, { recursive: true }) as string[]
    const documents = names.filter((name) => /^(docs\/)?[\w-]+\.md$/.test(name))
    expect(documents).toEqual(expect.arrayContaining(['README.md', 'docs/requests.md']))
    const links = documents.flatMap((document) => {
      const found = readFileSync(join(inside, document), 'utf8').matchAll(/\]\((?!https?:)([^)#]+)/g)
      return [...found].map(([, path]) => join(document, '..', path!))
    })
    expect(links.length).toBeGreaterThan(20)
    expect(links.filter((path) => !existsSync(join(inside, path)))).toEqual([])
  })

  it('can be imported, and two nodes talk', async () => {
    const script = twoNodes("import { createNode, newSecret, P2pError } from 'tinyp2p'")
    writeFileSync(join(app, 'app.mjs'), script)
    expect(await inApp(process.execPath, 'app.mjs')).toBe('packed\ntrue InvalidPeerId\n')
  }, 60_000)

  // Of a process of its own: jest's copy has no features.
  const canRequire = execFileSync(process.execPath, ['-p', 'process.features.require_module']).toString() === 'true\n'
  const itIfItCan = canRequire ? it : it.skip
  itIfItCan(
    'can be required where Node requires ES modules (22.12 and later, 20.19 too)',
    async () => {
      writeFileSync(join(app, 'app.cjs'), twoNodes("const { createNode, newSecret, P2pError } = require('tinyp2p')"))
      expect(await inApp(process.execPath, '--disable-warning=ExperimentalWarning', 'app.cjs')).toBe(
        'packed\ntrue InvalidPeerId\n',
      )
    },
    60_000,
  )

  it('has types that a strict program compiles against', async () => {
    const program = `
      import { createNode, isP2pError, type InboundRequest, type P2pNode } from 'tinyp2p'
      const node: P2pNode = await createNode({ listen: '/ip4/127.0.0.1/tcp/0', topics: ['block'] })
      node.requests$.subscribe((request: InboundRequest) => request.respond(request.data))
      const reply: Uint8Array = await node.request(node.peerId, Uint8Array.of(1), { timeout: 100 })
      node.broadcasts$('block').subscribe(({ from, data }) => from.length + data.length + reply.length)
      await node.stop().catch((error: unknown) => isP2pError(error, 'NodeStopped') && error.code)
    `
    writeFileSync(join(app, 'good.mts'), program)
    writeFileSync(join(app, 'bad.mts'), program.replace("topics: ['block']", "topic: 'block'"))
    const tsc = (file: string) => {
      const compilerOptions = {
        ...{ noEmit: true, strict: true, module: 'nodenext', target: 'es2022', skipLibCheck: true },
        ...{ lib: ['es2022', 'dom', 'esnext.disposable'], types: [] },
      }
      writeFileSync(join(app, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: [file] }))
      return inApp(process.execPath, join(root, 'node_modules', 'typescript', 'bin', 'tsc'))
    }
    await expect(tsc('good.mts')).resolves.toBe('')
    await expect(tsc('bad.mts')).rejects.toMatchObject({ stdout: expect.stringMatching(/topic.*does not exist/) })
  }, 60_000)
})
