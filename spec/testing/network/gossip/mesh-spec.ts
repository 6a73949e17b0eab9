/** The mesh of a topic: its bounds, its back-offs, and the share of peers that we dialled. */
import { describe, expect, it } from '@jest/globals'
import { clique, join, leave, line, scoreOf, TOPIC } from './lab.js'
import { Lab, type Member } from '../lab.js'

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
