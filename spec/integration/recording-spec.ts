/** Recordings of nodes on real sockets: what they replay to, and that they never harm the node. */
import { createNode, P2pError, type NodeConfig, type P2pNode } from 'tinyp2p'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import type { Effect } from '../../src/core/effects.js'
import { fullStatus } from '../../src/core/explain/status.js'
import type { LogEntry } from '../../src/edge/log.js'
import { digestOf } from '../../src/recording/digest.js'
import { replay } from '../../src/testing/replay.js'
import { comparable, withoutPayloads } from '../support/recorded-core.js'
import { bytes, knows, LOOPBACK, MiB, next, outcome, stateOf, statusOf } from '../support/nodes.js'

let folder: string
const nodes: P2pNode[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tinyp2p-recording-'))
})
afterEach(async () => {
  await Promise.all(nodes.splice(0).map((node) => node.stop()))
  await rm(folder, { recursive: true })
})

async function start(config: NodeConfig): Promise<P2pNode> {
  const node = await createNode({ listen: LOOPBACK, ...config })
  nodes.push(node)
  return node
}

/** Every effect of a node, as its lane runs them. */
function effectsOf(node: P2pNode): Effect[] {
  const effects: Effect[] = []
  const lane = (node as unknown as { lane: { run(effects: Effect[]): void } }).lane
  const run = lane.run.bind(lane)
  lane.run = (some) => {
    effects.push(...some)
    run(some)
  }
  return effects
}

/** Everything that may happen between two nodes, and the end of one. */
async function aLife(a: P2pNode, b: P2pNode): Promise<void> {
  const hang = 'never answer this'
  for (const node of [a, b]) {
    node.setEventHandler({
      handleInboundRequest: (data) =>
        Buffer.from(data).equals(Buffer.from(hang)) ? new Promise(() => undefined) : data,
    })
  }
  await Promise.all([knows(a, b), knows(b, a)])
  const sizes = [0, 1, 100, 200, 5_000, MiB]
  await Promise.all([...sizes.map((size) => a.request(b.peerId, bytes(size))), ...sizes.map((size) => b.request(a.peerId, bytes(size)))]) // prettier-ignore

  const heard = next(a.broadcasts$('news'), undefined, 10_000, 'broadcast')
  const deadline = Date.now() + 10_000
  while ((await b.broadcast('news', bytes(`news at ${Date.now()}`))).recipients.length === 0) {
    if (Date.now() > deadline) throw new Error('nobody joined the topic')
  }
  await heard
  await a.broadcast('block', bytes('a block'))

  expect(await outcome(a.request(b.peerId, bytes(hang), { timeout: 50 }))).toBe('RequestTimeout')
  const controller = new AbortController()
  const aborted = outcome(a.request(b.peerId, bytes(hang), { signal: controller.signal }))
  await a.status()
  controller.abort()
  expect(await aborted).toBe('Aborted')
  expect(await outcome(a.dial('/ip4/127.0.0.1/tcp/1'))).toBe('DialError')

  await b.stop()
  await statusOf(a, ({ connections }) => connections.length === 0)
}

describe('a recording of a node on real sockets', () => {
  it.each([false, true])('replays to the same effects, status and state (redacted: %p)', async (redact) => {
    const path = join(folder, 'a.t2pr')
    const a = await start({ record: { to: path, redact }, topics: ['block'] })
    const b = await start({ bootNodes: a.addresses, topics: ['block'] })
    const early = stateOf(a).lifecycle.phase
    const live = effectsOf(a)
    await aLife(a, b)
    const c = await start({ bootNodes: a.addresses })
    await Promise.all([knows(a, c), knows(c, a)])
    const status = fullStatus(stateOf(a))
    await a.stop()

    const effects: Effect[] = []
    const again = await replay(path, { onStep: (step) => effects.push(...step.effects) })
    expect(again).toMatchObject({ complete: true, header: { peerId: a.peerId, redacted: redact } })
    expect(again.status).toEqual(status)
    expect(again.status.connections).toEqual([c.peerId])
    expect(again.state.self).toBe(a.peerId)
    expect(digestOf(again.state)).toBe(digestOf(stateOf(a)))
    expect(early).toBe('running')
    const bare = redact ? withoutPayloads : comparable
    expect(live.length).toBeGreaterThan(50)
    expect(bare(effects.slice(-live.length))).toEqual(bare(live))
    expect((await readFile(path)).includes('a block')).toBe(!redact)
  })

  it('is whole when stop() resolves, and has a beginning before', async () => {
    const path = join(folder, 'a.t2pr')
    const a = await start({ record: path })
    const stopping = a.stop()
    expect(a.stop()).toBe(stopping)
    await stopping
    expect(await replay(path)).toMatchObject({ complete: true, status: { addresses: [expect.any(String)] } })
  })

  it('may go to any sink', async () => {
    const chunks: Uint8Array[] = []
    let closed = 0
    const a = await start({ record: { write: (chunk) => chunks.push(chunk), close: () => closed++ } })
    expect(await replay(Buffer.concat(chunks), { partial: true })).toMatchObject({ complete: false })
    await a[Symbol.asyncDispose]()
    expect(closed).toBe(1)
    expect(await replay(Buffer.concat(chunks))).toMatchObject({ complete: true })
  })

  it('has its end too when the node cannot listen', async () => {
    const path = join(folder, 'a.t2pr')
    expect(await outcome(start({ listen: '/ip4/192.0.2.1/tcp/4001', record: path }))).toBe('ListenError')
    expect(await replay(path)).toMatchObject({ complete: true, state: { lifecycle: { phase: 'ended' } } })
  })
})

describe('a node whose recording cannot be written', () => {
  it('is not created', async () => {
    const error = await start({ record: join(folder, 'none', 'a.t2pr') }).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(P2pError)
    expect(error).toMatchObject({
      code: 'InvalidConfig',
      message: expect.stringContaining('cannot be written: ENOENT'),
    })
  })

  const full = process.platform === 'linux' ? it : it.skip
  full('goes on without it when the disk is full, and says so once', async () => {
    const log: LogEntry[] = []
    const a = await start({ record: '/dev/full', logger: (entry) => void log.push(entry) })
    const b = await start({})
    b.setEventHandler({ handleInboundRequest: (data) => data })
    expect(await a.request(b.addresses[0]!, bytes('still here'))).toEqual(bytes('still here'))
    await a.stop()
    const lines = log.filter(({ message }) => message.includes('recording'))
    expect(lines).toMatchObject([
      { level: 'warn', message: expect.stringMatching(/the (node goes on|end of .* written): ENOSPC/) },
    ])
  })
})

describe('docs/recording.md', () => {
  it('shows how a fault of production becomes a test: all parts run as they stand', async () => {
    const page = await readFile('docs/recording.md', 'utf8')
    const blocks = [...page.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => code!)
    expect(blocks.length).toBe(3)
    await symlink(resolve('node_modules'), join(folder, 'node_modules'))
    const env = { ...process.env, NODE_OPTIONS: '', TSX_TSCONFIG_PATH: resolve('tsconfig.json') }
    for (const [index, code] of blocks.entries()) {
      const file = join(folder, `part-${index}.mts`)
      await writeFile(file, code)
      const run = await promisify(execFile)(process.execPath, ['--import', 'tsx', file], { cwd: folder, env, timeout: 25_000 }) // prettier-ignore
      expect(run.stderr).toBe('')
      if (index === 1) expect(run.stdout).toMatch(/pass 1\n/)
      for (const [, printed] of code.matchAll(/\/\/ prints: (.*)$/gm)) expect(run.stdout).toContain(printed)
    }
  }, 60_000)
})
