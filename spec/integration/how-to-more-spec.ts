/** More of what the how-to pages show, done as they say; and all of their programs have the types that they should. */
import { once } from 'node:events'
import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { describe, expect, it } from '@jest/globals'
import { identify } from '@libp2p/identify'
import { tcp } from '@libp2p/tcp'
import { lpStream } from '@libp2p/utils'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import '../../src/platform/polyfill.js'
import { REQUEST_RESPONSE_V1 } from '../../src/wire/protocols.js'
import { bytes, text } from '../support/bytes.js'
import { filesOf, npx, pageOf, pathOf, print, root, run, start, startAndHear, write } from '../support/how-to.js'

/** A peer of stock parts that answers requests of version 1 in capitals. */
async function startVersion1() {
  const host = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux({ maxEarlyStreams: 100 })],
    services: { identify: identify() },
  })
  await host.handle(REQUEST_RESPONSE_V1, async (stream) => {
    const frames = lpStream(stream)
    await frames.write(bytes(text((await frames.read()).subarray()).toUpperCase()))
    await stream.close()
  })
  return {
    address: host.getMultiaddrs()[0]!.toString(),
    async ask(address: string, question: string): Promise<string> {
      const stream = await host.dialProtocol(multiaddr(address), REQUEST_RESPONSE_V1)
      const frames = lpStream(stream)
      await frames.write(bytes(question))
      const [answer] = await Promise.all([frames.read(), stream.close()])
      return text(answer.subarray())
    },
    stop: () => host.stop(),
  }
}

/** As the pages write peer ids. */
const named = (output: string): string => output.replaceAll(/12D3KooW\w+/g, '12D3KooW…')

/** Looks again and again, for 20 s. */
async function until(holds: () => boolean): Promise<void> {
  for (let i = 0; !holds(); i++) {
    if (i === 1_000) throw new Error('it has not come to that')
    await pause(20)
  }
}

describe('files', () => {
  it('go as streams, with progress, are cancelled and go on, and have their name only when their hash is right', async () => {
    filesOf('files.md')
    const [film, note] = [randomBytes(48 << 20), randomBytes(1 << 20)]
    write('far/film', film)
    write('far/note', note)
    const { line: address } = await startAndHear('share.ts', ['far/film', 'far/note'])

    const cancelled: string[] = []
    const child = start('fetch.ts', [address, 'film'], (line) => {
      if (line === '1 %') child.kill('SIGINT')
      cancelled.push(line)
    })
    expect(await once(child, 'close')).toEqual([0, null])
    expect(cancelled.at(-1)).toBe('cancelled')
    const { size } = statSync(pathOf('film.part'))
    expect(size).toBeGreaterThan(0)
    expect(size).toBeLessThan(film.length)

    const told = (await print('fetch.ts', address, 'film')).trim().split('\n')
    expect(parseInt(told[0]!)).toBeGreaterThanOrEqual(1)
    expect(told.slice(-2)).toEqual(['100 %', 'done'])
    expect(readFileSync(pathOf('film')).equals(film)).toBe(true)

    write('far/note', note.fill(7, 1_000, 1_100))
    expect(await print('fetch.ts', address, 'note')).toContain('Error: note is not what was promised')
    expect(existsSync(pathOf('note.part')) || existsSync(pathOf('note'))).toBe(false)

    expect(await print('fetch.ts', address, 'passwd')).toContain('no such file')

    const { line: inbox } = await startAndHear('receive.ts')
    expect(await print('send.ts', inbox, 'far/note')).toBe('all of it is there\nand its hash is right\n')
    expect(readFileSync(pathOf('inbox-note')).equals(note)).toBe(true)
  }, 60_000)
})

describe('a shared map', () => {
  it('is one after a cut and for who comes late: on the simulated network, and in processes one of which is killed', async () => {
    filesOf('crdt.md')
    expect(await print('shared-map.test.ts')).toMatch(/pass 1\n/)

    const heard: string[][] = []
    /** Its address, and how to write. */
    const enter = async (...boot: string[]) => {
      const lines: string[] = []
      heard.push(lines)
      const { child, line: address } = await startAndHear('map.ts', boot, (line) => lines.push(line))
      return { address, child, write: (line: string) => child.stdin!.write(`${line}\n`) }
    }
    const all = (n: number, line: string) => until(() => heard.slice(-n).every((lines) => lines.includes(line)))

    const first = await enter()
    first.write('colour=red')
    const second = await enter(first.address)
    const third = await enter(first.address)
    await all(3, 'colour=red')
    second.write('shape=round')
    third.write('size=large')
    await Promise.all([all(3, 'shape=round'), all(3, 'size=large')])
    first.child.kill('SIGKILL')
    third.write('colour=blue')
    await all(2, 'colour=blue')
    await enter(second.address)
    await Promise.all(['colour=blue', 'shape=round', 'size=large'].map((line) => all(3, line)))
  }, 60_000)
})

describe('schemas', () => {
  it('look at what goes out and what comes in, and two versions are served side by side', async () => {
    filesOf('schemas.md')
    const [both, old] = await Promise.all([startAndHear('server.ts'), startAndHear('server.ts', ['old'])])
    const [asBoth, asOld] = [...pageOf('schemas.md').matchAll(/^```text\n(.*?)^```$/gms)].map(([, block]) => block)
    expect(named(await print('client.ts', both.line))).toBe(asBoth)
    expect(named(await print('client.ts', old.line))).toBe(asOld)
    expect(await print('stranger.ts', both.line)).toBe('RequestRejected BadRequest\n')
  }, 60_000)
})

describe('tests', () => {
  it('run in node:test, vitest and jest by the configs of the page; what hangs is named, and what fails is shortened', async () => {
    filesOf('tests.md')
    const test = readFileSync(pathOf('patient.test.ts'), 'utf8')
    for (const [, line, runner] of pageOf('tests.md').matchAll(/^\|.*`(import \{ test \} from '(.*?)')`/gm)) {
      write(`${runner!.replace(/\W/g, '')}/patient.test.ts`, test.replace("import { test } from 'node:test'", line!))
      write(`${runner!.replace(/\W/g, '')}/patient.ts`, readFileSync(pathOf('patient.ts')))
    }
    const title = 'a server that is down for five seconds answers after all'
    // They get tinyp2p as it is in src.
    const [ours, testing] = ['index', 'testing/index'].map((name) => JSON.stringify(join(root, 'src', `${name}.ts`)))
    const name = ['^tinyp2p$', '^tinyp2p/testing$']

    const node = await run('--import', 'tsx', '--test', '--test-reporter=tap', 'nodetest/patient.test.ts')
    expect(node.out).toContain(`ok 1 - ${title}`)

    const alias = `[{ find: /${name[0]}/, replacement: ${ours} }, { find: /${name[1]!.replace('/', '\\/')}/, replacement: ${testing} }]`
    write('vitest/vitest.config.js', `export default { resolve: { alias: ${alias} } }`)
    const vitest = await npx('vitest run --root vitest --reporter=verbose')
    expect(vitest.out).toContain(title)
    expect(vitest.code).toBe(0)

    const config = readFileSync(pathOf('jest.config.js'), 'utf8')
    expect(readFileSync(join(root, 'docs', 'testing.md'), 'utf8').includes(config)).toBe(true)
    const moduleNameMapper = `{ ...config.moduleNameMapper, '${name[0]}': ${ours}, '${name[1]}': ${testing} }`
    const more = `moduleNameMapper: ${moduleNameMapper}, testMatch: ['**/jestglobals/*.test.ts']`
    write('jest/jest.config.js', `import config from '../jest.config.js'\nexport default { ...config, ${more} }`)
    const jest = await run(
      '--experimental-vm-modules',
      'node_modules/jest/bin/jest.js',
      ...['--config', 'jest/jest.config.js', '--rootDir', '.', '--verbose'],
    )
    expect(jest.err).toContain(title)
    expect(jest.code).toBe(0)

    const [, stuck] = /^```text\n(.*?)^```$/ms.exec(pageOf('tests.md'))!
    expect(named(await print('stuck.ts'))).toBe(stuck)
    expect((await run('--import', 'tsx', 'shorten.ts')).out).toBe("[ 'freeze', 'ask' ]\n")
  }, 90_000)
})

describe('bundlers', () => {
  // All of them, with the package as it is packed, are in spec/users. Here those that are at hand, as the page calls them.
  it('make one file of a program, by the commands and configs of the page', async () => {
    filesOf('bundlers.md')
    const [, command] = /^npx (esbuild .*)$/m.exec(pageOf('bundlers.md'))!
    expect(await npx(command!)).toMatchObject({ code: 0 })
    expect(await run('out/esbuild.mjs')).toEqual({ out: 'bundled\n', err: '', code: 0 })

    const alias = `{ alias: [{ find: /^tinyp2p$/, replacement: ${JSON.stringify(join(root, 'src', 'index.ts'))} }] }`
    const config = `import config from './vite.config.js'\nexport default { ...config, resolve: ${alias} }`
    write('ours.config.js', config)
    expect(await npx('vite build --config ours.config.js')).toMatchObject({ code: 0 })
    expect(await run('out/vite/app.mjs')).toEqual({ out: 'bundled\n', err: '', code: 0 })
  }, 90_000)
})

describe('moving from js-libp2p', () => {
  it('goes program by program: the old one and the new one ask each other, hear each other, and are the same peer', async () => {
    filesOf('from-js-libp2p.md')
    const polyfill = `import ${JSON.stringify(join(root, 'src', 'platform', 'polyfill.ts'))}\n`
    for (const file of ['before.ts', 'beside.ts']) write(file, polyfill + readFileSync(pathOf(file), 'utf8'))
    const [before, after] = await Promise.all([startAndHear('before.ts'), startAndHear('after.ts')])
    for (const { line: address } of [before, after]) {
      expect(await print('before.ts', address)).toBe('Hello, Alice!\n')
      expect(await print('after.ts', address)).toBe('Hello, Alice!\n')
    }
    expect(await print('beside.ts')).toBe('libp2p hears good morning\ntinyp2p hears good evening\n')
    expect(await print('same-peer.ts')).toBe('true\n')
  }, 60_000)
})

describe('moving from Rust', () => {
  // spec/interop/how-to-spec.ts does it beside a Rust node. This one speaks as much of its wire as requests need.
  it('a program asks a peer of version 1, and answers it', async () => {
    filesOf('from-rust.md')
    const expected = /prints: (12D3KooW\w+)/.exec(pageOf('from-rust.md'))![1]
    expect(await print('same-peer.ts')).toBe(`${expected}\n`)

    const peer = await startVersion1()
    try {
      const heard: string[] = []
      const { line: address } = await startAndHear('node.ts', [peer.address], (line) => heard.push(line))
      await until(() => heard.includes('is answered by version 1: HELLO, REQUEST!'))
      expect(await peer.ask(address, 'Hello from afar')).toBe('Hello, response!')
      await until(() => heard.includes('is asked: Hello from afar'))
      await startAndHear('node.ts', [address])
      await until(() => heard.includes('is answered by a session: Hello, response!'))
    } finally {
      await peer.stop()
    }
  }, 60_000)
})

it('the programs of all pages have no type errors', async () => {
  const pages = readdirSync(join(root, 'docs', 'how-to'))
  expect(pages.length).toBeGreaterThan(7)
  for (const page of pages) filesOf(page, page.replace('.md', ''))
  // One that has an error shows that they are looked at.
  write('wrong.ts', `import { createNode } from 'tinyp2p'\nawait createNode(7)\n`)
  const compilerOptions = {
    rootDir: '/',
    noUnusedParameters: false,
    declaration: false,
    typeRoots: [join(root, 'node_modules/@types')],
  }
  write(
    'tsconfig.json',
    JSON.stringify({ extends: join(root, 'tsconfig.json'), compilerOptions, include: ['**/*.ts'] }),
  )
  const { out } = await npx('tsc -p .')
  // What is wrong in src is for the type check of src to say.
  const errors = out.split('\n').filter((line) => /^[\w-]+(\/|\.ts)/.test(line) && !line.startsWith('src/'))
  expect(errors).toEqual([expect.stringContaining('wrong.ts(2,18): error')])
}, 90_000)
