/** `request$` without a lane: what is asked, taken, cancelled and thrown, for a subscriber and for a loop. */
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { isObservable, take } from 'rxjs'
import { P2pError } from '../../../src/errors.js'
import { valueCost } from '../../../src/core/requests/values.js'
import { TELL_AT, type StreamOptions } from '../../../src/edge/requests/outbound.js'
import type { IterableObservable } from '../../../src/edge/queue.js'
import { bytes, text } from '../../support/bytes.js'
import { AskingEdge, BOB } from '../../support/edge.js'
import { turn } from '../../support/promises.js'

function edge(options: StreamOptions = {}): { edge: AskingEdge; replies: IterableObservable<Uint8Array> } {
  const asker = new AskingEdge()
  return { edge: asker, replies: asker.asking.all(BOB, bytes('?'), options) }
}

/** How a step of an iteration ended. */
async function ended(step: Promise<IteratorResult<Uint8Array>>): Promise<string> {
  return step.then(
    ({ done, value }) => (done === true ? 'done' : text(value)),
    (error: P2pError) => error.code,
  )
}

describe('a subscriber of replies', () => {
  it('asks when it subscribes, each anew, and takes whatever comes', () => {
    const { edge: asker, replies } = edge({ timeout: 70 })
    expect(isObservable(replies)).toBe(true)
    expect(asker.pushed).toEqual([])
    const heard: string[] = []
    replies.subscribe({ next: (value) => heard.push(text(value)), complete: () => heard.push('|') })
    replies.subscribe()
    const command = { type: 'request', peer: BOB, addresses: [], data: bytes('?'), timeout: 70 }
    expect(asker.pushed).toEqual([
      { ...command, ask: 1, values: { mode: 'push' } },
      { ...command, ask: 2, values: { mode: 'push' } },
    ])
    asker.values(1, bytes('a'), bytes('b'))
    asker.asks.valuesEnded(1)
    expect(heard).toEqual(['a', 'b', '|'])
    expect(asker.pushed).toHaveLength(2)
  })

  it('gets a last value and completion at once', () => {
    const { edge: asker, replies } = edge()
    const heard: string[] = []
    replies.subscribe({ next: (value) => heard.push(text(value)), complete: () => heard.push('|') })
    asker.asks.settle(1, bytes('only'))
    expect(heard).toEqual(['only', '|'])
  })

  it('hears of a failure after the values that came before it', () => {
    const { edge: asker, replies } = edge()
    const heard: string[] = []
    replies.subscribe({ next: (value) => heard.push(text(value)), error: (error: P2pError) => heard.push(error.code) })
    asker.values(1, bytes('a'))
    asker.asks.fail(1, { code: 'RequestRejected', message: 'no', remoteCode: 'Gone' })
    expect(heard).toEqual(['a', 'RequestRejected'])
  })

  it('cancels by unsubscribing, once, and not after the end', () => {
    const { edge: asker, replies } = edge()
    replies.subscribe().unsubscribe()
    expect(asker.commands('cancel')).toEqual([{ type: 'cancel', ask: 1 }])
    replies.pipe(take(1)).subscribe()
    asker.values(2, bytes('a'), bytes('b'))
    expect(asker.commands('cancel')).toEqual([
      { type: 'cancel', ask: 1 },
      { type: 'cancel', ask: 2 },
    ])
    const third = replies.subscribe()
    asker.asks.valuesEnded(3)
    third.unsubscribe()
    expect(asker.commands('cancel')).toHaveLength(2)
  })

  it('gives no credit by hand, and tells the other side its buffer', () => {
    const { edge: asker, replies } = edge({ buffer: 7, onOverflow: 'dropOldest' })
    replies.subscribe()
    expect(asker.commands('request')[0]!.values).toEqual({ mode: 'push', buffer: 7, overflow: 'dropOldest' })
    asker.values(1, bytes('a'))
    expect(asker.commands('taken')).toEqual([])
  })

  it('is aborted by a signal, before and after it has asked', () => {
    const controller = new AbortController()
    const { edge: asker, replies } = edge({ signal: controller.signal })
    const codes: string[] = []
    const fail = (error: P2pError): void => void codes.push(`${error.code} ${String(error.cause)}`)
    replies.subscribe({ error: fail })
    controller.abort('enough')
    expect(asker.commands('cancel')).toHaveLength(1)
    replies.subscribe({ error: fail })
    expect(asker.commands('request')).toHaveLength(1)
    expect(codes).toEqual(['Aborted enough', 'Aborted enough'])
  })
})

describe('a loop over replies', () => {
  it('asks with its first step, and each loop anew', async () => {
    const { edge: asker, replies } = edge()
    const first = replies[Symbol.asyncIterator]()
    expect(asker.pushed).toEqual([])
    void first.next()
    void replies[Symbol.asyncIterator]().next()
    expect(asker.commands('request').map(({ ask, values }) => [ask, values])).toEqual([
      [1, { mode: 'pull' }],
      [2, { mode: 'pull' }],
    ])
  })

  it('sees every value in order, then the end, for ever', async () => {
    const { edge: asker, replies } = edge()
    const iterator = replies[Symbol.asyncIterator]()
    const early = iterator.next()
    asker.values(1, bytes('a'), bytes('b'), bytes('c'))
    asker.asks.valuesEnded(1)
    expect([await ended(early), await ended(iterator.next()), await ended(iterator.next())]).toEqual(['a', 'b', 'c'])
    expect([await ended(iterator.next()), await ended(iterator.next())]).toEqual(['done', 'done'])
  })

  it('throws once, after the values that had arrived', async () => {
    const { edge: asker, replies } = edge()
    const iterator = replies[Symbol.asyncIterator]()
    const first = iterator.next()
    asker.values(1, bytes('a'), bytes('b'))
    asker.asks.fail(1, { code: 'ConnectionLost', message: 'gone' })
    expect([await ended(first), await ended(iterator.next())]).toEqual(['a', 'b'])
    expect([await ended(iterator.next()), await ended(iterator.next())]).toEqual(['ConnectionLost', 'done'])
  })

  it('may have several steps under way, which end in their order', async () => {
    const { edge: asker, replies } = edge()
    const iterator = replies[Symbol.asyncIterator]()
    const steps = [iterator.next(), iterator.next(), iterator.next(), iterator.next()].map(ended)
    asker.values(1, bytes('a'), bytes('b'))
    asker.asks.fail(1, { code: 'RequestTimeout', message: 'late' })
    expect(await Promise.all(steps)).toEqual(['a', 'b', 'RequestTimeout', 'done'])
  })

  it('gives back credit for what it took, and for nothing that only arrived', async () => {
    const { edge: asker, replies } = edge()
    const iterator = replies[Symbol.asyncIterator]()
    const first = iterator.next()
    asker.values(1, new Uint8Array(100), new Uint8Array(200), new Uint8Array(300))
    await first
    // Somebody waited for the first, and then it was all that there was.
    expect(asker.commands('taken')).toEqual([{ type: 'taken', ask: 1, cost: valueCost(100) }])
    await iterator.next()
    expect(asker.commands('taken')).toHaveLength(1)
    await iterator.next()
    expect(asker.commands('taken').slice(1)).toEqual([{ type: 'taken', ask: 1, cost: valueCost(200) + valueCost(300) }])
  })

  it('gives credit back in large pieces while more waits', async () => {
    const { edge: asker, replies } = edge()
    const iterator = replies[Symbol.asyncIterator]()
    void iterator.next()
    asker.values(1, ...Array.from({ length: 40 }, () => new Uint8Array(1_000)))
    for (let i = 0; i < 39; i++) await iterator.next()
    const costs = asker.commands('taken').map(({ cost }) => cost)
    expect(costs.slice(1, -1).every((cost) => cost >= TELL_AT && cost < TELL_AT + valueCost(1_000))).toBe(true)
    expect(costs.length).toBeLessThan(6)
    expect(costs.reduce((sum, cost) => sum + cost)).toBe(40 * valueCost(1_000))
  })

  it('cancels when it is left', async () => {
    const { edge: asker, replies } = edge()
    const seen: string[] = []
    const loop = (async () => {
      for await (const value of replies) {
        seen.push(text(value))
        if (seen.length === 2) break
      }
    })()
    asker.values(1, bytes('a'), bytes('b'), bytes('c'))
    await loop
    expect(seen).toEqual(['a', 'b'])
    expect(asker.commands('cancel')).toEqual([{ type: 'cancel', ask: 1 }])
    expect(asker.commands('taken').every(({ ask }) => ask === 1)).toBe(true)
  })

  it('cancels when its body throws', async () => {
    const { edge: asker, replies } = edge()
    const loop = (async () => {
      for await (const value of replies) throw new Error(text(value))
    })()
    asker.values(1, bytes('a'))
    await expect(loop).rejects.toThrow('a')
    expect(asker.commands('cancel')).toHaveLength(1)
  })

  it('ends steps that wait when it is left by hand, with return or throw', async () => {
    const { edge: asker, replies } = edge()
    const one = replies[Symbol.asyncIterator]()
    const waiting = one.next()
    await expect(one.return!()).resolves.toEqual({ done: true, value: undefined })
    expect(await ended(waiting)).toBe('done')
    const other = replies[Symbol.asyncIterator]()
    const otherWaiting = other.next()
    await expect(other.throw!(new Error('mine'))).rejects.toThrow('mine')
    expect([await ended(otherWaiting), await ended(other.next())]).toEqual(['done', 'done'])
    expect(asker.commands('cancel').map(({ ask }) => ask)).toEqual([1, 2])
  })

  it('asks nothing when it is left before its first step', async () => {
    const { edge: asker, replies } = edge()
    const iterator = replies[Symbol.asyncIterator]()
    await iterator.return!()
    expect(await ended(iterator.next())).toBe('done')
    expect(asker.pushed).toEqual([])
  })

  it('is aborted at once, whatever has arrived', async () => {
    const controller = new AbortController()
    const { edge: asker, replies } = edge({ signal: controller.signal })
    const iterator = replies[Symbol.asyncIterator]()
    void iterator.next()
    asker.values(1, bytes('a'), bytes('b'))
    controller.abort('enough')
    expect([await ended(iterator.next()), await ended(iterator.next())]).toEqual(['Aborted', 'done'])
    expect(asker.commands('cancel')).toHaveLength(1)
    const late = replies[Symbol.asyncIterator]()
    expect(await ended(late.next())).toBe('Aborted')
    expect(asker.commands('request')).toHaveLength(1)
  })

  it.each(['end', 'failure', 'return'])('leaves no listener on the signal: %s', async (how) => {
    const { signal } = new AbortController()
    let listeners = 0
    signal.addEventListener = () => listeners++
    signal.removeEventListener = () => listeners--
    const { edge: asker, replies } = edge({ signal })
    const iterator = replies[Symbol.asyncIterator]()
    const step = ended(iterator.next())
    expect(listeners).toBe(1)
    if (how === 'end') asker.asks.valuesEnded(1)
    else if (how === 'failure') asker.asks.fail(1, { code: 'DialError', message: 'nobody' })
    else await iterator.return!()
    await step
    expect(listeners).toBe(0)
  })

  it('fails when the node ends, and is not asked after that', async () => {
    const { edge: asker, replies } = edge()
    const iterator = replies[Symbol.asyncIterator]()
    const step = iterator.next()
    asker.asks.end(new P2pError('NodeStopped', 'over'))
    expect([await ended(step), await ended(iterator.next())]).toEqual(['NodeStopped', 'done'])
    expect(await ended(replies[Symbol.asyncIterator]().next())).toBe('NodeStopped')
    expect(asker.commands('request')).toHaveLength(1)
  })
})

describe('whatever arrives and is taken, in whatever order,', () => {
  /** Values that arrive together, and steps that are made together. */
  const play = fc.array(
    fc.oneof(
      fc.record({ arrive: fc.array(fc.nat(20_000), { minLength: 1, maxLength: 5 }) }),
      fc.record({ take: fc.integer({ min: 1, max: 5 }) }),
    ),
    { maxLength: 30 },
  )

  it('a loop sees every value once and in order, and never keeps so much credit that nothing could come', async () => {
    await fc.assert(
      fc.asyncProperty(play, async (moves) => {
        const { edge: asker, replies } = edge()
        const iterator = replies[Symbol.asyncIterator]()
        const arrived: number[] = []
        const seen: number[] = []
        let steps = 0
        const step = (): void => {
          steps++
          void iterator.next().then(({ value }) => value && seen.push(value.length))
        }
        const sum = (sizes: number[]): number => sizes.reduce((total, size) => total + valueCost(size), 0)
        step()
        for (const move of moves) {
          if ('arrive' in move) {
            arrived.push(...move.arrive)
            asker.values(1, ...move.arrive.map((size) => new Uint8Array(size)))
          } else for (let i = 0; i < move.take; i++) step()
          const taken = sum(arrived.slice(0, steps))
          const told = asker.commands('taken').reduce((total, { cost }) => total + cost, 0)
          expect(taken - told).toBeGreaterThanOrEqual(0)
          expect(taken - told).toBeLessThan(TELL_AT)
          if (steps >= arrived.length) expect(told).toBe(taken)
        }
        await turn()
        expect(seen).toEqual(arrived.slice(0, steps))
        await iterator.return!()
      }),
    )
  })
})

describe('a loop that may lose values', () => {
  it('keeps the newest of them, and lets everything come', async () => {
    const { edge: asker, replies } = edge({ onOverflow: 'dropOldest', buffer: 2 })
    const iterator = replies[Symbol.asyncIterator]()
    const first = ended(iterator.next())
    expect(asker.commands('request')[0]!.values).toEqual({ mode: 'push', buffer: 2, overflow: 'dropOldest' })
    asker.values(1, ...['a', 'b', 'c', 'd'].map(bytes))
    asker.asks.valuesEnded(1)
    expect([await first, await ended(iterator.next()), await ended(iterator.next())]).toEqual(['a', 'c', 'd'])
    expect(await ended(iterator.next())).toBe('done')
    expect(asker.commands('taken')).toEqual([])
  })

  it('keeps sixteen if it does not say how many', async () => {
    const { edge: asker, replies } = edge({ onOverflow: 'dropOldest' })
    const iterator = replies[Symbol.asyncIterator]()
    void iterator.next()
    asker.values(1, ...Array.from({ length: 40 }, (_, i) => bytes(`${i}`)))
    expect(await ended(iterator.next())).toBe(`${40 - 16}`)
  })

  it('keeps one with `conflate`', async () => {
    const { edge: asker, replies } = edge({ onOverflow: 'conflate', buffer: 9 })
    const iterator = replies[Symbol.asyncIterator]()
    const first = ended(iterator.next())
    asker.values(1, ...['a', 'b', 'c'].map(bytes))
    expect([await first, await ended(iterator.next())]).toEqual(['a', 'c'])
  })

  it('loses nothing with `error`: it pulls', () => {
    const { edge: asker, replies } = edge({ onOverflow: 'error', buffer: 9 })
    void replies[Symbol.asyncIterator]().next()
    expect(asker.commands('request')[0]!.values).toEqual({ mode: 'pull', buffer: 9, overflow: 'error' })
  })
})

describe('bad arguments', () => {
  const wrong: [string, unknown[], string][] = [
    ['a peer that is none', ['peer', bytes('?')], 'InvalidPeerId'],
    ['an address without a peer', ['/ip4/192.0.2.1/tcp/9000', bytes('?')], 'InvalidAddress'],
    ['a text for bytes', [BOB, 'text'], 'InvalidConfig'],
    ['too many bytes', [BOB, new Uint8Array(1_001)], 'RequestTooLarge'],
    ['a timeout of 0', [BOB, bytes('?'), { timeout: 0 }], 'InvalidConfig'],
    ['no signal', [BOB, bytes('?'), { signal: true }], 'InvalidConfig'],
    ['a buffer of 0', [BOB, bytes('?'), { buffer: 0 }], 'InvalidConfig'],
    ['half a value', [BOB, bytes('?'), { buffer: 1.5 }], 'InvalidConfig'],
    ['an idle time of nothing', [BOB, bytes('?'), { idleTimeout: 0 }], 'InvalidConfig'],
    ['an idle time that is no number', [BOB, bytes('?'), { idleTimeout: '5s' }], 'InvalidConfig'],
    ['an unknown policy', [BOB, bytes('?'), { onOverflow: 'drop' }], 'InvalidConfig'],
    ['options that are none', [BOB, bytes('?'), null], 'InvalidConfig'],
  ]

  it.each(wrong)('are told to whoever subscribes or loops, and nothing is sent: %s', async (_what, args, code) => {
    const asker = new AskingEdge()
    const [peer, data, options = {}] = args as [string, Uint8Array, StreamOptions?]
    const replies = asker.asking.all(peer, data, options)
    const codes: string[] = []
    replies.subscribe({ error: (error: P2pError) => codes.push(error.code) })
    const iterator = replies[Symbol.asyncIterator]()
    codes.push(await ended(iterator.next()), await ended(iterator.next()))
    expect(codes).toEqual([code, code, 'done'])
    expect(asker.pushed).toEqual([])
    await turn()
  })
})
