/** The way of a message: to all subscribers that are connected, through the mesh to the others, to each once. */
import { describe, expect, it } from '@jest/globals'
import { REPEATED } from '../../../../src/core/pubsub.js'
import { bytes } from '../../../support/bytes.js'
import { encodeAnnouncement } from '../../../../src/wire/gossip/announcement.js'
import { clique, heard, join, joinGuarded, leave, line, offersOf, publish, scoreOf, TOPIC } from './lab.js'
import type { Lab, Member } from '../lab.js'

describe('a message', () => {
  it('goes to all subscribers that are connected, and by the mesh to the others, each once', () => {
    const [lab, members] = line(6)
    join(...members)
    lab.run(3_000)
    publish(members[0]!, 'hello')
    expect(members[0]!.last('published').recipients).toEqual(['peer2'])
    lab.run(1_000)
    expect(members.map(heard)).toEqual([[], ['hello'], ['hello'], ['hello'], ['hello'], ['hello']])
    expect(members[3]!.last('message')).toMatchObject({ from: 'peer1', via: 'peer3', topic: TOPIC })
  })

  it('goes through a line of five from everybody to everybody else, each exactly once', () => {
    const [lab, members] = line(5)
    join(...members)
    lab.run(3_000)
    for (const member of members) publish(member, `of ${member.peerId}`)
    lab.run(10_000)
    for (const member of members) {
      const others = members.filter((one) => one !== member).map(({ peerId }) => `of ${peerId}`)
      expect(heard(member).sort()).toEqual(others)
    }
  })

  it('is not sent to those who are excepted', () => {
    const [lab, [a, b, c]] = clique(3) as [Lab, [Member, Member, Member]]
    join(b, c)
    lab.run(100)
    publish(a, 'x', ['peer2'])
    expect(a.last('published').recipients).toEqual(['peer3'])
    lab.run(10)
    expect([heard(b), heard(c)]).toEqual([[], ['x']])
  })

  it('that comes when the topic was left is reported as such, and reaches nobody behind', () => {
    const [lab, [a, b, c]] = line(3) as [Lab, [Member, Member, Member]]
    join(a, b, c)
    lab.run(3_000)
    publish(a, 'x')
    leave(b)
    lab.run(5_000)
    expect(b.heard('gossipDropped')).toMatchObject([{ peer: 'peer1', topic: TOPIC, reason: 'unknownTopic', count: 1 }])
    expect([heard(b), heard(c)]).toEqual([[], []])
    expect(scoreOf(b, a)).toBe(0)
  })

  it('arrives exactly once with all in a line whose middle leaves and joins again at once', () => {
    const [lab, members] = line(5)
    join(...members)
    lab.run(3_000)
    leave(members[2]!)
    join(members[2]!)
    lab.run(100)
    publish(members[0]!, 'x')
    publish(members[4]!, 'y')
    lab.run(10_000)
    expect(members.map((member) => heard(member).sort())).toEqual([['y'], ['x', 'y'], ['x', 'y'], ['x', 'y'], ['x']])
  })

  it('is reported once, though it comes from many', () => {
    const [lab, members] = clique(12)
    join(...members)
    lab.run(3_000)
    for (const member of members) publish(member, `of ${member.peerId}`)
    lab.run(5_000)
    for (const member of members) expect(new Set(heard(member)).size).toBe(heard(member).length)
    for (const member of members) expect(heard(member)).toHaveLength(11)
  })

  it('is reported as a repeat when another one publishes the same, and not when it comes by many ways', () => {
    const [lab, members] = clique(4)
    join(...members)
    lab.run(3_000)
    const [a, b, c] = members as [Member, Member, Member]
    // Both have it in the same instant, before they can hear each other.
    publish(a, 'x')
    publish(b, 'x')
    lab.run(5_000)
    expect(heard(c)).toEqual(['x'])
    const repeats = [...a.heard('repeated'), ...b.heard('repeated')]
    expect(repeats).toMatchObject([
      { topic: TOPIC, from: 'peer2', via: 'peer2' },
      { topic: TOPIC, from: 'peer1', via: 'peer1' },
    ])
    expect(c.heard('repeated')).toHaveLength(1)
  })

  it('that announces a large one is reported once of each other who hands it on or offers it, until its verdict', () => {
    const [lab, members] = clique(4)
    const [a, b, c, d] = members as [Member, Member, Member, Member]
    join(b, c)
    joinGuarded(d)
    lab.run(3_000)
    const data = encodeAnnouncement({ hash: new Uint8Array(32), size: 9 })
    publish(a, data)
    lab.run(5_000)
    const [first] = d.heard('message')
    const others = d.heard('announcedAgain')
    expect(others.map(({ via }) => via).sort()).toEqual([b, c].map(({ peerId }) => peerId))
    expect(others.every(({ id }) => id === first!.id)).toBe(true)
    expect([...b.heard('announcedAgain'), ...c.heard('announcedAgain')]).toEqual([])
    d.run({ type: 'verdict', id: first!.id, via: a.peerId, verdict: 'accept' })
    offersOf(d).onIHave('peer9', TOPIC, [first!.id])
    expect(d.heard('announcedAgain')).toHaveLength(2)
  })

  it('is refused when it was sent or heard less than a minute ago', () => {
    const [lab, [a, b]] = line(2) as [Lab, [Member, Member]]
    join(a, b)
    lab.run(1_000)
    publish(a, 'x')
    lab.run(59_000)
    for (const member of [a, b]) {
      const ask = publish(member, 'x')
      expect(member.last('publishFailed')).toMatchObject({
        ask,
        code: 'DuplicateMessage',
        failure: { message: REPEATED },
      })
    }
    lab.run(1_100)
    publish(b, 'x')
    lab.run(100)
    expect([heard(a), heard(b)]).toEqual([['x'], ['x']])
  })

  it('may be sent again when nobody was there', () => {
    const [lab, [a, b]] = line(2) as [Lab, [Member, Member]]
    publish(a, 'x')
    expect(a.last('published').recipients).toEqual([])
    join(b)
    lab.run(100)
    publish(a, 'x')
    expect(a.last('published').recipients).toEqual(['peer2'])
    lab.run(100)
    expect(heard(b)).toEqual(['x'])
  })

  it('belongs to who gets it: no two get the same bytes', () => {
    const [lab, [a, b, c]] = clique(3) as [Lab, [Member, Member, Member]]
    join(a, b, c)
    lab.run(1_000)
    const data = bytes('abc')
    publish(a, data)
    data.fill(0)
    b.react = (event) => void (event.type === 'message' && event.data.fill(1))
    lab.run(1_000)
    expect(heard(c)).toEqual(['abc'])
  })

  it('is not heard by one who is in other topics only', () => {
    const [lab, [a, b]] = line(2) as [Lab, [Member, Member]]
    b.run({ type: 'join', topic: 'weather', guarded: false })
    join(a)
    lab.run(1_000)
    publish(a, 'x')
    lab.run(5_000)
    expect([a.last('published').recipients, heard(b)]).toEqual([[], []])
  })
})
