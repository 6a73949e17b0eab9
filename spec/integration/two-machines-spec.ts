/**
 * Two machines, as far as the network can tell: this one, and a network namespace with an address of its own. A node that
 * is reached over a real interface has loopback addresses too, and those must not be taken: they would lead to ourselves.
 * Needs Linux, `ip` (iproute2) and the right to make namespaces; where one is missing the specs are skipped, and say so.
 */
import { execFileSync } from 'node:child_process'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { AnotherProcess, endProcesses } from '../support/another-process.js'
import { bytes, knows, startEcho, stopNodes, text } from '../support/nodes.js'

const NAME = `tinyp2p-${process.pid}`
const LINK = `tp${process.pid % 100_000}`
const HERE = '198.18.77.1'
const THERE = '198.18.77.2'

function ip(...args: string[]): void {
  execFileSync('ip', args, { stdio: 'pipe', env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` } })
}

/** Why it cannot be done here; `undefined`: it can. */
function obstacle(): string | undefined {
  try {
    ip('netns', 'add', NAME)
    ip('link', 'add', `${LINK}a`, 'type', 'veth', 'peer', 'name', `${LINK}b`, 'netns', NAME)
    ip('link', 'del', `${LINK}a`)
    return undefined
  } catch (error) {
    return String((error as { stderr?: Buffer }).stderr ?? error).trim() || (error as Error).message
  } finally {
    try {
      ip('netns', 'del', NAME)
    } catch {
      // It was not made.
    }
  }
}

const why = obstacle()
if (why !== undefined) {
  console.warn(`SKIPPED: the specs of two machines need Linux, iproute2 and the right to make namespaces (${why})`)
}
const describeIfPossible = why === undefined ? describe : describe.skip

describeIfPossible('a node on another machine', () => {
  beforeAll(() => {
    ip('netns', 'add', NAME)
    ip('link', 'add', `${LINK}a`, 'type', 'veth', 'peer', 'name', `${LINK}b`, 'netns', NAME)
    ip('addr', 'add', `${HERE}/24`, 'dev', `${LINK}a`)
    ip('link', 'set', `${LINK}a`, 'up')
    ip('-n', NAME, 'addr', 'add', `${THERE}/24`, 'dev', `${LINK}b`)
    ip('-n', NAME, 'link', 'set', `${LINK}b`, 'up')
    ip('-n', NAME, 'link', 'set', 'lo', 'up')
  })
  afterEach(async () => {
    await stopNodes()
    await endProcesses()
  })
  afterAll(() => {
    ip('link', 'del', `${LINK}a`)
    ip('netns', 'del', NAME)
  })

  const everywhere = '/ip4/0.0.0.0/tcp/0'
  const start = (config = {}) =>
    AnotherProcess.start({ listen: everywhere, ...config }, 'echo', { runner: ['ip', 'netns', 'exec', NAME] })
  const reachable = (addresses: string[], host: string) => addresses.find((address) => address.includes(host))!

  it('is known by its real address and not by its loopback one, on both sides', async () => {
    const here = await startEcho({ listen: everywhere })
    const there = await start({ bootNodes: reachable(here.addresses, HERE) })
    expect(there.addresses.some((address) => address.includes('127.0.0.1'))).toBe(true)
    await knows(here, there)
    const known = (await here.knownPeers())[there.peerId]!
    expect(known.some((address) => address.includes(THERE))).toBe(true)
    expect(known.filter((address) => address.includes('127.0.0.1'))).toEqual([])

    expect(text(await here.request(there.peerId, bytes('hello')))).toBe('hello')
    expect(text((await there.order('request', { peer: here.peerId, data: bytes('hi') })) as Uint8Array)).toBe('hi')
    const back = (await there.order('knownPeers', {})) as Record<string, string[]>
    expect(back[here.peerId]!.some((address) => address.includes(HERE))).toBe(true)
    expect(back[here.peerId]!.filter((address) => address.includes('127.0.0.1'))).toEqual([])
  }, 30_000)

  it('is found through a boot node by peers of this machine, who know each other by whatever address', async () => {
    const hub = await startEcho({ listen: everywhere })
    const neighbour = await startEcho({ listen: everywhere, bootNodes: hub.addresses })
    const there = await start({ bootNodes: reachable(hub.addresses, HERE) })
    await Promise.all([knows(hub, there, neighbour), knows(neighbour, there, hub)])
    expect(text(await neighbour.request(there.peerId, bytes('over')))).toBe('over')
    expect((await neighbour.knownPeers())[there.peerId]!.filter((address) => address.includes('127.0.0.1'))).toEqual([])
  }, 30_000)
})
