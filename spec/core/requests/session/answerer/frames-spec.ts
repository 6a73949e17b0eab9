/** What an asker sends: requests, CANCEL, and violations of the protocol. */
import { describe, expect, it } from '@jest/globals'
import { limitsOf } from '../../../../../src/core/limits/limits.js'
import { bytes, shorts } from '../../../../support/core.js'
import { answering, AnsweringCore, asked, inbound, left } from '../../../../support/session-cores.js'
import { data, filled, frame, hello, request, cancel, credit } from '../../../../support/session.js'
import * as wire from '../../../../support/session.js'

describe('a request', () => {
  it('is handed over with the name of its asker, also without a byte in it', () => {
    const core = answering()
    expect(core.receive(request(1, bytes('')), request(2, bytes('?')))).toEqual([
      { type: 'handle', exchange: -1, from: 'bob', data: bytes('') },
      { type: 'handle', exchange: -2, from: 'bob', data: bytes('?') },
    ])
  })

  it('in pieces is handed over when the last one is here', () => {
    const core = answering()
    const payload = filled(16_000)
    expect(core.receive(request(1, payload.slice(0, 10), { total: 16_000 }))).toEqual([])
    expect(core.receive(data(1, payload.slice(10, 9_000), true))).toEqual([])
    expect(core.receive(data(1, payload.slice(9_000)))).toEqual([
      { type: 'handle', exchange: -1, from: 'bob', data: payload },
    ])
  })

  it('in pieces may be mixed with others', () => {
    const core = answering()
    const [first, second] = [filled(20, 1), filled(20, 2)]
    const effects = core.receive(
      request(1, first.slice(0, 9), { total: 20 }),
      request(2, second.slice(0, 11), { total: 20 }),
      data(1, first.slice(9, 15), true),
      data(2, second.slice(11)),
      request(7, bytes('?')),
      data(1, first.slice(15)),
    )
    expect(effects).toMatchObject([
      { exchange: -2, data: second },
      { exchange: -3, data: bytes('?') },
      { exchange: -1, data: first },
    ])
  })

  it('larger than the first flight gets the credit for its rest at once, where there is room', () => {
    const core = answering()
    expect(core.lines(core.receive(request(1, filled(16_384), { total: 100_000 })))).toEqual([
      `CREDIT 1 ${100_000 - 16_384}`,
    ])
    expect(core.receive(request(2, filled(16_000), { total: 16_384 }))).toEqual([])
  })

  it('that is here at once gets none', () => {
    const core = answering()
    const pieces = [data(1, filled(16_384), true), data(1, filled(10))]
    const lines = core.lines(core.receive(request(1, filled(16_384), { total: 2 * 16_384 + 10 }), ...pieces))
    expect(lines).toEqual(['handle -1 32778 bytes'])
  })

  it('gets more credit than it needs where the line carries it, which the next one begins with', () => {
    const core = answering()
    expect(core.lines(core.receive(request(1, filled(16_384), { total: 30_000 })))).toEqual(['CREDIT 1 65536'])
    expect(core.lines(core.receive(data(1, filled(30_000 - 16_384))))).toEqual(['handle -1 30000 bytes'])
  })

  it.each([1, 100, 5_000])('of %i bytes keeps nothing else of the chunk that it came in', (size) => {
    const [effect] = answering().receive(request(1, filled(size)), frame(0x8f, 9, filled(16_384)))
    expect(effect).toEqual({ type: 'handle', exchange: -1, from: 'bob', data: filled(size) })
    expect((effect as { data: Uint8Array }).data.buffer.byteLength).toBe(size)
  })

  it('stands between frames of a later version, which are skipped', () => {
    const core = answering()
    const unknown = frame(0x8f, 9, filled(30))
    expect(core.lines(core.receive(unknown, request(1, bytes('?')), unknown))).toEqual(['handle -1 "?"'])
  })
})

describe('CANCEL', () => {
  it('stops whoever works on the request, and is answered by one FAIL', () => {
    const core = asked('a', 'b')
    expect(core.lines(core.receive(cancel(1)))).toEqual(['cancelHandler -1', 'FAIL 1 Cancelled'])
    expect(core.receive(cancel(1), credit(1, 5))).toEqual([])
    expect(core.run({ type: 'respond', exchange: -1, data: bytes('late') })).toEqual([])
    expect([...core.state.exchanges.open.keys()]).toEqual([-2])
  })

  it('tells whoever works why: the asker has given up, or its time is over', () => {
    const core = answering()
    const reasonAfter = (ms: number): unknown => {
      core.receive(request(++id, bytes('?'), { timeout: 2_000 }))
      core.now += ms
      const [effect] = core.receive(cancel(id)).filter(({ type }) => type === 'cancelHandler')
      return effect
    }
    let id = 0
    expect(reasonAfter(1_000)).toMatchObject({ refusal: { code: 'Aborted', message: 'the asker has given up' } })
    expect(reasonAfter(1_950)).toMatchObject({
      refusal: { code: 'RequestTimeout', message: expect.any(String) as unknown },
    })
  })

  it('says nothing of the time of a stream whose first value came in time', () => {
    const core = answering({ pingInterval: 1e9 })
    core.receive(request(1, bytes('?'), { timeout: 2_000, credit: 1_000 }))
    core.run({ type: 'pullable', exchange: -1 }, { type: 'next', exchange: -1, data: filled(10) })
    core.now += 30_000
    core.run({ type: 'next', exchange: -1, data: filled(10) })
    const [effect] = core.receive(cancel(1)).filter(({ type }) => type === 'cancelHandler')
    expect(effect).toMatchObject({ refusal: { code: 'Aborted' } })
  })

  it('stops a producer in the middle of its values, and of one of them', () => {
    const core = asked('a')
    core.lines(
      core.run({ type: 'next', exchange: -1, data: filled(500) }, { type: 'next', exchange: -1, data: filled(900) }),
    )
    expect(core.lines(core.receive(cancel(1)))).toEqual(['cancelHandler -1', 'FAIL 1 Cancelled'])
    expect(core.run({ type: 'next', exchange: -1, data: bytes('x') }, { type: 'complete', exchange: -1 })).toEqual([])
  })

  it('of an answer that waits for credit tells nobody, for nobody works on it any more', () => {
    const core = asked('a')
    core.lines(core.run({ type: 'respond', exchange: -1, data: filled(5_000) }))
    expect(core.lines(core.receive(cancel(1)))).toEqual(['FAIL 1 Cancelled'])
  })

  it('of a request that is not whole yet hands nothing over, and its rest is ignored', () => {
    const core = answering()
    core.receive(request(1, filled(5), { total: 20 }))
    expect(core.lines(core.receive(data(1, filled(5), true), cancel(1), data(1, filled(10))))).toEqual([
      'FAIL 1 Cancelled',
    ])
    expect(core.state.budget.all.bytes).toBe(0)
  })

  it('of one that is over is ignored', () => {
    const core = asked('a')
    core.run({ type: 'respond', exchange: -1, data: bytes('x') })
    expect(core.receive(cancel(1))).toEqual([])
  })

  it('right behind its request lets the handler hear of both', () => {
    const core = answering()
    expect(core.lines(core.receive(request(1, bytes('a')), cancel(1)))).toEqual([
      'handle -1 "a"',
      'cancelHandler -1',
      'FAIL 1 Cancelled',
    ])
  })
})

describe('frames that say nothing any more', () => {
  const MANY = 40_000

  it.each<[string, (i: number) => Uint8Array]>([
    ['CREDIT for what is over', () => credit(1, 1_000)],
    ['CREDIT of next to nothing', () => credit(2, 1)],
    ['CANCEL of what is over', () => cancel(1)],
    ['DATA of what is over', () => data(1, filled(9), true)],
    ['crumbs of a request', () => data(3, filled(1), true)],
    ['frames of an unknown type', () => wire.frame(0x8f, 0)],
    ['GOODBYE', (i) => wire.goodbye(i + 1, 0)],
  ])('%s: a burst of them is ignored, and no more than that', (_, make) => {
    const core = answering()
    core.receive(
      request(1, bytes('?')),
      request(2, bytes('?'), { credit: 10 }),
      request(3, filled(1), { total: 200_000 }),
    )
    core.receive(cancel(1))
    const few = Array.from({ length: MANY / 2 }, (__, i) => make(i))
    expect(core.receive(...few).filter(({ type }) => type === 'reset')).toEqual([])
    core.now += 1_000
    expect(core.receive(...few).filter(({ type }) => type === 'reset')).toEqual([])
    expect(core.receive(...few)).toContainEqual({
      type: 'reset',
      stream: 2,
      reason: 'too many of its frames say nothing',
    })
  })
})

describe('a violation by the asker', () => {
  it.each<[string, Uint8Array[], string]>([
    ['a second HELLO', [hello()], 'a frame of type 0 is not for an answerer'],
    ['REPLY', [wire.reply(1, bytes('x'))], 'a frame of type 3 is not for an answerer'],
    ['END', [wire.end(1)], 'a frame of type 4 is not for an answerer'],
    ['FAIL', [wire.fail(1, 'x')], 'a frame of type 5 is not for an answerer'],
    ['REQUEST with the id 0', [request(0, bytes('x'))], 'a frame has no id'],
    ['DATA with the id 0', [data(0, bytes('x'))], 'a frame has no id'],
    ['CANCEL with the id 0', [cancel(0)], 'a frame has no id'],
    ['CREDIT with the id 0', [credit(0, 1)], 'a frame has no id'],
    ['an id that was used', [request(1, bytes('x'))], 'an id was used again'],
    ['an id that does not rise', [request(9, bytes('x')), request(8, bytes('x'))], 'an id was used again'],
    ['DATA for what never was', [data(3, bytes('x'))], 'there is more of a request that never was'],
    ['DATA for what is complete', [data(1, bytes('x'))], 'there is more of a request that is complete'],
    ['CANCEL of what never was', [cancel(3)], 'it cancelled a request that never was'],
    ['CANCEL with a body', [wire.frame(6, 1, bytes('x'))], 'CANCEL has a body'],
    ['CREDIT for what never was', [credit(3, 1)], 'it gave credit to a request that never was'],
    ['CREDIT of 0', [wire.frame(7, 1, wire.varint(0))], 'CREDIT is broken'],
    ['credit over 2^32', [credit(1, 2 ** 32)], 'it gave too much credit'],
    ['a REQUEST that is cut', [wire.frame(1, 3)], 'a number is broken'],
    [
      'more than the total',
      [request(3, filled(5), { total: 9 }), data(3, filled(5))],
      'a request is not as long as it said',
    ],
    [
      'less than the total',
      [request(3, filled(5), { total: 9 }), data(3, filled(3))],
      'a request is not as long as it said',
    ],
    ['MORE of a request that is complete', [request(3, filled(9), { total: 9 })], 'a request is longer than it said'],
    ['MORE of nothing', [request(3, filled(0), { total: 0 })], 'a request is longer than it said'],
    [
      'DATA with MORE that completes it',
      [request(3, filled(5), { total: 9 }), data(3, filled(4), true)],
      'a request is not as long as it said',
    ],
    ['a payload over 16,384', [request(3, filled(16_385))], 'a payload is too long for one frame'],
    [
      'a piece over 16,384',
      [request(3, filled(5), { total: 50_000 }), data(3, filled(16_385), true)],
      'a payload is too long for one frame',
    ],
    [
      'more than the first window without CREDIT',
      // Another one fills the room, so there is none for this one.
      [
        request(3, filled(1), { total: 1_000_000 }),
        request(4, filled(1), { total: 1_000_000 }),
        ...[1, 2, 3, 4].map(() => data(4, filled(16_384), true)),
      ],
      'it sent more than its credit allows',
    ],
    ['an unknown frame', [wire.frame(9, 1)], 'frames of type 9 are unknown'],
  ])('resets the session for %s: all of its requests are over, the connection stays', (_what, frames, why) => {
    const core = answering({ limits: limitsOf({ requestBytesPerPeer: 1_200_000 }) })
    core.receive(request(1, bytes('a'), { credit: 9 }), request(2, bytes('b'), { credit: 9 }))
    const effects = core.run(core.hears(...frames))
    expect(effects.filter(({ type }) => type === 'reset')).toEqual([{ type: 'reset', stream: 2, reason: why }])
    expect(
      shorts(effects)
        .filter((line) => line.startsWith('cancelHandler'))
        .slice(0, 2),
    ).toEqual(['cancelHandler -1', 'cancelHandler -2'])
    expect(effects.some(({ type }) => type === 'closeConnection' || type === 'write')).toBe(false)
    expect(left(core)).toEqual([0, 0, 0, 0, 0, 0, 0])
    // What our callers say then is said to nobody.
    expect(core.run({ type: 'respond', exchange: -1, data: bytes('x') }, core.hears(cancel(1)))).toEqual([])
  })

  it('may be in its first frame, which must be HELLO', () => {
    for (const first of [
      request(1, bytes('x')),
      wire.frame(0x89, 0),
      wire.frame(0, 1),
      wire.frame(0, 0, wire.varint(1)),
    ]) {
      const core = new AnsweringCore()
      core.connect('bob')
      core.in(inbound(2))
      expect(shorts(core.receive(first))).toEqual(['reset 2'])
      expect(core.state.streams.sessions.size).toBe(0)
    }
  })

  it('lets the peer open another session', () => {
    const core = asked('a')
    core.run(core.hears(hello()))
    core.stream = 4
    core.in(inbound(4))
    expect(core.lines(core.receive(hello(), request(1, bytes('b'))))).toEqual([
      'handle -2 "b"',
      'HELLO 0=7 1=1000 2=65536 3=1048576 5=16384',
    ])
  })
})
