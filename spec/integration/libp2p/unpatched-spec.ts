/** Nodes on packages of libp2p of which no patch knows the inside: they are slower, and work. */
import { afterEach, expect, it, jest } from '@jest/globals'
import type { P2pNode } from '../../../src/index.js'

const nodes: P2pNode[] = []

afterEach(() => {
  jest.resetModules()
  return Promise.all(nodes.splice(0).map((node) => node.stop()))
})

it('answer requests of all kinds, reject them, broadcast and stop', async () => {
  const asked = new Set<string>()
  jest.unstable_mockModule('../../../src/libp2p/patches/supported.js', () => ({
    checkVersions: () => undefined,
    requireMembers: () => undefined,
    hasMembers(name: string) {
      asked.add(name)
      return false
    },
  }))
  const { createNode } = await import('../../../src/index.js')
  const listen = '/ip4/127.0.0.1/tcp/0'
  const start = async (): Promise<P2pNode> => {
    const node = await createNode({ listen, topics: ['block'] })
    nodes.push(node)
    return node
  }
  const [a, b] = [await start(), await start()]
  b.requests$.subscribe((request) => {
    if (request.data.length === 0) request.reject({ code: 'Empty', message: 'nothing' })
    else request.respond(request.data)
  })
  const heard = new Promise<Uint8Array>((resolve) => b.broadcasts$('block').subscribe(({ data }) => resolve(data)))
  await a.dial(b.addresses[0]!)
  for (const size of [1, 1_000, 1_000_000]) {
    expect((await a.request(b.peerId, new Uint8Array(size))).length).toBe(size)
  }
  await expect(a.request(b.peerId, new Uint8Array())).rejects.toMatchObject({ remoteCode: 'Empty' })
  await a.broadcast('block', new Uint8Array([7]), { waitForPeers: { min: 1, timeout: 5_000 } })
  expect(await heard).toEqual(new Uint8Array([7]))
  expect([...asked].sort()).toEqual([
    '@libp2p/identify',
    '@libp2p/kad-dht',
    '@libp2p/noise',
    '@libp2p/tcp',
    '@libp2p/yamux',
    'libp2p',
  ])
}, 30_000)

it('do not start without what they cannot do without, and do not blame the address', async () => {
  const what = 'this version of @libp2p/gossipsub is not supported'
  jest.unstable_mockModule('../../../src/libp2p/patches/supported.js', () => ({
    checkVersions: () => undefined,
    hasMembers: () => true,
    requireMembers: () => {
      throw new Error(what)
    },
  }))
  const { createNode } = await import('../../../src/index.js')
  await expect(createNode({ listen: '/ip4/127.0.0.1/tcp/0' })).rejects.toMatchObject({
    code: 'ListenError',
    message: `cannot start: ${what}`,
    cause: { message: what },
  })
})
