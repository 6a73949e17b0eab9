/** IHAVE and IWANT: what never came by the mesh is offered, and asked for. */
import { describe, expect, it } from '@jest/globals'
import { clique, heard, join, leave, publish, TOPIC } from './lab.js'
import { Lab, type Member } from '../lab.js'

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
