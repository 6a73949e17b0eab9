/**
 * The package as its users get it: packed, installed into an empty folder, imported, required, compiled against. It is
 * packed from a copy, because packing builds, and others may be at work in this checkout.
 */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { installed, root, type App } from '../support/packed.js'

let app: App

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
  app = await installed()
}, 180_000)

afterAll(() => app.remove())

describe('the package', () => {
  it('contains what is built and what a reader wants, and neither sources nor specs', () => {
    const names = readdirSync(join(app.path, 'node_modules', 'tinyp2p'), { recursive: true }) as string[]
    expect(names).toEqual(expect.arrayContaining(['dist/index.js', 'dist/index.d.ts', 'package.json']))
    expect(names.filter((name) => /^(src|spec|scripts|examples|bench)(\/|$)|-spec\.|tsconfig/.test(name))).toEqual([])
  })

  it('contains what its documents link to', () => {
    const inside = join(app.path, 'node_modules', 'tinyp2p')
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
    app.write('app.mjs', script)
    expect(await app.run(process.execPath, 'app.mjs')).toBe('packed\ntrue InvalidPeerId\n')
  }, 60_000)

  it('runs the programs of docs/start.md in the package that npm init makes', async () => {
    const page = readFileSync(join(app.path, 'node_modules', 'tinyp2p', 'docs', 'start.md'), 'utf8')
    for (const [, name, code] of page.matchAll(/^```js\n\/\/ (\S+)\n(.*?)^```$/gms)) app.write(name!, code!)
    const greeter = spawn(process.execPath, ['greeter.mjs'], {
      cwd: app.path,
      env: { ...process.env, NODE_OPTIONS: '' },
    })
    try {
      const [line] = (await once(greeter.stdout, 'data')) as [Buffer]
      const [, ...args] = line.toString().trim().split(' ')
      expect(await app.run(process.execPath, ...args)).toBe('Hello, Alice!\ntold 1 peer\n')
    } finally {
      greeter.kill('SIGKILL')
    }
  }, 60_000)

  it('runs the first program of the README after npm init, by either way that it names', async () => {
    const readme = readFileSync(join(app.path, 'node_modules', 'tinyp2p', 'README.md'), 'utf8')
    const [, before = '', program = ''] = /^(.*?)```ts\n(import .*?)^```$/ms.exec(readme)!
    expect(before.trimEnd()).toMatch(/^A first program, with two nodes in one process:$/m)
    const says = [...program.matchAll(/\/\/ prints: (.*)$/gm)].map(([, text]) => `${text}\n`).join('')
    expect(says).not.toBe('')
    // A folder in that of the app, whose packages it has.
    const fresh = join(app.path, 'fresh')
    mkdirSync(fresh)
    const npm = (...args: string[]) => execFileSync('npm', args, { cwd: fresh, timeout: 30_000 })
    npm('init', '-y')
    for (const name of ['first.mjs', 'first.js']) app.write(join('fresh', name), program)

    expect(await app.run(process.execPath, 'fresh/first.mjs')).toBe(says)
    npm('pkg', 'set', 'type=module')
    expect(await app.run(process.execPath, 'fresh/first.js')).toBe(says)
  }, 60_000)

  it('can be required, and two nodes talk', async () => {
    app.write('app.cjs', twoNodes("const { createNode, newSecret, P2pError } = require('tinyp2p')"))
    expect(await app.run(process.execPath, 'app.cjs')).toBe('packed\ntrue InvalidPeerId\n')
  }, 60_000)

  it('may be loaded twice, by import and by require: an error of either is known to both', async () => {
    app.write(
      'both.mjs',
      `import { createRequire } from 'node:module'
       import { createNode, isP2pError } from 'tinyp2p'
       const other = createRequire(import.meta.url)('tinyp2p')
       const error = await createNode({ listen: 'nowhere' }).catch((cause) => cause)
       console.log(isP2pError(error, 'InvalidAddress'), other.isP2pError(error, 'InvalidAddress'), other === (await import('tinyp2p')))`,
    )
    expect(await app.run(process.execPath, 'both.mjs')).toBe('true true false\n')
  })

  it('has types that a strict program compiles against', async () => {
    const program = `
      import { createNode, isP2pError, type InboundRequest, type P2pNode } from 'tinyp2p'
      const node: P2pNode = await createNode({ listen: '/ip4/127.0.0.1/tcp/0', topics: ['block'] })
      node.requests$.subscribe((request: InboundRequest) => request.respond(request.data))
      const reply: Uint8Array = await node.request(node.peerId, Uint8Array.of(1), { timeout: 100 })
      node.broadcasts$('block').subscribe(({ from, data }) => from.length + data.length + reply.length)
      await node.stop().catch((error: unknown) => isP2pError(error, 'NodeStopped') && error.code)
    `
    app.write('good.mts', program)
    app.write('bad.mts', program.replace("topics: ['block']", "topic: 'block'"))
    const tsc = (file: string) => {
      const compilerOptions = {
        ...{ noEmit: true, strict: true, module: 'nodenext', target: 'es2022', skipLibCheck: true },
        ...{ lib: ['es2022', 'dom', 'esnext.disposable'], types: [] },
      }
      app.write('tsconfig.json', JSON.stringify({ compilerOptions, files: [file] }))
      return app.run(process.execPath, join(root, 'node_modules', 'typescript', 'bin', 'tsc'))
    }
    await expect(tsc('good.mts')).resolves.toBe('')
    await expect(tsc('bad.mts')).rejects.toMatchObject({ stdout: expect.stringMatching(/topic.*does not exist/) })
  }, 60_000)
})
