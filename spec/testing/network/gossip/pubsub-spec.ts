/** Pub/sub with a peer begins with the connection and ends with the last one; in an idle network it rests. */
import { describe, expect, it } from '@jest/globals'
import { join, leave, line } from './lab.js'
import { Lab, type Member } from '../lab.js'

describe('the stream to a peer', () => {
  const about = ({ type }: { type: string }): boolean => /^(connection|gossip)(Opened|Closed)|subscription/.test(type)

  it('is open after the connection and before what the peer subscribes, and closed in the opposite order', () => {
    const lab = new Lab()
    const [a, b] = lab.membersOf(2) as [Member, Member]
    join(a, b)
    lab.connect(a, b)
    b.host.crash()
    lab.run(100)
    const story = ['connectionOpened', 'gossipOpened', 'subscriptionChanged', 'subscriptionChanged', 'gossipClosed', 'connectionClosed'] // prettier-ignore
    expect(a.events.filter(about).map(({ type }) => type)).toEqual(story)
    expect(a.last('gossipClosed')).toMatchObject({ peer: 'peer2' })
  })

  it('is open when the peer was told our topics', () => {
    const lab = new Lab()
    const [a, b] = lab.membersOf(2) as [Member, Member]
    join(a, b)
    lab.connect(a, b)
    // The one who is dialled; the other one hears of the connection later, and is told in the same packet.
    expect(b.last('gossipOpened').at).toBeGreaterThanOrEqual(a.last('subscriptionChanged').at)
    expect(b.last('gossipOpened').at).toBeGreaterThanOrEqual(b.last('connectionOpened').at)
    expect(a.last('gossipOpened').at).toBe(a.last('subscriptionChanged').at)
  })

  it('is one, though there are two connections, and ends with the last of them', () => {
    const lab = new Lab()
    const [a, b] = lab.membersOf(2) as [Member, Member]
    join(a, b)
    for (const [one, other] of [[a, b], [b, a]] as const) one.run({ type: 'dial', target: other.peerId, addresses: [other.address] }) // prettier-ignore
    lab.run(1_000)
    const connections = a.heard('connectionOpened').map(({ connection }) => connection)
    expect(connections).toHaveLength(2)
    expect([a, b].map((one) => one.heard('gossipOpened').length)).toEqual([1, 1])
    a.run({ type: 'closeConnection', connection: connections[0]!, reason: '' })
    lab.run(100)
    expect([a, b].map((one) => one.heard('gossipClosed').length)).toEqual([0, 0])
    a.run({ type: 'closeConnection', connection: connections[1]!, reason: '' })
    lab.run(100)
    expect([a, b].map((one) => one.heard('gossipClosed').length)).toEqual([1, 1])
  })
})

describe('an idle network', () => {
  it('has a heartbeat while a topic is joined, and nothing to do afterwards', () => {
    const [lab, [a, b]] = line(2) as [Lab, [Member, Member]]
    join(a, b)
    lab.run(10_000)
    expect(lab.clock.next()).toBeLessThan(Infinity)
    leave(a)
    leave(b)
    lab.run(60_000)
    expect(lab.clock.next()).toBe(Infinity)
  })
})
