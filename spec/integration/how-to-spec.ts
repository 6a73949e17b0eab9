/** What the how-to pages show, done as they say. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from '@jest/globals'
import { freePort } from '../support/free-port.js'
import { addressOf, filesOf, npx, pageOf, pathOf, root, start, write, type Program } from '../support/page-programs.js'
import { endRelays, Relay } from '../support/relay.js'

afterEach(endRelays)

const LOOPBACK = '/ip4/127.0.0.1/tcp/0'

describe('the pages', () => {
  it('have programs without type errors', async () => {
    const pages = readdirSync(join(root, 'docs/how-to'))
    for (const page of pages) filesOf(`how-to/${page}`, page)
    // One that has an error shows that they are looked at.
    write('wrong.ts', `import { createNode } from 'tinyp2p'\nawait createNode(7)\n`)
    const typeRoots = [join(root, 'node_modules/@types')]
    const compilerOptions = { rootDir: '/', typeRoots, allowJs: false, noUnusedParameters: false, declaration: false }
    const config = { extends: join(root, 'tsconfig.json'), compilerOptions, include: ['**/*.ts'] }
    write('tsconfig.json', JSON.stringify(config))
    const { out } = await npx('tsc -p .')
    // What is wrong in src is for the type check of src to say.
    expect(out.split('\n').filter((line) => /^[\w-]+(\.md\/|\.ts)/.test(line))).toEqual([
      expect.stringContaining('wrong.ts(2,18): error'),
    ])
  }, 100_000)

  it('are named in the index, each once', () => {
    const files = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    // Those of api/ are for reviews.
    const pages = files.filter((name) => name.endsWith('.md') && !name.startsWith('api/'))
    const named = [...pageOf('README.md').matchAll(/^\| .*?\|/gm)].flatMap(([cell]) =>
      [...cell.matchAll(/\]\(([\w/-]+\.md)\)/g)].map(([, page]) => page),
    )
    const others = ['README.md', 'start.md', 'concepts.md', 'faq.md'] // above the tables
    expect([...named, ...others].sort()).toEqual(pages.sort())
  })
})

describe('the first five minutes', () => {
  it('are two programs that find each other', async () => {
    filesOf('start.md')
    const greeter = start('greeter.mjs')
    const [, address = ''] = await greeter.line(/^node visitor\.mjs (.*)$/)
    const visitor = start('visitor.mjs', [address])
    await visitor.line(/^Hello, Alice!$/)
    await visitor.line(/^told 1 peer$/)
    expect(await visitor.end()).toBe(0)
    await greeter.line(/^visits: Alice was here at \d{4}-/)
    greeter.kill('SIGKILL')
    await start('visitor.mjs', [address], { env: { TINYP2P_LOG: 'warn' } }).line(
      /warn: boot node .* is down, and is tried again: .*ECONNREFUSED.*nothing listens on this port/,
    )
  }, 60_000)
})

describe('a job queue', () => {
  it('loses no job when workers are killed at any moment, in forty lines', async () => {
    expect(filesOf('how-to/job-queue.md')).toBeLessThanOrEqual(40)
    let killing: NodeJS.Timeout | undefined
    let killed = 0
    const begin = Date.now()
    await new Promise<void>((resolve) => {
      const workers: Program[] = []
      const hear = (line: string): void => {
        if (line === 'done') return resolve()
        const hire = (): void => void workers.push(start('worker.ts', [line]))
        for (let i = 0; i < 3; i++) hire()
        // As long as a program takes to begin, so that there are always some at work, on a busy machine too.
        const pause = Math.max(3_000, Date.now() - begin)
        killing = setInterval(() => {
          workers.shift()!.kill('SIGKILL')
          killed++
          hire()
        }, pause)
      }
      start('dispatcher.ts', [], { hear })
    }).finally(() => clearInterval(killing))
    expect(killed).toBeGreaterThan(0)
  }, 120_000)
})

describe('a persistent identity', () => {
  it('is in a directory: killed nodes are the same peers at the same addresses, and need no boot node', async () => {
    filesOf('how-to/persistent-identity.md')
    const alice = start('member.ts', ['alice'])
    const [address = ''] = await alice.line(/^\/ip4\/.*/)
    const bob = start('member.ts', ['bob', address])
    const [other] = await bob.line(/^\/ip4\/.*/)
    await bob.line(/^online$/)
    await alice.line(/^online$/)

    const second = start('member.ts', ['alice'])
    await second.line(/P2pError: .*alice.*uses/)
    expect(await second.end()).toBe(1)

    for (const member of [alice, bob]) {
      member.kill('SIGKILL')
      await member.end()
    }
    const again = [start('member.ts', ['alice']), start('member.ts', ['bob'])]
    const addresses = await Promise.all(again.map((member) => member.line(/^\/ip4\/.*/)))
    expect(addresses.map(([one]) => one)).toEqual([address, other])
    await Promise.all(again.map((member) => member.line(/^online$/)))
  }, 60_000)

  it('is in a secret', async () => {
    filesOf('how-to/persistent-identity.md')
    const [secret = ''] = await start('secret.ts').line(/^\w{40,}$/)
    const runs = [
      start('stateless.ts', [], { env: { SECRET: secret } }),
      start('stateless.ts', [], { env: { SECRET: secret } }),
    ]
    const [[one], [other]] = (await Promise.all(runs.map((run) => run.line(/^12D3KooW\w+$/)))) as [string[], string[]]
    expect(one).toBe(other)
  }, 60_000)
})

describe('a daemon', () => {
  it('ends what it is doing at SIGTERM, and is the same at its next start', async () => {
    filesOf('how-to/daemon.md')
    const env = { DATA: pathOf('data'), LISTEN: '/ip4/127.0.0.1/tcp/0' }
    const daemon = start('daemon.mjs', [], { env })
    const [, address = ''] = await daemon.line(/^listening on (\S+)$/)
    const asking = start('ask.mjs', [address])
    await daemon.line(/^at work for 12D3KooW/)
    daemon.kill('SIGTERM')
    await asking.line(/^done$/)
    expect([await asking.end(), await daemon.end()]).toEqual([0, 0])

    const again = start('daemon.mjs', [], { env })
    expect((await again.line(/^listening on (\S+)$/))[1]).toBe(address)
    again.kill('SIGINT')
    expect(await again.end()).toBe(0)
  }, 60_000)

  it('has a unit that gives it longer to stop than it takes, and a container whose first process gets the signal', () => {
    filesOf('how-to/daemon.md')
    const [program, unit, image] = ['daemon.mjs', 'greeter.service', 'Dockerfile'].map((name) => {
      return readFileSync(pathOf(name), 'utf8')
    }) as [string, string, string]
    const drain = Number(/drain = ([\d_]+)/.exec(program)![1]!.replace('_', ''))
    expect(Number(/^TimeoutStopSec=(\d+)$/m.exec(unit)![1]) * 1_000).toBeGreaterThan(drain)
    expect(program).toContain(`DATA = '/var/lib/${/^StateDirectory=(\w+)$/m.exec(unit)![1]}'`)
    expect(JSON.parse(/^CMD (.*)$/m.exec(image)![1]!)).toEqual(['node', 'daemon.mjs'])
  })
})

describe('a public address', () => {
  it('is announced behind a forwarded port, and what is wrong with one is told', async () => {
    filesOf('how-to/public-address.md')
    const port = await freePort()
    const router = await Relay.to(port)
    const server = start('server.ts', [], { env: { LISTEN: `/ip4/127.0.0.1/tcp/${port}`, ANNOUNCE: router.address } })
    const address = await addressOf(server)
    expect(address.startsWith(`${router.address}/p2p/`)).toBe(true)
    await start('reach.ts', [address]).line(/^reached$/)

    const stranger = await addressOf(start('server.ts', [], { env: { LISTEN: LOOPBACK } }))
    const another = `${router.address}/p2p/${stranger.split('/').at(-1)!}`
    await start('reach.ts', [another]).line(/^ {2}\/ip4\/.*: another node is there now, with another peer id/)

    const closed = address.replace(router.address, `/ip4/127.0.0.1/tcp/${await freePort()}`)
    await start('reach.ts', [closed]).line(/^ {2}\/ip4\/.*: connect ECONNREFUSED .*nothing listens on this port/)
    const nameless = closed.replace('ip4/127.0.0.1', 'dns4/nowhere.invalid')
    await start('reach.ts', [nameless]).line(/^ {2}\/dns4\/.*: .*nowhere\.invalid/)
  }, 60_000)
})

describe('an HTTP service', () => {
  it('is healthy with a worker, and answers what is open when it stops', async () => {
    filesOf('how-to/http-service.md')
    const service = start('service.ts', [], { env: { PORT: '0', GRACE: '500' } })
    const port = (await service.line(/^http .*port: (\d+)/))[1]!
    const get = async (path: string): Promise<unknown[]> => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`)
      return [response.status, await response.json()]
    }
    expect(await get('/healthz')).toMatchObject([503, { connections: 0 }])
    expect(await get('/greet?name=Ada')).toEqual([503, { error: 'NoWorker' }])

    start('worker.ts', [await addressOf(service)])
    while ((await get('/healthz'))[0] !== 200) await new Promise((resolve) => setTimeout(resolve, 100))
    expect(await get('/healthz')).toMatchObject([200, { connections: 1, stopping: false }])
    expect(await get('/greet?name=Ada')).toEqual([200, { greeting: 'Hello, Ada!' }])

    const open = get('/greet?name=Bob')
    await get('/healthz') // by now the one before is under way
    service.kill('SIGTERM')
    while ((await get('/healthz'))[0] === 200) await new Promise((resolve) => setTimeout(resolve, 20))
    expect(await get('/healthz')).toMatchObject([503, { stopping: true }])
    expect(await open).toEqual([200, { greeting: 'Hello, Bob!' }])
    expect(await service.end()).toBe(0)
  }, 60_000)
})

/** What comes of a URL of the page's server, when it is asked again until it fits. */
async function textOf(url: string, fits: RegExp): Promise<string> {
  for (;;) {
    const text = await fetch(url).then((response) => response.text())
    if (fits.test(text)) return text
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

describe('live data in a browser page', () => {
  it('comes as events that nobody can break, with the last readings first, and ends with the gateway', async () => {
    filesOf('how-to/browser-data.md')
    const gateway = start('gateway.ts', [], { env: { PORT: '0' } })
    const url = `http://127.0.0.1:${(await gateway.line(/^http .*port: (\d+)/))[1]!}`
    expect(await textOf(url, /EventSource\('\/events'\)/)).toContain('<title>Readings</title>')
    start('sensor.ts', [await addressOf(gateway)])

    const decoder = new TextDecoder()
    let heard = ''
    const listen = async (enough: number): Promise<number> => {
      heard = ''
      const begin = Date.now()
      for await (const chunk of (await fetch(`${url}/events`)).body!) {
        heard += decoder.decode(chunk as Uint8Array)
        if (heard.split('data: ').length > enough) return Date.now() - begin
      }
      throw new Error('it ended')
    }
    await listen(4)
    expect(JSON.parse(/^data: (.*)$/m.exec(heard)![1]!)).toMatchObject({
      text: expect.stringMatching(/^2\d\.\d\d °C at /),
    })
    // Four readings take two seconds, and those that were said before are there at once.
    expect(await listen(4)).toBeLessThan(1_500)

    const last = fetch(`${url}/events`).then((response) => response.text())
    await new Promise((resolve) => setTimeout(resolve, 500))
    gateway.kill('SIGTERM')
    await last
    expect(await gateway.end()).toBe(0)
  }, 60_000)
})

describe('a chat', () => {
  it('shows who is here and who has gone, and what was said before one came', async () => {
    filesOf('how-to/chat.md')
    const alice = start('chat.ts', ['alice'])
    const address = await addressOf(alice)
    const bob = start('chat.ts', ['bob', address])
    await alice.line(/^\* …\w{6} is here$/)
    await bob.line(/^\* …\w{6} is here$/)
    bob.input.write('hello, alice\u001b[31m\n')
    await alice.line(/^\d\d:\d\d bob …\w{6}: hello, alice·\[31m$/)

    const carol = start('chat.ts', ['carol', address])
    await carol.line(/ bob …\w{6}: hello, alice/)
    bob.kill('SIGKILL')
    await alice.line(/^\* …\w{6} has left$/)
    carol.input.end('bob?\n')
    await alice.line(/ carol …\w{6}: bob\?$/)
    expect(await carol.end()).toBe(0)
  }, 60_000)
})

describe('metrics', () => {
  it('are numbers that Prometheus reads', async () => {
    filesOf('how-to/metrics.md')
    const one = start('metrics.ts', [], { env: { PORT: '0' } })
    const other = start('metrics.ts', [], { env: { PORT: '0', BOOT: await addressOf(one) } })
    const port = (await other.line(/^http .*port: (\d+)/))[1]!
    const text = await textOf(`http://127.0.0.1:${port}/metrics`, /outcome="answered"/)
    const numbers = new Map<string, number>()
    for (const line of text.trim().split('\n')) {
      const [, name, value] = /^([a-z_0-9]+(?:\{(?:[a-z]+="[^"]*",?)*\})?) (\d+(?:\.\d+)?(?:e-?\d+)?)$/.exec(line) ?? []
      expect([line, name]).toEqual([line, expect.any(String)])
      numbers.set(name!, Number(value))
    }
    expect(Object.fromEntries(numbers)).toMatchObject({
      p2p_connected_peers: 1,
      'p2p_peers{state="identified"}': 1,
      'p2p_topic_subscribers{topic="news"}': 1,
      'p2p_audit_total{kind="admitted"}': expect.any(Number),
    })
  }, 60_000)
})

describe('debugging', () => {
  it('is by the log, by explanations, and by a recording of a node that was killed', async () => {
    filesOf('how-to/debugging.md')
    const answerer = start('answerer.ts', [], { env: { RECORD: 'answerer.t2pr', TINYP2P_LOG: '' } })
    const asker = start('asker.ts', [await addressOf(answerer)], { env: { TINYP2P_LOG: 'debug' } })
    await asker.line(/tinyp2p\[asker\] debug: .*connected to …/)
    await asker.line(/^\{\} RequestRejected$/)
    await asker.line(/^topic new: we are not in it$/)
    await asker.line(/^a broadcast would reach nobody now: .*news/)
    await asker.line(/^ {2}we dialled \/ip4\/127/)
    await answerer.line(/tinyp2p\[answerer\] error: the handler failed on a request of …/)
    await answerer.line(/^ {6}at .*shout\.ts:\d+/)
    expect(await asker.end()).toBe(0)
    answerer.kill('SIGKILL')
    await answerer.end()

    const look = start('look.ts', ['answerer.t2pr'])
    await look.line(/^in \w{6} \{"text":"hello"\} → HELLO! \d+ ms$/)
    await look.line(/^in \w{6} \{\} → Rejected \d+ ms$/)
    await look.line(/^now \{\} → Cannot read properties/)
    await start('look.ts', ['answerer.t2pr'], { env: { MENDED: '1' } }).line(/^now \{\} → !$/)
  }, 60_000)
})
