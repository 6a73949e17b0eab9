import { describe, expect, it } from '@jest/globals'
import type { Effect } from '../../../src/core/effects.js'
import type { Event } from '../../../src/core/events.js'
import { limitsOf, type Limits } from '../../../src/core/limits/limits.js'
import { defaultSettings } from '../../../src/core/settings.js'
import { Core, shorts } from '../../support/core.js'

function asking(limits: Partial<Limits> = {}): Core {
  return new Core({
    access: { ...defaultSettings.access, authorizes: true },
    limits: limitsOf(limits),
    stayConnected: 30,
  })
}

const visit = (id: number, peer = 'bob', address = `/ip4/192.0.2.${id % 250}/tcp/1`): Event => {
  return { type: 'visit', visit: id, peer, address, inbound: true }
}
const answered = (authorization: number, admitted: boolean, failed = false): Event => {
  return { type: 'authorized', authorization, admitted, failed }
}
const asked = (effects: Effect[]) => effects.flatMap((effect) => (effect.type === 'authorize' ? [effect.peer] : []))
const verdicts = (effects: Effect[]) =>
  effects.flatMap((effect) => (effect.type === 'admit' ? [`${effect.visit} ${effect.admitted ? 'yes' : 'no'}`] : []))
const told = (effects: Effect[]) => effects.flatMap((effect) => (effect.type === 'audited' ? [effect.event] : []))

describe('a visit', () => {
  it('waits for the answer of the application, which is asked once however many there are', () => {
    const core = asking()
    const address = '/ip4/192.0.2.1/tcp/1'
    expect(core.in(visit(1))).toEqual([{ type: 'authorize', authorization: 1, peer: 'bob', address, inbound: true }])
    expect(core.in(visit(2))).toEqual([])
    expect(verdicts(core.in(answered(1, true)))).toEqual(['1 yes', '2 yes'])
    // One moment later it is not connected yet, and then it is.
    expect(verdicts(core.in(visit(3)))).toEqual(['3 yes'])
    core.connect('bob')
    core.at(60_000)
    expect(verdicts(core.in(visit(4)))).toEqual(['4 yes'])
    core.in({ type: 'connectionClosed', connection: 1 })
    expect(asked(core.in(visit(5)))).toEqual(['bob'])
  })

  it('is asked about anew when it was admitted and did not come', () => {
    const core = asking()
    core.in(visit(1), answered(1, true))
    core.at(9_999)
    expect(verdicts(core.in(visit(2)))).toEqual(['2 yes'])
    core.at(10_000)
    expect(core.state.authorizing.admitted.size).toBe(0)
    expect(asked(core.in(visit(3)))).toEqual(['bob'])
  })

  it.each([
    ['says no', answered(1, false), 'authorize has said no'],
    ['fails', answered(1, false, true), 'authorize failed'],
  ])('ends when the application %s, and whoever waited for the dial is told', (_, answer, reason) => {
    const core = asking()
    core.request(1, 'bob')
    core.in({ type: 'dialPeer', ask: 2, target: 'bob', addresses: [] })
    core.in(visit(1))
    const effects = core.all(answer)
    expect(verdicts(effects)).toEqual(['1 no'])
    expect(shorts(effects)).toEqual(expect.arrayContaining(['fail 1 Denied', 'fail 2 Denied']))
    expect(told(effects)).toMatchObject([{ kind: 'unauthorized', peer: 'bob', inbound: true, reason }])
  })

  it('ends when there is no answer in time, and a later one counts for nothing', () => {
    const core = asking({ authorizeTimeout: 700 })
    core.in(visit(1))
    expect(core.at(699)).toEqual([])
    const late = core.at(700)
    expect(late).toEqual([
      { type: 'cancelAuthorization', authorization: 1 },
      { type: 'admit', visit: 1, admitted: false },
    ])
    expect(core.in(answered(1, true))).toEqual([])
    expect(core.state.authorizing.open.size + core.state.authorizing.byPeer.size).toBe(0)
  })

  it('is admitted at once where nobody is to be asked', () => {
    expect(verdicts(new Core().in(visit(1)))).toEqual(['1 yes'])
  })

  it('of a peer that is denied is refused without a question, also while one is under way', () => {
    const core = asking()
    core.in(visit(1))
    core.in({ type: 'deny', ask: 9, entries: [{ peer: 'bob' }] })
    expect(verdicts(core.in(visit(2)))).toEqual(['2 no'])
    expect(verdicts(core.in(answered(1, true)))).toEqual(['1 no'])
  })

  it('has its turn: so many are asked about at once', () => {
    const core = asking({ authorizing: 2 })
    const peers = ['a', 'b', 'c', 'd']
    expect(asked(core.in(...peers.map((peer, i) => visit(i + 1, peer))))).toEqual(['a', 'b'])
    expect(asked(core.in(answered(2, true)))).toEqual(['c'])
    expect(asked(core.in(answered(1, false)))).toEqual(['d'])
    // Those who have not been asked about in time are refused too, and the next ones have their turn.
    core.in(...['e', 'f'].map((peer, i) => visit(i + 5, peer)))
    expect(asked(core.at(5_000))).toEqual([])
    expect(core.state.authorizing.open.size).toBe(0)
    expect(asked(core.in(visit(9, 'g')))).toEqual(['g'])
  })

  it('from one place leaves room for others, however many identities there are', () => {
    const core = asking()
    const crowd = Array.from({ length: 2_000 }, (_, i) => visit(i + 1, `eve ${i}`, '/ip4/198.51.100.7/tcp/1'))
    const refused = verdicts(core.in(...crowd)).length
    expect(refused).toBeGreaterThan(1_000)
    const others = Array.from({ length: 100 }, (_, i) => visit(5_000 + i, `bob ${i}`, `/ip4/203.0.${i}.1/tcp/1`))
    expect(verdicts(core.in(...others))).toEqual([])
    core.at(5_000)
    expect(core.state.authorizing.ranges.size + core.state.authorizing.byPeer.size).toBe(0)
  })

  it('of a peer that the config names has room when all others have none', () => {
    const core = new Core({ access: { ...defaultSettings.access, authorizes: true }, keep: { kept: [] } })
    const everywhere = Array.from({ length: 2_000 }, (_, i) =>
      visit(i + 1, `eve ${i}`, `/ip4/20.${i >> 8}.${i & 255}.1/tcp/1`),
    )
    core.in(...everywhere)
    expect(core.state.authorizing.open.size).toBe(896)
    expect(verdicts(core.in(visit(5_000, 'bob', '/ip4/203.0.113.1/tcp/1')))).toEqual(['5000 no'])
    expect(verdicts(core.in(visit(5_001, 'kept', '/ip4/203.0.113.2/tcp/1')))).toEqual([])
  })

  it('of a peer that opens one connection after the other is bounded', () => {
    const core = asking()
    expect(verdicts(core.in(...Array.from({ length: 20 }, (_, i) => visit(i + 1))))).toHaveLength(12)
  })
})
