import { describe, expect, it } from '@jest/globals'
import type { AuditEvent } from '../../../src/core/access/audit-event.js'
import type { Effect } from '../../../src/core/effects.js'
import type { Event } from '../../../src/core/events.js'
import { Core } from '../../support/core.js'

const told = (effects: Effect[]): AuditEvent[] =>
  effects.flatMap((effect) => (effect.type === 'audited' ? [effect.event] : []))

const opened = (connection: number): Event => {
  return {
    type: 'connectionOpened',
    connection,
    peer: `p${connection}`,
    address: '/ip4/192.0.2.1/tcp/1',
    inbound: true,
  }
}

describe('the audit', () => {
  it('tells who came in', () => {
    const core = new Core()
    core.now = 7
    expect(told(core.all(opened(1)))).toEqual([
      { kind: 'admitted', at: 7, peer: 'p1', address: '/ip4/192.0.2.1/tcp/1', inbound: true, count: 1 },
    ])
  })

  it('tells what the network has refused, and how often', () => {
    const core = new Core()
    const address = '/ip4/192.0.2.1/tcp/1'
    const refused = { type: 'turnedAway', address, inbound: true, count: 5, ago: 0 } as const
    for (const [why, reason] of [
      ['networkKey', 'it has another network key, or none'],
      ['handshakes', 'there were too many handshakes'],
      ['lateHandshake', 'its handshake was not over in time'],
    ] as const)
      expect(told(core.all({ ...refused, why }))).toEqual([
        { kind: 'refused', at: 0, address, inbound: true, reason, count: 5 },
      ])
  })

  it('has the time and the reason of the first refusal of a sum, though the entry has ended meanwhile', () => {
    const core = new Core()
    const [address, reason] = ['/ip4/192.0.2.1/tcp/1', 'denied by this node: maintenance']
    core.now = 2_000
    const away: Event = { type: 'turnedAway', why: 'denied', peer: 'bob', address, inbound: true, reason, count: 2, ago: 900 } // prettier-ignore
    expect(core.all(away)).toContainEqual({
      type: 'audited',
      event: { kind: 'refused', at: 1_100, peer: 'bob', address, inbound: true, reason, count: 2 },
      ago: 900,
    })
    core.in({ type: 'explain', ask: 5, about: { peer: 'bob' } })
    expect(core.in({ type: 'inspected', ask: 5, peers: {} })).toMatchObject([
      { value: { turnedAway: { count: 2, ago: 900, reason } } },
    ])
  })

  it('leaves with each peer how often it was refused, for explain; of so many peers as are not too many', () => {
    const core = new Core()
    const from = (peer: string, count: number): Event => {
      return { type: 'turnedAway', why: 'denied', peer, address: '/ip4/192.0.2.1/tcp/1', inbound: true, count, ago: 0 }
    }
    const explain = (peer: string): Effect[] => {
      core.in({ type: 'explain', ask: 5, about: { peer } })
      return core.in({ type: 'inspected', ask: 5, peers: {} })
    }
    core.in(from('bob', 5))
    core.in(from('bob', 2))
    core.now = 30
    expect(explain('bob')).toMatchObject([
      { value: { turnedAway: { count: 7, ago: 30, reason: 'denied by this node' }, refused: {} } },
    ])
    core.in(...Array.from({ length: 1_000 }, (_, i) => from(`eve ${i}`, 1)))
    expect(core.state.audit.turnedAway.size).toBe(1_000)
    expect(explain('bob')).not.toMatchObject([{ value: { turnedAway: {} } }])
  })

  it('has a rate, and says how many it has left out', () => {
    const core = new Core()
    const flood = Array.from({ length: 1_000 }, (_, i) => opened(i + 1))
    const first = told(core.all(...flood))
    expect(first.length).toBeLessThanOrEqual(201)
    core.now = 10_000
    const [next] = told(core.all(opened(5_000)))
    expect(next!.missed).toBe(1_000 - first.length)
    expect(told(core.all(opened(5_001)))[0]).not.toHaveProperty('missed')
  })

  it('of a flood writes as many lines', () => {
    const core = new Core()
    const deny = Array.from({ length: 1_000 }, (_, i): Event => {
      return {
        type: 'turnedAway',
        why: 'denied',
        address: `/ip4/192.0.${i >> 8}.${i & 255}/tcp/1`,
        inbound: true,
        count: 1,
        ago: 0,
      }
    })
    expect(core.all(...deny).filter(({ type }) => type === 'log').length).toBeLessThanOrEqual(201)
  })
})
