/** Pub/sub: a mesh within its bounds, back-off, what is seen is seen once, and gossip that mends what the mesh lost. */
import { describe, expect, it } from '@jest/globals'
import { bytes, clique, heard, join, leave, line, publish, scoreOf, TOPIC } from './gossip-lab.js'
import { Lab, type Member } from '../lab.js'

describe('subscriptions', () => {
  it('are told to those who are connected, and to those who come', () => {
    const [lab, [a, b]] = line(2) as [Lab, [Member, Member]]
    join(a)
    lab.run(100)
    expect(b.heard('subscriptionChanged')).toMatchObject([{ peer: 'peer1', topic: TOPIC, subscribed: true }])
    const c = lab.member()
    lab.connect(c, a)
    expect(c.heard('subscriptionChanged')).toHaveLength(1)
    leave(a)
    lab.run(100)
    expect([b, c].map((one) => one.last('subscriptionChanged').subscribed)).toEqual([false, false])
  })

  it('end with the connection', () => {
    const [lab, [a, b]] = line(2) as [Lab, [Member, Member]]
    join(a, b)
    lab.run(2_000)
    expect(a.mesh).toEqual(['peer2'])
    b.host.crash()
    lab.run(100)
    expect(a.last('subscriptionChanged')).toMatchObject({ peer: 'peer2', subscribed: false })
    expect(a.mesh).toEqual([])
  })
})

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

describe('the mesh', () => {
  it.each([1, 2, 3])('has from 4 to 12 peers where there are enough, on both sides (seed %d)', (seed) => {
    const [lab, members] = clique(30, { seed })
    join(...members)
    for (let second = 0; second < 20; second++) {
      lab.run(1_000)
      for (const { mesh } of members) expect(mesh.length).toBeLessThanOrEqual(12)
    }
    for (const { mesh } of members) expect(mesh.length).toBeGreaterThanOrEqual(4)
    for (const member of members) {
      for (const peer of member.mesh)
        expect(members.find(({ peerId }) => peerId === peer)!.mesh).toContain(member.peerId)
    }
  })

  it('takes newcomers at its heartbeats, and not before', () => {
    const [lab, [a, b]] = line(2) as [Lab, [Member, Member]]
    join(a)
    lab.run(100)
    join(b)
    const since = lab.now
    lab.run(5_000)
    const meshes = a.heard('meshChanged')
    // b grafts at once when it joins: it has heard of a. Nobody else would have been taken at the subscription.
    expect(meshes.map(({ peers }) => peers)).toEqual([['peer2']])
    const c = lab.member()
    join(c)
    lab.connect(c, a)
    const opened = a.heard('connectionOpened').at(-1)!.at
    expect(meshes[0]!.at).toBe(since + 10)
    expect(a.last('meshChanged').at).toBeGreaterThan(opened + 10)
    expect(a.last('meshChanged').at).toBeLessThanOrEqual(opened + 1_100)
    expect(a.mesh).toEqual(['peer2', 'peer3'])
  })

  it('keeps two peers whom the host has dialled itself, however many dial it', () => {
    const lab = new Lab()
    const [a, ...others] = lab.membersOf(40) as [Member, ...Member[]]
    join(a, ...others)
    for (const other of others.slice(4)) other.run({ type: 'dial', target: a.peerId, addresses: [a.address] })
    lab.run(10_000)
    const own = others.slice(0, 4).map(({ peerId }) => peerId)
    expect(a.mesh.length).toBeGreaterThanOrEqual(4)
    for (const other of others.slice(0, 4)) a.run({ type: 'dial', target: other.peerId, addresses: [other.address] })
    lab.run(3_000)
    expect(a.mesh.filter((peer) => own.includes(peer)).length).toBeGreaterThanOrEqual(2)
    lab.run(60_000)
    expect(a.mesh.length).toBeLessThanOrEqual(13)
    expect(a.mesh.filter((peer) => own.includes(peer)).length).toBeGreaterThanOrEqual(2)
  })

  it('is reported of each topic by itself, sorted, when it has changed, and as empty once the topic is left', () => {
    const [lab, [a, b, c]] = clique(3) as [Lab, [Member, Member, Member]]
    join(a, b, c)
    for (const one of [a, c]) one.run({ type: 'join', topic: 'weather', guarded: false })
    lab.run(3_000)
    expect([a.meshOf(TOPIC), a.meshOf('weather')]).toEqual([['peer2', 'peer3'], ['peer3']])
    const before = a.heard('meshChanged').length
    lab.run(20_000)
    expect(a.heard('meshChanged').length).toBe(before)
    leave(a)
    expect(a.heard('meshChanged').slice(before)).toMatchObject([{ topic: TOPIC, peers: [] }])
    expect(a.meshOf('weather')).toEqual(['peer3'])
  })

  it('has all that there are where there are few', () => {
    const [lab, members] = clique(4)
    join(...members)
    lab.run(3_000)
    for (const { mesh } of members) expect(mesh).toHaveLength(3)
  })

  it('is filled up again when peers leave it', () => {
    const [lab, members] = clique(20)
    join(...members)
    lab.run(5_000)
    const [a] = members as [Member]
    const gone = members.filter(({ peerId }) => a.mesh.slice(2).includes(peerId))
    for (const member of gone) member.host.crash()
    lab.run(50)
    expect(a.mesh).toHaveLength(2)
    // Those whom it refused while its mesh was full stay away for a minute.
    lab.run(65_000)
    expect(a.mesh.length).toBeGreaterThanOrEqual(4)
    for (const { peerId } of gone) expect(a.mesh).not.toContain(peerId)
  })

  it('takes nobody back who has left less than ten seconds ago, and nobody asks for it for some heartbeats more', () => {
    const [lab, [a, b]] = line(2) as [Lab, [Member, Member]]
    join(a, b)
    lab.run(2_000)
    leave(a)
    const left = lab.now
    lab.run(100)
    expect(b.mesh).toEqual([])
    lab.run(5_000)
    join(a)
    lab.run(left + 10_000 - lab.now)
    expect([a.mesh, b.mesh]).toEqual([[], []])
    lab.run(17_100)
    expect([a.mesh, b.mesh]).toEqual([['peer2'], ['peer1']])
    expect(scoreOf(a, b)).toBe(0)
    expect(scoreOf(b, a)).toBe(0)
  })

  it('is not asked too early by one whose goodbye took its time', () => {
    const [lab, [a, b]] = line(2) as [Lab, [Member, Member]]
    join(a, b)
    lab.run(2_000)
    lab.wire.slow('peer1', 'peer2', 500)
    leave(a)
    lab.run(1_000)
    lab.wire.slow('peer1', 'peer2', 0)
    lab.run(9_100)
    join(a)
    lab.run(17_000)
    expect([a.mesh, b.mesh]).toEqual([['peer2'], ['peer1']])
    expect(scoreOf(b, a)).toBe(0)
  })

  it('takes back who waited, at once', () => {
    const [lab, [a, b]] = line(2) as [Lab, [Member, Member]]
    join(a, b)
    lab.run(2_000)
    leave(a)
    lab.run(26_100)
    join(a)
    lab.run(10)
    expect([a.mesh, b.mesh]).toEqual([['peer2'], ['peer1']])
  })
})

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

  it('is refused when it was sent or heard less than a minute ago', () => {
    const [lab, [a, b]] = line(2) as [Lab, [Member, Member]]
    join(a, b)
    lab.run(1_000)
    publish(a, 'x')
    lab.run(59_000)
    for (const member of [a, b]) {
      const ask = publish(member, 'x')
      expect(member.last('publishFailed')).toMatchObject({ ask, code: 'DuplicateMessage' })
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

describe('gossip', () => {
  it('brings a message whose every copy was dropped, by IHAVE and IWANT, from outside of the mesh', () => {
    const [lab, members] = clique(20)
    join(...members)
    lab.run(5_000)
    const victim = members[7]!
    const stop = lab.wire.drop(({ kind, to, topic }) => kind === 'gossip' && topic === TOPIC && to === victim.peerId)
    publish(members[0]!, 'x')
    lab.run(200)
    stop()
    expect(members.filter((member) => heard(member).length === 0).map(({ peerId }) => peerId)).toEqual([
      'peer1',
      victim.peerId,
    ])
    lab.run(4_000)
    expect(heard(victim)).toEqual(['x'])
    expect(victim.mesh).not.toContain(victim.last('message').via)
  })

  it('is told to a quarter of those outside of the mesh at each heartbeat, where they are many', () => {
    const lab = new Lab()
    const [a, ...others] = lab.membersOf(101) as [Member, ...Member[]]
    join(a, ...others)
    for (const other of others) other.run({ type: 'dial', target: a.peerId, addresses: [a.address] })
    lab.run(5_000)
    // Everybody has only a, and what a publishes reaches nobody but by gossip.
    const stop = lab.wire.drop(({ kind, from }) => kind === 'gossip' && from === a.peerId)
    publish(a, 'x')
    lab.run(10)
    stop()
    const counts: number[] = []
    for (let beat = 0; beat < 5; beat++) {
      lab.run(1_000)
      counts.push(others.filter((other) => heard(other).length > 0).length)
    }
    // Three heartbeats; who has heard it once may be told again.
    const outside = 100 - a.mesh.length
    expect(counts[0]).toBeGreaterThanOrEqual(Math.floor(outside / 4) - 1)
    expect(counts[4]).toBeGreaterThan(counts[0]!)
    expect(counts[4]).toBeLessThanOrEqual(3 * Math.floor(outside / 4))
  })

  it('does not bring it when that is too long ago', () => {
    const [lab, members] = clique(20)
    join(...members)
    lab.run(5_000)
    const victim = members[7]!
    const stop = lab.wire.drop(({ to }) => to === victim.peerId)
    publish(members[0]!, 'x')
    lab.run(6_000)
    stop()
    lab.run(60_000)
    expect(heard(victim)).toEqual([])
  })

  it('does not bring what is old, when the host was in no topic meanwhile', () => {
    const [lab, [a, b, c]] = clique(3) as [Lab, [Member, Member, Member]]
    join(a, b)
    lab.run(2_000)
    publish(a, 'x')
    lab.run(10)
    expect(heard(b)).toEqual(['x'])
    leave(a)
    leave(b)
    lab.run(20_000)
    // Not so bad that it hears no gossip, but it is in no mesh, so that it would.
    b.run({ type: 'penalize', peer: 'peer3', count: 0.9 })
    join(c)
    lab.run(100)
    join(b)
    lab.run(5_000)
    expect([heard(c), c.mesh]).toEqual([[], []])
    const loss = lab.wire.drop(({ kind }) => kind === 'gossip')
    publish(b, 'y')
    loss()
    lab.run(2_000)
    expect(heard(c)).toEqual(['y'])
  })

  it('brings all to all over a lossy network', () => {
    const [lab, members] = clique(25)
    join(...members)
    lab.run(5_000)
    lab.wire.options.loss = 0.3
    for (let i = 0; i < 10; i++) publish(members[i]!, `message ${i}`)
    lab.run(10_000)
    const missing = members.filter((member, i) => heard(member).length < (i < 10 ? 9 : 10))
    expect(missing.map(({ peerId }) => peerId)).toEqual([])
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
