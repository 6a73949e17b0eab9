/** Topics of peers that we are not in are shared. */
import { describe, expect, it } from '@jest/globals'
import type { Connection } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { GOSSIP } from '../../../src/core/parameters.js'
import { TOPIC_SIZE, TopicShares } from '../../../src/libp2p/gossip/topic-shares.js'

const word = (topic: string, subscribe = true) => ({ topic, subscribe })
const words = (amount: number, from = 0) => Array.from({ length: amount }, (_, i) => word(`t${from + i}`))

function shares(total: number): TopicShares & { join(peer: string, topics: ReturnType<typeof words>): number } {
  const all: TopicShares = new TopicShares(
    total * TOPIC_SIZE,
    (topic) => topic === 'ours',
    (peer, topics) => {
      for (const topic of topics) all.changed(peer, topic, false)
      return true
    },
  )
  return Object.assign(all, {
    /** As gossipsub does; gives how many are left out. */
    join(peer: string, topics: ReturnType<typeof words>): number {
      const { words: heard, left } = all.admit(peer, topics)
      for (const { topic, subscribe } of heard) all.changed(peer, topic!, subscribe === true)
      return left
    },
  })
}

const at = (peer: string, address: string) =>
  ({ remotePeer: peer, remoteAddr: multiaddr(address) }) as unknown as Connection

describe('topics that we are not in', () => {
  it('of one peer take no more than its share, the first ones', () => {
    const all = shares(640)
    const { words: heard, left } = all.admit('a', words(1_000))
    expect(heard).toEqual(words(1_000 - left))
    // 13/32 of all.
    expect(heard).toHaveLength(260)
  })

  it('are as many as one peer may be in at most, however many there may be', () => {
    expect(shares(100_000).join('a', words(2_000))).toBe(2_000 - GOSSIP.topicsPerPeer)
  })

  it('of those that come last have room, however many came before', () => {
    const all = shares(6_400)
    for (let i = 0; i < 200; i++) all.join(`p${i}`, words(1_000))
    expect(all.join('late', words(10))).toBe(0)
  })

  it('are taken from whoever has most, the last ones, for those who have less', () => {
    const all = shares(64)
    all.join('a', words(26))
    const { drop } = all as unknown as { drop(peer: string, topics: string[]): boolean }
    const dropped: unknown[] = []
    Object.assign(all, {
      drop: (peer: string, topics: string[]) => {
        dropped.push([peer, topics])
        return drop(peer, topics)
      },
    })
    expect(all.join('b', words(20, 50))).toBe(3)
    expect(dropped).toEqual([['a', words(7, 19).map(({ topic }) => topic)]])
  })

  it('are not taken for who asks for more than one may have', () => {
    const all = shares(16_384)
    all.join('honest', words(100))
    for (let i = 0; i < 3; i++) {
      all.join('evil', words(1_500, 1_000))
      for (const { topic } of words(1_500, 1_000)) all.changed('evil', topic, false)
    }
    expect(all.admit('honest', words(100)).left).toBe(0)
    all.changed('honest', 't99', false)
    all.changed('honest', 't99', true)
    expect(all.admit('honest', words(100))).toEqual({ words: words(100), left: 0 })
  })

  it('that have become ours stay, whoever else wants some', () => {
    let ours = ''
    const dropped: string[] = []
    const all: TopicShares = new TopicShares(
      64 * TOPIC_SIZE,
      (topic) => topic === ours,
      (peer, topics) => {
        dropped.push(...topics)
        for (const topic of topics) all.changed(peer, topic, false)
        return true
      },
    )
    for (const { topic } of words(26)) all.changed('a', topic, true)
    ours = 't25'
    all.admit('b', words(20, 50))
    expect(dropped).toEqual(words(7, 18).map(({ topic }) => topic))
  })

  it('are taken from the next one where gossipsub hears nothing of whoever has most', () => {
    const asked: string[] = []
    const all: TopicShares = new TopicShares(
      64 * TOPIC_SIZE,
      () => false,
      (peer, topics) => {
        asked.push(peer)
        if (peer === 'deaf') return false
        for (const topic of topics) all.changed(peer, topic, false)
        return true
      },
    )
    for (const one of ['deaf', 'a']) all.meet(at(one, '/ip4/192.0.2.1/tcp/1'))
    for (const { topic } of words(20)) all.changed('deaf', topic, true)
    for (const { topic } of words(18)) all.changed('a', topic, true)
    all.meet(at('b', '/ip4/192.0.2.2/tcp/1'))
    all.admit('b', words(20, 50))
    expect(asked).toEqual(['deaf', 'a'])
  })

  it('of peers of one range take the share of the range', () => {
    const all = shares(640)
    for (let i = 0; i < 20; i++) {
      all.meet(at(`p${i}`, `/ip4/192.0.2.${i}/tcp/1`))
      all.join(`p${i}`, words(100))
    }
    all.meet(at('other', '/ip4/198.51.100.1/tcp/1'))
    expect(all.join('other', words(100))).toBe(0)
  })

  it('are not those that we are in, nor those that the peer is in already, nor what it leaves', () => {
    const all = shares(1)
    expect(all.join('a', [word('t')])).toBe(0)
    expect(all.admit('a', [word('ours'), word('t'), word('x', false), word('y')])).toEqual({
      words: [word('ours'), word('t'), word('x', false)],
      left: 1,
    })
  })

  it('give their room back when a peer leaves them, wherever it has gone meanwhile', () => {
    const all = shares(64)
    all.meet(at('a', '/ip4/192.0.2.1/tcp/1'))
    expect(all.join('a', words(26))).toBe(0)
    expect(all.join('a', words(1, 100))).toBe(1)
    all.leave('a')
    for (const { topic } of words(26)) all.changed('a', topic, false)
    expect(all.join('a', words(26, 50))).toBe(0)
    // What it was never in, and what it leaves twice, is nothing.
    all.changed('a', 'never', false)
    all.changed('a', 't50', false)
    all.changed('a', 't50', false)
    expect(all.join('a', words(2, 100))).toBe(1)
  })
})
