/** Who finds whom, which connections stay, and who is forgotten, on real sockets. */
import { newSecret } from 'tinyp2p'
import { afterEach, describe, expect, it } from '@jest/globals'
import { AnotherProcess, endProcesses } from '../support/another-process.js'
import { freePort } from '../support/free-port.js'
import { bytes, heard, hearsSubscription, knows, startEcho, startNode, statusOf, stopNodes, text } from '../support/nodes.js' // prettier-ignore

afterEach(async () => {
  await stopNodes()
  await endProcesses()
})

describe('a network on one machine', () => {
  it('needs no flags: nodes that know one boot node find each other', async () => {
    const hub = await startNode()
    const [c, d] = await Promise.all([startEcho({ bootNodes: hub.addresses }), startEcho({ bootNodes: hub.addresses })])
    await Promise.all([knows(hub, c, d), knows(c, hub, d), knows(d, hub, c)])
    expect(text(await c.request(d.peerId, bytes('hello')))).toBe('hello')
    expect(text(await d.request(c.peerId, bytes('hello')))).toBe('hello')
  })

  it('works on all interfaces too, which a config that says nothing means', async () => {
    const nodes = [await startEcho({ listen: '/ip4/0.0.0.0/tcp/0' })]
    for (let i = 0; i < 2; i++) {
      nodes.push(await startEcho({ listen: '/ip4/0.0.0.0/tcp/0', bootNodes: nodes[0]!.addresses }))
    }
    for (const node of nodes) await knows(node, ...nodes.filter((other) => other !== node))
    expect(text(await nodes[1]!.request(nodes[2]!.peerId, bytes('hello')))).toBe('hello')
  })

  it('is joined through any one of several boot nodes, at several addresses', async () => {
    const [one, two] = [await startNode(), await startNode()]
    const down = `/ip4/127.0.0.1/tcp/${await freePort()}/p2p/${one.peerId}`
    const node = await startNode({ bootNodes: [down, ...one.addresses, ...two.addresses] })
    await Promise.all([knows(node, one, two), knows(one, node), knows(two, node)])
  })
})

describe('a boot node', () => {
  it('that is down at first is tried at each tick, and found when it comes up', async () => {
    const secret = newSecret()
    const listen = `/ip4/127.0.0.1/tcp/${await freePort()}`
    const first = await startNode({ listen, secret })
    const { peerId } = first
    await first.stop()

    const node = await startNode({ bootNodes: `${listen}/p2p/${peerId}`, discoveryInterval: 200 })
    await heard(node, 'dialFailed')
    expect(await node.status()).toMatchObject({ knownPeersCount: 0, connections: [] })
    await startNode({ listen, secret })
    await statusOf(node, ({ connections, knownPeers }) => connections.includes(peerId) && peerId in knownPeers)
  })

  it('that is ourselves is no problem', async () => {
    const secret = newSecret()
    const listen = `/ip4/127.0.0.1/tcp/${await freePort()}`
    const { peerId } = await startNode({ secret }).then(async (node) => (await node.stop(), node))
    const node = await startNode({ listen, secret, bootNodes: `${listen}/p2p/${peerId}`, discoveryInterval: 50 })
    const other = await startNode({ bootNodes: node.addresses })
    await knows(node, other)
    expect(Object.keys(await node.knownPeers())).toEqual([other.peerId])
  })

  it('keeps its connection, however idle', async () => {
    const reqResp = { connectionKeepAlive: 200 }
    const [boot, stranger] = [await startNode(), await startNode()]
    const node = await startNode({ bootNodes: boot.addresses, reqResp, stayConnected: 0 })
    await statusOf(node, ({ connections }) => connections.includes(boot.peerId))
    await node.dial(stranger.addresses[0]!)
    await statusOf(node, ({ connections }) => !connections.includes(stranger.peerId))
    expect((await node.status()).connections).toEqual([boot.peerId])
  })
})

describe('a connection', () => {
  it('that nothing uses is closed after connectionKeepAlive, and the peer stays known', async () => {
    const [a, b] = [await startNode({ reqResp: { connectionKeepAlive: 500 }, stayConnected: 0 }), await startNode()]
    await a.dial(b.addresses[0]!)
    const start = performance.now()
    await knows(a, b)
    await statusOf(a, ({ connections }) => connections.length === 0)
    expect(performance.now() - start).toBeGreaterThan(350)
    await statusOf(b, ({ connections }) => connections.length === 0)
    expect(Object.keys(await a.knownPeers())).toEqual([b.peerId])
  })

  it('stays while a request is under way', async () => {
    const [a, b] = [await startNode({ reqResp: { connectionKeepAlive: 200 }, stayConnected: 0 }), await startNode()]
    let finish: (data: Uint8Array) => void = () => undefined
    b.setEventHandler({ handleInboundRequest: () => new Promise((resolve) => (finish = resolve)) })
    const result = a.request(b.addresses[0]!, bytes('?'))
    const idle = await startNode()
    await a.dial(idle.addresses[0]!)
    // That one, opened later, is closed; by then the one in use would have been closed too.
    await statusOf(a, ({ connections }) => connections.includes(idle.peerId))
    await statusOf(a, ({ connections }) => !connections.includes(idle.peerId))
    expect((await a.status()).connections).toEqual([b.peerId])
    finish(bytes('!'))
    expect(text(await result)).toBe('!')
    await statusOf(a, ({ connections }) => connections.length === 0)
  })

  it('to a peer in a mesh of ours stays', async () => {
    const config = { topics: ['block'], reqResp: { connectionKeepAlive: 3_000 }, stayConnected: 0 }
    const [a, b] = [await startNode(config), await startNode(config)]
    await a.dial(b.addresses[0]!)
    await hearsSubscription(a, b, 'block')
    await Promise.all([heard(a, 'meshChanged', ({ peers }) => peers.includes(b.peerId)), heard(b, 'meshChanged')])
    const idle = await startNode()
    await a.dial(idle.addresses[0]!)
    await statusOf(a, ({ connections }) => connections.includes(idle.peerId))
    await statusOf(a, ({ connections }) => !connections.includes(idle.peerId))
    expect((await a.status()).connections).toEqual([b.peerId])
  }, 15_000)
})

describe('a peer', () => {
  it('that is killed is forgotten, and known again when it is back with the same secret', async () => {
    const [secret, port] = [newSecret(), await freePort()]
    const config = { secret, listen: `/ip4/127.0.0.1/tcp/${port}` }
    const node = await startNode({ discoveryInterval: 300 })
    const settings = { ...config, bootNodes: node.addresses }
    const first = await AnotherProcess.start(settings)
    await knows(node, first)
    await first.kill()
    await statusOf(node, ({ connections, knownPeers }) => connections.length === 0 && !(first.peerId in knownPeers))

    const second = await AnotherProcess.start(settings)
    expect(second.peerId).toBe(first.peerId)
    await knows(node, second)
    expect(text(await node.request(second.peerId, bytes('back')))).toBe('back')
  }, 40_000)

  it('that is killed while it asks is given up by its answerer', async () => {
    const node = await startNode()
    const signals: AbortSignal[] = []
    const asked = new Promise<void>((resolve) => {
      node.requests$.subscribe(({ signal }) => {
        signals.push(signal)
        resolve()
      })
    })
    const asker = await AnotherProcess.start()
    await asker.order('requests', { peer: node.addresses[0]!, amount: 1 })
    await asked
    expect(signals[0]!.aborted).toBe(false)
    await asker.kill()
    await statusOf(node, ({ connections }) => connections.length === 0)
    expect(signals[0]!.aborted).toBe(true)
  }, 20_000)

  it('that is killed while it is asked fails the request', async () => {
    const node = await startNode()
    const answerer = await AnotherProcess.start({}, 'never')
    const result = node.request(answerer.address, bytes('?'))
    result.catch(() => undefined)
    await statusOf(node, ({ connections }) => connections.length === 1)
    await heard(node, 'streamOpened')
    await answerer.kill()
    await expect(result).rejects.toMatchObject({ code: 'ConnectionLost' })
  }, 20_000)
})
