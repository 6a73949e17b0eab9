/** Which of two words about a topic counts, when the older one comes late. */
import type { RPC } from '@chainsafe/libp2p-gossipsub/message'
import { afterEach, beforeEach, expect, it, jest } from '@jest/globals'
import { NewerWords } from '../../../src/libp2p/gossip/newer-words.js'

beforeEach(() => {
  jest.useFakeTimers()
})
afterEach(() => {
  jest.useRealTimers()
})

const subscriptions = (...topics: string[]): RPC => ({
  subscriptions: topics.map((topic) => ({ topic, subscribe: false })),
  messages: [],
})
const meshes = (kind: 'graft' | 'prune', ...topics: string[]): RPC => ({
  subscriptions: [],
  messages: [],
  control: {
    ...{ graft: [], prune: [], ihave: [{ messageIDs: [] }], iwant: [], idontwant: [] },
    [kind]: topics.map((topicID) => ({ topicID, peers: [] })),
  },
})
const topicsOf = ({ subscriptions: list }: RPC) => list.map(({ topic }) => topic)

it('is the newer one, for a minute', () => {
  const words = new NewerWords()
  words.hear(subscriptions('a', 'b'))
  expect(topicsOf(words.rest(subscriptions('a', 'b', 'c')))).toEqual(['c'])
  jest.advanceTimersByTime(40_000)
  words.hear(subscriptions('b'))
  jest.advanceTimersByTime(40_000)
  expect(topicsOf(words.rest(subscriptions('a', 'b', 'c')))).toEqual(['a', 'c'])
})

it('is about a subscription or about a mesh, and about nothing else', () => {
  const newer = new NewerWords()
  newer.hear(subscriptions('a'))
  newer.hear(meshes('graft', 'b'))
  newer.hear(meshes('prune', 'c'))
  for (const kind of ['graft', 'prune'] as const) {
    const { control } = newer.rest(meshes(kind, 'a', 'b', 'c'))
    expect(control).toEqual(meshes(kind, 'a').control)
  }
  expect(topicsOf(newer.rest(subscriptions('a', 'b', 'c')))).toEqual(['b', 'c'])
  const message = { topic: 'a', data: new Uint8Array(1) }
  expect(newer.rest({ subscriptions: [], messages: [message] })).toEqual({ subscriptions: [], messages: [message] })
})

it('takes no more memory than 64 KiB, whatever topics a peer invents', () => {
  const words = new NewerWords()
  const long = (number: number) => `${number}`.padEnd(1_000, '.')
  for (let number = 0; number < 100; number++) words.hear(subscriptions(long(number)))
  const all = Array.from({ length: 100 }, (_, number) => long(number))
  const forgotten = topicsOf(words.rest(subscriptions(...all)))
  expect(forgotten).toEqual(all.slice(0, 100 - Math.floor(65_536 / 1_013)))
})
