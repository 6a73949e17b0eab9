/** A node keeps its network: peers that are named, what is on disk, and what callers see of it. On real sockets. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { filter, firstValueFrom } from 'rxjs'
import { createNode, newSecret, type PeerState, type P2pNode } from 'tinyp2p'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { AnotherProcess, endProcesses } from '../support/another-process.js'
import { freePort } from '../support/free-port.js'
import { bytes, LOOPBACK, outcome, startEcho, startNode, stopNodes } from '../support/nodes.js'

let directory: string
const own: P2pNode[] = []

/** `startNode` has no directory. */
async function keeper(name: string, config = {}): Promise<P2pNode> {
  const node = await createNode({ listen: LOOPBACK, dataDir: join(directory, name), ...config })
  own.push(node)
  return node
}

const portOf = (address: string): string => address.split('/')[4]!

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tinyp2p-kept-'))
})

afterEach(async () => {
  await Promise.all(own.splice(0).map((node) => node.stop()))
  await stopNodes()
  await endProcesses()
  rmSync(directory, { recursive: true, force: true })
})

describe('two nodes with one secret', () => {
  const isTold = async (node: P2pNode): Promise<string[]> => {
    const { twins = [] } = await firstValueFrom(node.status$.pipe(filter((status) => status.twins !== undefined)))
    return twins
  }

  it('are told by a peer of both, which knows it too', async () => {
    const secret = newSecret()
    const [one, other, peer] = [await startNode({ secret }), await startNode({ secret }), await startNode()]
    for (const node of [one, other]) await node.dial(peer.addresses[0]!)
    const bare = ({ addresses }: P2pNode) => addresses[0]!.replace(/\/p2p\/.*/, '')
    expect(await isTold(one)).toEqual([bare(other)])
    expect(await isTold(other)).toEqual([bare(one)])
    const { twins } = await peer.explain({ peer: one.peerId })
    expect(twins!.sort()).toEqual([bare(one), bare(other)].sort())
  }, 20_000)

  it('are told too if both say the same address of themselves, as containers do', async () => {
    const config = { secret: newSecret(), announce: '/ip4/172.17.0.2/tcp/4001' }
    const [one, other] = [await keeper('a', config), await keeper('b', config)]
    const peer = await startNode()
    for (const node of [one, other]) await node.dial(peer.addresses[0]!)
    const places = [...(await isTold(one)), ...(await isTold(other))]
    expect(places).toEqual(
      Array.from({ length: 2 }, () => expect.stringMatching(/^\/ip4\/127\.0\.0\.1\/tcp\/\d+$/) as unknown),
    )
    expect(new Set(places).size).toBe(2)
  }, 20_000)
})

describe('dataDir', () => {
  it('lets a node be the same peer after a restart, and find its network in two seconds when its boot node is gone', async () => {
    const boot = await startNode()
    const friend = await startEcho({ bootNodes: boot.addresses })
    const first = await keeper('a', { bootNodes: boot.addresses })
    await first.online({ peers: 2 })
    const { peerId } = first
    await first.stop()
    await boot.stop()
    const start = performance.now()
    const again = await keeper('a')
    expect(again.peerId).toBe(peerId)
    await again.online({ timeout: 5_000 })
    expect(await again.request(friend.peerId, bytes('x'))).toEqual(bytes('x'))
    const took = performance.now() - start
    process.stdout.write(`\nrestart with dataDir, boot node gone: answered after ${took.toFixed(0)} ms\n`)
    expect(took).toBeLessThan(2_000)
  })

  it('keeps its free port, until another program has it', async () => {
    const first = await keeper('a')
    const { addresses } = first
    await first.stop()
    const second = await keeper('a')
    expect(second.addresses).toEqual(addresses)
    await second.stop()
    const squatter = await startNode({ listen: addresses[0]!.replace(/\/p2p.*/, '') })
    const third = await keeper('a')
    expect(third.addresses).not.toEqual(addresses)
    await third.stop()
    await squatter.stop()
    expect((await keeper('a')).addresses).toEqual(third.addresses)
  })

  it('keeps the free port of each of several addresses', async () => {
    const named = `/ip4/127.0.0.1/tcp/${await freePort()}`
    const everywhere = '/ip4/0.0.0.0/tcp/0'
    const lists = [
      [named, everywhere],
      [everywhere, named],
      [LOOPBACK, everywhere],
      [everywhere, LOOPBACK],
      [everywhere, '/ip4/192.0.2.1/tcp/0', LOOPBACK],
    ]
    for (const [index, listen] of lists.entries()) {
      const before = new Set<string>()
      for (const life of [1, 2, 3]) {
        const node = await keeper(`${index}`, { listen })
        // Both ports are there, on loopback at least.
        expect(new Set(node.addresses.map(portOf)).size).toBe(2)
        if (life > 1) expect(new Set(node.addresses)).toEqual(before)
        for (const address of node.addresses) before.add(address)
        await node.stop()
      }
    }
  }, 20_000)

  it('brings a whole network back that restarts at once, without boot nodes and fixed ports', async () => {
    const names = ['a', 'b', 'c']
    const boot = await startNode()
    const before = await Promise.all(names.map((name) => keeper(name, { bootNodes: boot.addresses })))
    await Promise.all(before.map((node) => node.online({ peers: 3 })))
    await Promise.all([boot, ...before].map((node) => node.stop()))
    const after = await Promise.all(names.map((name) => keeper(name)))
    await Promise.all(after.map((node) => node.online({ peers: 2, timeout: 5_000 })))
  }, 20_000)

  it('is one node’s at a time, and is free when that one has stopped or could not begin', async () => {
    const first = await keeper('a')
    await expect(keeper('a')).rejects.toMatchObject({
      code: 'InvalidConfig',
      message: expect.stringMatching(/in use/) as unknown,
    })
    await first.stop()
    expect(await outcome(keeper('a', { listen: '/ip4/192.0.2.1/tcp/0' }))).toBe('ListenError')
    expect((await keeper('a')).peerId).toBe(first.peerId)
  })

  it('has the key of a `secret` that is given too, or says that they differ', async () => {
    const secret = newSecret()
    const first = await keeper('a', { secret })
    await first.stop()
    expect(await outcome(keeper('a', { secret: newSecret() }))).toBe('InvalidConfig')
    expect((await keeper('a')).peerId).toBe(first.peerId)
  })

  it('loses no key and stays usable when the process is killed, whenever that is', async () => {
    const dataDir = join(directory, 'a')
    const friend = await startEcho()
    const ids = new Set<string>()
    // Before the remembered peers are written, meanwhile, and after that.
    for (const age of [300, 550, 2_000]) {
      const child = await AnotherProcess.start({ dataDir, bootNodes: friend.addresses })
      ids.add(child.peerId)
      await expect(keeper('a')).rejects.toMatchObject({
        message: expect.stringMatching(/in use by process \d+/) as unknown,
      })
      await new Promise((resolve) => setTimeout(resolve, age))
      await child.kill()
    }
    const node = await keeper('a')
    ids.add(node.peerId)
    expect(ids.size).toBe(1)
    await node.online({ timeout: 5_000 })
    expect(readdirSync(dataDir).filter((name) => name.includes('damaged'))).toEqual([])
    expect(readFileSync(join(dataDir, 'key'), 'utf8').split('\n')).toHaveLength(4)
  }, 60_000)
})

describe('a boot node that starts after its client', () => {
  it('is asked by its peer id within a second, and connected by itself soon after', async () => {
    const secret = newSecret()
    const before = await startNode({ secret })
    const [address] = before.addresses
    await before.stop()
    const client = await startNode({ bootNodes: address!, discoveryInterval: 1_000 })
    await expect(client.online({ timeout: 300 })).rejects.toMatchObject({
      code: 'DialError',
      message: expect.stringMatching(new RegExp(`^0 of 1 peers.*${before.peerId}.*ECONNREFUSED`)) as unknown,
    })
    await startEcho({ secret, listen: address!.split('/p2p/')[0]! })
    const start = performance.now()
    expect(await client.request(before.peerId, bytes('x'))).toEqual(bytes('x'))
    expect(performance.now() - start).toBeLessThan(1_000)
    await client.online()
  })
})

describe('keep', () => {
  it('holds a connection that nothing uses, and dials again when it is lost', async () => {
    const secret = newSecret()
    const config = { secret, reqResp: { connectionKeepAlive: 600_000 } }
    const server = await startNode(config)
    const client = await startNode({ keep: server.addresses, reqResp: { connectionKeepAlive: 100 } })
    const states: PeerState['state'][] = []
    client.peer$(server.peerId).subscribe(({ state }) => {
      if (states.at(-1) !== state) states.push(state)
    })
    await client.online()
    await new Promise((resolve) => setTimeout(resolve, 500))
    expect((await client.status()).connections).toEqual([server.peerId])
    await server.stop()
    await firstValueFrom(client.peer$(server.peerId).pipe(filter(({ connections }) => connections === 0)))
    await startNode({ ...config, listen: server.addresses[0]!.split('/p2p/')[0]! })
    await client.online()
    expect(states.at(-1)).toBe('identified')
    expect(states).toContain('dialling')
  })
})

describe('peers$', () => {
  it('is replayed to those who come late, and completes when the node stops', async () => {
    const boot = await startNode()
    const node = await startNode({ bootNodes: boot.addresses })
    await node.online()
    const seen: PeerState[][] = []
    const done = new Promise<void>((resolve) => {
      node.peers$.subscribe({ next: (peers) => seen.push(peers), complete: resolve })
    })
    const [first] = seen[0]!
    expect(first).toMatchObject({ peer: boot.peerId, state: 'identified', connections: 1 })
    expect(first!.addresses).toContain(boot.addresses[0])
    await node.stop()
    await done
  })
})
