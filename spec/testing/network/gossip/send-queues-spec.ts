/** What waits for a peer: a publish while too much waits is held and told when to come again, forwarding drops and says so. */
import { describe, expect, it } from '@jest/globals'
import type { MessageIdOf } from '../../../../src/core/pubsub.js'
import { encodedMessageSize } from '../../../../src/wire/gossip/message.js'
import { clique, join, line, publish, standing, TOPIC } from './lab.js'
import type { Lab, Member } from '../lab.js'

const SIZE = encodedMessageSize(TOPIC, 1_000)
let next = 0
/** 1,000 bytes that are like no others. */
const kilobyte = (): Uint8Array => {
  next++
  return new Uint8Array(1_000).map((_, i) => (i < 4 ? next >> (8 * i) : 7))
}

type Two = [Lab, [Member, Member]]
type Three = [Lab, [Member, Member, Member]]

/** What makes them different. */
const messageIdOf: MessageIdOf = ({ data }) => data.subarray(0, 4).join()

/** 10,000 bytes a second; the limit is passed with the fifth message that waits. */
const slow = { wire: { bandwidth: 10_000 }, pubsub: { maxQueueSize: 5 * SIZE - 1, messageIdOf } }

function publishes(member: Member, amount: number): void {
  for (let i = 0; i < amount; i++) publish(member, kilobyte())
}

describe('where bandwidth is limited', () => {
  it('what waits for a peer is known', () => {
    const [lab, [a, b]] = line(2, slow) as Two
    join(a, b)
    lab.run(10_000)
    expect(standing(a, b).queued).toBe(0)
    publishes(a, 3)
    expect(standing(a, b).queued).toBe(3 * SIZE)
    lab.run(100)
    expect(standing(a, b).queued).toBe(3 * SIZE - 1_000)
    lab.run(1_000)
    expect(standing(a, b).queued).toBe(0)
  })

  it('a publish while too much waits is held, nothing of it is sent, and the end of the waiting is told once', () => {
    const [lab, [a, b, c]] = clique(3, slow) as Three
    join(b, c)
    lab.run(10_000)
    for (let i = 0; i < 5; i++) publish(a, kilobyte(), ['peer3'])
    const data = kilobyte()
    const asks = [publish(a, data), publish(a, data)]
    expect(a.heard('published')).toHaveLength(5)
    expect(a.heard('publishHeld').map(({ ask, peers }) => ({ ask, peers }))).toEqual(asks.map((ask) => ({ ask, peers: ['peer2'] }))) // prettier-ignore
    const held = lab.now
    lab.run(60_000)
    for (const one of [b, c])
      expect(one.heard('message').map(({ id }) => id)).not.toContain(messageIdOf({ data } as never))
    const drained = a.heard('gossipDrained')
    expect(drained).toMatchObject([{ peer: 'peer2' }])
    // Half of it has gone then, and not much more.
    const sent = ((drained[0]!.at - held) * 10_000) / 1_000
    expect(sent).toBeGreaterThanOrEqual(2.5 * SIZE)
    expect(sent).toBeLessThan(2.6 * SIZE)
    publish(a, data)
    expect(a.last('published').recipients).toEqual(['peer2', 'peer3'])
  })

  it('is not looked at more often because more is held', () => {
    const [lab, [a, b]] = line(2, slow) as Two
    join(b)
    lab.run(10_000)
    const before = lab.clock.executed
    publishes(a, 500)
    lab.run(10_000)
    expect(a.heard('publishHeld')).toHaveLength(495)
    expect(lab.clock.executed - before).toBeLessThan(100)
  })

  it('who publishes whenever it is told to sends everything in the end', () => {
    const [lab, [a, b]] = line(2, slow) as Two
    join(a, b)
    lab.run(10_000)
    const waiting = Array.from({ length: 50 }, () => kilobyte())
    let attempts = 0
    const go = (): void => {
      while (waiting.length > 0) {
        const before = a.heard('published').length
        attempts++
        publish(a, waiting[0]!)
        if (a.heard('published').length === before) return
        waiting.shift()
      }
    }
    a.react = (event) => void (event.type === 'gossipDrained' && go())
    go()
    lab.run(60_000)
    expect(b.heard('message')).toHaveLength(50)
    expect(attempts).toBeLessThan(80)
    expect(b.heard('gossipDropped')).toEqual([])
  })

  it('a message that is larger than the limit goes when half of the limit is free, and is not tried in vain before', () => {
    const [lab, [a, b]] = line(2, { ...slow, pubsub: { maxQueueSize: 500, messageIdOf } }) as Two
    join(a, b)
    lab.run(10_000)
    const two = [kilobyte(), kilobyte()]
    publish(a, two[0]!)
    publish(a, two[1]!)
    expect(a.heard('publishHeld')).toHaveLength(1)
    a.react = (event) => void (event.type === 'gossipDrained' && publish(a, two[1]!))
    lab.run(10_000)
    expect(a.heard('publishHeld')).toHaveLength(1)
    expect(b.heard('message')).toHaveLength(2)
  })

  it('what others have said is dropped while too much waits, and that is told of whom it was for', () => {
    const [lab, members] = line(3, { ...slow, pubsub: { maxQueueSize: 4 * SIZE, messageIdOf } })
    const [a, b, c] = members as [Member, Member, Member]
    join(a, b, c)
    lab.run(10_000)
    const data = kilobyte()
    publish(a, data)
    lab.run(100)
    // When it arrives, the line from b to c is busy with what b says itself.
    publishes(b, 5)
    lab.run(100)
    expect(b.heard('message').map((message) => message.data)).toEqual([data])
    expect(b.heard('gossipDropped')).toMatchObject([{ peer: 'peer3', topic: TOPIC, reason: 'queueFull', count: 1 }])
    lab.run(10_000)
    expect(c.heard('message').map(({ from }) => from)).toEqual(Array(5).fill('peer2'))
  })

  it('the end of the connection is the end of the waiting', () => {
    const [lab, [a, b]] = line(2, slow) as Two
    join(b)
    lab.run(10_000)
    publishes(a, 6)
    expect(a.heard('publishHeld')).toHaveLength(1)
    a.run({ type: 'closeConnection', connection: a.last('connectionOpened').connection, reason: '' })
    lab.run(60_000)
    expect(a.heard('gossipClosed')).toHaveLength(1)
    lab.connect(a, b)
    publishes(a, 1)
    lab.run(60_000)
    expect(a.heard('gossipDrained')).toEqual([])
  })
})

describe('where it is not', () => {
  it('nothing is held, however much it is', () => {
    const [lab, [a, b]] = line(2, { pubsub: { maxQueueSize: 5 * SIZE, messageIdOf } }) as Two
    join(b)
    lab.run(100)
    publishes(a, 500)
    expect(a.heard('published')).toHaveLength(500)
    expect(standing(a, b).queued).toBe(0)
    lab.run(10)
    expect(b.heard('message')).toHaveLength(500)
  })

  it('what a partition holds back waits, up to the limit, until the network is whole', () => {
    const [lab, [a, b]] = line(2, { pubsub: { maxQueueSize: 5 * SIZE - 1, messageIdOf } }) as Two
    join(b)
    lab.run(100)
    lab.wire.partition([['peer1'], ['peer2']])
    publish(a, kilobyte())
    lab.run(10)
    expect(standing(a, b).queued).toBe(SIZE)
    publishes(a, 10)
    expect(a.heard('published')).toHaveLength(5)
    expect(a.heard('publishHeld')).toHaveLength(6)
    lab.run(5_000)
    expect(a.heard('gossipDrained')).toEqual([])
    lab.wire.heal()
    lab.run(100)
    expect(a.heard('gossipDrained')).toMatchObject([{ peer: 'peer2' }])
    expect(standing(a, b).queued).toBe(0)
    expect(b.heard('message')).toHaveLength(5)
    // What has arrived counts no more when the network is cut again.
    lab.wire.partition([['peer1'], ['peer2']])
    publish(a, kilobyte())
    lab.run(10)
    expect(standing(a, b).queued).toBe(SIZE)
  })

  it('a partition that does not end closes the connection, which ends the waiting', () => {
    const [lab, [a, b]] = line(2, { pubsub: { maxQueueSize: SIZE - 1, messageIdOf } }) as Two
    join(b)
    lab.run(100)
    lab.wire.partition([['peer1'], ['peer2']])
    publish(a, kilobyte())
    lab.run(10)
    publish(a, kilobyte())
    expect(a.last('publishHeld').peers).toEqual(['peer2'])
    lab.run(25_000)
    expect(a.heard('gossipClosed')).toHaveLength(1)
    expect(a.heard('gossipDrained')).toEqual([])
  })
})
