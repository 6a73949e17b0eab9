/** Which of a peer's addresses is used, and how soon, on real sockets; and the addresses that a node shows and tells. */
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server } from 'node:net'
import { afterEach, describe, expect, it } from '@jest/globals'
import { newSecret } from 'tinyp2p'
import { AnotherProcess, endProcesses } from '../support/another-process.js'
import { bytes, knows, startEcho, startNode, statusOf, stopNodes, text } from '../support/nodes.js'

const servers: Server[] = []

afterEach(async () => {
  await stopNodes()
  await endProcesses()
  for (const server of servers.splice(0)) server.close()
})

/** An address that takes the connection and says nothing. */
function hanging(peer: string): Promise<string> {
  return serve(createServer(), peer)
}

/** An address that leads to another one, and only after so many ms. */
function late(to: string, peer: string, delay: number): Promise<string> {
  const port = Number(/tcp\/(\d+)/.exec(to)![1])
  const server = createServer((near) => {
    setTimeout(() => {
      const far = connect(port, '127.0.0.1')
      near.pipe(far).pipe(near)
      for (const socket of [near, far]) socket.on('error', () => near.destroy(far.destroy() as never))
    }, delay)
  })
  return serve(server, peer)
}

async function serve(server: Server, peer: string): Promise<string> {
  servers.push(server)
  server.on('connection', (socket) => socket.on('error', () => socket.destroy()))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `/ip4/127.0.0.1/tcp/${(server.address() as AddressInfo).port}/p2p/${peer}`
}

async function timed(promise: Promise<unknown>): Promise<number> {
  const start = performance.now()
  await promise
  return performance.now() - start
}

describe('the addresses of a peer', () => {
  it.each([1, 2, 5])('race each other: %d that hang before the good one cost 250 ms each', async (k) => {
    const b = await startEcho()
    const dead = await Promise.all(Array.from({ length: k }, () => hanging(b.peerId)))
    const a = await startNode({ bootNodes: [...dead, ...b.addresses] })
    expect(await timed(a.request(b.peerId, bytes('x')))).toBeLessThan(300 * k + 1_000)
  })

  it('are found among a hundred that hang, the good one last, in half the time of a dial', async () => {
    const b = await startEcho()
    const dead = await Promise.all(Array.from({ length: 99 }, () => hanging(b.peerId)))
    const a = await startNode({ bootNodes: [...dead, ...b.addresses] })
    const took = await timed(a.request(b.peerId, bytes('x'), { timeout: 9_000 }))
    process.stdout.write(`\n99 hanging addresses before a good one: answered after ${took.toFixed(0)} ms\n`)
    expect(took).toBeLessThan(5_500)
  }, 20_000)

  it('make one connection, also when a slower one of them would come through', async () => {
    const b = await startEcho()
    const slow = [await late(b.addresses[0]!, b.peerId, 400), await late(b.addresses[0]!, b.peerId, 200)]
    const a = await startNode({ bootNodes: [...slow, ...b.addresses] })
    expect(text(await a.request(b.peerId, bytes('x')))).toBe('x')
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    expect((await a.explain({ peer: b.peerId })).connections).toHaveLength(1)
    expect((await b.explain({ peer: a.peerId })).connections).toHaveLength(1)
  })

  it('that lead to another node now say so', async () => {
    const before = await startNode()
    const address = before.addresses[0]!
    await before.stop()
    await startNode({ listen: address.replace(/\/p2p.*/, '') })
    const a = await startNode()
    await expect(a.dial(address)).rejects.toMatchObject({
      ...{ code: 'DialError', message: expect.stringContaining('another node is there now, with another peer id') },
    })
  })

  it('are not tried once more beside when they answer and are slow', async () => {
    const b = await startEcho()
    let sockets = 0
    const slow = await late(b.addresses[0]!, b.peerId, 900)
    servers.at(-1)!.on('connection', () => sockets++)
    const a = await startNode({ bootNodes: [slow] })
    expect(text(await a.request(b.peerId, bytes('x')))).toBe('x')
    expect(sockets).toBe(1)
  })

  it('join a dial that is under way', async () => {
    const b = await startEcho()
    const a = await startNode({ bootNodes: await hanging(b.peerId) })
    expect(await timed(a.request(b.addresses[0]!, bytes('x')))).toBeLessThan(1_500)
  })

  it('are always tried when the config names them, and the first reason of a row of failures stays', async () => {
    const secret = newSecret()
    const first = await startNode({ secret })
    const [address] = first.addresses
    await first.stop()
    const a = await startNode({ bootNodes: address!, discoveryInterval: 60_000 })
    for (let i = 0; i < 2; i++) {
      await expect(a.request(first.peerId, bytes('x'))).rejects.toMatchObject({ code: 'DialError', message: expect.stringContaining('ECONNREFUSED') }) // prettier-ignore
    }
    expect((await a.explain({ peer: first.peerId })).dialFailure!.reason).toContain('ECONNREFUSED')
    await startEcho({ secret, listen: address!.replace(/\/p2p.*/, '') })
    expect(text(await a.request(first.peerId, bytes('x')))).toBe('x')
  })
})

describe('a peer whose process is frozen, and that is back at another address', () => {
  it('is reached there at once when the caller names it', async () => {
    const secret = newSecret()
    const before = await AnotherProcess.start({ secret }, 'echo')
    const a = await startNode()
    await a.request(before.addresses[0]!, bytes('x'))
    await statusOf(a, ({ connections }) => connections.length === 1)
    // It has said where it listens.
    await knows(a, before)
    await before.pause()
    const back = await AnotherProcess.start({ secret }, 'echo')
    const start = performance.now()
    await Promise.all([a.dial(back.addresses[0]!), a.request(back.addresses[0]!, bytes('x'))])
    expect(performance.now() - start).toBeLessThan(2_000)
  }, 30_000)

  it('is asked where it was when nobody is at the address, and hears a request once', async () => {
    const b = await startNode()
    let heard = 0
    b.setEventHandler({ handleInboundRequest: (data) => (heard++, data) })
    const a = await startNode({ bootNodes: b.addresses })
    await knows(a, b)
    const nowhere = await hanging(b.peerId)
    expect(await timed(a.request(nowhere, bytes('x')))).toBeLessThan(1_000)
    expect(await timed(a.request(nowhere, bytes('x')))).toBeLessThan(1_000)
    expect(heard).toBe(2)
  })
})

describe('the addresses that a node shows', () => {
  it('of others can be passed to bootNodes', async () => {
    const b = await startEcho()
    const a = await startNode({ bootNodes: b.addresses })
    await knows(a, b)
    const known = (await a.knownPeers())[b.peerId]!
    expect(known).toEqual(b.addresses)
    const c = await startNode({ bootNodes: known })
    await statusOf(c, ({ connections }) => connections.includes(b.peerId))
  })

  it('of its own are what it announces, and others hear them', async () => {
    const a = await startNode()
    const announce = ['/dns4/localhost/tcp/9', '/ip4/198.51.100.1/tcp/4001']
    const b = await startEcho({ announce, bootNodes: a.addresses })
    expect(b.addresses).toEqual(announce.map((address) => `${address}/p2p/${b.peerId}`))
    await knows(a, b)
    // What a stranger calls itself by name would be looked up wherever the stranger likes.
    expect((await a.knownPeers())[b.peerId]).toEqual(b.addresses.filter((address) => !address.startsWith('/dns')))
  })
})

describe('a node that means itself', () => {
  it('is told so, by whatever name, and so is one that meets another one with its secret', async () => {
    const secret = newSecret()
    const [a, twin] = [await startEcho({ secret }), await startEcho({ secret })]
    const bare = (node: typeof a): string => node.addresses[0]!.replace(/\/p2p\/.*/, '')
    for (const target of [a.peerId, a.addresses[0]!, twin.addresses[0]!]) {
      const itself = {
        code: 'DialError',
        message: `${a.peerId} is this node itself, which neither dials nor asks itself`,
      }
      await expect(a.request(target, bytes('x'))).rejects.toMatchObject(itself)
      if (target.startsWith('/')) await expect(a.dial(target)).rejects.toMatchObject(itself)
    }
    for (const target of [bare(a), bare(twin)]) {
      const message = `cannot reach ${target}: ${target}: this node itself, or one with its secret, is there`
      await expect(a.dial(target)).rejects.toMatchObject({ code: 'DialError', message })
    }
    expect((await a.status()).connections).toEqual([])
  })
})
