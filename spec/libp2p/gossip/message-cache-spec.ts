/** The cache of messages: what peers are offered and given, and for how long. */
import { beforeEach, expect, it } from '@jest/globals'
import { MessageCache } from '../../../src/libp2p/gossip/message-cache.js'
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
