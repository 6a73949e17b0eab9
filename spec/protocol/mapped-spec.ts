import { describe, expect, it } from '@jest/globals'
import { lastValueFrom, of, toArray } from 'rxjs'
import { IterableObservable } from '../../src/edge/queue.js'
import { mapIterable, mapObservable, mapStream, toObservable } from '../../src/protocol/mapped.js'

const later = async (value: number): Promise<number> => value * 10

/** Values 1, 2, …, of which the third never comes; and what was called. */
function endless(): { values: AsyncIterable<number>; calls: string[] } {
  const calls: string[] = []
  let value = 0
  const iterator: AsyncIterator<number> = {
    next: () => {
      calls.push('next')
      return ++value < 3 ? Promise.resolve({ done: false, value }) : new Promise(() => undefined)
    },
    return: () => {
      calls.push('return')
      return Promise.resolve({ done: true, value: undefined })
    },
  }
  return { values: { [Symbol.asyncIterator]: () => iterator }, calls }
}

describe('a mapped iterable', () => {
  it('takes a value only when one is taken of it', async () => {
    const { values, calls } = endless()
    const mapped = mapIterable(values, later)[Symbol.asyncIterator]()
    expect(calls).toEqual([])
    expect(await mapped.next()).toEqual({ done: false, value: 10 })
    expect(calls).toEqual(['next'])
  })

  it('passes its return on at once, also while a value is awaited', async () => {
    const { values, calls } = endless()
    const mapped = mapIterable(values, later)[Symbol.asyncIterator]()
    await mapped.next()
    await mapped.next()
    void mapped.next()
    await mapped.return?.()
    expect(calls).toEqual(['next', 'next', 'next', 'return'])
    expect((await mapped.next()).done).toBe(true)
  })

  it('returns its source when a value cannot be made, and throws', async () => {
    const { values, calls } = endless()
    const failing = mapIterable(values, () => Promise.reject(new Error('no')))[Symbol.asyncIterator]()
    await expect(failing.next()).rejects.toThrow('no')
    expect(calls).toEqual(['next', 'return'])
    expect((await failing.next()).done).toBe(true)
  })
})

describe('a mapped observable', () => {
  it('keeps the order, whatever takes its time', async () => {
    const make = (value: number): number | Promise<number> => (value === 1 ? later(value) : value * 10)
    expect(await lastValueFrom(mapObservable(of(1, 2, 3), make).pipe(toArray()))).toEqual([10, 20, 30])
  })

  it('may be of a value that is there, or comes', async () => {
    expect(await lastValueFrom(toObservable(7))).toBe(7)
    expect(await lastValueFrom(toObservable(later(7)))).toBe(70)
  })
})

describe('a mapped stream', () => {
  const replies = (): IterableObservable<number> =>
    new IterableObservable<number>(
      (subscriber) => of(1, 2).subscribe(subscriber),
      () => endless().values[Symbol.asyncIterator]() as AsyncIterator<number, undefined>,
    )

  const failed = (error: unknown): never => {
    throw error
  }

  it.each([
    ['are there', replies],
    ['come later', () => Promise.resolve(replies())],
  ])('that %s are pushed and pulled', async (_when, made) => {
    expect(await lastValueFrom(mapStream(() => ({ open: made, make: later, failed })).pipe(toArray()))).toEqual([
      10, 20,
    ])
    const seen: number[] = []
    for await (const value of mapStream(() => ({ open: made, make: later, failed }))) if (seen.push(value) === 2) break
    expect(seen).toEqual([10, 20])
  })
})
