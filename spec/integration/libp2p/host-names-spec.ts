/** Names of hosts, with a name server of our own that answers to some and says nothing about others. */
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import { afterEach, describe, expect, it } from '@jest/globals'
import { multiaddr } from '@multiformats/multiaddr'
import { TCP } from '../../../src/libp2p/defaults.js'
import { quietLogger } from '../../../src/libp2p/logger.js'
import { namedTcp } from '../../../src/libp2p/patches/host-names.js'
import { corkedTcp } from '../../../src/libp2p/patches/tcp-writes.js'
import { nameServer, type NameServer } from '../../support/name-server.js'
import { bytes, startEcho, startNode, stopNodes, text } from '../../support/nodes.js'

const run = promisify(execFile)
const servers: NameServer[] = []

afterEach(async () => {
  await stopNodes()
  for (const server of servers.splice(0)) server.close()
})

/** It knows `good.example`, which is here. */
async function serve(): Promise<NameServer> {
  const server = await nameServer({ 'good.example': '127.0.0.1' })
  servers.push(server)
  return server
}

const byName = (address: string, name: string, family = 'dns4'): string =>
  address.replace('/ip4/127.0.0.1', `/${family}/${name}`)
const pending = (): number => process.getActiveResourcesInfo().filter((name) => name === 'GetAddrInfoReqWrap').length

describe('a name that hangs', () => {
  it('keeps no other one from being found, piles nothing up, and ends with the node', async () => {
    const server = await serve()
    const b = await startEcho()
    const dead = Array.from({ length: 5 }, (_, i) => byName(b.addresses[0]!, `dead${i}.example`))
    const a = await startNode({ bootNodes: dead }, {}, { names: server.names() })
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    for (const family of ['dns4', 'dns']) {
      const start = performance.now()
      expect(text(await a.request(byName(b.addresses[0]!, 'good.example', family), bytes('x')))).toBe('x')
      expect(performance.now() - start).toBeLessThan(1_500)
    }
    // Each of them was asked for at the beginning, and once more by the same lookup.
    expect(server.asked.filter((name) => name.startsWith('dead')).length).toBeLessThanOrEqual(10)
    expect(pending()).toBe(0)
    await a.stop()
    expect(process.getActiveResourcesInfo().filter((name) => name === 'QueryReqWrap')).toEqual([])
  })

  it('is told with the reason', async () => {
    const server = await serve()
    const b = await startNode()
    const a = await startNode({}, {}, { names: server.names() })
    const address = byName(b.addresses[0]!, 'dead.example')
    await expect(a.dial(address)).rejects.toMatchObject({
      ...{ code: 'DialError', message: expect.stringContaining(`${address}: no name server has said within 5000 ms where dead.example is`) }, // prettier-ignore
    })
  }, 10_000)
})

it('a connection by a name leads to the name, and localhost is always known', async () => {
  const server = await serve()
  const b = await startEcho()
  const a = await startNode({}, {}, { names: server.names() })
  await a.dial(byName(b.addresses[0]!, 'good.example'))
  const there = byName(b.addresses[0]!, 'good.example').replace(/\/p2p.*/, '')
  expect((await a.explain({ peer: b.peerId })).connections).toMatchObject([{ address: there }])
  const c = await startNode({}, {}, { names: server.names() })
  expect(text(await c.request(byName(b.addresses[0]!, 'localhost', 'dns'), bytes('x')))).toBe('x')
  expect(server.asked).toEqual(['good.example'])
})

it('TCP looks names up in our way in dials that are libp2p’s own', async () => {
  const server = await serve()
  const names = server.names()
  const tcp = namedTcp(corkedTcp(TCP), names)({ logger: quietLogger()! })
  const upgrader = { upgradeOutbound: () => Promise.reject(new Error('it was connected')) } as never
  const listener = createServer((socket) => socket.on('error', () => socket.destroy())).listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const address = multiaddr(`/dns/good.example/tcp/${(listener.address() as AddressInfo).port}`)
  const { signal } = new AbortController()
  await expect(tcp.dial(address, { upgrader, signal })).rejects.toThrow('it was connected')
  listener.close()
})

it('the process of a node whose boot node has a name that hangs ends as soon as stop has resolved', async () => {
  const url = (path: string): string => JSON.stringify(new URL(`../../support/${path}`, import.meta.url).href)
  const program = `
    import { nameServer } from ${url('name-server.ts')}
    import { startNode } from ${url('nodes.ts')}
    const server = await nameServer({})
    const bootNodes = '/dns4/dead.example/tcp/4001/p2p/12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp'
    const node = await startNode({ bootNodes }, {}, { names: server.names() })
    while (server.asked.length === 0) await new Promise((resolve) => setTimeout(resolve, 10))
    await node.stop()
    server.close()
    const stopped = performance.now()
    process.on('exit', () => console.log(performance.now() - stopped))`
  const { stdout } = await run(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program])
  expect(Number(stdout)).toBeLessThan(200)
}, 30_000)
