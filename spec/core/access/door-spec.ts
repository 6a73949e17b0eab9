import { describe, expect, it } from '@jest/globals'
import { Door } from '../../../src/core/access/door.js'
import { prefixOf } from '../../../src/core/access/ranges.js'
import type { PortEvent } from '../../../src/core/port.js'

function door() {
  const events: PortEvent[] = []
  const timers: (() => void)[] = []
  const clock = { now: 0 }
  const ours = new Door(
    (event) => events.push(event),
    (_, run) => timers.push(run),
    () => clock.now,
  )
  const later = (): void => {
    for (const run of timers.splice(0)) run()
  }
  return { ours, events, later, clock }
}

const HERE = '/ip4/192.0.2.1/tcp/1'
const all = { closed: false, asks: false, changes: [] }

describe('a door', () => {
  it('is open to all at first, and asks nobody', () => {
    const { ours, events } = door()
    expect(ours.refuses({ peer: 'bob', address: HERE, inbound: true })).toBeUndefined()
    let isAdmitted: boolean | undefined
    ours.visit({ peer: 'bob', address: HERE, inbound: true }, (answer) => (isAdmitted = answer))
    expect([isAdmitted, events]).toEqual([true, []])
  })

  it('tells once a second whom it has turned away, and of how many it keeps count is bounded', () => {
    const { ours, events, later } = door()
    ours.set({
      type: 'access',
      ...all,
      changes: [{ list: 'deny', entry: { range: prefixOf('0.0.0.0/0')! }, until: Infinity }],
    })
    for (let i = 0; i < 1_000; i++) ours.refuses({ address: HERE, inbound: true })
    for (let i = 0; i < 1_000; i++) ours.refuses({ peer: `eve ${i}`, address: HERE, inbound: true })
    expect(events).toEqual([])
    later()
    expect(events).toHaveLength(256)
    expect(events[0]).toEqual({
      ...{ type: 'turnedAway', why: 'denied', address: HERE, inbound: true, count: 1_000, ago: 0 },
      reason: 'denied by this node (0.0.0.0/0)',
    })
    later()
    expect(events).toHaveLength(256)
  })

  it('tells why and when the first of them was turned away, though the entry has ended', () => {
    const { ours, events, later, clock } = door()
    const change = { list: 'deny' as const, entry: { peer: 'bob' } }
    ours.set({ type: 'access', ...all, changes: [{ ...change, until: 600, reason: 'maintenance' }] })
    ours.refuses({ peer: 'bob', address: HERE, inbound: true })
    clock.now = 500
    ours.refuses({ peer: 'bob', address: HERE, inbound: true })
    ours.set({ type: 'access', ...all, changes: [{ ...change, until: undefined }] })
    clock.now = 1_200
    later()
    expect(events).toEqual([
      {
        ...{ type: 'turnedAway', why: 'denied', peer: 'bob', address: HERE, inbound: true, count: 2, ago: 1_200 },
        reason: 'denied by this node: maintenance',
      },
    ])
  })

  it('tells each host that it has turned away before it knew who is there, also those of one range', () => {
    const { ours, events, later } = door()
    for (const [host, port] of [
      ['/ip4/192.0.2.1', 1],
      ['/ip4/192.0.2.1', 2],
      ['/ip4/192.0.2.2', 1],
      ['/ip6/2001:db8::1', 1],
      ['/ip6/2001:db8::2', 1],
      ['/ip6/2001:db8:0:1::1', 1],
      ['/dns4/example.org', 1],
    ] as const) {
      ours.count('handshakes', { address: `${host}/tcp/${port}`, inbound: true })
    }
    later()
    expect(events.map((event) => event.type === 'turnedAway' && [event.address, event.count])).toEqual([
      ['/ip4/192.0.2.1/tcp/1', 2],
      ['/ip4/192.0.2.2/tcp/1', 1],
      ['/ip6/2001:db8::1/tcp/1', 2],
      ['/ip6/2001:db8:0:1::1/tcp/1', 1],
      ['/dns4/example.org/tcp/1', 1],
    ])
  })

  it('keeps who is asked about until the answer, or until it closes', () => {
    const { ours, events } = door()
    ours.set({ type: 'access', ...all, asks: true })
    const answers: string[] = []
    for (const peer of ['a', 'b', 'c']) {
      ours.visit({ peer, address: HERE, inbound: false }, (isAdmitted) => answers.push(`${peer} ${isAdmitted}`))
    }
    expect(events).toMatchObject([1, 2, 3].map((visit) => ({ type: 'visit', visit })))
    ours.answer(2, true)
    ours.answer(2, false)
    ours.close()
    ours.answer(1, true)
    expect(answers).toEqual(['b true', 'a false', 'c false'])
  })

  it('silences who is denied, and not who is banned', () => {
    const { ours } = door()
    const entry = (peer: string) => ({ entry: { peer }, until: 5 })
    ours.set({
      type: 'access',
      ...all,
      changes: [
        { list: 'deny', ...entry('eve') },
        { list: 'bans', ...entry('bob') },
      ],
    })
    expect(['eve', 'bob', 'carol'].map((peer) => ours.silences(peer))).toEqual([true, false, false])
    ours.set({ type: 'access', ...all, changes: [{ list: 'deny', entry: { peer: 'eve' }, until: undefined }] })
    expect(ours.silences(() => 'eve')).toBe(false)
  })
})
