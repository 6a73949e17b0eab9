/** What counts against a peer, how that fades, and what follows from it. */
import { describe, expect, it } from '@jest/globals'
import { Clock } from '../../../../src/testing/network/clock.js'
import { Scores } from '../../../../src/testing/network/gossip/scores.js'
import { defaultScoring, type Scoring } from '../../../../src/core/pubsub.js'
import { maxDataLength } from '../../../support/gossip-size.js'
import { clique, forge, heard, join, leave, line, offersOf, plant, publish, scoreOf, TOPIC } from './lab.js'
import { Lab, type Member } from '../lab.js'

function scoresOf(scoring: Partial<Scoring> = {}): [Clock, Scores] {
  const clock = new Clock()
  return [clock, new Scores(clock, { ...defaultScoring, ...scoring })]
}

describe('a score', () => {
  it('is the sum of the weighted squares of both counts', () => {
    const [, scores] = scoresOf({ invalidMessageWeight: -3, behaviourWeight: -5 })
    expect(scores.of('a')).toBe(0)
    scores.invalidMessage('a')
    scores.invalidMessage('a')
    expect(scores.of('a')).toBe(-12)
    scores.misbehaved('a', 3)
    expect(scores.of('a')).toBe(-57)
    expect(scores.of('b')).toBe(0)
  })

  it('fades once a second, each count by its own factor, whether somebody looks or not', () => {
    const [clock, scores] = scoresOf({ invalidMessageDecay: 0.5, behaviourDecay: 1 })
    const [clock2, scores2] = scoresOf({ invalidMessageDecay: 0.5, behaviourDecay: 1 })
    for (const one of [scores, scores2]) {
      one.invalidMessage('a')
      one.misbehaved('a', 1)
    }
    clock.skipTo(999)
    expect(scores.of('a')).toBe(-20)
    clock.skipTo(1_000)
    expect(scores.of('a')).toBe(-12.5)
    clock.skipTo(3_000)
    clock2.skipTo(3_000)
    expect(scores.of('a')).toBe(-10 - 10 / 64)
    expect(scores2.of('a')).toBe(scores.of('a'))
    clock.skipTo(10_000)
    expect(scores.of('a')).toBe(-10)
  })

  it('does not fade while the peer is away, for a minute', () => {
    const [clock, scores] = scoresOf()
    scores.invalidMessage('a')
    scores.onGone('a')
    clock.skipTo(60_000)
    expect(scores.of('a')).toBe(-10)
    scores.onCome('a')
    expect(scores.of('a')).toBe(-10)
    clock.skipTo(61_000)
    expect(scores.of('a')).toBeCloseTo(-8.1)
    scores.onGone('a')
    clock.skipTo(121_001)
    scores.onCome('a')
    expect(scores.of('a')).toBe(0)
  })
})

describe('a peer whose score is low', () => {
  it('leaves the mesh at the heartbeat, and comes back when it is not low any more', () => {
    const [lab, [a, b]] = line(2) as [Lab, [Member, Member]]
    join(a, b)
    lab.run(3_000)
    a.run({ type: 'penalize', peer: 'peer2', count: 0.5 })
    expect(scoreOf(a, b)).toBe(-2.5)
    const since = lab.now
    expect(a.mesh).toEqual(['peer2'])
    lab.run(1_020)
    expect([a.mesh, b.mesh]).toEqual([[], []])
    expect(a.last('meshChanged').at).toBeGreaterThan(since)
    lab.run(55_000)
    expect([a.mesh, b.mesh]).toEqual([[], []])
    lab.run(22_000)
    expect([a.mesh, b.mesh]).toEqual([['peer2'], ['peer1']])
  })

  it('is not taken into it, either: we do not ask, and refuse when it asks', () => {
    for (const isFirst of [true, false]) {
      const [lab, [a, b]] = line(2) as [Lab, [Member, Member]]
      a.run({ type: 'penalize', peer: 'peer2', count: 1 })
      join(isFirst ? a : b)
      lab.run(100)
      join(isFirst ? b : a)
      lab.run(30_000)
      expect(a.heard('meshChanged')).toEqual([])
      expect(b.mesh).toEqual([])
    }
  })

  it('gets no gossip, and none is taken of it, below the first threshold', () => {
    for (const sinner of ['told', 'teller']) {
      const [lab, [a, b]] = line(2) as [Lab, [Member, Member]]
      // Nobody is in a mesh, so what vanishes can come by gossip alone.
      for (const [one, other] of [[a, 'peer2'], [b, 'peer1']] as const) one.run({ type: 'penalize', peer: other, count: 0.9 }) // prettier-ignore
      join(a, b)
      lab.run(2_000)
      const loss = lab.wire.drop(({ kind }) => kind === 'gossip')
      publish(a, 'x')
      loss()
      lab.run(2_100)
      expect(heard(b)).toEqual(['x'])
      const [judge, about] = sinner === 'told' ? [a, 'peer2'] : [b, 'peer1']
      judge.run({ type: 'penalize', peer: about, count: 1 })
      const again = lab.wire.drop(({ kind }) => kind === 'gossip')
      publish(a, 'y')
      again()
      lab.run(6_000)
      expect(heard(b)).toEqual(['x'])
    }
  })

  it('is told nothing and given nothing below the first threshold, each for itself', () => {
    const [lab, [a, b]] = line(2) as [Lab, [Member, Member]]
    for (const [one, other] of [[a, 'peer2'], [b, 'peer1']] as const) one.run({ type: 'penalize', peer: other, count: 1.2 }) // prettier-ignore
    const [asked, told] = [offersOf(a), offersOf(b)]
    let tellings = 0
    told.onIHave = () => void tellings++
    join(a, b)
    lab.run(20)
    const loss = lab.wire.drop(({ kind }) => kind === 'gossip')
    publish(a, 'x')
    loss()
    asked.onIWant('peer2', [a.last('published').id])
    lab.run(1_900)
    expect([heard(b), tellings]).toEqual([[], 0])
    lab.run(1_500)
    // Its score is above it again.
    expect(tellings).toBeGreaterThan(0)
    asked.onIWant('peer2', [a.last('published').id])
    lab.run(100)
    expect(heard(b)).toEqual(['x'])
  })

  it('gets none of our own below the second', () => {
    const [lab, [a, b, c]] = clique(3) as [Lab, [Member, Member, Member]]
    join(b, c)
    lab.run(100)
    a.run({ type: 'penalize', peer: 'peer2', count: 2.2 })
    publish(a, 'x')
    expect(a.last('published').recipients).toEqual(['peer2', 'peer3'])
    a.run({ type: 'penalize', peer: 'peer2', count: 0.1 })
    publish(a, 'y')
    expect(a.last('published').recipients).toEqual(['peer3'])
  })

  it('is not read at all below the third', () => {
    const [lab, [a, b]] = line(2) as [Lab, [Member, Member]]
    join(a, b)
    lab.run(3_000)
    b.run({ type: 'penalize', peer: 'peer1', count: 2.8 })
    publish(a, 'x')
    lab.run(10)
    expect(heard(b)).toEqual(['x'])
    b.run({ type: 'penalize', peer: 'peer1', count: 0.1 })
    const before = b.events.length
    publish(a, 'y')
    forge(a, b, 'z')
    leave(a)
    lab.run(100)
    expect(heard(b)).toEqual(['x'])
    expect(b.events.slice(before).map(({ type }) => type)).toEqual([])
  })

  it('is not read when it comes back at once: the score stays', () => {
    const [lab, [a, b]] = line(2) as [Lab, [Member, Member]]
    join(a, b)
    lab.run(3_000)
    b.run({ type: 'penalize', peer: 'peer1', count: 4 })
    a.run({ type: 'closeConnection', connection: a.last('connectionOpened').connection, reason: '' })
    lab.run(100)
    expect(b.heard('gossipClosed')).toHaveLength(1)
    lab.connect(a, b)
    expect(b.heard('gossipOpened')).toHaveLength(2)
    expect(b.last('subscriptionChanged').subscribed).toBe(false)
    expect(scoreOf(b, a)).toBeCloseTo(-160 * 0.9 ** 10, 3)
  })

  it('that grafts within its back-off is counted', () => {
    const [lab, [a, b]] = line(2) as [Lab, [Member, Member]]
    join(a, b)
    lab.run(3_000)
    const graft = (): void => {
      const there = b.host.pubsub as unknown as { mesh: { onGraft(peer: string, topic: string): void } }
      there.mesh.onGraft('peer1', TOPIC)
    }
    graft()
    expect(scoreOf(b, a)).toBe(0)
    leave(a)
    lab.run(100)
    graft()
    expect(scoreOf(b, a)).toBe(-10)
    // That was answered by a back-off of a minute; within its first ten seconds each counts twice.
    graft()
    expect(scoreOf(b, a)).toBe(-90)
  })
})

describe('what is counted', () => {
  it('is a message that is too large, which is reported and goes no further', () => {
    const [lab, [a, b, c]] = line(3, { pubsub: { maxMessageSize: 1_000 } }) as [Lab, [Member, Member, Member]]
    join(a, b, c)
    lab.run(3_000)
    const most = maxDataLength(TOPIC, 1_000)
    plant(a, b, new Uint8Array(most))
    plant(a, b, new Uint8Array(most + 1))
    lab.run(100)
    expect(b.heard('message').map(({ data }) => data.length)).toEqual([most])
    expect(b.heard('gossipDropped')).toMatchObject([{ peer: 'peer1', topic: TOPIC, reason: 'oversize', count: 1 }])
    expect(c.heard('message')).toHaveLength(1)
    expect(scoreOf(b, a)).toBe(-10)
  })

  it('is a message with a wrong proof, which is reported and goes no further', () => {
    const [lab, [a, b, c]] = line(3) as [Lab, [Member, Member, Member]]
    join(a, b, c)
    lab.run(3_000)
    forge(a, b, 'x')
    forge(a, b, 'y', 'peer3')
    expect(scoreOf(b, a)).toBe(0)
    a.host.plant('peer2', { topic: TOPIC, data: Uint8Array.of(1), from: 'peer1', proof: new Uint8Array(0) })
    lab.run(10)
    expect(scoreOf(b, a)).toBe(-90)
    lab.run(5_000)
    const dropped = { peer: 'peer1', topic: TOPIC, reason: 'signature', count: 1 }
    expect(b.heard('gossipDropped')).toMatchObject([dropped, dropped, dropped])
    expect([heard(b), heard(c)]).toEqual([[], []])
    // What was forged does not stand in the way of what is genuine.
    publish(a, 'x')
    lab.run(3_000)
    expect(heard(c)).toEqual(['x'])
  })

  it('is not what is of a topic that we are not in, which is reported; but each sixteenth of them is misbehaviour', () => {
    const [lab, [a, b]] = line(2) as [Lab, [Member, Member]]
    join(a, b)
    lab.run(3_000)
    plant(a, b, 'x', 'weather')
    lab.run(100)
    expect(b.heard('gossipDropped')).toMatchObject([{ peer: 'peer1', reason: 'unknownTopic' }])
    expect([heard(b), scoreOf(b, a)]).toEqual([[], 0])
    for (let i = 0; i < 15; i++) plant(a, b, `y${i}`, 'weather')
    lab.run(100)
    expect(scoreOf(b, a)).toBe(-10)
  })

  it('is not what is of a topic that we left less than a minute ago, and the same message may be heard later', () => {
    const [lab, [a, b]] = line(2) as [Lab, [Member, Member]]
    join(a, b)
    lab.run(3_000)
    leave(b)
    for (let i = 0; i < 40; i++) plant(a, b, `x${i}`)
    lab.run(100)
    expect(b.heard('gossipDropped')[0]).toMatchObject({ topic: TOPIC, reason: 'unknownTopic' })
    expect([heard(b), scoreOf(b, a)]).toEqual([[], 0])
    join(b)
    plant(a, b, 'x0')
    lab.run(100)
    expect(heard(b)).toEqual(['x0'])
  })

  it('is told of those whom pub/sub knows', () => {
    const lab = new Lab()
    const [a, b] = lab.membersOf(2) as [Member, Member]
    a.run({ type: 'inspect', ask: 1, peers: ['peer2', 'nobody'] })
    expect(a.last('inspected')).toMatchObject({ ask: 1, peers: {} })
    lab.connect(a, b)
    a.run({ type: 'inspect', ask: 2, peers: ['peer2', 'nobody'] })
    expect(a.last('inspected').peers).toEqual({ peer2: { score: 0, queued: 0 } })
  })
})
