import { describe, expect, it } from '@jest/globals'
import type { Entry } from '../../../src/core/access/lists.js'
import { prefixOf } from '../../../src/core/access/ranges.js'
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

const HERE = '/ip4/192.0.2.1/tcp'

const visit = (id: number, peer = 'bob', address = `${HERE}/${id}`): Event => {
  return { type: 'visit', visit: id, peer, address, inbound: true }
}
const answered = (authorization: number, admitted: boolean, failed = false): Event => {
  return { type: 'authorized', authorization, admitted, failed }
}
const opened = (connection: number): Event => {
  return { type: 'connectionOpened', connection, peer: 'bob', address: `${HERE}/${connection}`, inbound: true }
}
const asked = (effects: Effect[]) => effects.flatMap((effect) => (effect.type === 'authorize' ? [effect.peer] : []))
const verdicts = (effects: Effect[]) =>
  effects.flatMap((effect) => (effect.type === 'admit' ? [`${effect.visit} ${effect.admitted ? 'yes' : 'no'}`] : []))
const told = (effects: Effect[]) => effects.flatMap((effect) => (effect.type === 'audited' ? [effect.event] : []))
/** Everything that follows from the wake-up of this time. */
const allAt = (core: Core, time: number): Effect[] => {
  core.now = time
  return core.all({ type: 'woken' })
}

describe('a visit', () => {
  it('waits for the answer of the application, which is asked once however many there are', () => {
    const core = asking()
    const address = `${HERE}/1`
    expect(core.in(visit(1))).toEqual([{ type: 'authorize', authorization: 1, peer: 'bob', address, inbound: true }])
    expect(core.in(visit(2))).toEqual([])
    expect(verdicts(core.in(answered(1, true)))).toEqual(['1 yes', '2 yes'])
    // One moment later it is not connected yet, and then it is.
    expect(verdicts(core.in(visit(3)))).toEqual(['3 yes'])
    core.in(opened(1))
    core.at(60_000)
    expect(verdicts(core.in(visit(4)))).toEqual(['4 yes'])
    core.in({ type: 'connectionClosed', connection: 1 })
    expect(asked(core.in(visit(5)))).toEqual(['bob'])
  })

  it('is asked about anew as soon as the peer has gone', () => {
    const core = asking()
    core.in(visit(1), answered(1, true))
    core.in(opened(1))
    core.in({ type: 'connectionClosed', connection: 1 })
    expect(asked(core.in(visit(2)))).toEqual(['bob'])
  })

  it('from another address is asked about, whatever was answered for the first', () => {
    const core = asking()
    const there = (id: number): Event => visit(id, 'bob', `/ip4/198.51.100.1/tcp/${id}`)
    core.in(visit(1), answered(1, true))
    core.in(opened(1))
    expect(asked(core.in(there(2)))).toEqual(['bob'])
    expect(verdicts(core.in(answered(2, false)))).toEqual(['2 no'])
    // Nor does a no for one address hold for another.
    core.in({ type: 'connectionClosed', connection: 1 })
    expect(asked(core.in(visit(3)))).toEqual(['bob'])
    expect(verdicts(core.in(there(4)))).toEqual(['4 no'])
  })

  it.each<[string, Entry]>([
    ['peer', { peer: 'bob' }],
    ['address', { range: prefixOf('192.0.2.0/24')! }],
  ])('is asked about anew after a denial of its %s, however short', (_, entry) => {
    const core = asking()
    const denied: Event = { type: 'deny', ask: 9, entries: [entry], duration: 1 }
    core.in(visit(1), answered(1, true))
    core.in(denied)
    core.at(1)
    expect(asked(core.in(visit(2)))).toEqual(['bob'])
    // A question that is under way is over too: its answer is of before.
    const effects = core.in(denied)
    expect(effects).toContainEqual({ type: 'cancelAuthorization', authorization: 2, denied: true })
    expect(verdicts(effects)).toEqual(['2 no'])
    core.at(2)
    expect(core.in(answered(2, true))).toEqual([])
    expect(asked(core.in(visit(3)))).toEqual(['bob'])
  })

  it('is asked about anew when it was admitted and did not come', () => {
    const core = asking()
    core.in(visit(1), answered(1, true))
    core.at(2_999)
    expect(verdicts(core.in(visit(2)))).toEqual(['2 yes'])
    core.at(3_000)
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
      { type: 'cancelAuthorization', authorization: 1, denied: false },
      { type: 'admit', visit: 1, admitted: false },
    ])
    expect(core.in(answered(1, true))).toEqual([])
    expect(core.state.authorizing.open.size + core.state.authorizing.byName.size).toBe(0)
  })

  it('is admitted at once where nobody is to be asked', () => {
    expect(verdicts(new Core().in(visit(1)))).toEqual(['1 yes'])
  })

  it('of a peer that is denied is refused without a question, also while one is under way', () => {
    const core = asking()
    core.in(visit(1))
    expect(verdicts(core.in({ type: 'deny', ask: 9, entries: [{ peer: 'bob' }] }))).toEqual(['1 no'])
    expect(verdicts(core.in(visit(2)))).toEqual(['2 no'])
    expect(core.in(answered(1, true))).toEqual([])
  })

  it('has its turn: so many are asked about at once', () => {
    const core = asking({ authorizing: 2 })
    const peers = ['a', 'b', 'c', 'd']
    expect(asked(core.in(...peers.map((peer, i) => visit(i + 1, peer, `/ip4/192.0.${i}.1/tcp/1`))))).toEqual(['a', 'b'])
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
    expect(core.state.authorizing.ranges.size + core.state.authorizing.byName.size).toBe(0)
  })

  it('of a peer that the config names has room when all others have none', () => {
    const core = new Core({ access: { ...defaultSettings.access, authorizes: true }, keep: { kept: [] } })
    const everywhere = Array.from({ length: 2_000 }, (_, i) =>
      visit(i + 1, `eve ${i}`, `/ip4/20.${i >> 8}.${i & 255}.1/tcp/1`),
    )
    core.in(...everywhere)
    expect(core.state.authorizing.open.size).toBe(896)
    expect(verdicts(core.in(visit(5_000, 'bob', '/ip4/203.0.113.1/tcp/1')))).toHaveLength(1)
    expect(verdicts(core.in(visit(5_001, 'kept', '/ip4/203.0.113.2/tcp/1')))).toEqual([])
  })

  it('that was declined is not asked about again for a second', () => {
    const core = asking()
    core.in(visit(1))
    core.in(answered(1, false))
    expect(asked(core.in(visit(2)))).toEqual([])
    core.now += 1_000
    expect(asked(core.in(visit(3)))).toEqual(['bob'])
  })

  it('has the turn of its range, and of a range the newest goes first', () => {
    const core = asking({ authorizing: 1 })
    const at = (id: number, range: number): Event => visit(id, `${range}: ${id}`, `/ip4/203.0.${range}.1/tcp/1`)
    core.in(at(1, 1), at(2, 1), at(3, 1), at(4, 1), at(5, 2), at(6, 2), at(7, 3))
    const order = [1, 4, 6, 7, 3, 5].flatMap((id) => asked(core.in(answered(id, true))))
    expect(order).toEqual(['1: 4', '2: 6', '3: 7', '1: 3', '2: 5', '1: 2'])
  })

  it('of a range that asks for nothing else is asked about at once, unless there are many such ranges', () => {
    const core = asking()
    const crowd = Array.from({ length: 100 }, (_, i) => visit(i + 1, `eve ${i}`, '/ip4/198.51.100.7/tcp/1'))
    expect(asked(core.in(...crowd))).toHaveLength(28)
    expect(asked(core.in(visit(900)))).toEqual(['bob'])
  })

  it('has the turn of its address on this machine', () => {
    const core = asking({ authorizing: 1 })
    const at = (id: number, host: number): Event => visit(id, `${host}: ${id}`, `/ip4/127.0.0.${host}/tcp/1`)
    core.in(at(1, 1), at(2, 1), at(3, 1), at(4, 2))
    expect([1, 3].flatMap((id) => asked(core.in(answered(id, true))))).toEqual(['1: 3', '2: 4'])
  })

  it('has the whole time of a question from when it is asked', () => {
    const core = asking({ authorizing: 1, authorizeTimeout: 2_000 })
    core.in(visit(1, 'a'), visit(2, 'b'))
    expect(asked(core.at(2_000))).toEqual(['b'])
    expect(verdicts(core.at(3_999))).toEqual([])
    expect(told(allAt(core, 4_000))).toMatchObject([{ reason: 'authorize has not answered within 2000 ms' }])
  })

  it('is not asked about when it could not be answered in time, and is told why', () => {
    const core = asking({ authorizing: 1 })
    core.in(visit(1, 'a'), visit(2, 'b'))
    // An answer takes 5 s, and b has half a second left.
    const out = allAt(core, 5_000)
    expect(asked(out)).toEqual([])
    expect(told(out)).toMatchObject([
      { kind: 'unauthorized', peer: 'a', reason: 'authorize has not answered within 5000 ms' },
      { kind: 'refused', peer: 'b', reason: 'authorize was busy with others until it was too late for it' },
    ])
    expect(core.state.authorizing.turns.size + core.state.authorizing.byName.size).toBe(0)
  })

  it('takes the place of the oldest one of its range, when there are too many of it', () => {
    const core = asking()
    const crowd = Array.from({ length: 600 }, (_, i) => visit(i + 1, `eve ${i}`, '/ip4/198.51.100.7/tcp/1'))
    const out = core.in(...crowd)
    expect(verdicts(out)[0]).toBe('29 no')
    expect(verdicts(core.in(visit(900, 'eve 900', '/ip4/198.51.100.7/tcp/1')))).toHaveLength(1)
    expect(core.state.authorizing.byName.has('eve 900 /ip4/198.51.100.7')).toBe(true)
  })

  it('of a stranger is answered within 3 s while two ranges flood, and nobody is asked about in vain', () => {
    const core = asking()
    /** The application answers each question after 2 s. */
    const answers: { at: number; authorization: number }[] = []
    const strangers = new Map<number, number>()
    const waits: number[] = []
    let last = 0
    const hear = (effects: Effect[]): void => {
      for (const effect of effects) {
        if (effect.type === 'authorize') answers.push({ at: core.now + 2_000, authorization: effect.authorization })
        else if (effect.type === 'cancelAuthorization') throw new Error('somebody was asked about too late')
        else if (effect.type === 'admit' && strangers.has(effect.visit)) {
          expect(effect.admitted).toBe(true)
          waits.push(core.now - strangers.get(effect.visit)!)
        }
      }
    }
    for (let now = 0; now <= 30_000; now += 10) {
      hear(core.at(now))
      while (answers[0] !== undefined && answers[0].at <= now)
        hear(core.in(answered(answers.shift()!.authorization, true)))
      // A hundred in a second from each of two ranges.
      for (const range of [1, 2]) hear(core.in(visit(++last, `eve ${last}`, `/ip4/203.0.${range}.9/tcp/1`)))
      if (now % 1_000 !== 0 || now === 0 || now > 25_000) continue
      strangers.set(++last, now)
      hear(core.in(visit(last, `stranger ${last}`, '/ip4/192.0.2.1/tcp/1')))
    }
    expect(waits).toHaveLength(25)
    expect(Math.max(...waits)).toBeLessThan(3_000)
    expect(core.state.authorizing.open.size).toBeLessThan(1_024)
  })

  it('of a peer that opens one connection after the other is bounded', () => {
    const core = asking()
    expect(verdicts(core.in(...Array.from({ length: 20 }, (_, i) => visit(i + 1))))).toHaveLength(12)
  })
})
