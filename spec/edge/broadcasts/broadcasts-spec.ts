import { describe, expect, it } from '@jest/globals'
import type { Heard } from '../../../src/core/terms.js'
import type { Event } from '../../../src/core/events.js'
import { Broadcasts, type BroadcastsOptions } from '../../../src/edge/broadcasts/broadcasts.js'
import { bytes, textOf } from '../../support/bytes.js'
import { turn, thrown } from '../../support/promises.js'

function edge(): { broadcasts: Broadcasts; pushed: Event[]; logged: unknown[] } {
  const pushed: Event[] = []
  const logged: unknown[] = []
  const broadcasts = new Broadcasts(
    (event) => pushed.push(event),
    (_level, _message, cause) => logged.push(cause),
  )
  return { broadcasts, pushed, logged }
}

/** The text is its id. */
function heard(topic: string, text = 'b'): Heard {
  return { topic, data: bytes(text), from: 'bob', via: 'carol', id: text }
}

describe('the broadcasts of a topic', () => {
  it('tell the lane of each subscriber that comes and goes', () => {
    const { broadcasts, pushed } = edge()
    const block$ = broadcasts.of('block')
    const first = block$.subscribe()
    const second = block$.subscribe()
    first.unsubscribe()
    second.unsubscribe()
    expect(pushed.map(({ type }) => type)).toEqual(['subscribe', 'subscribe', 'unsubscribe', 'unsubscribe'])
  })

  it('reach the subscribers of that topic, and of all topics', () => {
    const { broadcasts } = edge()
    const seen: string[] = []
    broadcasts.of('block').subscribe(({ topic }) => seen.push(`block: ${topic}`))
    broadcasts.of('tx').subscribe(({ topic }) => seen.push(`tx: ${topic}`))
    broadcasts.of().subscribe(({ topic }) => seen.push(`all: ${topic}`))
    broadcasts.onBroadcast(heard('block'))
    expect(seen).toEqual(['block: block', 'all: block'])
  })

  it('show who signed and who handed them over, and nothing of ours', () => {
    const { broadcasts } = edge()
    const seen: unknown[] = []
    broadcasts.of('block').subscribe((one) => seen.push(one))
    broadcasts.onBroadcast(heard('block'))
    expect(seen).toEqual([{ topic: 'block', data: bytes('b'), from: 'bob', via: 'carol' }])
  })

  it('reach the handler, whose failures are logged', async () => {
    const { broadcasts, logged } = edge()
    const seen: string[] = []
    broadcasts.setHandler({
      handleBroadcast: (topic, data, { from }) => {
        seen.push(`${topic} ${data.length} ${from}`)
        if (topic === 'tx') return Promise.reject(new Error('later'))
        throw new Error('at once')
      },
    })
    broadcasts.onBroadcast(heard('block'))
    broadcasts.onBroadcast(heard('tx'))
    await turn()
    expect(seen).toEqual(['block 1 bob', 'tx 1 bob'])
    expect(logged).toEqual([new Error('at once'), new Error('later')])
  })

  it('complete when the node ends, also for who subscribes after that', () => {
    const { broadcasts } = edge()
    const ended: string[] = []
    broadcasts.of('block').subscribe({ complete: () => ended.push('block') })
    broadcasts.of().subscribe({ complete: () => ended.push('all') })
    broadcasts.of('block', { replay: 3 }).subscribe({ complete: () => ended.push('late') })
    broadcasts.end()
    broadcasts.of('tx').subscribe({ complete: () => ended.push('tx') })
    expect(ended).toEqual(['block', 'late', 'all', 'tx'])
  })

  it('go on for the others when one leaves in the middle of one', () => {
    const { broadcasts } = edge()
    const seen: string[] = []
    const first = broadcasts.of('block').subscribe(() => {
      seen.push('first')
      first.unsubscribe()
    })
    broadcasts.of('block').subscribe(() => seen.push('second'))
    broadcasts.onBroadcast(heard('block'))
    broadcasts.onBroadcast(heard('block'))
    expect(seen).toEqual(['first', 'second', 'second'])
  })
})

describe('a loop over broadcasts', () => {
  it('joins with its first next, and leaves when it ends', async () => {
    const { broadcasts, pushed } = edge()
    const loop = broadcasts.of('block')[Symbol.asyncIterator]()
    expect(pushed).toEqual([])
    const first = loop.next()
    expect(pushed).toEqual([{ type: 'subscribe', topic: 'block' }])
    broadcasts.onBroadcast(heard('block', 'a'))
    expect(textOf((await first).value!)).toBe('a')
    await loop.return!()
    expect(pushed.slice(1)).toEqual([{ type: 'unsubscribe', topic: 'block' }])
  })

  it('does not hold up others when it is slow, and is counted', async () => {
    const { broadcasts, pushed } = edge()
    const slow = broadcasts.of('block', { buffer: 1, onOverflow: 'dropOldest' })[Symbol.asyncIterator]()
    const other = broadcasts.of('block', { buffer: 100 })[Symbol.asyncIterator]()
    const seen: string[] = []
    broadcasts.of('block').subscribe((one) => seen.push(textOf(one)))
    void slow.next()
    void other.next()
    for (const text of ['a', 'b', 'c', 'd']) broadcasts.onBroadcast(heard('block', text))
    expect(seen).toEqual(['a', 'b', 'c', 'd'])
    for (const text of ['b', 'c', 'd']) expect(textOf((await other.next()).value!)).toBe(text)
    expect(textOf((await slow.next()).value!)).toBe('d')
    const discarded = { type: 'discarded', topic: 'block', count: 1 }
    expect(pushed.filter(({ type }) => type === 'discarded')).toEqual([discarded, discarded])
  })

  it('over all topics is counted for the topic of each that was dropped', () => {
    const { broadcasts, pushed } = edge()
    const loop = broadcasts.of(undefined, { onOverflow: 'conflate' })[Symbol.asyncIterator]()
    void loop.next()
    for (const topic of ['block', 'block', 'tx', 'tx']) broadcasts.onBroadcast(heard(topic))
    expect(pushed).toEqual([
      { type: 'discarded', topic: 'block', count: 1 },
      { type: 'discarded', topic: 'tx', count: 1 },
    ])
  })

  it('ends with the node, after what waits', async () => {
    const { broadcasts } = edge()
    const loop = broadcasts.of('block')[Symbol.asyncIterator]()
    void loop.next()
    broadcasts.onBroadcast(heard('block', 'a'))
    broadcasts.onBroadcast(heard('block', 'b'))
    broadcasts.end()
    expect(textOf((await loop.next()).value!)).toBe('b')
    expect((await loop.next()).done).toBe(true)
    const late = broadcasts.of('block')[Symbol.asyncIterator]()
    expect((await late.next()).done).toBe(true)
  })
})

describe('a subscriber who wants the last ones', () => {
  it('gets them first, and then what is new, each once', () => {
    const { broadcasts, pushed } = edge()
    const seen: string[] = []
    broadcasts.of('block', { replay: 3 }).subscribe((one) => seen.push(textOf(one)))
    expect(pushed).toEqual([{ type: 'subscribe', topic: 'block', replay: { subscription: 1, count: 3 } }])
    // The core keeps it until the old ones are here.
    broadcasts.onBroadcast(heard('block', 'c'))
    expect(seen).toEqual([])
    broadcasts.onReplayed(1, [heard('block', 'a'), heard('block', 'b'), heard('block', 'c')])
    // By gossip, once more.
    broadcasts.onBroadcast(heard('block', 'b'))
    broadcasts.onBroadcast(heard('block', 'd'))
    expect(seen).toEqual(['a', 'b', 'c', 'd'])
  })

  it('is not in the way of others, and may leave before they come', () => {
    const { broadcasts, pushed } = edge()
    const seen: string[] = []
    const late = broadcasts.of('block', { replay: 3 }).subscribe((one) => seen.push(`late ${textOf(one)}`))
    broadcasts.of('block').subscribe((one) => seen.push(textOf(one)))
    broadcasts.onBroadcast(heard('block', 'a'))
    late.unsubscribe()
    expect(pushed.at(-1)).toEqual({ type: 'unsubscribe', topic: 'block', subscription: 1 })
    broadcasts.onReplayed(1, [heard('block', 'a')])
    broadcasts.onBroadcast(heard('block', 'b'))
    expect(seen).toEqual(['a', 'b'])
  })

  it('may be a loop, whose buffer holds them too', async () => {
    const { broadcasts } = edge()
    const loop = broadcasts.of('block', { replay: 3, buffer: 2, onOverflow: 'dropOldest' })[Symbol.asyncIterator]()
    const first = loop.next()
    broadcasts.onReplayed(
      1,
      ['a', 'b', 'c', 'd'].map((text) => heard('block', text)),
    )
    expect(textOf((await first).value!)).toBe('a')
    expect(textOf((await loop.next()).value!)).toBe('c')
  })
})

describe('bad options', () => {
  it.each<[string, unknown, string]>([
    ['no object', 7, 'the options of broadcasts$ must be an object, not 7'],
    ['a misspelt option', { reply: 5 }, 'broadcasts$ has no option "reply" (did you mean replay?)'],
    ['replay of 0', { replay: 0 }, 'replay must be a whole number of broadcasts from 1 to 1000, not 0'],
    ['replay of 1,001', { replay: 1_001 }, 'not 1001'],
    ['replay of a text', { replay: '5' }, 'not "5"'],
    ['a buffer of 0', { buffer: 0 }, 'buffer must be a whole number of broadcasts from 1 to 65536, not 0'],
    ['a buffer that is no number', { buffer: Number.NaN }, 'not NaN'],
    [
      'another policy',
      { onOverflow: 'drop' },
      `onOverflow must be one of 'error', 'dropOldest', 'conflate', not "drop"`,
    ],
  ])('are refused before anybody is subscribed: %s', (_what, options, message) => {
    const { broadcasts, pushed } = edge()
    const refusal = thrown(() => broadcasts.of('block', options as BroadcastsOptions))
    expect(refusal).toMatchObject({ code: 'InvalidConfig' })
    expect(refusal.message).toContain(message)
    expect(pushed).toEqual([])
  })

  it('are refused: replay without a topic', () => {
    expect(() => edge().broadcasts.of(undefined, { replay: 5 })).toThrow('replay is for the broadcasts of one topic')
  })
})
