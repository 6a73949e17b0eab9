/** Discovery among our nodes and Rust peers: who they say they are, who introduces whom, and who is forgotten. */
import { join } from 'node:path'
import { afterEach, describe, expect, it } from '@jest/globals'
import { killProcesses, LineProcess } from '../support/line-process.js'
import { bytes, heard, LOOPBACK, startEcho, startNode, statusOf, stopNodes, text } from '../support/nodes.js'
import { RustPeer } from '../support/rust-peer.js'

afterEach(() => Promise.all([stopNodes(), killProcesses()]))

const SOON = 20_000

describe('two nodes of either kind', () => {
  it('tell each other who they are and what they speak', async () => {
    const [rust, node] = await Promise.all([RustPeer.start(), startNode()])
    await node.dial(rust.address)
    const seen = await rust.waitFor('identified')
    expect(seen).toMatchObject({
      peer: node.peerId,
      protocolVersion: '/tinychain/identify/1.0.0',
      agentVersion: 'tinyp2p',
      addresses: [expect.stringMatching(/^\/ip4\/127\.0\.0\.1\/tcp\/\d+/)],
    })
    const ours = ['/ipfs/id/1.0.0', '/ipfs/kad/1.0.0', '/ipfs/ping/1.0.0', '/tinyp2p/req-resp/1.0.0']
    expect(seen.protocols).toEqual(expect.arrayContaining([...ours, '/meshsub/1.1.0', '/meshsub/1.0.0']))
    const { protocols } = await heard(node, 'identified')
    expect(protocols).toEqual(expect.arrayContaining([...ours, '/meshsub/1.1.0']))
  })

  it('have each other in their tables, with the address to be dialled at', async () => {
    const [rust, node] = await Promise.all([RustPeer.start(), startNode()])
    await node.dial(rust.address)
    await rust.waitFor('tableAdded', ({ peer }) => peer === node.peerId)
    await statusOf(node, ({ knownPeers }) => rust.peerId in knownPeers)
    const withoutPeer = (address: string) => address.replace(/\/p2p\/.*/, '')
    const atRust = (await rust.knownPeers())[node.peerId]!
    expect(atRust.map(withoutPeer)).toEqual(node.addresses.map(withoutPeer))
    expect((await node.knownPeers())[rust.peerId]!.map(withoutPeer)).toEqual([withoutPeer(rust.address)])
  })

  it('have the same peer id by the same secret', async () => {
    const secret = 'XZYk2USPCmrRp7mCu5pT8XuQKprUf58qESu4QcQv9rJ'
    const [rust, node] = await Promise.all([RustPeer.start('--secret', secret), startNode({ secret })])
    expect(node.peerId).toBe('12D3KooWSoC2ngFnfgSZcyJibKmZ2G58kbFcpmSPSSvDxeqkBLJc')
    expect(rust.peerId).toBe(node.peerId)
  })
})

/** What the two kinds have in common. */
interface Member {
  peerId: string
  address: string
  knows(peer: string): Promise<unknown>
  /** Asks by the id alone. */
  ask(peer: string, question: string): Promise<string>
}

type Kind = 'ours' | 'Rust'

async function start(kind: Kind, boot?: Member): Promise<Member> {
  if (kind === 'ours') {
    const node = await startEcho({ discoveryInterval: 500, bootNodes: boot === undefined ? [] : boot.address })
    return {
      peerId: node.peerId,
      address: node.addresses[0]!,
      knows: (peer) => statusOf(node, ({ knownPeers }) => peer in knownPeers, SOON),
      ask: async (peer, question) => text(await node.request(peer, bytes(question))),
    }
  }
  const times = ['--first-tick', '200', '--discovery-interval', '500']
  const rust = await RustPeer.start(...times, ...(boot === undefined ? [] : ['--boot', boot.address]))
  return {
    peerId: rust.peerId,
    address: rust.address,
    knows: (peer) => rust.waitFor('tableAdded', (event) => event.peer === peer, SOON),
    ask: async (peer, question) => text(await rust.request(peer, bytes(question))),
  }
}

describe('a third node is found', () => {
  it.each<[asker: Kind, middle: Kind, third: Kind]>([
    ['ours', 'Rust', 'Rust'],
    ['ours', 'Rust', 'ours'],
    ['ours', 'ours', 'Rust'],
    ['Rust', 'ours', 'ours'],
    ['Rust', 'ours', 'Rust'],
    ['Rust', 'Rust', 'ours'],
  ])('by %s, through %s: %s', async (askerKind, middleKind, thirdKind) => {
    const middle = await start(middleKind)
    const third = await start(thirdKind, middle)
    await middle.knows(third.peerId)
    const asker = await start(askerKind, middle)
    await Promise.all([asker.knows(third.peerId), third.knows(asker.peerId)])
    expect(await asker.ask(third.peerId, 'found')).toBe('found')
  })
})

/** A node of ours that can be killed. */
class OurProcess extends LineProcess {
  peerId = ''

  static async start(...bootNodes: string[]): Promise<OurProcess> {
    const script = join(process.cwd(), 'spec', 'interop', 'node-process.ts')
    const config = JSON.stringify({ listen: LOOPBACK, bootNodes })
    const node = new OurProcess('a node of ours', process.execPath, ['--import', 'tsx', script, config])
    node.peerId = (await node.waitFor('listening')).peerId as string
    return node
  }
}

describe('a node that is killed without a good-bye', () => {
  it('leaves our table when it was Rust', async () => {
    const [rust, node] = await Promise.all([RustPeer.start(), startNode({ discoveryInterval: 500 })])
    await node.dial(rust.address)
    await statusOf(node, ({ knownPeers }) => rust.peerId in knownPeers)
    await rust.kill()
    await statusOf(
      node,
      ({ knownPeers, connections }) => !(rust.peerId in knownPeers) && connections.length === 0,
      SOON,
    )
    expect(await node.knownPeers()).toEqual({})
  })

  it('leaves the table of Rust when it was ours', async () => {
    const rust = await RustPeer.start('--discovery-interval', '500')
    const ours = await OurProcess.start(rust.address)
    await rust.waitFor('tableAdded', ({ peer }) => peer === ours.peerId)
    await ours.kill()
    await rust.waitFor('tableRemoved', ({ peer }) => peer === ours.peerId, SOON)
    expect(await rust.knownPeers()).toEqual({})
  })

  it.each(['ours', 'Rust'] as const)('leaves the tables of two that know each other: %s', async (kind) => {
    const rust = await RustPeer.start('--first-tick', '200', '--discovery-interval', '500')
    const node = await startNode({ discoveryInterval: 500, bootNodes: rust.address })
    const victim = kind === 'ours' ? await OurProcess.start(rust.address) : await RustPeer.start('--boot', rust.address)
    const { peerId } = victim
    await rust.waitFor('tableAdded', ({ peer }) => peer === peerId)
    await statusOf(node, ({ knownPeers }) => peerId in knownPeers, SOON)
    await victim.kill()
    await rust.waitFor('tableRemoved', ({ peer }) => peer === peerId, SOON)
    // Either may hear of it from the other once more, and must find out again.
    const deadline = performance.now() + SOON
    const tables = () => Promise.all([rust.knownPeers(), node.knownPeers()])
    let known = await tables()
    while (known.some((table) => peerId in table) && performance.now() < deadline) known = await tables()
    expect(known.map((table) => Object.keys(table))).toEqual([[node.peerId], [rust.peerId]])
  })
})
