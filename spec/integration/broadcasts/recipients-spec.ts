/**
 * Who got it: recipients, receipts, drops and `explain` of a publisher, compared with what the processes that receive wrote
 * down, while some of them are stopped, dead, or deaf.
 */
import type { P2pNode } from 'tinyp2p'
import { afterEach, describe, expect, it } from '@jest/globals'
import { AnotherProcess, endProcesses } from '../../support/another-process.js'
import { burst, isIntact, send, titled, type Noted, type Sent } from '../../support/child-broadcasts.js'
import { canReach, heard, next, startNode, stopNodes } from '../../support/nodes.js'
import { rawGossipIn, stopRaw } from '../../support/raw-gossip.js'

afterEach(() => Promise.all([stopNodes(), endProcesses(), stopRaw()]), 20_000)

const TOPIC = 'news'
const KiB = 1_024

/** It is not in the topic, so nobody forwards anything to it. */
function publisher(maxQueueSize = 4_194_304): Promise<P2pNode> {
  return startNode({ pubsub: { maxQueueSize } })
}

/** Processes that listen to the topic and write down what they hear; the publisher can reach all of them. */
async function readers(node: P2pNode, amount: number): Promise<AnotherProcess[]> {
  const all = await Promise.all(Array.from({ length: amount }, () => AnotherProcess.start()))
  await Promise.all(
    all.map(async (reader) => {
      await reader.writes(TOPIC)
      await reader.order('dial', { address: node.addresses[0]! })
      await canReach(node, reader, TOPIC)
    }),
  )
  return all
}

const texts = (lines: Noted[]): string[] => lines.map(({ text }) => text).sort()
const idsOf = (peers: { peerId: string }[]): string[] => peers.map(({ peerId }) => peerId).sort()

/** The titles of those broadcasts that name this peer among their recipients. */
function handedTo({ peerId }: { peerId: string }, name: string, sent: Sent[]): string[] {
  return sent.flatMap(({ recipients }, i) => (recipients?.includes(peerId) === true ? [`${name} ${i}`] : [])).sort()
}

describe('recipients and receipts', () => {
  it('name who wrote it down, once each, and explain counts the same', async () => {
    const node = await publisher()
    const all = await readers(node, 3)
    const began = performance.now()
    const sent = await burst(node, TOPIC, 'all', 20, 100, { receipts: true })
    const took = performance.now() - began
    for (const reader of all) {
      const lines = await reader.wrote(TOPIC, 20)
      expect(texts(lines)).toEqual(handedTo(reader, 'all', sent))
      expect(lines.every(isIntact)).toBe(true)
      expect(new Set(lines.map(({ from }) => from))).toEqual(new Set([node.peerId]))
    }
    for (const { recipients, receipts } of sent) {
      expect([...recipients!].sort()).toEqual(idsOf(all))
      expect(receipts!.map(({ peer }) => peer).sort()).toEqual(idsOf(all))
      for (const { rtt } of receipts!) {
        expect(rtt).toBeGreaterThanOrEqual(0)
        expect(rtt).toBeLessThanOrEqual(took + 1)
      }
    }
    const { sent: counted, dropped, subscribers } = await node.explain({ topic: TOPIC })
    expect(counted).toMatchObject({ broadcasts: 20, handedOver: 60, toNobody: 0, waiting: 0 })
    expect(dropped).toEqual({})
    expect(subscribers.map(({ peer }) => peer).sort()).toEqual(idsOf(all))
    for (const reader of all) {
      expect((await reader.explainTopic(TOPIC)).heard).toMatchObject({ received: 20, delivered: 20, remembered: 20 })
    }
  }, 60_000)

  it('differ when a process is stopped: it is a recipient, and gives no receipt until it goes on', async () => {
    const node = await publisher()
    const all = await readers(node, 3)
    const [stopped, ...others] = all as [AnotherProcess, ...AnotherProcess[]]
    await stopped.pause()
    const during = await send(node, TOPIC, titled('during', 100), { receipts: { timeout: 3_000 } })
    expect([...during.recipients!].sort()).toEqual(idsOf(all))
    expect(during.receipts!.map(({ peer }) => peer).sort()).toEqual(idsOf(others))
    for (const reader of others) expect(texts(await reader.wrote(TOPIC, 1))).toEqual(['during'])
    expect(stopped.journal(TOPIC)).toEqual([])
    stopped.resume()
    expect(texts(await stopped.wrote(TOPIC, 1))).toEqual(['during'])
    const after = await send(node, TOPIC, titled('after', 100), { receipts: true })
    expect(after.receipts!.map(({ peer }) => peer).sort()).toEqual(idsOf(all))
    expect(texts(await stopped.wrote(TOPIC, 2))).toEqual(['after', 'during'])
  }, 60_000)

  it('name nobody falsely who was killed in the middle, and those who live miss nothing', async () => {
    const node = await publisher()
    const all = await readers(node, 3)
    const [victim, ...others] = all as [AnotherProcess, ...AnotherProcess[]]
    const early = burst(node, TOPIC, 'early', 200, 1 * KiB)
    await victim.wrote(TOPIC, 1)
    await victim.kill()
    await next(node.subscribers$(TOPIC), (peers) => !peers.includes(victim.peerId))
    const late = await burst(node, TOPIC, 'late', 20, 100, { receipts: true })
    const sent = await early
    for (const reader of others) {
      expect(texts(await reader.wrote(TOPIC, 220))).toEqual(
        [...handedTo(reader, 'early', sent), ...handedTo(reader, 'late', late)].sort(),
      )
      expect(handedTo(reader, 'early', sent)).toHaveLength(200)
    }
    expect(handedTo(victim, 'early', sent)).toEqual(expect.arrayContaining(texts(victim.journal(TOPIC))))
    for (const { recipients, receipts } of late) {
      expect([...recipients!].sort()).toEqual(idsOf(others))
      expect(receipts!.map(({ peer }) => peer).sort()).toEqual(idsOf(others))
    }
    expect((await node.explain({ peer: victim.peerId })).connections).toEqual([])
  }, 60_000)

  it('pass over, in bounded time and counted, who takes nothing: others get all, and who goes on gets its part', async () => {
    const node = await publisher(256 * KiB)
    const [stopped, ...others] = (await readers(node, 3)) as [AnotherProcess, ...AnotherProcess[]]
    const deaf = await rawGossipIn(TOPIC, node.addresses[0]!, { deaf: true })
    await canReach(node, deaf, TOPIC)
    await stopped.pause()

    const amount = 200
    const sent = await burst(node, TOPIC, 'load', amount, 16 * KiB)
    expect(sent.filter(({ code }) => code !== undefined)).toEqual([])
    for (const reader of others) {
      expect(handedTo(reader, 'load', sent)).toHaveLength(amount)
      const lines = await reader.wrote(TOPIC, amount)
      expect(texts(lines)).toEqual(handedTo(reader, 'load', sent))
      expect(lines.every(isIntact)).toBe(true)
    }
    const missed = new Map([stopped, deaf].map((peer) => [peer, amount - handedTo(peer, 'load', sent).length]))
    let dropped = 0
    for (const [{ peerId }, count] of missed) {
      expect(count).toBeGreaterThan(0)
      expect(count).toBeLessThan(amount)
      dropped += count
      const { gossip, dropped: ofPeer, text } = await node.explain({ peer: peerId })
      expect(ofPeer).toEqual({ slowPeer: count })
      expect(gossip.tooSlow).toBe(true)
      expect(text).toContain('reads too slowly')
    }
    const explained = await node.explain({ topic: TOPIC })
    expect(explained.dropped).toEqual({ slowPeer: dropped })
    expect(explained.sent).toMatchObject({ broadcasts: amount, handedOver: 4 * amount - dropped })

    const drained = heard(node, 'gossipDrained', ({ peer }) => peer === stopped.peerId)
    stopped.resume()
    await drained
    const after = await send(node, TOPIC, titled('after', 100))
    expect([...after.recipients!].sort()).toEqual(idsOf([stopped, ...others]))
    await stopped.wroteText(TOPIC, 'after')
    const got = handedTo(stopped, 'load', sent)
    for (const title of got) await stopped.wroteText(TOPIC, title)
    // The other readers tell it what it has missed (gossip), when it is connected to them too: all of that is of the burst, once.
    const lines = stopped.journal(TOPIC)
    expect(lines.every(isIntact)).toBe(true)
    expect(new Set(texts(lines)).size).toBe(lines.length)
    const titles = ['after', ...sent.map((_, i) => `load ${i}`)]
    expect(titles).toEqual(expect.arrayContaining(texts(lines)))
  }, 90_000)
})
