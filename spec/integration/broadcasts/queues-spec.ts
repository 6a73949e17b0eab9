/** Bursts: what is handed over arrives, what cannot be is refused, and every broadcast is accounted for. */
import { setMaxListeners } from 'node:events'
import type { P2pNode } from 'tinyp2p'
import { afterEach, describe, expect, it } from '@jest/globals'
import { AnotherProcess, endProcesses } from '../../support/another-process.js'
import { burst, isIntact, type Sent } from '../../support/child-broadcasts.js'
import { canReach, heard, next, outcome, bytes, startNode, stopNodes } from '../../support/nodes.js'
import { rawGossipIn, stopRaw, type RawGossip } from '../../support/raw-gossip.js'

afterEach(() => Promise.all([stopNodes(), endProcesses(), stopRaw()]), 20_000)

const TOPIC = 'news'
const KiB = 1_024

async function readerOf(node: P2pNode): Promise<AnotherProcess> {
  const reader = await AnotherProcess.start()
  await reader.writes(TOPIC)
  await reader.order('dial', { address: node.addresses[0]! })
  await canReach(node, reader, TOPIC)
  return reader
}

async function deafOf(node: P2pNode): Promise<RawGossip> {
  const deaf = await rawGossipIn(TOPIC, node.addresses[0]!, { deaf: true })
  await canReach(node, deaf, TOPIC)
  return deaf
}

/** The titles, in the order of the calls, of those that were handed to this peer. */
function handedTo({ peerId }: { peerId: string }, name: string, sent: Sent[]): string[] {
  return sent.flatMap(({ recipients }, i) => (recipients?.includes(peerId) === true ? [`${name} ${i}`] : []))
}

function codesOf(sent: Sent[]): Record<string, number> {
  const codes: Record<string, number> = {}
  for (const { code = 'sent' } of sent) codes[code] = (codes[code] ?? 0) + 1
  return codes
}

describe('a burst', () => {
  it('of 10,000 small broadcasts arrives whole, once each and in order', async () => {
    const node = await startNode({ reqResp: { requestTimeout: 30_000 } })
    const reader = await readerOf(node)
    const sent = await burst(node, TOPIC, 'small', 10_000, 32)
    expect(codesOf(sent)).toEqual({ sent: 10_000 })
    const lines = await reader.wrote(TOPIC, 10_000, 30_000)
    expect(lines.map(({ text }) => text)).toEqual(handedTo(reader, 'small', sent))
    expect(lines.every(isIntact)).toBe(true)
    expect((await node.explain({ topic: TOPIC })).sent).toMatchObject({ broadcasts: 10_000, handedOver: 10_000 })
    expect((await reader.explainTopic(TOPIC)).dropped).toEqual({})
  }, 90_000)

  it('of 2,000 large ones, one of two peers being deaf: each was handed over, counted as passed over, or refused', async () => {
    const node = await startNode({ pubsub: { maxQueueSize: 1_024 * KiB } })
    const reader = await readerOf(node)
    const deaf = await deafOf(node)
    const sent = await burst(node, TOPIC, 'large', 2_000, 32 * KiB)
    // Here wait 64 MiB at most, and nothing for ever.
    const { sent: resolved = 0, Overloaded: refused = 0 } = codesOf(sent)
    expect(resolved + refused).toBe(2_000)
    expect(resolved).toBeGreaterThan(50)
    const forReader = handedTo(reader, 'large', sent)
    const forDeaf = handedTo(deaf, 'large', sent)
    expect(forDeaf.length).toBeLessThan(forReader.length)
    const lines = await reader.wrote(TOPIC, forReader.length)
    expect(lines.map(({ text }) => text)).toEqual(forReader)
    expect(lines.every(isIntact)).toBe(true)
    const { sent: counted, dropped } = await node.explain({ topic: TOPIC })
    expect(counted).toMatchObject({
      broadcasts: resolved,
      handedOver: forReader.length + forDeaf.length,
      toNobody: 0,
      waiting: 0,
    })
    expect(dropped).toEqual({ slowPeer: 2 * resolved - forReader.length - forDeaf.length })
  }, 90_000)

  it('that cannot be sent in time is refused: who is told so has sent nothing', async () => {
    const node = await startNode({ pubsub: { maxQueueSize: 256 * KiB }, reqResp: { requestTimeout: 200 } })
    const reader = await readerOf(node)
    await deafOf(node)
    // For half a second all others wait for a peer that takes nothing, and these wait for less.
    const sent = await burst(node, TOPIC, 'late', 400, 16 * KiB)
    const { sent: resolved = 0, Overloaded: refused = 0 } = codesOf(sent)
    expect(resolved + refused).toBe(400)
    expect(refused).toBeGreaterThan(0)
    const lines = await reader.wrote(TOPIC, resolved)
    expect(lines.map(({ text }) => text)).toEqual(handedTo(reader, 'late', sent))
    expect((await node.explain({ topic: TOPIC })).text).toContain(', 0 waiting')
  }, 60_000)

  it('that waits for a slow reader keeps the connection for as long as it waits', async () => {
    // The publisher is not in the topic, so nothing but the broadcasts themselves uses the connection.
    const node = await startNode({ reqResp: { connectionKeepAlive: 400 }, stayConnected: 0 }, { publishesFor: -1 })
    const reader = await readerOf(node)
    await reader.pause()
    // More than fits into a window, so that some of it is here.
    const sent = await burst(node, TOPIC, 'waits', 40, 32 * KiB)
    expect(handedTo(reader, 'waits', sent)).toHaveLength(40)
    await expect(next(node.subscribers$(TOPIC), (peers) => peers.length === 0, 2_500)).rejects.toThrow(
      'no fitting value',
    )
    reader.resume()
    expect((await reader.wrote(TOPIC, 40)).map(({ text }) => text)).toEqual(handedTo(reader, 'waits', sent))
    // And then nothing uses it any more.
    await next(node.subscribers$(TOPIC), (peers) => peers.length === 0)
  }, 60_000)

  it('that is given up by its caller leaves nothing behind', async () => {
    const node = await startNode({ pubsub: { maxQueueSize: 64 * KiB } })
    await deafOf(node)
    const aborting = new AbortController()
    setMaxListeners(100, aborting.signal)
    const broadcasts = Array.from({ length: 100 }, (_, i) =>
      outcome(node.broadcast(TOPIC, bytes(10_000 + i), { signal: aborting.signal })),
    )
    await heard(node, 'publishHeld')
    aborting.abort()
    const outcomes = await Promise.all(broadcasts)
    expect(new Set(outcomes)).toEqual(new Set(['fulfilled', 'Aborted']))
    expect((await node.explain({ topic: TOPIC })).sent.waiting).toBe(0)
  })
})
