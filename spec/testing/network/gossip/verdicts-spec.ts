/** Messages that wait for a verdict: nobody gets them before, and nobody after a refusal. */
import { describe, expect, it } from '@jest/globals'
import { GossipCache } from '../../../../src/testing/network/gossip/cache.js'
import { GossipMessage } from '../../../../src/testing/network/gossip/message.js'
import { bytes } from '../../../support/bytes.js'
import { clique, forge, heard, join, joinGuarded, judge, line, offersOf, publish, scoreOf, TOPIC } from './lab.js'
import type { Lab, Member } from '../lab.js'

type Three = [Lab, [Member, Member, Member]]

/** a – b – c; b judges. */
function judged(): Three {
  const [lab, [a, b, c]] = line(3) as Three
  join(a, c)
  joinGuarded(b)
  lab.run(3_000)
  publish(a, 'x')
  lab.run(10)
  return [lab, [a, b, c]]
}

describe('a message of a guarded topic', () => {
  it('is held, and goes on when it was accepted', () => {
    const [lab, [a, b, c]] = judged()
    expect(b.last('message')).toMatchObject({ held: true, via: 'peer1' })
    lab.run(2_500)
    expect(heard(c)).toEqual([])
    judge(b, 'x', a, 'accept')
    lab.run(10)
    expect(heard(c)).toEqual(['x'])
    expect(c.last('message')).toMatchObject({ held: false, via: 'peer2', from: 'peer1' })
    // A second verdict is none.
    judge(b, 'x', a, 'reject')
    lab.run(5_000)
    expect(heard(c)).toEqual(['x'])
    expect(scoreOf(b, a)).toBe(0)
  })

  it.each(['ignore', 'reject'] as const)('goes no further after %s: not through the mesh, not by gossip', (verdict) => {
    const [lab, [a, b, c]] = judged()
    judge(b, 'x', a, verdict)
    judge(b, 'x', a, 'accept')
    lab.run(70_000)
    expect(heard(c)).toEqual([])
  })

  it('is told to nobody and given to nobody while it waits, to peers outside of the mesh neither', () => {
    const [lab, members] = clique(20)
    const [a, b, ...others] = members as [Member, Member, ...Member[]]
    joinGuarded(b)
    join(a, ...others)
    lab.run(5_000)
    // Whatever a sends vanishes but for b, who could tell the others by gossip.
    lab.wire.drop(({ kind, from, to }) => kind === 'gossip' && from === a.peerId && to !== b.peerId)
    publish(a, 'x')
    a.host.crash()
    lab.run(3_500)
    expect(b.last('message').held).toBe(true)
    const hearers = (): string[] => others.filter((other) => heard(other).length > 0).map(({ peerId }) => peerId)
    expect(hearers()).toEqual([])
    judge(b, 'x', a, 'accept')
    lab.run(3_000)
    expect(hearers().length).toBeGreaterThan(4)
  })

  it('is not served to one who asks for it by its id', () => {
    const [lab, [a, b, c]] = judged()
    const ids = [b.last('message').id]
    const gets = (): void => {
      const there = offersOf(b)
      there.onIWant('peer3', ids)
      lab.run(10)
    }
    gets()
    expect(heard(c)).toEqual([])
    judge(b, 'x', a, 'reject')
    gets()
    expect(heard(c)).toEqual([])
  })

  it('goes nowhere when the verdict comes after ten heartbeats', () => {
    const [lab, [a, b, c]] = judged()
    lab.run(10_100)
    judge(b, 'x', a, 'accept')
    lab.run(5_000)
    expect(heard(c)).toEqual([])
  })

  it('still goes its way when the verdict comes before that', () => {
    const [lab, [a, b, c]] = judged()
    lab.run(8_900)
    judge(b, 'x', a, 'accept')
    lab.run(10)
    expect(heard(c)).toEqual(['x'])
  })

  it('is not sent back to those who have given it to us meanwhile', () => {
    const [lab, [a, b, c]] = clique(3) as Three
    join(a, c)
    joinGuarded(b)
    lab.run(3_000)
    publish(a, 'x')
    lab.run(100)
    const packets = b.host.wire.packets
    judge(b, 'x', a, 'accept')
    // c had it of a, and has passed it on to b.
    expect(b.host.wire.packets).toBe(packets)
    expect(heard(c)).toEqual(['x'])
  })

  it('that is rejected counts against all who have given it to us, before the verdict and after it', () => {
    const [lab, [a, b, c, d]] = clique(4) as [Lab, [Member, Member, Member, Member]]
    join(a, c, d)
    joinGuarded(b)
    lab.run(3_000)
    const late = lab.wire.drop(({ kind, from, to }) => kind === 'gossip' && from === 'peer4' && to === 'peer2')
    publish(a, 'x')
    lab.run(100)
    late()
    judge(b, 'x', a, 'reject')
    expect([a, c, d].map((peer) => scoreOf(b, peer))).toEqual([-10, -10, 0])
    d.host.plant('peer2', d.last('message'))
    d.host.plant('peer2', d.last('message'))
    lab.run(10)
    expect([a, c, d].map((peer) => scoreOf(b, peer))).toEqual([-10, -10, -10])
  })

  it('that is ignored counts against nobody', () => {
    const [, [a, b]] = judged()
    judge(b, 'x', a, 'ignore')
    expect(scoreOf(b, a)).toBe(0)
  })
})

describe('what a host tells others that it has', () => {
  const message = (words: string): GossipMessage =>
    new GossipMessage({ topic: TOPIC, data: bytes(words), from: 'a', proof: new Uint8Array(12) })

  it('is what was accepted, for three heartbeats from when it came, and nothing that waits', () => {
    const cache = new GossipCache()
    for (const id of ['ours', 'accepted', 'waiting', 'ignored']) {
      cache.add(id, message(id), 0, id === 'ours' ? undefined : 'via')
    }
    expect(cache.recent(TOPIC)).toEqual(['ours'])
    cache.shift(1, 1_000)
    cache.accept('accepted')
    cache.drop('ignored', false)
    cache.shift(1, 2_000)
    expect(cache.recent(TOPIC)).toEqual(['ours', 'accepted'])
    expect(cache.recent('weather')).toEqual([])
    cache.shift(1, 3_000)
    expect(cache.recent(TOPIC)).toEqual([])
    expect(['ours', 'accepted', 'waiting', 'ignored'].map((id) => cache.get(id) !== undefined)).toEqual([true, true, false, false]) // prettier-ignore
  })
})

describe('a topic', () => {
  it('can be guarded later, and set free again', () => {
    const [lab, [a, b, c]] = line(3) as Three
    join(a, b, c)
    lab.run(3_000)
    b.run({ type: 'guard', topic: TOPIC, guarded: true })
    publish(a, 'x')
    lab.run(100)
    b.run({ type: 'guard', topic: TOPIC, guarded: false })
    publish(a, 'y')
    lab.run(100)
    expect(b.heard('message').map(({ held }) => held)).toEqual([true, false])
    expect(heard(c)).toEqual(['y'])
    judge(b, 'x', a, 'accept')
    lab.run(100)
    expect(heard(c)).toEqual(['y', 'x'])
  })

  it('that is guarded needs no verdict on what is its own', () => {
    const [lab, [a, b]] = line(3) as Three
    joinGuarded(a)
    join(b)
    lab.run(3_000)
    publish(a, 'x')
    lab.run(10)
    expect(heard(b)).toEqual(['x'])
  })

  it('that is guarded holds nothing that is forged', () => {
    const [lab, [a, b]] = line(3) as Three
    join(a)
    joinGuarded(b)
    lab.run(3_000)
    forge(a, b, 'x')
    lab.run(10)
    expect(heard(b)).toEqual([])
  })
})
