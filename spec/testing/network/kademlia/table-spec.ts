/** The routing table and its lookups: a peer that only a third knows is found, with a bounded number of questions. */
import { describe, expect, it } from '@jest/globals'
import { hash32 } from '../../../../src/testing/network/random.js'
import { Lab, type Member } from '../lab.js'

const know = (a: Member, b: Member): void => a.run({ type: 'tableAdd', peer: b.peerId, addresses: [b.address] })

describe('the table', () => {
  it('tells of who comes, changes and leaves, and not of what changes nothing', () => {
    const a = new Lab().member()
    const add = (addresses: string[]) => a.run({ type: 'tableAdd', peer: 'x', addresses })
    add(['/ip4/1.1.1.1/tcp/1'])
    add(['/ip4/1.1.1.1/tcp/1'])
    add(['/ip4/1.1.1.1/tcp/2'])
    a.run({ type: 'tableRemove', peer: 'x' })
    a.run({ type: 'tableRemove', peer: 'x' })
    a.run({ type: 'tableAdd', peer: 'peer1', addresses: [] })
    expect(a.heard('tableChanged').map(({ addresses }) => addresses)).toEqual([
      ['/ip4/1.1.1.1/tcp/1'],
      ['/ip4/1.1.1.1/tcp/2'],
      undefined,
    ])
    expect(a.host.table.size).toBe(0)
  })

  it('takes twenty peers a bucket, by the first six bits of their hash; in its own, twenty of each distance', () => {
    const a = new Lab().member()
    const own = hash32(a.peerId)
    const counts = new Map<string, number>()
    for (let i = 0; i < 3_000; i++) {
      const key = hash32(`p${i}`)
      const bucket = key >>> 26 === own >>> 26 ? `own, ${Math.clz32(key ^ own)} bits alike` : `${key >>> 26}`
      counts.set(bucket, (counts.get(bucket) ?? 0) + 1)
      a.run({ type: 'tableAdd', peer: `p${i}`, addresses: ['/ip4/1.1.1.1/tcp/1'] })
    }
    const ofOwn = [...counts].filter(([bucket]) => bucket.startsWith('own')).map(([, count]) => count)
    expect(ofOwn.reduce((sum, count) => sum + count)).toBeGreaterThan(20)
    const expected = [...counts.values()].reduce((sum, count) => sum + Math.min(20, count), 0)
    expect(counts.size - ofOwn.length).toBe(63)
    expect([a.host.table.size, a.heard('tableChanged').length]).toEqual([expected, expected])
    // One that leaves makes room.
    a.run({ type: 'tableRemove', peer: 'p0' })
    expect(a.host.table.size).toBe(expected - 1)
  })
})

describe('a lookup', () => {
  it('finds a peer that only a third knows, through one that knows the third', () => {
    const lab = new Lab()
    const [a, b, c, d] = lab.membersOf(4) as [Member, Member, Member, Member]
    know(a, b)
    know(b, c)
    know(c, d)
    a.run({ type: 'dial', target: d.peerId, addresses: [] })
    lab.run(10_000)
    expect(a.last('dialled')).toMatchObject({ target: 'peer4', peer: 'peer4' })
  })

  it('finds nobody where nobody knows, nor over a cut', () => {
    const lab = new Lab()
    const [a, b, c] = lab.membersOf(3) as [Member, Member, Member]
    know(a, b)
    know(b, c)
    a.run({ type: 'dial', target: 'nobody', addresses: [] })
    lab.run(10_000)
    expect(a.last('dialFailed').failure.message).toMatch(/nobody that we could ask/)
    lab.wire.partition([['peer1']])
    a.run({ type: 'dial', target: 'peer9', addresses: [] })
    lab.run(60_000)
    expect(a.heard('dialFailed')).toHaveLength(2)
  })

  it('asks a bounded number of peers, however many there are, three at once', () => {
    const lab = new Lab()
    const members = lab.membersOf(200)
    // Each knows its neighbours on a ring, and some others.
    members.forEach((member, i) => {
      for (const far of [1, 2, 3, 7, 31, 63]) know(member, members[(i + far) % members.length]!)
    })
    const [a] = members as [Member]
    let underWay = 0
    let most = 0
    let asked = 0
    const reach = a.host.reach.bind(a.host)
    a.host.reach = (peer, addresses, done) => {
      if (!new Error().stack!.includes('ask')) return reach(peer, addresses, done)
      asked++
      most = Math.max(most, ++underWay)
      reach(peer, addresses, (side, why) => {
        underWay--
        done(side, why)
      })
    }
    a.run({ type: 'tableQuery' })
    lab.run(60_000)
    expect(a.last('tableQueried')).toBeDefined()
    expect(most).toBeLessThanOrEqual(3)
    expect(asked).toBeGreaterThan(10)
    expect(asked).toBeLessThan(100)
  })

  it('asks some who are far away for the neighbourhood too: a clique of neighbours would ask only itself for ever', () => {
    const lab = new Lab()
    const members = lab.membersOf(120)
    for (const member of members) {
      member.react = (event) => {
        if (event.type === 'identified') member.run({ type: 'tableAdd', peer: event.peer, addresses: event.addresses })
      }
    }
    const far = (a: Member, b: Member): number => (hash32(a.peerId) ^ hash32(b.peerId)) >>> 0
    const [a] = members as [Member]
    const nearest = members.slice(1).sort((x, y) => far(a, x) - far(a, y))
    // a and its clique know each other and sixty who are far, and those know everybody.
    const clique = nearest.slice(0, 50).filter((_, i) => i % 2 === 0)
    const others = nearest.slice(0, 20).filter((_, i) => i % 2 === 1)
    const knowing = nearest.slice(-60)
    for (const one of [a, ...clique]) for (const other of [a, ...clique, ...knowing]) know(one, other)
    for (const one of knowing) for (const other of members) know(one, other)
    a.run({ type: 'tableQuery' })
    lab.run(60_000)
    const known = new Set(a.heard('tableChanged').map(({ peer }) => peer))
    expect(others.filter(({ peerId }) => known.has(peerId)).length).toBeGreaterThanOrEqual(8)
  })

  it('does not wait for a peer whose connection has ended', () => {
    const lab = new Lab()
    const [a, b] = lab.membersOf(2) as [Member, Member]
    lab.connect(a, b)
    know(a, b)
    lab.wire.partition([['peer1'], ['peer2']])
    a.run({ type: 'tableQuery' })
    lab.run(100)
    expect(a.heard('tableQueried')).toEqual([])
    a.run({ type: 'closeConnection', connection: a.last('connectionOpened').connection, reason: 'spec' })
    lab.wire.heal()
    lab.run(1_000)
    expect(a.heard('tableQueried')).toHaveLength(1)
  })

  it('fills the table with those it hears of, once they were visited', () => {
    const lab = new Lab()
    const members = lab.membersOf(12)
    const [a, boot] = members as [Member, Member]
    // As the core does: who is identified goes into the table.
    for (const member of members) {
      member.react = (event) => {
        if (event.type === 'identified') member.run({ type: 'tableAdd', peer: event.peer, addresses: event.addresses })
      }
      if (member !== a && member !== boot) know(boot, member)
    }
    know(a, boot)
    a.run({ type: 'tableQuery' })
    lab.run(5_000)
    expect(a.host.table.size).toBe(11)
    expect(new Set(a.heard('connectionOpened').map(({ peer }) => peer)).size).toBe(11)
  })

  it('goes on past peers that do not answer, and ends', () => {
    const lab = new Lab()
    const [a, dead, b, c] = lab.membersOf(4) as [Member, Member, Member, Member]
    know(a, dead)
    know(a, b)
    know(b, c)
    dead.host.crash()
    a.run({ type: 'dial', target: c.peerId, addresses: [] })
    lab.run(30_000)
    expect(a.heard('dialled').map(({ peer }) => peer)).toEqual(['peer4'])
    b.host.crash()
    c.host.crash()
    a.run({ type: 'tableQuery' })
    lab.run(60_000)
    expect(a.heard('tableQueried')).toHaveLength(1)
  })
})
