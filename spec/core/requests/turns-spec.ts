/** Whose request goes to its handler next, and how long a handler counts. */
import { describe, expect, it } from '@jest/globals'
import { limitsOf, type Limits } from '../../../src/core/limits/limits.js'
import { dearness } from '../../../src/core/requests/dear.js'
import type { Effect } from '../../../src/core/effects.js'
import type { Event } from '../../../src/core/events.js'
import { accountOf } from '../../../src/core/requests/accounts.js'
import { bytes, used } from '../../support/core.js'
import { answering, left, type AnsweringCore } from '../../support/session-cores.js'
import { cancel, data, filled, hello, join, request, SESSION } from '../../support/session.js'

function limited(limits: Partial<Limits>, requestTimeout = 10_000): AnsweringCore {
  return answering({ limits: limitsOf(limits), requestTimeout, pingInterval: 1e9 })
}

/** Another peer that asks; returns what it asks these texts by, as 1, 2, 3 … */
function other(core: AnsweringCore, peer: string, connection: number): (...texts: string[]) => Event {
  const stream = 2 * connection
  core.connect(peer, connection)
  core.in({ type: 'streamInbound', stream, connection, protocol: SESSION }, { type: 'data', stream, chunks: [hello()] })
  let id = 0
  return (...texts) => ({
    type: 'data',
    stream,
    chunks: [join(...texts.map((text) => request(++id, bytes(text), { credit: 1_000 })))],
  })
}

/** What was handed out: the text of each request. */
function handed(effects: Effect[]): string[] {
  return effects.flatMap((effect) => (effect.type === 'handle' ? [new TextDecoder().decode(effect.data)] : []))
}

const ask = (from: number, ...texts: string[]): Uint8Array[] =>
  texts.map((text, i) => request(from + i, bytes(text), { credit: 1_000 }))
/** So many handlers have had the time of a turn, and these are left. */
const comeBack = (ran: number, requests: { exchange: number; data: Uint8Array }[]): Event[] => [
  { type: 'turnUsed', ran },
  { type: 'handedBack', requests },
]
const answer = (exchange: number): Event => ({ type: 'respond', exchange, data: bytes('!') })

describe('requests', () => {
  it('go to their handlers at once while there are few', () => {
    const effects = answering().receive(...ask(1, 'a'))
    expect(effects).toEqual([{ type: 'handle', exchange: -1, from: 'bob', data: bytes('a') }])
  })

  it('of one peer wait in their order beyond what it may have at work, and say how long', () => {
    const core = limited({ handlersPerPeer: 2 })
    expect(handed(core.receive(...ask(1, 'a', 'b', 'c', 'd')))).toEqual(['a', 'b'])
    core.now = 70
    const effects = core.run(answer(-2))
    expect(handed(effects)).toEqual(['c'])
    expect(effects.find(({ type }) => type === 'handle')).toMatchObject({ waited: 70 })
    expect(handed(core.run(answer(-1), answer(-3)))).toEqual(['d'])
    core.run(answer(-4))
    expect(used(core.state.budget)).toEqual(used(answering().state.budget))
  })

  it('of several peers go in turn, however many one of them has asked before', () => {
    const core = limited({ handlers: 2 })
    const carol = other(core, 'carol', 2)
    // One alone has one of two.
    expect(handed(core.receive(...ask(1, 'b1', 'b2', 'b3', 'b4')))).toEqual(['b1'])
    expect(handed(core.in(carol('c1', 'c2', 'c3')))).toEqual(['c1'])
    expect(handed(core.run(answer(-5)))).toEqual(['c2'])
    expect(handed(core.run(answer(-1)))).toEqual(['b2'])
    expect(handed(core.run(answer(-6)))).toEqual(['c3'])
  })

  it('that were handed back are the next of their peers, in their order', () => {
    const core = limited({ handlersPerPeer: 3 })
    core.receive(...ask(1, 'a', 'b', 'c', 'd'))
    const back = [-2, -3].map((exchange, i) => ({ exchange, data: bytes('bc'[i]!) }))
    const effects = core.run(...comeBack(9, back), answer(-1))
    expect(handed(effects)).toEqual(['b', 'c', 'd'])
    core.run(answer(-2), answer(-3), answer(-4))
    expect(left(core)).toEqual([0, 0, 0, 1, 0, core.state.budget.accounts.get('bob')!.exchanges, 0])
  })

  it('of who has had least time of handlers go first', () => {
    const core = answering()
    const carol = other(core, 'carol', 2)
    core.receive(...ask(1, 'b1', 'b2', 'b3'))
    core.in(carol('c1', 'c2', 'c3', 'c4'))
    const back = [-2, -3].map((exchange, i) => ({ exchange, data: bytes(`b${i + 2}`) }))
    const others = [-4, -5, -6, -7].map((exchange, i) => ({ exchange, data: bytes(`c${i + 1}`) }))
    const took: Event = { type: 'handlerTook', peer: 'bob', ms: 4 }
    expect(handed(core.in(took, answer(-1), ...comeBack(9, [...back, ...others])))).toEqual([
      ...['c1', 'c2', 'c3', 'c4', 'b2', 'b3'],
    ])
  })

  it('of one that asks now and then, and for little, go before those of many that always ask', () => {
    const core = answering()
    const carol = other(core, 'carol', 2)
    const hogs = Array.from({ length: 40 }, (_, i) => other(core, `hog ${i}`, 10 + i))
    let asked = 0
    for (let round = 0; round < 10; round++) {
      for (const [i, hog] of hogs.entries()) {
        core.in(hog('h'))
        core.run({ type: 'handlerTook', peer: `hog ${i}`, ms: 4 }, answer(--asked))
      }
    }
    // All of these come back, because those before them have taken the time of their turn.
    const texts = [...hogs.map(() => 'h'), 'c1', 'c2', 'c3']
    for (const hog of hogs) core.in(hog('h'))
    core.in(carol('c1', 'c2', 'c3'))
    const requests = texts.map((text) => ({ exchange: --asked, data: bytes(text) }))
    expect(handed(core.in(...comeBack(4, requests)))).toEqual(['c1', 'c2', 'c3', 'h'])
  })

  it('go as many at once as the last turn had time for, and more while nothing is handed back', () => {
    const core = answering()
    const texts = Array.from({ length: 30 }, (_, i) => `b${i}`)
    core.receive(...ask(1, ...texts))
    core.in({ type: 'turnUsed', ran: 2 })
    expect(handed(core.receive(...ask(31, 'last')))).toEqual([])
    const requests = texts.slice(2).map((text, i) => ({ exchange: -3 - i, data: bytes(text) }))
    expect(handed(core.in(...comeBack(2, requests)))).toEqual(['b2', 'b3'])
    // In the same moment there is no more time, whatever becomes free.
    expect(handed(core.run(answer(-1), answer(-2)))).toEqual([])
    expect(handed(core.at(1))).toEqual(['b4', 'b5', 'b6', 'b7'])
    expect(handed(core.at(2))).toHaveLength(8)
    expect(handed(core.at(3))).toHaveLength(15)
  })

  it('go in each turn as many as one has time for, though the clock has not gone on', () => {
    const core = answering()
    const texts = Array.from({ length: 6 }, (_, i) => `b${i}`)
    core.receive(...ask(1, ...texts))
    const back = (...numbers: number[]) => numbers.map((i) => ({ exchange: -1 - i, data: bytes(`b${i}`) }))
    expect(handed(core.in(...comeBack(2, back(2, 3, 4, 5))))).toEqual(['b2', 'b3'])
    expect(handed(core.in(...comeBack(2, [])))).toEqual(['b4', 'b5'])
  })

  it('of who is new are taken for as dear as those of others were that were new', () => {
    const core = answering()
    const { turns } = core.state
    const first = (peer: string, connection: number, ms: number): void => {
      core.in(other(core, peer, connection)('?'))
      core.in(answer(-(connection - 1)), ...(ms > 0 ? [{ type: 'handlerTook' as const, peer, ms }] : []))
    }
    for (let i = 2; i < 40; i++) first(`quick ${i}`, i, 0)
    expect(turns.firstCost).toBeLessThan(0.05)
    first('dear', 40, 16)
    expect(turns.firstCost).toBeCloseTo(2, 1)
    first('dearer', 41, 50)
    expect(turns.firstCost).toBe(4)
    // Of those that are not new nothing is learned.
    core.in({ type: 'released', exchange: -1 }, answer(-1))
    for (let i = 0; i < 3; i++) core.run({ type: 'handlerTook', peer: 'quick 2', ms: 1 })
    expect(turns.firstCost).toBe(4)
  })

  it('of one that was answered soon go before those of whose handlers nothing is known', () => {
    const core = answering()
    const carol = other(core, 'carol', 2)
    for (let i = 1; i <= 200; i++) {
      core.now += 5
      core.receive(...ask(i, 'b'))
      core.run(answer(-i))
    }
    core.in({ type: 'turnUsed', ran: 1 })
    core.in(carol('c1', 'c2'))
    core.receive(...ask(201, 'b1', 'b2'))
    expect(handed(core.in({ type: 'handedBack', requests: [] }))).toEqual(['b1'])
    expect(handed(core.at(core.now + 1))).toEqual(['b2', 'c1'])
  })

  it('of a dear peer go all the same when nobody else waits', () => {
    const core = answering()
    core.receive(...ask(1, 'b1', 'b2'))
    const back = [{ exchange: -2, data: bytes('b2') }]
    core.in({ type: 'handlerTook', peer: 'bob', ms: 500 })
    expect(handed(core.in(answer(-1), ...comeBack(1, back)))).toEqual(['b2'])
  })

  it('of a dear peer have a quarter of the time while others ask whose handlers are quick', () => {
    const core = answering()
    const carol = other(core, 'carol', 2)
    const took = (ms: number): Event => ({ type: 'handlerTook', peer: 'bob', ms })
    core.receive(...ask(1, 'b1'))
    core.run(carol('c1'))
    expect(handed(core.run(took(50), answer(-1)))).toEqual([])
    expect(handed(core.receive(...ask(2, 'b2', 'b3')))).toEqual([])
    expect(handed(core.run(carol('c2')))).toEqual(['c2'])
    expect(handed(core.at(149))).toEqual([])
    expect(handed(core.at(150))).toEqual(['b2', 'b3'])
    expect(handed(core.run(took(1_000), answer(-3), answer(-4)))).toEqual([])
    core.receive(...ask(4, 'b4'))
    // Nobody else has asked for a second.
    expect(handed(core.at(999))).toEqual([])
    expect(handed(core.receive(...ask(5, 'b5')))).toEqual([])
    core.now = 1_000
    expect(handed(core.receive(...ask(6, 'b6')))).toEqual(['b4', 'b5', 'b6'])
  })

  it('of a peer whose handlers are dear are refused at once when they would wait for too long', () => {
    const core = limited({}, 1_000)
    const carol = other(core, 'carol', 2)
    core.receive(...ask(1, 'b1'))
    core.run(carol('c1'), { type: 'handlerTook', peer: 'bob', ms: 800 })
    // On average each of them keeps the others waiting for 400 ms.
    expect(core.lines(core.receive(...ask(2, 'b2', 'b3', 'b4', 'b5')))).toEqual([
      'FAIL 5 Overloaded, after 1000 ms, "it would wait for longer than its time behind others of its peer: its handlers keep the event loop for 100 ms on average"',
    ])
    expect(dearness(core.state, core.state.budget.accounts.get('bob'))).toEqual({ cost: 100, for: 10_000 })
    core.receive(...ask(6, 'b6'))
    expect(core.state.budget.accounts.get('bob')).toMatchObject({ exchanges: 4, refused: 2 })
  })

  it('of a peer that has many quick handlers and a slow one at times are as those of others', () => {
    const core = answering()
    const carol = other(core, 'carol', 2)
    core.run(carol('c1'))
    for (let i = 1; i <= 40; i++) {
      core.receive(...ask(i, 'b'))
      core.run(...(i === 20 ? [{ type: 'handlerTook' as const, peer: 'bob', ms: 50 }] : []), answer(-i - 1))
    }
    const { cost, dearUntil } = accountOf(core.state, 'bob')
    expect(dearUntil).toBeGreaterThan(core.now)
    expect(cost).toBeLessThan(5)
    expect(dearness(core.state, accountOf(core.state, 'bob'))).toBeUndefined()
    core.run(carol('c2'))
    expect(handed(core.receive(...ask(41, 'b')))).toEqual(['b'])
  })

  it.each([
    [10, 7],
    [50, 1],
  ])('of a peer all of whose handlers take %i ms are dear after %i of them', (ms, many) => {
    const core = answering()
    const dear = Array.from({ length: many }, (_, i) => {
      core.receive(...ask(i + 1, 'b'))
      core.run(answer(-i - 1), { type: 'handlerTook', peer: 'bob', ms })
      return dearness(core.state, accountOf(core.state, 'bob')) !== undefined
    })
    expect(dear.lastIndexOf(true)).toBe(many - 1)
  })

  it('whose time is over while they wait never reach a handler', () => {
    const core = limited({ handlersPerPeer: 1 }, 1_000)
    core.receive(...ask(1, 'a'), request(2, bytes('b'), { credit: 100, timeout: 300 }), ...ask(3, 'c'))
    expect(core.lines(core.at(300))).toEqual([
      'FAIL 2 Overloaded, after 1000 ms, "no handler was free for it within 300 ms"',
    ])
    core.run({ type: 'writable', stream: 2 })
    expect(core.lines(core.at(1_000))).toEqual([
      ...['cancelHandler -1'],
      ...['FAIL 1 Rejected, "nobody answered within 1000 ms"'],
      ...['FAIL 3 Overloaded, after 1000 ms, "no handler was free for it within 1000 ms"'],
    ])
    expect(handed(core.run(answer(-1)))).toEqual([])
    expect(left(core).slice(0, 3)).toEqual([0, 0, 0])
  })

  it('are refused at once when those before them show that their time would not suffice, and hear when it would', () => {
    const core = limited({ handlersPerPeer: 1 }, 1_000)
    core.receive(...ask(1, ...Array.from({ length: 30 }, (_, i) => `${i}`)))
    // Each of them takes 100 ms, which is known after some.
    for (let i = 1; i <= 9; i++) {
      core.now += 100
      core.run(answer(-i))
      core.run({ type: 'writable', stream: 2 })
    }
    const [refused] = core.lines(core.receive(...ask(31, 'late')))
    expect(refused).toMatch(/^FAIL 31 Overloaded, after \d+ ms, "it would wait for longer than its time behind others/)
    const wait = Number(/after (\d+)/.exec(refused!)![1])
    expect(wait).toBeGreaterThanOrEqual(1_000)
    expect(core.state.budget.accounts.get('bob')!.refused).toBe(1)
    // When nobody waits any more, nothing is known.
    core.now += 3_000
    core.at(core.now)
    expect(handed(core.run(answer(-10)))).toEqual([])
    core.receive(...ask(40, 'a', 'b', 'c'))
    expect(core.state.turns.peers.get('bob')?.queue.size).toBe(2)
  })

  it('that are cancelled while they wait leave their place', () => {
    const core = limited({ handlersPerPeer: 1 })
    core.receive(...ask(1, 'a', 'b', 'c'))
    core.receive(cancel(2))
    expect(handed(core.run(answer(-1)))).toEqual(['c'])
  })
})

describe('a handler', () => {
  it('counts until it has ended, though its request be cancelled, and so do the bytes of that', () => {
    const core = limited({ handlersPerPeer: 1 })
    core.receive(...ask(1, 'aaa'))
    core.receive(cancel(1), ...ask(2, 'b'))
    expect(used(core.state.budget)).toMatchObject({ exchanges: 1, handlers: 1, bytes: 4, answers: 0 })
    expect(handed(core.run({ type: 'released', exchange: -1 }))).toEqual(['b'])
    expect(used(core.state.budget)).toMatchObject({ exchanges: 1, handlers: 1, bytes: 1 })
  })

  it('counts after its request was answered by somebody else', () => {
    const core = limited({ handlersPerPeer: 1 })
    core.receive(...ask(1, 'a', 'b'))
    expect(handed(core.run({ ...answer(-1), working: true } as Event))).toEqual([])
    expect(handed(core.run({ type: 'released', exchange: -1 }))).toEqual(['b'])
  })

  it('that answers when its request is over has ended', () => {
    const core = limited({ handlersPerPeer: 1 })
    core.receive(...ask(1, 'a', 'b'))
    expect(handed(core.receive(cancel(1)))).toEqual([])
    expect(handed(core.run(answer(-1)))).toEqual(['b'])
  })

  it('that never ends counts for a minute', () => {
    const core = limited({ handlersPerPeer: 1 }, 1e6)
    core.receive(...ask(1, 'a', 'b'))
    core.receive(cancel(1))
    expect(handed(core.at(59_999))).toEqual([])
    core.now = 60_000
    const effects = core.all({ type: 'woken' })
    expect(handed(effects)).toEqual(['b'])
    expect(effects).toContainEqual(
      expect.objectContaining({
        ...{ type: 'log', level: 'warn' },
        message: '1 handlers have not ended a minute after their requests were over (one of bob)',
      }),
    )
    // What it says then is said to nobody.
    expect(core.in({ type: 'released', exchange: -1 })).toEqual([])
    expect(used(core.state.budget)).toMatchObject({ handlers: 1, bytes: 1 })
  })

  it('works on, and its peer keeps its account, when the connection is gone', () => {
    const core = answering()
    core.receive(...ask(1, 'a'))
    core.in({ type: 'connectionClosed', connection: 1 })
    expect(used(core.state.budget)).toMatchObject({ exchanges: 0, handlers: 1, bytes: 1 })
    expect(core.state.budget.accounts.size).toBe(1)
    core.in({ type: 'released', exchange: -1 })
    expect(core.state.budget.accounts.size).toBe(0)
    expect(left(core)).toEqual([0, 0, 0, 0, 0, 0, 0])
  })
})

describe('a peer of whose answers nothing is known', () => {
  const many = Array.from({ length: 100 }, (_, i) => String(i))

  function unknown(): AnsweringCore {
    const core = answering()
    accountOf(core.state, 'bob').window = 4
    return core
  }

  it('has few handlers at first, and all at its first answer', () => {
    const core = unknown()
    expect(handed(core.receive(...ask(1, ...many)))).toHaveLength(4)
    expect(handed(core.run(answer(-1)))).toHaveLength(96)
  })

  it('has four times as many after each 50 ms in which there is none', () => {
    const core = unknown()
    core.receive(...ask(1, ...many))
    expect([50, 100, 150].map((time) => handed(core.at(time)).length)).toEqual([12, 48, 36])
    expect(core.state.turns.growAt).toBe(Infinity)
  })
})

describe('a request whose turn would come too late', () => {
  /** Each of nineteen handlers has taken 100 ms, one after the other, and eleven requests wait. */
  function busy(first: Uint8Array[] = []): AnsweringCore {
    const core = limited({ handlersPerPeer: 1 })
    core.receive(...ask(1, ...Array.from({ length: 30 }, () => 'x')), ...first)
    for (let i = 1; i <= 19; i++) {
      core.now += 100
      core.run(answer(-i))
    }
    return core
  }

  it('is refused at once by what is left of its time, most of which it has needed to arrive', () => {
    const core = busy([request(31, filled(10), { credit: 1_000, timeout: 2_000, total: 20 })])
    expect(core.lines(core.receive(data(31, filled(10)))).join()).toMatch(/^FAIL 31 Overloaded/)
  })

  it('is not refused for one pause of the process while many wait whose handlers are quick', () => {
    const core = limited({ handlersPerPeer: 2 })
    core.receive(...ask(1, ...Array.from({ length: 900 }, () => 'x')))
    for (let i = 1; i <= 40; i++) {
      core.now += i === 20 ? 200 : 1
      core.run(...(i === 20 ? [{ type: 'handlerTook' as const, peer: 'bob', ms: 200 }] : []), answer(-i))
      expect(core.lines(core.receive(...ask(900 + i, 'x')))).toEqual([])
    }
  })

  it('is not refused because handlers that began together end together', () => {
    const core = limited({ handlersPerPeer: 60 })
    core.receive(...ask(1, ...Array.from({ length: 900 }, () => 'x')))
    for (let i = 1; i <= 240; i++) {
      if (i % 60 === 1) core.now += 100
      core.run(answer(-i))
      expect(core.lines(core.receive(...ask(900 + i, 'x')))).toEqual([])
    }
  })

  it('is not refused for what was handed back, which is no end of a handler', () => {
    const core = limited({ handlersPerPeer: 20 })
    core.receive(...ask(1, ...Array.from({ length: 60 }, () => 'x')))
    for (let i = 1; i <= 9; i++) {
      core.now += 100
      core.run(answer(-i))
    }
    const { interval } = accountOf(core.state, 'bob')
    core.in({ type: 'handlerTook', peer: 'bob', ms: 50 })
    const { cost } = accountOf(core.state, 'bob')
    const requests = Array.from({ length: 15 }, (_, i) => ({ exchange: -(10 + i), data: bytes('x') }))
    core.now += 100
    core.receive(cancel(10))
    core.in(...comeBack(5, requests))
    expect(accountOf(core.state, 'bob')).toMatchObject({ interval, cost })
  })
})
