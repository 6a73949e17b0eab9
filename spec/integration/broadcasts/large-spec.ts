/** Large messages: announced by gossip, fetched from the neighbour, checked; what each has is read from what it wrote down. */
import { createHash } from 'node:crypto'
import { newSecret } from 'tinyp2p'
import { afterEach, describe, expect, it } from '@jest/globals'
import { peerIdOf } from '../../../src/identity.js'
import type { AnotherProcess } from '../../support/another-process.js'
import { endProcesses } from '../../support/another-process.js'
import { isIntact, titled, titleOf } from '../../support/child-broadcasts.js'
import { startGated } from '../../support/gated-node.js'
import { joinLine, startLine } from '../../support/line.js'
import { rawGossipIn, stopRaw } from '../../support/raw-gossip.js'
import { encodeAnnouncement } from '../../../src/wire/gossip/announcement.js'
import { MiB, next, outcome, startNode, stateOf, stopNodes } from '../../support/nodes.js'

afterEach(() => Promise.all([stopNodes(), endProcesses(), stopRaw()]), 20_000)

const TOPIC = 'films'
const pubsub = { largeMessages: { maxSize: 8 * MiB } }

describe('a large broadcast', () => {
  it('goes down a line of three, whole and once, beside small ones, with receipts', async () => {
    const line = await startLine(3, { 0: { pubsub }, 1: { pubsub }, 2: { pubsub } })
    await joinLine(line, TOPIC)
    const [first, second, third] = line as [AnotherProcess, AnotherProcess, AnotherProcess]
    const sizes = [70_000, 1 * MiB, 5 * MiB]
    const sent = await Promise.all(
      sizes.map((size, i) => first.broadcast(TOPIC, titled(`film ${i}`, size), { receipts: { timeout: 30_000 } })),
    )
    await first.broadcast(TOPIC, titled('small', 100))
    for (const reader of [second, third]) {
      const lines = await reader.wrote(TOPIC, 4)
      expect(lines.map(({ text }) => text).sort()).toEqual(['film 0', 'film 1', 'film 2', 'small'])
      expect(lines.every(isIntact)).toBe(true)
      expect(lines.map(({ size }) => size).sort((a, b) => a - b)).toEqual([100, ...sizes])
      expect(new Set(lines.map(({ from }) => from))).toEqual(new Set([first.peerId]))
    }
    for (const { recipients, receipts } of sent) {
      expect(recipients).toEqual([second.peerId])
      expect(receipts).toMatchObject([{ peer: second.peerId }])
    }
  }, 60_000)

  it('over the limit is refused before anything is sent', async () => {
    const node = await startNode({ topics: [TOPIC], pubsub })
    expect(await outcome(node.broadcast(TOPIC, titled('much', 8 * MiB + 1)))).toBe('MessageTooLarge')
    expect((await node.explain({ topic: TOPIC })).sent.broadcasts).toBe(0)
  })

  it('of which a neighbour serves wrong bytes is not delivered, and counts against that neighbour', async () => {
    const secrets = [newSecret(), newSecret(), newSecret()]
    const [idA, , idC] = await Promise.all(secrets.map(peerIdOf))
    const config = (place: number) => ({ secret: secrets[place]!, topics: [TOPIC], pubsub })
    const signer = await startGated(config(0), { denied: new Set([idC!]) })
    const liar = await startGated(config(1), {})
    const victim = await startGated(config(2), { denied: new Set([idA!]) })
    const { blobs } = stateOf(liar).large
    const keep = blobs.set.bind(blobs)
    blobs.set = (hash, blob) =>
      keep(hash, { ...blob, data: blob.data.map((byte, i) => (i === 99_999 ? byte ^ 1 : byte)) })
    const titles: string[] = []
    victim.broadcasts$(TOPIC).subscribe(({ data }) => titles.push(titleOf(data)))
    const passes = next(victim.broadcasts$(TOPIC), ({ data }) => titleOf(data) === 'small', 20_000)
    const atLiar = next(liar.broadcasts$(TOPIC), ({ data }) => titleOf(data) === 'film', 20_000)
    await signer.dial(liar.addresses[0]!)
    await victim.dial(liar.addresses[0]!)
    await Promise.all([signer, liar, victim].map((node) => node.joined(TOPIC)))
    await next(liar.subscribers$(TOPIC), (peers) => peers.length === 2)
    await meshOfTwo(liar)

    await signer.broadcast(TOPIC, titled('film', 300_000))
    await atLiar
    await until(async () => (await victim.explain({ topic: TOPIC })).dropped.fetchFailed === 1)
    expect((await victim.explain({ peer: liar.peerId })).gossip.score).toBeLessThan(0)
    await liar.broadcast(TOPIC, titled('small', 100))
    await passes
    expect(titles).toEqual(['small'])
  }, 60_000)

  it('is fetched from whoever hands it on, when who handed it on first has nothing, each time', async () => {
    const [victim, middle] = [
      await startNode({ topics: [TOPIC], pubsub }),
      await startNode({ topics: [TOPIC], pubsub }),
    ]
    await victim.dial(middle.addresses[0]!)
    const liar = await rawGossipIn(TOPIC, victim.addresses[0]!)
    const toVictim = liar.outbound
    await liar.connect({ address: middle.addresses[0]!.split('/p2p/')[0]!, id: middle.peerId })
    const toMiddle = liar.outbound
    liar.send({ subscriptions: [{ topic: TOPIC, subscribe: true }] }, toMiddle)
    for (const node of [victim, middle]) await next(node.subscribers$(TOPIC), (peers) => peers.length === 2)
    await until(async () => {
      const { subscribers } = await middle.explain({ topic: TOPIC })
      return subscribers.some(({ peer, inMesh }) => peer === victim.peerId && inMesh)
    })
    for (const i of [1, 2, 3]) {
      const film = titled(`film ${i}`, 300_000)
      // So the middle has it.
      await middle.broadcast(`elsewhere ${i}`, film)
      const hash = new Uint8Array(createHash('sha256').update(film).digest())
      const message = await liar.sign(TOPIC, encodeAnnouncement({ hash, size: film.length }))
      const heard = next(victim.broadcasts$(TOPIC), ({ data }) => titleOf(data) === `film ${i}`, 20_000)
      liar.send({ messages: [message] }, toVictim)
      await new Promise((resolve) => setTimeout(resolve, 100))
      liar.send({ messages: [message] }, toMiddle)
      await heard
    }
    expect(stateOf(victim).fetching.distrusted.has(liar.peerId)).toBe(true)
    expect((await victim.explain({ topic: TOPIC })).dropped).toEqual({})
  }, 60_000)
})

function meshOfTwo(node: Awaited<ReturnType<typeof startGated>>): Promise<void> {
  return until(async () => {
    return (await node.explain({ topic: TOPIC })).subscribers.filter(({ inMesh }) => inMesh).length === 2
  })
}

/** Looks again and again: what it looks at is no event. */
async function until(fits: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 20_000
  while (!(await fits())) {
    if (performance.now() > end) throw new Error(`it did not become so: ${fits.toString()}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
