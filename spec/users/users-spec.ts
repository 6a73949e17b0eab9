/**
 * Where users run it: runtimes, bundlers, loaders of CommonJS, compilers, test runners. Each gets the package as it is packed, and programs
 * of its own. (The tools are in this folder's package.json.)
 */
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { installed, root, type App } from '../support/packed.js'

const tools = join(root, 'spec', 'users', 'node_modules')
const bin = (name: string): string => join(tools, '.bin', name)
const node = process.execPath

/** What a program needs of a runtime: requests small and large, broadcasts, typed calls, errors, a directory, and an end by itself. */
const PROGRAM = `
async function main() {
  const listen = '/ip4/127.0.0.1/tcp/0'
  const dataDir = require_tmpdir() + '/tinyp2p-users-' + Math.random().toString(36).slice(2)
  const encode = (text) => new TextEncoder().encode(text)
  const decode = (bytes) => new TextDecoder().decode(bytes)
  const upper = defineProtocol({ name: 'upper', version: 1, methods: { of: unary(utf8, utf8) } })
  const bob = await createNode({ listen, dataDir, topics: ['news'] })
  bob.setEventHandler({ handleInboundRequest: (data) => data })
  upper.serve(bob, { of: (text) => text.toUpperCase() })
  const alice = await createNode({ listen, bootNodes: bob.addresses, topics: ['news'] })
  console.log(decode(await alice.request(bob.peerId, encode('small'))))
  console.log((await alice.request(bob.peerId, new Uint8Array(500_000))).length)
  console.log(await upper.client(alice).peer(bob.peerId).of('typed'))
  const heard = firstValueFrom(bob.broadcasts$('news'))
  const { recipients } = await alice.broadcast('news', encode('to all'), { waitForPeers: { min: 1, timeout: 5_000 } })
  console.log(recipients.length, decode((await heard).data))
  const aborted = await alice.request(bob.peerId, encode('x'), { signal: AbortSignal.abort() }).catch((error) => error)
  console.log(isP2pError(aborted, 'Aborted'))
  await Promise.all([alice.stop(), bob.stop()])
  console.log('over')
}
main()
`
const SAYS = 'small\n500000\nTYPED\n1 to all\ntrue\nover\n'
const NAMES = '{ createNode, defineProtocol, isP2pError, unary, utf8 }'
const AS_MODULE = `import ${NAMES} from 'tinyp2p'\nimport { firstValueFrom } from 'rxjs'\nimport { tmpdir as require_tmpdir } from 'node:os'\n${PROGRAM}`
const AS_COMMONJS = `const ${NAMES} = require('tinyp2p')\nconst { firstValueFrom } = require('rxjs')\nconst { tmpdir: require_tmpdir } = require('node:os')\n${PROGRAM}`

let app: App

beforeAll(async () => {
  app = await installed('commonjs', [`@types/node@20`])
  app.write('app.mjs', AS_MODULE)
  app.write('app.cjs', AS_COMMONJS)
  // Of a package that is commonjs: loaders make \`require\` of its imports.
  app.write('app.ts', `// @ts-nocheck\n${AS_MODULE}`)
}, 180_000)

afterAll(() => app.remove())

describe('runs by', () => {
  it.each<[string, string[]]>([
    ['Node', [node, 'app.mjs']],
    ['Node, by require', [node, 'app.cjs']],
    ['Bun', [bin('bun'), 'app.mjs']],
    ['Deno', [bin('deno'), 'run', '--allow-all', 'app.mjs']],
    ['tsx in a commonjs package', [bin('tsx'), 'app.ts']],
    [
      'ts-node in a commonjs package',
      [bin('ts-node'), '--transpile-only', '-O', '{"module":"commonjs","moduleResolution":"node10"}', 'app.ts'],
    ],
  ])(
    '%s, and ends by itself',
    async (_what, [command, ...args]) => {
      expect(await app.run(command!, ...args)).toBe(SAYS)
    },
    90_000,
  )
})

describe('is bundled by', () => {
  it('esbuild', async () => {
    await app.run(bin('esbuild'), 'app.mjs', '--bundle', '--platform=node', '--format=esm', '--outfile=out/esbuild.mjs')
    expect(await app.run(node, 'out/esbuild.mjs')).toBe(SAYS)
  }, 90_000)

  it('Vite', async () => {
    app.write(
      'vite.mjs',
      `import { build } from ${JSON.stringify(join(tools, 'vite', 'dist', 'node', 'index.js'))}
       await build({
         configFile: false, logLevel: 'error', ssr: { noExternal: true },
         build: { ssr: 'app.mjs', outDir: 'out/vite', rollupOptions: { output: { entryFileNames: 'app.mjs' } } },
       })`,
    )
    await app.run(node, 'vite.mjs')
    expect(await app.run(node, 'out/vite/app.mjs')).toBe(SAYS)
  }, 90_000)

  it('Webpack', async () => {
    app.write(
      'webpack.cjs',
      `const webpack = require(${JSON.stringify(join(tools, 'webpack'))})
       webpack({
         mode: 'production', target: 'node', entry: './app.mjs', context: __dirname,
         output: { path: __dirname + '/out/webpack', filename: 'app.cjs' },
       }, (error, stats) => {
         if (error || stats.hasErrors()) { console.error(error ?? stats.toString('errors-only')); process.exit(1) }
       })`,
    )
    await app.run(node, 'webpack.cjs')
    expect(await app.run(node, 'out/webpack/app.cjs')).toBe(SAYS)
  }, 120_000)
})

describe('is tested by', () => {
  it('jest without ES modules, as NestJS has it', async () => {
    app.write(
      'jest.config.cjs',
      `module.exports = {
         testRegex: 'app-test\\\\.ts$', rootDir: __dirname, modulePaths: [${JSON.stringify(tools)}],
         transform: { '^.+\\\\.ts$': [${JSON.stringify(join(tools, 'ts-jest'))}, { diagnostics: false, tsconfig: { module: 'commonjs', isolatedModules: true } }] },
       }`,
    )
    app.write(
      'app-test.ts',
      `import { createNode } from 'tinyp2p'
       import { simulate } from 'tinyp2p/testing'
       it('asks', async () => {
         const bob = await createNode({ listen: '/ip4/127.0.0.1/tcp/0' })
         bob.setEventHandler({ handleInboundRequest: (data) => data })
         const alice = await createNode({ listen: '/ip4/127.0.0.1/tcp/0' })
         expect(await alice.request(bob.addresses[0]!, new Uint8Array([7]))).toEqual(new Uint8Array([7]))
         await Promise.all([alice.stop(), bob.stop()])
       })
       it('simulates', async () => {
         const net = simulate()
         const bob = await net.createNode()
         bob.setEventHandler({ handleInboundRequest: (data) => data })
         const alice = await net.createNode()
         expect((await net.until(alice.request(bob.addresses[0]!, new Uint8Array(3)))).length).toBe(3)
       })`,
    )
    await expect(
      app.run(node, join(tools, 'jest', 'bin', 'jest.js'), '--config=jest.config.cjs'),
    ).resolves.toBeDefined()
  }, 90_000)
})

const TYPED = `
import { createNode, defineProtocol, isP2pError, json, P2pError, unary, type InboundRequest, type P2pNode } from 'tinyp2p'
import { simulate } from 'tinyp2p/testing'
import { utf8 } from 'tinyp2p/protocol'
export async function main(): Promise<void> {
  const node: P2pNode = await createNode({ bootNodes: process.env['BOOT'], topics: ['block'], reqResp: { requestTimeout: undefined } })
  node.requests$.subscribe((request: InboundRequest) => request.respond(request.data))
  const reply: Uint8Array = await node.request(node.peerId, Uint8Array.of(1), { timeout: 100 })
  node.broadcasts$('block').subscribe(({ from, data }) => from.length + data.length + reply.length)
  const users = defineProtocol({ name: 'users', version: 1, methods: { get: unary(json<number>(), utf8) } })
  const text: string = await users.client(node).peer(node.peerId).get(7)
  await simulate().createNode()
  await node.stop().catch((error: unknown) => isP2pError(error, 'NodeStopped') && error.code)
  if (new Error(text) instanceof P2pError) throw new P2pError('Aborted', 'x')
}
`

describe('has types for a strict program without DOM, whose libraries are checked too, by', () => {
  const MODES: [string, string, string, object?][] = [
    ['node16', 'node16', 'typed.ts'],
    ['nodenext', 'nodenext', 'typed.mts'],
    ['esnext', 'bundler', 'typed.ts'],
    ['commonjs', 'node10', 'typed.ts', { ignoreDeprecations: '6.0' }],
  ]
  const rows = ['5.6', '5.9', '6.0'].flatMap((version) => MODES.map((mode) => [version, ...mode] as const))
  it.each(rows)(
    'TypeScript %s, module %s, resolution %s, %s',
    async (version, module, moduleResolution, file, more = {}) => {
      const compilerOptions = {
        ...{ noEmit: true, strict: true, exactOptionalPropertyTypes: true, skipLibCheck: false },
        ...{ target: 'es2022', lib: ['es2022'], types: ['node'], module, moduleResolution },
        ...(version === '6.0' && more),
      }
      app.write(file, TYPED)
      app.write('tsconfig.json', JSON.stringify({ compilerOptions, files: [file] }))
      const tsc = join(tools, `typescript-${version}`, 'bin', 'tsc')
      expect(await app.run(node, tsc, '-p', '.').catch(({ stdout }: { stdout: string }) => stdout)).toBe('')
    },
    60_000,
  )
})
