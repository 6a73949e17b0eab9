/** Lookups: a peer that only a third knows is found, with a bounded number of questions, in bounded time. */
import { describe, expect, it } from '@jest/globals'
import { hash32 } from '../../../../src/testing/network/random.js'
import { know, Lab, type Member } from '../lab.js'

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
    const { table } = a.host
    const ask = table.ask.bind(table)
    table.ask = (candidate, target, done) => {
      asked++
      most = Math.max(most, ++underWay)
      ask(candidate, target, (answer) => {
        underWay--
        done(answer)
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

  it('ends after twenty seconds, whatever it still waits for', () => {
    const lab = new Lab()
    const [a, ...others] = lab.membersOf(8) as [Member, ...Member[]]
    for (const other of others) know(a, other)
    lab.wire.partition([['peer1']])
    a.run({ type: 'tableQuery' })
    // Each question ends with its dial, after six seconds, and three are under way at once: the first lookup, with its three
    // strangers, would take 24 s. The second one takes 18 s.
    lab.run(60_000)
    expect(a.last('tableQueried').at).toBe(38_000)
  })
})
