/** Honest broadcasts in networks of both kinds: Rust among ours, ours among Rust; receipts, late subscribers, large frames. */
import { afterEach, describe, expect, it } from '@jest/globals'
import { newSecret, type P2pNode } from 'tinyp2p'
import { peerIdOf } from '../../src/identity.js'
import { maxDataLength } from '../support/gossip-size.js'
import { send, titled, titleOf } from '../support/child-broadcasts.js'
import { GossipCounts, startGated } from '../support/gated-node.js'
import { killProcesses } from '../support/line-process.js'
import { bytes, canReach, hearsSubscription, next, startNode, stopNodes } from '../support/nodes.js'
import { fromBase64, RustPeer, toBase64 } from '../support/rust-peer.js'

afterEach(() => Promise.all([stopNodes(), killProcesses()]))

const TOPIC = 'block'
const FRAME_LIMIT = 65_536

/** The titles of what a node of ours hears. */
function titlesAt(node: P2pNode): { all: string[]; reached: (amount: number) => Promise<void> } {
  const all: string[] = []
  const waiting = new Set<() => void>()
  node.broadcasts$(TOPIC).subscribe(({ data }) => {
    all.push(titleOf(data))
    for (const check of [...waiting]) check()
  })
  const reached = (amount: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`${all.length} of ${amount} came: ${all.join()}`)), 20_000)
      const check = (): void => {
        if (all.length < amount) return
        clearTimeout(late)
        waiting.delete(check)
        resolve()
      }
      waiting.add(check)
      check()
    })
  return { all, reached }
}

async function titlesAtRust(rust: RustPeer, last: string[]): Promise<string[]> {
  for (const title of last) await rust.waitFor('message', ({ data }) => titleOf(fromBase64(data)) === title, 20_000)
  return (await rust.told('message')).map(({ data }) => titleOf(fromBase64(data)))
}

function series(name: string, amount: number): string[] {
  return Array.from({ length: amount }, (_, i) => `${name} ${i}`)
}

async function rustMesh(rust: RustPeer, amount: number): Promise<void> {
  const end = performance.now() + 20_000
  for (;;) {
    const mesh = await rust.mesh(TOPIC)
    if (mesh.length === amount) return
    if (performance.now() > end) throw new Error(`the mesh stays ${JSON.stringify(mesh)}`)
  }
}

async function ourMesh(node: P2pNode, amount: number): Promise<void> {
  const end = performance.now() + 20_000
  for (;;) {
    const { subscribers, text } = await node.explain({ topic: TOPIC })
    if (subscribers.filter(({ inMesh }) => inMesh).length === amount) return
    if (performance.now() > end) throw new Error(`the mesh stays as it is: ${text}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

describe('a line of five', () => {
  it('with Rust in the middle carries everything once to everybody', async () => {
    const secrets = Array.from({ length: 5 }, () => newSecret())
    const ids = await Promise.all(secrets.map(peerIdOf))
    const strangersOf = (place: number): string[] => ids.filter((_, other) => Math.abs(other - place) > 1)
    const rust = await RustPeer.start(
      ...['--secret', secrets[2]!, ...strangersOf(2).flatMap((id) => ['--deny', id]), '--heartbeat', '500'],
    )
    const ours = new Map<number, P2pNode>()
    for (const place of [0, 1, 3, 4]) {
      const config = { secret: secrets[place]!, topics: [TOPIC] }
      ours.set(place, await startGated(config, { denied: new Set(strangersOf(place)) }))
    }
    const [first, second, fourth, last] = [...ours.values()] as [P2pNode, P2pNode, P2pNode, P2pNode]
    await first.dial(second.addresses[0]!)
    await last.dial(fourth.addresses[0]!)
    for (const node of [second, fourth]) await node.dial(rust.address)
    await Promise.all([ourMesh(first, 1), ourMesh(second, 2), ourMesh(fourth, 2), ourMesh(last, 1), rustMesh(rust, 2)])

    const heard = new Map([...ours].map(([place, node]) => [place, titlesAt(node)]))
    const amount = 20
    for (let i = 0; i < amount; i++) {
      await Promise.all([...ours].map(([place, node]) => node.broadcast(TOPIC, titled(`of ${place} ${i}`, 100))))
      await rust.broadcast(TOPIC, titled(`of 2 ${i}`, 100))
    }
    for (const [place, { all, reached }] of heard) {
      await reached(4 * amount)
      const others = [0, 1, 2, 3, 4].filter((other) => other !== place)
      expect([...all].sort()).toEqual(others.flatMap((other) => series(`of ${other}`, amount)).sort())
    }
    const fromOurs = [0, 1, 3, 4].flatMap((other) => series(`of ${other}`, amount))
    expect((await titlesAtRust(rust, fromOurs)).sort()).toEqual(fromOurs.sort())
  }, 90_000)
})

describe('with a Rust peer', () => {
  async function pair(...flags: string[]): Promise<{ rust: RustPeer; node: P2pNode }> {
    const [rust, node] = await Promise.all([RustPeer.start(...flags), startNode({ topics: [TOPIC] })])
    await node.dial(rust.address)
    await canReach(node, rust, TOPIC)
    await rust.hearsSubscription(node, TOPIC)
    return { rust, node }
  }

  it('receipts are none, and complete at once: it does not speak of them', async () => {
    const { rust, node } = await pair()
    const start = performance.now()
    const sent = await send(node, TOPIC, bytes('a receipt, please'), { receipts: { timeout: 30_000 } })
    expect(sent).toEqual({ recipients: [rust.peerId], receipts: [] })
    expect(performance.now() - start).toBeLessThan(10_000)
    await rust.message(bytes('a receipt, please'))
  })

  it('that speaks sessions, and knows no requests of nodes, receipts and history end with its no', async () => {
    const { rust, node } = await pair('--session')
    const sent = await send(node, TOPIC, bytes('a receipt, please'), { receipts: { timeout: 30_000 } })
    expect(sent).toEqual({ recipients: [rust.peerId], receipts: [] })
    const late = next(node.broadcasts$(TOPIC, { replay: 5 }), ({ from }) => from === rust.peerId)
    await rust.waitFor('sessionRequest', ({ request }) => request === 2)
    await rust.broadcast(TOPIC, bytes('live'))
    expect((await late).data).toEqual(bytes('live'))
    const asked = await rust.told('sessionRequest')
    expect(asked.map(({ service }) => service)).toEqual([true, true])
  })

  it('waitForPeers and joined know it as they know ours', async () => {
    const node = await startNode()
    const sent = node.broadcast(TOPIC, bytes('the first'), { waitForPeers: { min: 1, timeout: 20_000 } })
    const rust = await RustPeer.start('--boot', node.addresses[0]!, '--first-tick', '100')
    expect(await sent).toEqual({ recipients: [rust.peerId] })
    await rust.message(bytes('the first'))
    const heard = next(node.broadcasts$(TOPIC))
    await node.joined(TOPIC)
    await rust.hearsSubscription(node, TOPIC)
    await rust.broadcast(TOPIC, bytes('theirs'))
    expect((await heard).data).toEqual(bytes('theirs'))
  })

  it('a late subscriber gets the live stream alone, and soon', async () => {
    const { rust, node } = await pair()
    const before = next(node.broadcasts$(TOPIC))
    await rust.broadcast(TOPIC, bytes('before'))
    await before
    const late = await startNode()
    const titles: string[] = []
    const first = new Promise<void>((resolve) => {
      late.broadcasts$(TOPIC, { replay: 10 }).subscribe(({ data }) => {
        titles.push(titleOf(data))
        resolve()
      })
    })
    await late.dial(rust.address)
    await rust.hearsSubscription(late, TOPIC)
    await late.joined(TOPIC)
    await rust.broadcast(TOPIC, bytes('after'))
    await first
    expect(titles).toEqual(['after'])
  })

  it('its message is judged: what we reject is delivered to nobody, and costs it its score', async () => {
    const { rust, node } = await pair()
    node.validate(TOPIC, (data) => (titleOf(data) === 'bad' ? 'reject' : 'accept'))
    const { all, reached } = titlesAt(node)
    for (const title of ['bad', 'good']) await rust.broadcast(TOPIC, bytes(title))
    await reached(1)
    expect(all).toEqual(['good'])
    const { dropped, gossip } = await node.explain({ peer: rust.peerId })
    expect(dropped).toEqual({ rejected: 1 })
    expect(gossip.score).toBeLessThan(0)
  })

  it('answers to IWANT of several large messages come in frames that it takes', async () => {
    const counts = new GossipCounts()
    const narrow = { D: 1, Dlo: 1, Dhi: 1, Dout: 0, floodPublish: false, heartbeatInterval: 1_000 }
    const middle = await startGated({ topics: [TOPIC] }, { gossipsub: { ...narrow, ...counts.options } })
    const near = await startNode({ topics: [TOPIC] })
    await near.dial(middle.addresses[0]!)
    await hearsSubscription(near, middle, TOPIC)
    await ourMesh(middle, 1)
    // There is no room for it in the mesh: it hears by IHAVE, and asks for all of them together.
    const rust = await RustPeer.start('--boot', middle.addresses[0]!, '--first-tick', '100', '--heartbeat', '500')
    await hearsSubscription(middle, rust, TOPIC)
    const size = maxDataLength(TOPIC, FRAME_LIMIT) - 50
    const titles = series('large', 5)
    await Promise.all(titles.map((title) => near.broadcast(TOPIC, titled(title, size))))
    for (const title of titles) {
      const { data } = await rust.message(titled(title, size))
      expect(toBase64(titled(title, size))).toBe(data)
    }
    expect(counts.of('gossipsub_iwant_rcv_msgids_total')).toBeGreaterThan(0)
    // Its stream to us, and ours to it, were not ended by a frame that was too large.
    const heard = next(middle.broadcasts$(TOPIC))
    await rust.broadcast(TOPIC, bytes('still here'))
    expect((await heard).data).toEqual(bytes('still here'))
  }, 60_000)
})
