/** A node's beginning and end, on real sockets. */
import { execFile } from 'node:child_process'
import { createServer, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import { promisify } from 'node:util'
import { createNode, newSecret, type NodeStatus, type P2pNode } from 'tinyp2p'
import { afterEach, describe, expect, it } from '@jest/globals'
import { AnotherProcess, endProcesses } from '../support/another-process.js'
import { freePort } from '../support/free-port.js'
import { bytes, LOOPBACK, next, nextFew, outcome, startEcho, startNode, statusOf, stopNodes, within } from '../support/nodes.js' // prettier-ignore

const run = promisify(execFile)

afterEach(async () => {
  await stopNodes()
  await endProcesses()
})

describe('createNode', () => {
  it('resolves when it listens, with addresses that others can use', async () => {
    const secret = 'XZYk2USPCmrRp7mCu5pT8XuQKprUf58qESu4QcQv9rJ'
    const listen = [LOOPBACK, `/ip4/127.0.0.1/tcp/${await freePort()}`]
    const node = await createNode({ listen: [...listen, ...listen], secret })
    try {
      expect(node.peerId).toBe('12D3KooWSoC2ngFnfgSZcyJibKmZ2G58kbFcpmSPSSvDxeqkBLJc')
      expect(node.addresses).toHaveLength(2)
      for (const address of node.addresses) {
        expect(address).toMatch(new RegExp(`^/ip4/127\\.0\\.0\\.1/tcp/[1-9]\\d*/p2p/${node.peerId}$`))
      }
      const other = await startNode()
      for (const address of node.addresses) expect(await other.dial(address)).toBe(node.peerId)
    } finally {
      await node.stop()
    }
  })

  it('needs no config: every interface, a free port, a new identity', async () => {
    const [a, b] = await Promise.all([createNode(), createNode()])
    try {
      expect(a.peerId).not.toBe(b.peerId)
      expect(a.addresses.length).toBeGreaterThan(0)
      expect(a.addresses.join()).not.toContain('0.0.0.0')
    } finally {
      await Promise.all([a.stop(), b.stop()])
    }
  })

  it('rejects with a ListenError that names the address when the port is in use', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const listen = `/ip4/127.0.0.1/tcp/${port}`
    try {
      await expect(createNode({ listen })).rejects.toMatchObject({
        name: 'P2pError',
        code: 'ListenError',
        message: expect.stringMatching(new RegExp(`${listen}.*EADDRINUSE`)),
        cause: expect.anything(),
      })
    } finally {
      server.close()
    }
  })

  it('rejects with a ListenError for an address that is not of this machine', async () => {
    await expect(createNode({ listen: '/ip4/192.0.2.1/tcp/0' })).rejects.toMatchObject({
      code: 'ListenError',
      message: expect.stringContaining('/ip4/192.0.2.1/tcp/0'),
    })
  })

  it.each([
    [{ secret: 'abc' }, 'InvalidSecretKey'],
    [{ listen: 'nowhere' }, 'InvalidAddress'],
    [{ bootNodes: '/ip4/127.0.0.1/tcp/1' }, 'InvalidAddress'],
    [{ discoveryInterval: 0 }, 'InvalidConfig'],
  ])('rejects %j', async (config, code) => {
    expect(await outcome(createNode({ listen: LOOPBACK, ...config }))).toBe(code)
  })
})

describe('status', () => {
  it('tells who we are, where we listen, whom we know and to whom we are connected', async () => {
    const [a, b] = [await startNode(), await startNode()]
    expect(await a.status()).toEqual({
      access: { deny: [], bans: [] },
      peerId: a.peerId,
      addresses: a.addresses,
      knownPeersCount: 0,
      knownPeers: {},
      connections: [],
      topics: {},
    })
    await a.dial(b.addresses[0]!)
    const status = await statusOf(a, ({ knownPeersCount }) => knownPeersCount === 1)
    expect(status).toEqual({
      peerId: a.peerId,
      addresses: a.addresses,
      knownPeersCount: 1,
      knownPeers: { [b.peerId]: b.addresses },
      connections: [b.peerId],
      topics: {},
    })
    expect(await a.status()).toEqual({ ...status, access: { deny: [], bans: [] } })
    expect(await a.knownPeers()).toEqual(status.knownPeers)
  })

  it('is a snapshot, which is the reader’s to keep and to spoil', async () => {
    const [a, b] = [await startNode(), await startNode()]
    await a.dial(b.addresses[0]!)
    const status = await statusOf(a, ({ knownPeersCount }) => knownPeersCount === 1)
    status.connections.length = 0
    status.knownPeers[b.peerId]!.push('/ip4/192.0.2.1/tcp/1')
    delete status.knownPeers[b.peerId]
    status.addresses.length = 0
    const after = await a.status()
    expect(after.connections).toEqual([b.peerId])
    expect(after.knownPeers[b.peerId]).toHaveLength(1)
    expect(after.addresses).toHaveLength(1)
  })

  it('is replayed to every subscriber, follows each change, and completes with the node', async () => {
    const [a, b] = [await startNode(), await startNode()]
    const seen: NodeStatus[] = []
    let completed = 0
    a.status$.subscribe({ next: (status) => seen.push(status), complete: () => completed++ })
    expect(seen).toHaveLength(1)
    await a.dial(b.addresses[0]!)
    await statusOf(a, ({ connections }) => connections.length === 1)
    await b.stop()
    await statusOf(a, ({ connections }) => connections.length === 0)
    const counts = seen.map(({ connections }) => connections.length)
    expect(counts.filter((count, i) => count !== counts[i - 1])).toEqual([0, 1, 0])
    expect((await next(a.status$)).peerId).toBe(a.peerId)
    await a.stop()
    expect(completed).toBe(1)
    expect(await next(a.status$).then(() => 'value', () => 'none')).toBe('value') // prettier-ignore
  })
})

describe('setEventHandler', () => {
  it('throws HandlerAlreadySet the second time, and the first handler stays', async () => {
    const [a, b] = [await startNode(), await startEcho()]
    expect(() => b.setEventHandler({ handleBroadcast: () => undefined })).toThrow(
      expect.objectContaining({ code: 'HandlerAlreadySet' }),
    )
    expect(await a.request(b.addresses[0]!, bytes('still'))).toEqual(bytes('still'))
  })

  it('refuses what is no handler, which does not count', async () => {
    const node = await startNode()
    for (const handler of [undefined, null, 'text', 3, {}] as never[]) {
      expect(() => node.setEventHandler(handler)).toThrow(expect.objectContaining({ code: 'InvalidConfig' }))
    }
    node.setEventHandler({ handleBroadcast: () => undefined })
  })
})

describe('stop', () => {
  it('ends within two seconds, whatever hangs, completes every observable and rejects every promise', async () => {
    const b = await startNode()
    const signals: AbortSignal[] = []
    b.setEventHandler({
      handleInboundRequest: (_, { signal }) => {
        signals.push(signal)
        return new Promise(() => undefined)
      },
    })
    const a = await startNode({ topics: ['block'] })
    a.setEventHandler({ handleInboundRequest: () => new Promise(() => undefined) })
    const completed: string[] = []
    a.requests$.subscribe({ complete: () => completed.push('requests$') })
    a.status$.subscribe({ complete: () => completed.push('status$') })
    a.broadcasts$().subscribe({ complete: () => completed.push('broadcasts$()') })
    a.broadcasts$('block').subscribe({ complete: () => completed.push('broadcasts$(block)') })
    a.broadcasts$('tx').subscribe({ complete: () => completed.push('broadcasts$(tx)') })

    const arrived = nextFew(b.requests$, 50)
    const asks = Array.from({ length: 50 }, (_, i) => outcome(a.request(b.addresses[0]!, bytes(i))))
    const askedUs = outcome(b.request(a.addresses[0]!, bytes('you')))
    await arrived
    expect(signals).toHaveLength(50)
    asks.push(outcome(a.dial('/ip4/127.0.0.1/tcp/1')))

    const start = performance.now()
    await a.stop()
    expect(performance.now() - start).toBeLessThan(2_000)
    expect(new Set(await within(100, Promise.all(asks)))).toEqual(new Set(['NodeStopped']))
    expect(completed.sort()).toEqual(['broadcasts$()', 'broadcasts$(block)', 'broadcasts$(tx)', 'requests$', 'status$'])
    expect(['ConnectionLost', 'RequestRejected']).toContain(await askedUs)
    await next(b.status$, ({ connections }) => connections.length === 0)
    expect(signals.every(({ aborted }) => aborted)).toBe(true)
    expect(completed).toHaveLength(5)
  }, 20_000)

  it('may be called again, and each call ends only when the node has', async () => {
    const node = await startNode()
    const ended: string[] = []
    node.status$.subscribe({ complete: () => ended.push('the node') })
    await Promise.all(['first', 'second'].map((name) => node.stop().then(() => ended.push(name))))
    expect(ended).toEqual(['the node', 'first', 'second'])
    await node.stop()
  })

  it('is what `await using` does at the end of its block', async () => {
    const other = await startNode()
    let address: string
    {
      await using node = await startNode()
      address = node.addresses[0]!
      await other.dial(address)
    }
    await statusOf(other, ({ connections }) => connections.length === 0)
    expect(await outcome(other.dial(address))).toBe('DialError')
  })

  it('frees the port, and the same identity can start again there', async () => {
    const secret = newSecret()
    const first = await createNode({ listen: LOOPBACK, secret })
    const [address] = first.addresses as [string]
    const other = await startNode()
    await other.dial(address)
    await first.stop()
    const second = await createNode({ listen: address.replace(/\/p2p\/.*/, ''), secret })
    try {
      expect(second.addresses).toEqual([address])
      second.setEventHandler({ handleInboundRequest: (data) => data })
      await statusOf(other, ({ connections }) => connections.length === 0)
      expect(await other.request(address, bytes('again'))).toEqual(bytes('again'))
    } finally {
      await second.stop()
    }
  })

  it('leaves a node that says NodeStopped to everything', async () => {
    const [node, b] = [await startNode(), await startNode()]
    await node.stop()
    const [peer] = b.addresses as [string]
    const uses: ((node: P2pNode) => Promise<unknown>)[] = [
      (n) => n.request(peer, bytes('?')),
      (n) => n.broadcast('topic', bytes('?')),
      (n) => n.dial(peer),
      (n) => n.knownPeers(),
      (n) => n.status(),
    ]
    for (const use of uses) expect(await outcome(use(node))).toBe('NodeStopped')
    expect(await outcome(next(node.broadcasts$('topic')))).toMatch(/EmptyError/)
    expect(await outcome(next(node.broadcasts$()))).toMatch(/EmptyError/)
    expect(await outcome(next(node.requests$))).toMatch(/EmptyError/)
    node.broadcasts$('topic').subscribe().unsubscribe()
    expect(() => node.setEventHandler({ handleBroadcast: () => undefined })).not.toThrow()
  })

  it('while it starts to dial, to publish and to be asked leaves nothing behind', async () => {
    const [a, b] = [await startNode({ topics: ['t'] }), await startEcho({ topics: ['t'] })]
    const results = [
      outcome(a.request(b.addresses[0]!, bytes('?'))),
      outcome(a.dial(b.addresses[0]!)),
      outcome(a.broadcast('t', bytes('?'))),
    ]
    await a.stop()
    expect(await Promise.all(results)).toEqual(['NodeStopped', 'NodeStopped', 'NodeStopped'])
    expect(await outcome(b.request(a.addresses[0] ?? `/ip4/127.0.0.1/tcp/1/p2p/${a.peerId}`, bytes('?')))).toBe(
      'DialError',
    )
  })
})

describe('the process of a node', () => {
  it('has nothing left to do as soon as stop has resolved', async () => {
    const program = `
      import { createNode } from ${JSON.stringify(new URL('../../src/index.ts', import.meta.url).href)}
      const listen = '/ip4/127.0.0.1/tcp/0'
      const a = await createNode({ listen })
      const b = await createNode({ listen, bootNodes: a.addresses })
      await b.online()
      // The first heartbeats come after 100 ms, and the next ones a second later.
      await new Promise((resolve) => setTimeout(resolve, 200))
      await Promise.all([a.stop(), b.stop()])
      const stopped = performance.now()
      process.on('exit', () => console.log(performance.now() - stopped))`
    const { stdout } = await run(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program])
    expect(Number(stdout)).toBeLessThan(80)
  }, 30_000)

  it('exits by itself after stop, with 50 requests pending, a handler that never returns and nothing unhandled', async () => {
    const [there, here] = await Promise.all([AnotherProcess.start({}, 'never'), startNode()])
    const arrived = next(here.requests$, ({ data }) => data.length === 49)
    await there.order('requests', { peer: here.addresses[0]!, amount: 50 })
    const asked = outcome(here.request(there.address, bytes('never')))
    await arrived
    expect(await within(5_000, there.order('stop', {}))).toBeLessThan(2_000)
    expect(await within(5_000, there.exit, 'the exit')).toBe(0)
    expect(['ConnectionLost', 'RequestRejected']).toContain(await asked)
  }, 30_000)
})
