/** What handlers and subscribers answer with, turned into commands: one value, a promise, a stream that is pulled or pushes. */
import { Readable } from 'node:stream'
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { NEVER, Observable, of, Subject, throwError } from 'rxjs'
import type { Refusal } from '../../../src/core/effects.js'
import { heldCost } from '../../../src/core/requests/values.js'
import type { InboundRequest } from '../../../src/edge/answers/inbound.js'
import type { Reply } from '../../../src/edge/answers/producers.js'
import { P2pError } from '../../../src/errors.js'
import { bytes } from '../../support/core.js'
import { AnsweringEdge } from '../../support/edge.js'
import { pending, turn } from '../../support/promises.js'

const GONE: Refusal = { code: 'Aborted', message: 'gone' }

const ALL = 1_000_000

/** Both ways to answer. */
const ways: [string, (edge: AnsweringEdge, reply: () => Reply) => void][] = [
  ['a handler', (edge, reply) => {
    edge.inbound.setHandler({ handleInboundRequest: reply })
    edge.inbound.onRequest(2, 'bob', bytes('?'))
  }],
  ['a subscriber', (edge, reply) => {
    edge.request().respond(reply())
  }],
] // prettier-ignore

/** An iterator by hand, which counts what is asked of it. */
class Hand implements AsyncIterable<Uint8Array> {
  asked = 0
  returned = 0
  private step = pending<IteratorResult<Uint8Array>>();
  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return {
      next: () => {
        this.asked++
        this.step = pending()
        return this.step.promise
      },
      return: () => {
        this.returned++
        return new Promise(() => {})
      },
    }
  }
  async give(value: Uint8Array): Promise<void> {
    this.step.resolve({ done: false, value })
    await turn()
  }
  async fail(error: Error): Promise<void> {
    this.step.reject(error)
    await turn()
  }
}

async function* generated(...values: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* values
}

describe.each(ways)('%s', (_who, answer) => {
  it('answers with bytes, or a promise of them', async () => {
    const [now, later] = [new AnsweringEdge(), new AnsweringEdge()]
    answer(now, () => bytes('now'))
    answer(later, () => Promise.resolve(bytes('later')))
    expect([now.said, later.said]).toEqual([['respond 3'], []])
    await turn()
    expect(later.said).toEqual(['respond 5'])
  })

  it('answers with an AsyncIterable, or a promise of one', async () => {
    const [now, later] = [new AnsweringEdge(), new AnsweringEdge()]
    answer(now, () => generated(bytes('a'), bytes('bb')))
    answer(later, () => Promise.resolve(generated(bytes('a'), bytes('bb'))))
    await turn()
    for (const edge of [now, later]) {
      expect(edge.said).toEqual(['pullable'])
      edge.inbound.onProduce(2, ALL)
      await turn()
      expect(edge.said).toEqual(['pullable', 'next 1', 'next 2', 'complete'])
    }
  })

  it('answers with an Observable, or a promise of one', async () => {
    const [now, later] = [new AnsweringEdge(), new AnsweringEdge()]
    answer(now, () => of(bytes('a'), bytes('bb')))
    answer(later, async () => of(bytes('a'), bytes('bb')))
    await turn()
    for (const edge of [now, later]) expect(edge.said).toEqual(['next 1', 'next 2', 'complete'])
  })

  it('refuses with what is no answer, in a promise or a stream, and our log says so', async () => {
    const wrong: Reply[] = [
      Promise.resolve('text' as never),
      Promise.resolve(Promise.resolve(undefined as never)),
      of(bytes('a'), 'text' as never, bytes('b')),
      generated(bytes('a'), 7 as never, bytes('b')),
    ]
    const said: string[][] = []
    for (const reply of wrong) {
      const edge = new AnsweringEdge()
      answer(edge, () => reply)
      edge.inbound.onProduce(2, ALL)
      await turn()
      edge.inbound.onProduce(2, ALL)
      await turn()
      said.push(edge.said)
      expect(edge.logged).toHaveLength(1)
      expect(edge.logged[0]!.level).toBe('error')
      expect(String(edge.logged[0]!.cause)).toContain('must be a Uint8Array')
    }
    expect(said).toEqual([
      ['reject'],
      ['reject'],
      ['next 1', 'reject'],
      // Its iterator is closed first.
      ['pullable', 'next 1', 'reject', 'released'],
    ])
  })

  it('is unsubscribed, and its signal fires, when nobody wants more', () => {
    const edge = new AnsweringEdge()
    let torn = 0
    const values$ = new Observable<Uint8Array>((subscriber) => {
      subscriber.next(bytes('a'))
      return () => torn++
    })
    answer(edge, () => values$)
    expect([edge.said, torn]).toEqual([['next 1'], 0])
    edge.inbound.onCancel(2, GONE)
    expect(torn).toBe(1)
    expect(edge.said).toEqual(['next 1', 'released'])
  })
})

describe('an AsyncIterable', () => {
  it('is asked for nothing before there is room, and for one value at a time', async () => {
    const edge = new AnsweringEdge()
    const hand = new Hand()
    edge.request().respond(hand)
    expect(hand.asked).toBe(0)
    edge.inbound.onProduce(2, ALL)
    edge.inbound.onProduce(2, ALL)
    await turn()
    expect(hand.asked).toBe(1)
    await hand.give(bytes('a'))
    expect(hand.asked).toBe(2)
  })

  it('goes on until its values have cost what was allowed, and then when more is', async () => {
    const edge = new AnsweringEdge()
    let made = 0
    edge.request().respond(
      (async function* () {
        for (;;) {
          made++
          yield new Uint8Array(100)
        }
      })(),
    )
    const cost = heldCost(100)
    edge.inbound.onProduce(2, 3 * cost)
    await turn()
    expect(made).toBe(3)
    // One more is begun with whatever is left, and what it cost too much is owed.
    edge.inbound.onProduce(2, 1)
    await turn()
    expect(made).toBe(4)
    edge.inbound.onProduce(2, cost - 1)
    await turn()
    expect(made).toBe(4)
    edge.inbound.onProduce(2, 1)
    await turn()
    expect(made).toBe(5)
    expect(edge.said.filter((what) => what === 'next 100')).toHaveLength(5)
  })

  it('never makes more than it may, but for the value that exceeds it, nor two at once', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(3_000), { maxLength: 40 }),
        fc.array(fc.integer({ min: 1, max: 9_000 }), { maxLength: 10 }),
        async (sizes, allowances) => {
          const edge = new AnsweringEdge()
          let under = 0
          let most = 0
          let at = 0
          const next = async (): Promise<IteratorResult<Uint8Array>> => {
            most = Math.max(most, ++under)
            await Promise.resolve()
            under--
            return at < sizes.length
              ? { done: false, value: new Uint8Array(sizes[at++]!) }
              : { done: true, value: undefined }
          }
          edge.request().respond({ [Symbol.asyncIterator]: () => ({ next }) })
          let allowed = 0
          for (const allowance of allowances) {
            edge.inbound.onProduce(2, allowance)
            allowed += allowance
            if (allowance % 2 === 0) await turn()
          }
          await turn()
          let spent = 0
          let expected = 0
          for (; expected < sizes.length && spent < allowed; expected++) spent += heldCost(sizes[expected]!)
          const isOver = expected === sizes.length && spent < allowed
          const values = sizes.slice(0, expected).map((size) => `next ${size}`)
          expect(edge.said).toEqual(['pullable', ...values, ...(isOver ? ['complete'] : [])])
          expect(most).toBeLessThanOrEqual(1)
        },
      ),
    )
  })

  it('is returned when nobody wants more, without waiting for it', async () => {
    const edge = new AnsweringEdge()
    const hand = new Hand()
    const request = edge.request()
    request.respond(hand)
    edge.inbound.onProduce(2, ALL)
    const { signal } = request
    edge.inbound.onCancel(2, GONE)
    expect([hand.returned, signal.aborted]).toEqual([1, true])
    await hand.give(bytes('late'))
    edge.inbound.onProduce(2, ALL)
    await turn()
    expect([hand.asked, edge.said]).toEqual([1, ['pullable']])
  })

  it('runs its `finally` when nobody wants more, and before it has begun nothing of it', async () => {
    const edge = new AnsweringEdge()
    const steps: string[] = []
    const values = async function* (): AsyncGenerator<Uint8Array> {
      try {
        steps.push('begin')
        for (;;) yield bytes('a')
      } finally {
        steps.push('end')
      }
    }
    edge.request(2).respond(values())
    edge.inbound.onProduce(2, heldCost(1))
    await turn()
    edge.inbound.onCancel(2, GONE)
    await turn()
    expect(steps).toEqual(['begin', 'end'])
    edge.request(4).respond(values())
    edge.inbound.onCancel(4, GONE)
    await turn()
    expect(steps).toEqual(['begin', 'end'])
  })

  it('may fail when it is returned, or after it: our log says so, and nothing else happens', async () => {
    const edge = new AnsweringEdge()
    const failing = (how: () => Promise<never>): AsyncIterable<Uint8Array> => ({
      [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}), return: how }),
    })
    edge.request(2).respond(failing(() => Promise.reject(new Error('later'))))
    edge.request(4).respond(
      failing(() => {
        throw new Error('at once')
      }),
    )
    const hand = new Hand()
    edge.request(6).respond(hand)
    edge.inbound.onProduce(6, ALL)
    for (const exchange of [2, 4, 6]) edge.inbound.onCancel(exchange, GONE)
    await hand.fail(new Error('too late'))
    await turn()
    // The second of them waits for a `next` that never comes.
    expect(edge.said).toEqual(['pullable', 'pullable', 'pullable', 'released', 'released'])
    expect(edge.logged.map(({ level, cause }) => `${level} ${(cause as Error).message}`)).toEqual([
      'debug at once',
      'debug later',
      'debug too late',
    ])
  })

  it.each<[string, () => AsyncIterable<Uint8Array>]>([
    ['throws when it is begun', () => ({ [Symbol.asyncIterator]: () => { throw new Error('broken') } })],
    ['throws at its next', () => ({ [Symbol.asyncIterator]: () => ({ next: () => { throw new Error('broken') } }) })],
    ['rejects', () => ({ [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new Error('broken')) }) })],
    ['gives no result', () => ({ [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve(undefined as never) }) })],
  ])('refuses the rest when it %s', async (_how, values) => {
    const edge = new AnsweringEdge()
    edge.request().respond(values())
    edge.inbound.onProduce(2, ALL)
    await turn()
    expect(edge.said.at(-1)).toBe('reject')
    expect(edge.logged.map(({ level }) => level)).toEqual(['error'])
  }) // prettier-ignore

  it('may be a stream of Node, which is destroyed when nobody wants more', async () => {
    const edge = new AnsweringEdge()
    const endless = function* (): Generator<Buffer> {
      for (;;) yield Buffer.from('ab')
    }
    const readable = Readable.from(endless())
    edge.request().respond(readable)
    edge.inbound.onProduce(2, 2 * heldCost(2))
    await turn()
    const [, first] = edge.pushed
    expect(edge.said).toEqual(['pullable', 'next 2', 'next 2'])
    expect(first).toEqual({ type: 'next', exchange: 2, data: bytes('ab') })
    edge.inbound.onCancel(2, GONE)
    await turn()
    expect(readable.destroyed).toBe(true)
  })

  it('is preferred where something is an Observable too: so credit reaches through us', async () => {
    const edge = new AnsweringEdge()
    const both = Object.assign(NEVER as Observable<Uint8Array>, {})
    const replies = Object.create(both, {
      [Symbol.asyncIterator]: { value: () => generated(bytes('pulled')) },
    }) as Observable<Uint8Array>
    edge.request().respond(replies)
    edge.inbound.onProduce(2, ALL)
    await turn()
    expect(edge.said).toEqual(['pullable', 'next 6', 'complete'])
  })
})

describe('an Observable', () => {
  it('pushes each value as it comes, and its error refuses the rest', () => {
    const edge = new AnsweringEdge()
    const values$ = new Subject<Uint8Array>()
    edge.request().respond(values$)
    values$.next(bytes('a'))
    values$.error(Object.assign(new Error('the disk is full'), { expose: true, code: 'DiskFull' }))
    expect(edge.said).toEqual(['next 1', 'reject DiskFull the disk is full'])
  })

  it('is left when it gives what is no value', () => {
    const edge = new AnsweringEdge()
    const values$ = new Subject<Uint8Array>()
    edge.request().respond(values$)
    values$.next('text' as never)
    expect([values$.observed, edge.said]).toEqual([false, ['reject']])
  })

  it('may be over before it is subscribed', () => {
    const edge = new AnsweringEdge()
    edge.request(2).respond(of())
    edge.request(4).respond(throwError(() => new Error('no')))
    edge.inbound.onCancel(2, GONE)
    expect(edge.said).toEqual(['complete', 'reject'])
  })
})

describe('the first answer', () => {
  /** Two answers: what the first one says is said, and the second one does nothing. */
  const answers: [string, (request: InboundRequest) => void, string[]][] = [
    ['bytes', (request) => request.respond(bytes('ab')), ['respond 2']],
    ['a promise', (request) => request.respond(Promise.resolve(bytes('abc'))), ['respond 3']],
    ['a stream', (request) => request.respond(of(bytes('a'))), ['next 1', 'complete']],
    ['a refusal', (request) => request.reject('no'), ['reject no']],
    ['a promise that rejects', (request) => request.respond(Promise.reject(new Error('no'))), ['reject']],
  ]

  it.each(answers)('of a subscriber decides by its call: %s', async (_what, first, said) => {
    for (const [, second] of answers) {
      const edge = new AnsweringEdge()
      const request = edge.request()
      first(request)
      second(request)
      await turn()
      // A second promise is work until it has settled.
      expect(edge.said.filter((word) => word !== 'released')).toEqual(said)
    }
  })

  it('of a subscriber keeps its place until its promise has settled', async () => {
    const edge = new AnsweringEdge()
    let settle = (_: Uint8Array): void => undefined
    edge.request(2).respond(new Promise((resolve) => (settle = resolve)))
    edge.inbound.onCancel(2, GONE)
    await turn()
    expect(edge.said).toEqual([])
    settle(bytes('late'))
    await turn()
    expect(edge.said).toEqual(['released'])
  })

  it('spares the handler', () => {
    const edge = new AnsweringEdge()
    let handled = 0
    edge.inbound.setHandler({ handleInboundRequest: () => bytes(`${++handled}`) })
    edge.inbound.requests$.subscribe((request) => request.respond(pending<Uint8Array>().promise))
    edge.inbound.onRequest(2, 'bob', bytes('?'))
    expect([handled, edge.said]).toEqual([0, []])
  })

  it('that is no answer throws, and the request still waits', () => {
    const edge = new AnsweringEdge()
    const request = edge.request()
    for (const wrong of ['text', 7, undefined, null, {}, [bytes('a')]]) {
      expect(() => request.respond(wrong as never)).toThrow('must be a Uint8Array')
    }
    for (const wrong of [7, null, { code: 7 }, { message: {} }, { retryAfterMs: -1 }, { retryAfterMs: NaN }]) {
      expect(() => request.reject(wrong as never)).toThrow(P2pError)
    }
    request.respond(bytes('!'))
    expect(edge.said).toEqual(['respond 1'])
  })

  it('of a promise that comes after the cancel begins nothing', async () => {
    const edge = new AnsweringEdge()
    const later = pending<Observable<Uint8Array>>()
    const values$ = new Subject<Uint8Array>()
    edge.request().respond(later.promise)
    edge.inbound.onCancel(2, GONE)
    later.resolve(values$)
    await turn()
    expect([values$.observed, edge.said]).toEqual([false, ['released']])
  })
})

describe('the end of the node', () => {
  it('stops every producer', () => {
    const edge = new AnsweringEdge()
    const values$ = new Subject<Uint8Array>()
    const hand = new Hand()
    edge.request(2).respond(values$)
    edge.request(4).respond(hand)
    edge.inbound.end(GONE)
    expect([values$.observed, hand.returned]).toEqual([false, 1])
  })
})
