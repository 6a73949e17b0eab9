/** More of what the how-to pages show, done as they say. */
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
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
import {
  addressOf,
  filesOf,
  npx,
  pageOf,
  pathOf,
  print,
  root,
  run,
  start,
  write,
  type Program,
} from '../support/page-programs.js'

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

describe('files', () => {
  it('go as streams, with progress, are cancelled and go on, and have their name only when their hash is right', async () => {
    filesOf('how-to/files.md')
    const [film, note] = [randomBytes(48 << 20), randomBytes(1 << 20)]
    write('far/film', film)
    write('far/note', note)
    const address = await addressOf(start('share.ts', ['far/film', 'far/note']))

    const cancelled: string[] = []
    const hear = (line: string): void => {
      if (line === '1 %') fetching.kill('SIGINT')
      cancelled.push(line)
    }
    const fetching = start('fetch.ts', [address, 'film'], { hear })
    expect(await fetching.end()).toBe(0)
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

    const inbox = await addressOf(start('receive.ts'))
    expect(await print('send.ts', inbox, 'far/note')).toBe('all of it is there\nand its hash is right\n')
    expect(readFileSync(pathOf('inbox-note')).equals(note)).toBe(true)
  }, 60_000)
})

describe('a shared map', () => {
  it('is one after a cut and for who comes late: on the simulated network, and in processes one of which is killed', async () => {
    filesOf('how-to/crdt.md')
    expect(await print('shared-map.test.ts')).toMatch(/pass 1\n/)

    const members: Program[] = []
    const enter = (...boot: string[]): Program => {
      const member = start('map.ts', boot)
      members.push(member)
      return member
    }
    const all = (n: number, line: string) =>
      Promise.all(members.slice(-n).map((member) => member.line(new RegExp(`^${line}$`))))

    const first = enter()
    const address = await addressOf(first)
    first.input.write('colour=red\n')
    const second = enter(address)
    await second.line(/^colour=red$/)
    // It finds the second one by the first, which must be alive until then.
    const third = enter(address)
    await all(3, 'colour=red')
    second.input.write('shape=round\n')
    third.input.write('size=large\n')
    await Promise.all([all(3, 'shape=round'), all(3, 'size=large')])
    first.kill('SIGKILL')
    third.input.write('colour=blue\n')
    await all(2, 'colour=blue')
    enter(await addressOf(second))
    await Promise.all(['colour=blue', 'shape=round', 'size=large'].map((line) => all(3, line)))
  }, 60_000)
})

describe('schemas', () => {
  it('look at what goes out and what comes in, and two versions are served side by side', async () => {
    filesOf('how-to/schemas.md')
    const servers = [start('server.ts'), start('server.ts', ['old'])]
    const [both = '', old = ''] = await Promise.all(servers.map(addressOf))
    const [asBoth, asOld] = [...pageOf('how-to/schemas.md').matchAll(/^```text\n(.*?)^```$/gms)].map(
      ([, block]) => block,
    )
    expect(named(await print('client.ts', both))).toBe(asBoth)
    expect(named(await print('client.ts', old))).toBe(asOld)
    expect(await print('stranger.ts', both)).toBe('RequestRejected BadRequest\n')
  }, 60_000)
})

describe('tests', () => {
  it('run in node:test, vitest and jest by the configs of the page; what hangs is named, and what fails is shortened', async () => {
    filesOf('how-to/tests.md')
    const test = readFileSync(pathOf('patient.test.ts'), 'utf8')
    for (const [, line, runner] of pageOf('how-to/tests.md').matchAll(/^\|.*`(import \{ test \} from '(.*?)')`/gm)) {
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

    const [, stuck] = /^```text\n(.*?)^```$/ms.exec(pageOf('how-to/tests.md'))!
    expect(named(await print('stuck.ts'))).toBe(stuck)
    expect((await run('--import', 'tsx', 'shorten.ts')).out).toBe("[ 'freeze', 'ask' ]\n")
  }, 90_000)
})

describe('bundlers', () => {
  // All of them, with the package as it is packed, are in spec/users. Here those that are at hand, as the page calls them.
  it('make one file of a program, by the commands and configs of the page', async () => {
    filesOf('how-to/bundlers.md')
    const [, command] = /^npx (esbuild .*)$/m.exec(pageOf('how-to/bundlers.md'))!
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
    filesOf('how-to/from-js-libp2p.md')
    const polyfill = `import ${JSON.stringify(join(root, 'src', 'platform', 'polyfill.ts'))}\n`
    for (const file of ['before.ts', 'beside.ts']) write(file, polyfill + readFileSync(pathOf(file), 'utf8'))
    for (const address of await Promise.all([start('before.ts'), start('after.ts')].map(addressOf))) {
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
    filesOf('how-to/from-rust.md')
    const expected = /prints: (12D3KooW\w+)/.exec(pageOf('how-to/from-rust.md'))![1]
    expect(await print('same-peer.ts')).toBe(`${expected}\n`)

    const peer = await startVersion1()
    try {
      const node = start('node.ts', [peer.address])
      const address = await addressOf(node)
      await node.line(/^is answered by version 1: HELLO, REQUEST!$/)
      expect(await peer.ask(address, 'Hello from afar')).toBe('Hello, response!')
      await node.line(/^is asked: Hello from afar$/)
      await start('node.ts', [address]).line(/^is answered by a session: Hello, response!$/)
    } finally {
      await peer.stop()
    }
  }, 60_000)
})
