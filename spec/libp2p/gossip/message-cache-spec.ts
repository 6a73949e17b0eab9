/** The cache of messages: what peers are offered and given, and for how long. */
import { beforeEach, expect, it } from '@jest/globals'
import { MessageCache } from '../../../src/libp2p/gossip/message-cache.js'
import { encodeAnnouncement } from '../../../src/wire/gossip/announcement.js'
import { bytes, text } from '../../support/bytes.js'

const id = (msgIdStr: string) => ({ msgIdStr, msgId: bytes(msgIdStr) })
const message = (data: string) => ({ topic: 'block', data: bytes(data) })

let cache: MessageCache
/** Ids of what peers of the topic are offered. */
const offered = () => (cache.getGossipIDs(new Set(['block'])).get('block') ?? []).map(text)

beforeEach(() => {
  cache = new MessageCache(4, 2, text)
})

it('gives and offers nothing of a message before its verdict, and all of it after a good one', () => {
  expect(cache.put(id('a'), message('a'))).toBe(true)
  expect(cache.put(id('a'), message('other'))).toBe(false)
  expect(cache.notValidatedCount).toBe(1)
  expect(cache.getWithIWantCount('a', 'peer')).toBeNull()
  expect(offered()).toEqual([])
  cache.observeDuplicate('a', 'early')
  expect(cache.validate('a')).toEqual({ message: message('a'), originatingPeers: new Set(['early']) })
  cache.observeDuplicate('a', 'late')
  expect(cache.validate('a')?.originatingPeers).toEqual(new Set())
  expect(cache.notValidatedCount).toBe(0)
  expect(cache.getWithIWantCount('a', 'peer')).toEqual({ msg: message('a'), count: 1 })
  expect(cache.getWithIWantCount('a', 'peer')?.count).toBe(2)
  expect(cache.getWithIWantCount('a', 'another')?.count).toBe(1)
  expect(offered()).toEqual(['a'])
  expect(cache.getGossipIDs(new Set(['tx'])).size).toBe(0)
  expect(cache.get(id('a').msgId)).toEqual(message('a'))
})

it('tells once of each other peer that has an announcement, or offers it, until its verdict', () => {
  const again: string[] = []
  cache.onAnnouncedAgain = (name, peer) => again.push(`${name} ${peer}`)
  const data = encodeAnnouncement({ hash: new Uint8Array(32), size: 9 })
  cache.comes('a', 'first')
  cache.put(id('a'), { topic: 'block', data })
  cache.put(id('b'), message('b'))
  for (const peer of ['first', 'second', 'second']) cache.observeDuplicate('a', peer)
  cache.observeDuplicate('b', 'second')
  cache.offeredBy(['a', 'b', 'c'].map(bytes), 'third')
  cache.offeredBy([bytes('a')], 'second')
  expect(again).toEqual(['a second', 'a third'])
  // Who only says that it has it has not sent it.
  expect(cache.validate('a')?.originatingPeers).toEqual(new Set(['first', 'second']))
  cache.observeDuplicate('a', 'fourth')
  cache.offeredBy([bytes('a')], 'fifth')
  expect(again).toHaveLength(2)
})

it('forgets a message after a bad verdict', () => {
  cache.put(id('a'), message('a'))
  expect(cache.remove('a')).toMatchObject({ message: message('a') })
  expect(cache.remove('a')).toBeNull()
  expect(cache.validate('a')).toBeNull()
  expect([cache.size, cache.notValidatedCount]).toEqual([0, 0])
})

it('offers a message for some heartbeats, and gives it for some more', () => {
  cache.put(id('a'), message('a'), true)
  cache.shift()
  cache.put(id('b'), message('b'), true)
  expect(offered().sort()).toEqual(['a', 'b'])
  cache.shift()
  expect(offered()).toEqual(['b'])
  cache.shift()
  expect(offered()).toEqual([])
  expect(cache.getWithIWantCount('a', 'peer')).not.toBeNull()
  cache.shift()
  expect(cache.getWithIWantCount('a', 'peer')).toBeNull()
  expect(cache.getWithIWantCount('b', 'peer')).not.toBeNull()
  cache.shift()
  expect(cache.size).toBe(0)
})

/** A cache that keeps so many messages of 1,000 bytes. */
function holding(count: number): MessageCache {
  return new MessageCache(4, 2, text, count * 2_048)
}

function put(into: MessageCache, from: string, name: string, validated = true): void {
  into.comes(name, from)
  into.put(id(name), { topic: 'block', data: new Uint8Array(1_000) }, validated)
}

it('keeps so many bytes, and of whoever has brought most the oldest goes first', () => {
  const small = holding(10)
  put(small, 'quiet', 'first')
  for (let at = 0; at < 100; at++) put(small, 'loud', `${at}`)
  put(small, 'other', 'last')
  expect(small.held).toBeLessThanOrEqual(10 * 2_048)
  expect([...small.msgs.keys()]).toEqual(['first', ...[92, 93, 94, 95, 96, 97, 98, 99].map(String), 'last'])
  for (let beat = 0; beat < 4; beat++) small.shift()
  expect([small.size, small.held]).toEqual([0, 0])
})

it('keeps what waits for its verdict when it can', () => {
  const small = holding(3)
  put(small, 'a', 'waits', false)
  for (let at = 0; at < 10; at++) put(small, 'a', `${at}`)
  expect([...small.msgs.keys()]).toEqual(['waits', '8', '9'])
  const judged = holding(3)
  for (let at = 0; at < 10; at++) put(judged, 'a', `${at}`, false)
  expect([judged.size, judged.notValidatedCount]).toEqual([3, 3])
})

it('keeps one message alone, however large', () => {
  const small = new MessageCache(4, 2, text, 10)
  put(small, 'a', 'a')
  expect(small.size).toBe(1)
})

it('does not keep the frame that a message was a small part of', () => {
  const frame = new Uint8Array(100_000)
  const parts = { data: frame.subarray(10, 1_010), signature: frame.subarray(2_000, 2_064), from: frame.subarray(0, 9) }
  cache.put(id('a'), { topic: 'block', ...parts })
  const kept = cache.get(bytes('a'))!
  expect(kept).toEqual({ topic: 'block', ...parts })
  expect(kept.data!.buffer.byteLength).toBe(1_000)
})

it.each([10, 100_000])('keeps the %i bytes of a message as they were, whoever writes into them later', (length) => {
  const data = Buffer.alloc(length, 1)
  cache.put(id('a'), { topic: 'block', data }, true)
  data.fill(9)
  expect(new Set(cache.get(bytes('a'))!.data)).toEqual(new Set([1]))
})
