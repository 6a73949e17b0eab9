/** What answers hold, and that a peer that does not take them stops its own requests. */
import { describe, expect, it } from '@jest/globals'
import { limitsOf, type Limits } from '../../../src/core/limits/limits.js'
import type { Event } from '../../../src/core/events.js'
import { accountOf } from '../../../src/core/requests/accounts.js'
import { bytes, used } from '../../support/core.js'
import { answering, type AnsweringCore } from '../../support/session-cores.js'
import { credit, filled, hello, join, request, SESSION } from '../../support/session.js'

const KIB = 1_024
/** What an answer is expected to take at least. */
const LEAST = 16 * KIB

function limited(limits: Partial<Limits> = {}): AnsweringCore {
  return answering({ limits: limitsOf(limits), maxResponseSize: 1e7, pingInterval: 1e9 })
}

function asks(from: number, count: number, how: { credit?: number; one?: boolean } = {}): Uint8Array {
  return join(
    ...Array.from({ length: count }, (_, i) => request(from + i, bytes('?'), { credit: 32, one: true, ...how })),
  )
}

const respond = (exchange: number, size: number): Event => ({ type: 'respond', exchange, data: filled(size) })
const next = (exchange: number, size: number): Event => ({ type: 'next', exchange, data: filled(size) })

function held({ state }: AnsweringCore): number {
  return state.budget.all.answers
}

function handled(effects: { type: string }[]): number {
  return effects.filter(({ type }) => type === 'handle').length
}

describe('an answer', () => {
  it('is charged before its handler is called, and then as what it is, until it has gone', () => {
    const core = limited()
    core.receive(asks(1, 1, { credit: 0 }))
    expect(held(core)).toBe(LEAST)
    core.run(respond(-1, 100))
    expect(held(core)).toBe(100)
    core.receive(credit(1, 1_000))
    expect(used(core.state.budget)).toMatchObject({ answers: 0, exchanges: 0, handlers: 0 })
  })

  it('is foreseen as large as the largest of late, which fades', () => {
    const core = limited()
    core.receive(asks(1, 1, { credit: 1e7 }))
    core.run(respond(-1, 160 * KIB))
    core.receive(asks(2, 1, { credit: 1e7 }))
    expect(held(core)).toBe(160 * KIB)
    core.run(respond(-2, 1))
    core.receive(asks(3, 1, { credit: 1e7 }))
    expect(held(core)).toBe(140 * KIB)
  })

  /** Carol, of whose answers nothing is known, asks once. */
  const newcomer = (core: AnsweringCore): { type: string }[] => {
    core.connect('carol', 2)
    core.in({ type: 'streamInbound', stream: 4, connection: 2, protocol: SESSION })
    return core.in({ type: 'data', stream: 4, chunks: [join(hello(), asks(1, 1))] })
  }

  it('of the first request of a peer is foreseen as is usual', () => {
    const core = limited()
    core.receive(asks(1, 100, { credit: 1e7 }))
    core.run(...Array.from({ length: 100 }, (_, i) => respond(-1 - i, 160 * KIB)))
    newcomer(core)
    expect(held(core)).toBeGreaterThan(150 * KIB)
    expect(held(core)).toBeLessThanOrEqual(160 * KIB)
  })

  it('of the first request of a peer is foreseen small, though others had a very large one', () => {
    const core = limited()
    core.receive(asks(1, 1, { credit: 1e7 }))
    core.run(respond(-1, 8_000 * KIB))
    newcomer(core)
    expect(held(core)).toBe(1_000 * KIB)
  })

  it('of the first request of a peer is no more than a quarter of its share, whatever is usual', () => {
    const core = limited({ answerBytes: 1_000 * KIB, answerBytesPerPeer: 400 * KIB })
    core.receive(asks(1, 100, { credit: 1e7 }))
    for (let exchange = -1; exchange >= -100; exchange--) core.run(respond(exchange, 800 * KIB))
    newcomer(core)
    expect(held(core)).toBe(100 * KIB)
  })
})

describe('newcomers', () => {
  it('are answered at once, while one peer has the largest answers', () => {
    const core = limited()
    core.receive(asks(1, 1, { credit: 0 }))
    core.run(respond(-1, 9_000 * KIB))
    let asked = 0
    for (let at = 0; at < 20; at++) {
      core.connect(`peer${at}`, 10 + at)
      core.in({ type: 'streamInbound', stream: 100 + 2 * at, connection: 10 + at, protocol: SESSION })
      asked += handled(core.in({ type: 'data', stream: 100 + 2 * at, chunks: [join(hello(), asks(1, 1))] }))
    }
    expect(asked).toBe(20)
  })

  it.each<[string, Partial<Limits>]>([
    ['requests', { requests: 160 }],
    ['bytes of requests', { requestBytes: 160 }],
    ['handlers', { handlers: 160 }],
    ['bytes of answers', { answerBytes: 160 * LEAST }],
  ])(
    'are answered at once, when a dozen peers have come one after the other and taken all %s that they may',
    (_, limits) => {
      const core = limited(limits)
      const ask = (peer: number, count: number): number => {
        core.connect(`peer ${peer}`, 10 + peer)
        core.in({ type: 'streamInbound', stream: 100 + 2 * peer, connection: 10 + peer, protocol: SESSION })
        return handled(core.in({ type: 'data', stream: 100 + 2 * peer, chunks: [join(hello(), asks(1, count))] }))
      }
      const taken = Array.from({ length: 12 }, (_one, peer) => ask(peer, 100))
      expect(ask(12, 1)).toBe(1)
      expect(taken.slice(0, 3)).toEqual([65, 33, 16])
    },
  )
})

describe('a thousand requests for a mebibyte that are not read', () => {
  it('have as many handlers as their peer has room for', () => {
    const core = limited()
    accountOf(core.state, 'bob').window = 4
    let asked = handled(core.receive(asks(1, 1_000)))
    for (let exchange = -1; exchange >= -asked; exchange--) asked += handled(core.run(respond(exchange, KIB * KIB)))
    expect(asked).toBeLessThan(50)
    expect(held(core)).toBeLessThan(32 * KIB * KIB)
  })

  it('do not stop those of others, and go on when they are read', () => {
    const core = limited()
    accountOf(core.state, 'bob').window = 4
    const alike = (exchange: number): Event => respond(exchange, KIB * KIB)
    let asked = handled(core.receive(asks(1, 40)))
    for (let exchange = -1; exchange >= -asked; exchange--) asked += handled(core.run(alike(exchange)))
    core.connect('carol', 2)
    core.in({ type: 'streamInbound', stream: 4, connection: 2, protocol: SESSION })
    expect(handled(core.in({ type: 'data', stream: 4, chunks: [join(hello(), asks(1, 3))] }))).toBe(3)
    const before = core.state.budget.accounts.get('bob')!.queue.size
    core.receive(...Array.from({ length: 40 }, (_, i) => credit(i + 1, 2 * KIB * KIB)))
    expect(core.state.budget.accounts.get('bob')!.queue.size).toBeLessThan(before)
  })
})

describe('an answer that is far larger than was foreseen', () => {
  it('goes when there is room, though it be more than the share of its peer', () => {
    const core = limited({ answerBytes: 1_000_000, answerBytesPerPeer: 50_000 })
    core.receive(asks(1, 2))
    core.run(respond(-1, 300_000))
    expect(held(core)).toBe(300_000 + LEAST)
  })

  it('is dropped when there is none, and its asker is told to come again', () => {
    const core = limited({ answerBytes: 1_000_000 })
    core.receive(asks(1, 2, { credit: 0 }))
    core.run(respond(-1, 300_000))
    expect(core.lines(core.run(respond(-2, 400_000)))).toEqual([
      'FAIL 2 Overloaded, after 1000 ms, "there is no room for its answer"',
    ])
    expect(held(core)).toBe(300_000)
    expect(core.state.budget.accounts.get('bob')!.refused).toBe(1)
  })

  it('goes always when it is the only one', () => {
    const core = limited({ answerBytes: 1_000, answerBytesPerPeer: 1_000 })
    core.receive(asks(1, 1, { credit: 1e7 }))
    expect(core.lines(core.run(respond(-1, 100_000))).at(-1)).toMatch(/^REPLY 1 LAST/)
  })
})

describe('an answer of several values', () => {
  it('takes what waits of it, and what its producer may produce', () => {
    const core = limited()
    core.receive(asks(1, 1, { credit: 1_000, one: false }))
    core.run({ type: 'pullable', exchange: -1 })
    expect(held(core)).toBe(LEAST)
    core.run(next(-1, 2_000))
    // More than its credit: nothing is produced, and of the value its first bytes have gone.
    expect(held(core)).toBe(2_000 + 256 - 968)
    core.receive(credit(1, 100_000))
    expect(held(core)).toBe(LEAST)
    core.run({ type: 'complete', exchange: -1 })
    expect(held(core)).toBe(0)
  })

  it('without credit takes nothing', () => {
    const core = limited()
    core.receive(asks(1, 100, { credit: 0, one: false }))
    core.run(...Array.from({ length: 100 }, (_, i): Event => ({ type: 'pullable', exchange: -1 - i })))
    expect(held(core)).toBe(0)
  })

  it('waits with its next value for room, and then goes on', () => {
    const core = limited({ answerBytes: 100_000, answerBytesPerPeer: 40_000 })
    core.receive(asks(1, 2, { credit: 0, one: false }))
    core.run({ type: 'pullable', exchange: -1 }, { type: 'pullable', exchange: -2 })
    core.run(next(-1, 30_000), { type: 'complete', exchange: -1 })
    expect(core.receive(credit(2, 1_000))).toEqual([])
    expect([...core.state.turns.stalled]).toEqual([-2])
    expect(core.lines(core.receive(credit(1, 31_000)))).toContain('produce -2 1000')
    expect(core.state.turns.stalled.size).toBe(0)
  })

  it('ends when there is no room for more of it', () => {
    const core = limited({ answerBytes: 100_000 })
    core.receive(asks(1, 2, { credit: 0, one: false }))
    core.run(next(-1, 20_000), next(-2, 20_000))
    expect(core.lines(core.run(next(-1, 60_000)))).toEqual(['cancelHandler -1'])
    expect(held(core)).toBe(2 * 20_256)
    expect(core.state.budget.accounts.get('bob')!.refused).toBe(1)
  })
})
