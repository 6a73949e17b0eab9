/** Broadcasts between our nodes and Rust peers: who hears what of whom, message ids, and a node of either kind in the middle. */
import { afterEach, describe, expect, it } from '@jest/globals'
import { newSecret, type Broadcast, type P2pNode } from 'tinyp2p'
import { ReplaySubject } from 'rxjs'
import { peerIdOf } from '../../src/identity.js'
import { maxDataLength } from '../support/gossip-size.js'
import { GossipCounts, startGated } from '../support/gated-node.js'
import { killProcesses } from '../support/line-process.js'
import { bytes, heard, hearsSubscription, next, outcome, startNode, statusOf, stopNodes } from '../support/nodes.js'
import { fromBase64, RustPeer } from '../support/rust-peer.js'

afterEach(() => Promise.all([stopNodes(), killProcesses()]))

const TOPIC = 'block'
const HELLO = bytes('Hello, a new block!')
const HELLO_ID = '6538566873042680945'
const FRAME_LIMIT = 65_536

/** A mesh has room for one: a second subscriber hears by IHAVE and IWANT only. */
const NARROW_RUST = ['--mesh', '1,1,1,0', '--flood-publish', 'false', '--heartbeat', '500']
const NARROW = { D: 1, Dlo: 1, Dhi: 1, Dout: 0, floodPublish: false, heartbeatInterval: 500 }

/** Remembers all that a node hears, so that a wait may begin after it. */
function listen(node: P2pNode): (data: Uint8Array) => Promise<Broadcast> {
  const all$ = new ReplaySubject<Broadcast>()
  node.broadcasts$().subscribe(all$)
  return (data) => next(all$, (broadcast) => Buffer.compare(broadcast.data, data) === 0)
}

/** One of ours and one of Rust, both in the topic, and each knows it of the other. */
async function pair(...flags: string[]): Promise<{ rust: RustPeer; node: P2pNode }> {
  const [rust, node] = await Promise.all([RustPeer.start(...flags), startNode({ topics: [TOPIC] })])
  await node.dial(rust.address)
  await heard(node, 'subscriptionChanged', ({ peer, topic }) => peer === rust.peerId && topic === TOPIC)
  await rust.hearsSubscription(node, TOPIC)
  return { rust, node }
}

describe('a broadcast', () => {
  it('of ours reaches Rust, under the id that the network knows it by', async () => {
    const { rust, node } = await pair()
    expect(await node.broadcast(TOPIC, HELLO)).toEqual({ recipients: [rust.peerId] })
    const heardThere = { topic: TOPIC, from: node.peerId, via: node.peerId, messageId: HELLO_ID }
    expect(await rust.message(HELLO)).toMatchObject(heardThere)
  })

  it('of Rust reaches us, with its signer and its way', async () => {
    const { rust, node } = await pair()
    const hears = listen(node)
    expect(await rust.broadcast(TOPIC, HELLO)).toBe(HELLO_ID)
    expect(await hears(HELLO)).toMatchObject({ topic: TOPIC, from: rust.peerId, via: rust.peerId })
    expect((await heard(node, 'message')).id).toBe(HELLO_ID)
  })

  it('that is repeated is DuplicateMessage, whoever sent it first', async () => {
    const { rust, node } = await pair()
    const hears = listen(node)
    await node.broadcast(TOPIC, HELLO)
    expect(await outcome(node.broadcast(TOPIC, HELLO))).toBe('DuplicateMessage')
    await rust.message(HELLO)
    await expect(rust.broadcast(TOPIC, HELLO)).rejects.toThrow('Duplicate')

    await rust.broadcast(TOPIC, bytes('theirs'))
    await hears(bytes('theirs'))
    expect(await outcome(node.broadcast(TOPIC, bytes('theirs')))).toBe('DuplicateMessage')
  })

  it('may be empty, and as large as a frame allows', async () => {
    const { rust, node } = await pair()
    const largest = new Uint8Array(maxDataLength(TOPIC, FRAME_LIMIT)).fill(9)
    for (const data of [new Uint8Array(0), largest]) {
      await node.broadcast(TOPIC, data)
      expect(fromBase64((await rust.message(data)).data)).toHaveLength(data.length)
    }
    expect(await outcome(node.broadcast(TOPIC, new Uint8Array(largest.length + 1)))).toBe('MessageTooLarge')
  })

  it('of Rust may be empty, and as large as its frame allows', async () => {
    const { rust, node } = await pair()
    const hears = listen(node)
    // Rust leaves the key out, which is in the peer id already, and so has room for more than we have.
    let size = maxDataLength(TOPIC, FRAME_LIMIT) + 100
    const refused = (length: number) => outcome(rust.broadcast(TOPIC, new Uint8Array(length).fill(5)))
    while ((await refused(size)) !== 'fulfilled') size--
    expect(size).toBeGreaterThanOrEqual(maxDataLength(TOPIC, FRAME_LIMIT))
    expect((await hears(new Uint8Array(size).fill(5))).data).toHaveLength(size)
    await rust.broadcast(TOPIC, new Uint8Array(0))
    expect((await hears(new Uint8Array(0))).from).toBe(rust.peerId)
  })

  it('reaches us on a topic as long as somebody listens to it here', async () => {
    const [rust, node] = await Promise.all([
      RustPeer.start('--topics', 'block,late'),
      startNode({}, { topicLinger: 100 }),
    ])
    await node.dial(rust.address)
    const first = next(node.broadcasts$('late'))
    await rust.hearsSubscription(node, 'late')
    await rust.broadcast('late', bytes('one'))
    expect((await first).from).toBe(rust.peerId)
    await rust.waitFor('unsubscribed', ({ peer, topic }) => peer === node.peerId && topic === 'late')
  })
})

describe('a Rust node between two of ours that may not dial each other', () => {
  async function line(flags: string[]) {
    const [secretA, secretB] = [newSecret(), newSecret()]
    const [idA, idB] = [await peerIdOf(secretA), await peerIdOf(secretB)]
    const rust = await RustPeer.start(...flags)
    const counts = new Map([idA, idB].map((id) => [id, new GossipCounts()]))
    const start = (secret: string, self: string, other: string) =>
      startGated(
        { secret, topics: [TOPIC], bootNodes: rust.address },
        { denied: new Set([other]), gossipsub: counts.get(self)!.options },
      )
    const nodes = [await start(secretA, idA, idB), await start(secretB, idB, idA)] as const
    await Promise.all(nodes.map((node) => rust.hearsSubscription(node, TOPIC)))
    await Promise.all(nodes.map((node) => hearsSubscription(node, rust, TOPIC)))
    return { rust, nodes, countsOf: (node: P2pNode) => counts.get(node.peerId)! }
  }

  async function onlyRust(node: P2pNode, rust: RustPeer): Promise<void> {
    expect((await node.status()).connections).toEqual([rust.peerId])
  }

  it('passes broadcasts on through its mesh', async () => {
    const { rust, nodes } = await line([])
    const [a, b] = nodes
    const hears = { a: listen(a), b: listen(b) }
    await meshOf(rust, (mesh) => mesh.length === 2)
    await a.broadcast(TOPIC, bytes('from a'))
    expect(await hears.b(bytes('from a'))).toMatchObject({ from: a.peerId, via: rust.peerId })
    await b.broadcast(TOPIC, bytes('from b'))
    expect(await hears.a(bytes('from b'))).toMatchObject({ from: b.peerId, via: rust.peerId })
    await onlyRust(a, rust)
    await onlyRust(b, rust)
  })

  it('passes broadcasts on by IHAVE and IWANT to the one that is not in its mesh', async () => {
    const { rust, nodes, countsOf } = await line(NARROW_RUST)
    const [inMesh] = await meshOf(rust, (mesh) => mesh.length === 1)
    const [near, far] = nodes[0].peerId === inMesh ? nodes : [nodes[1], nodes[0]]
    const hears = listen(far)
    await near.broadcast(TOPIC, HELLO)
    expect(await hears(HELLO)).toMatchObject({ from: near.peerId, via: rust.peerId })
    expect(await rust.mesh(TOPIC)).toEqual([near.peerId])
    const counts = countsOf(far)
    expect(counts.of('gossipsub_ihave_rcv_msgids_total')).toBeGreaterThan(0)
    expect(counts.of('gossipsub_iwant_promise_sent_total')).toBe(1)
    await onlyRust(far, rust)
  })
})

describe('one of ours between two Rust peers that deny each other', () => {
  async function line(startMiddle: () => Promise<P2pNode>, ...flags: string[]) {
    const [secretA, secretB] = [newSecret(), newSecret()]
    const node = await startMiddle()
    const start = (secret: string, deny: string) =>
      RustPeer.start('--secret', secret, '--deny', deny, '--boot', node.addresses[0]!, '--first-tick', '100', ...flags)
    const rusts = await Promise.all([start(secretA, await peerIdOf(secretB)), start(secretB, await peerIdOf(secretA))])
    await Promise.all(rusts.map((rust) => rust.hearsSubscription(node, TOPIC)))
    await statusOf(node, ({ connections }) => rusts.every(({ peerId }) => connections.includes(peerId)))
    return { node, rusts: rusts }
  }

  it('passes broadcasts on through its mesh', async () => {
    const { node, rusts } = await line(() => startNode({ topics: [TOPIC] }))
    const [a, b] = rusts
    await Promise.all(rusts.map((rust) => meshOf(rust, (mesh) => mesh.includes(node.peerId))))
    await heard(node, 'meshChanged', ({ peers }) => peers.length === 2)
    await a.broadcast(TOPIC, bytes('from a'))
    expect(await b.message(bytes('from a'))).toMatchObject({ from: a.peerId, via: node.peerId })
    await b.broadcast(TOPIC, bytes('from b'))
    expect(await a.message(bytes('from b'))).toMatchObject({ from: b.peerId, via: node.peerId })
    expect(await a.connections()).toEqual([node.peerId])
  })

  it('passes broadcasts on by IHAVE and IWANT to the one that is not in its mesh', async () => {
    const counts = new GossipCounts()
    const gossipsub = { ...NARROW, ...counts.options }
    const { node, rusts } = await line(() => startGated({ topics: [TOPIC] }, { gossipsub }), '--heartbeat', '500')
    // Each of them has grafted us or was pruned by us; who was pruned has an empty mesh.
    const near = await oneInMesh(rusts)
    const far = rusts.find((rust) => rust !== near)!
    await near.broadcast(TOPIC, HELLO)
    expect(await far.message(HELLO)).toMatchObject({ from: near.peerId, via: node.peerId, messageId: HELLO_ID })
    expect(await far.mesh(TOPIC)).toEqual([])
    expect(counts.of('gossipsub_iwant_rcv_msgids_total')).toBe(1)
  })
})

/** The mesh of a Rust peer, asked again at each message of its until it fits. */
async function meshOf(rust: RustPeer, fits: (mesh: string[]) => boolean): Promise<string[]> {
  const deadline = performance.now() + 10_000
  for (;;) {
    const mesh = await rust.mesh(TOPIC)
    if (fits(mesh)) return mesh
    if (performance.now() > deadline) throw new Error(`the mesh stays ${JSON.stringify(mesh)}`)
  }
}

async function oneInMesh(rusts: RustPeer[]): Promise<RustPeer> {
  const deadline = performance.now() + 10_000
  for (;;) {
    const meshes = await Promise.all(rusts.map((rust) => rust.mesh(TOPIC)))
    const inMesh = rusts.filter((_, index) => meshes[index]!.length > 0)
    if (inMesh.length === 1) return inMesh[0]!
    if (performance.now() > deadline) throw new Error(`the meshes stay ${JSON.stringify(meshes)}`)
  }
}
