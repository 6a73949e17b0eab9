/** What a loop gets when values come faster than it takes them: first as pictures, then the contract of an iterator. */
import { describe, expect, it } from '@jest/globals'
import { Subject } from 'rxjs'
import { TestScheduler } from 'rxjs/testing'
import { Buffered, type BufferOptions } from '../../src/edge/buffered.js'
import { isP2pError } from '../../src/errors.js'

interface Picture {
  /** Values as they come, and the end of the node. */
  source: string
  /** When the loop takes the next one. */
  loop: string
  /** What is dropped, and when; with several at once named in `names`. */
  drops: string
  names?: Record<string, string>
}

/** What each `next()` gave, in order: a value, `|`, or the code of an error. */
async function play(options: BufferOptions, { source, loop, drops, names }: Picture): Promise<string> {
  const drops$ = new Subject<string>()
  const results: Promise<string>[] = []
  new TestScheduler((actual, expected) => {
    expect(actual).toEqual(expected)
  }).run(({ hot, expectObservable }) => {
    const buffered = new Buffered<string>(options, {
      open: () => undefined,
      close: () => undefined,
      discarded: (values) => {
        drops$.next(values.join(''))
      },
    })
    expectObservable(drops$).toBe(drops, names)
    hot(loop).subscribe(() => results.push(shown(buffered.next())))
    hot(source).subscribe({
      next: (value) => {
        buffered.push(value)
      },
      complete: () => {
        buffered.complete()
      },
    })
  })
  return (await Promise.all(results)).join('')
}

async function shown(result: Promise<IteratorResult<string, undefined>>): Promise<string> {
  try {
    const { done, value } = await result
    return done === true ? '|' : value
  } catch (error) {
    return isP2pError(error) ? `#${error.code}` : String(error)
  }
}

describe('a loop that keeps up', () => {
  it.each(['error', 'dropOldest', 'conflate'] as const)('gets everything, with %s', async (onOverflow) => {
    const taken = await play(
      { buffer: 2, onOverflow },
      { source: '--a-b-c-d---|', loop: ' x--x-x-x-x--', drops: '-------------' },
    )
    expect(taken).toBe('abcd|')
  })
})

describe('a loop that is slow', () => {
  it('ends with an error at the first that does not fit, after those that did', async () => {
    const picture = { source: 'abcde----', loop: ' x-----xxxx', drops: '---d---' }
    expect(await play({ buffer: 2, onOverflow: 'error' }, picture)).toBe('abc#Overloaded|')
  })

  it('gets the newest that fit, and the oldest are dropped one by one', async () => {
    const picture = { source: 'abcde----|', loop: ' x-----xx-xx', drops: '---bc-----' }
    expect(await play({ buffer: 2, onOverflow: 'dropOldest' }, picture)).toBe('ade||')
  })

  it('gets the newest alone, whatever would fit', async () => {
    const picture = { source: 'abcde---f|', loop: ' x-----x--xx', drops: '--bcd-----' }
    expect(await play({ buffer: 9, onOverflow: 'conflate' }, picture)).toBe('aef|')
  })

  it('loses nothing while what waits fits', async () => {
    const picture = { source: 'abc---de-|', loop: ' x---xx---xxx', drops: '----------' }
    expect(await play({ buffer: 2, onOverflow: 'error' }, picture)).toBe('abcde|')
  })

  it('goes on where it was when it has caught up', async () => {
    const picture = { source: 'abcd------ef-|', loop: ' x---xx-x---x-x', drops: '---b----------' }
    expect(await play({ buffer: 2, onOverflow: 'dropOldest' }, picture)).toBe('acdef|')
  })
})

describe('an iteration', () => {
  const made = (onOverflow: BufferOptions['onOverflow'] = 'error') => {
    const calls: string[] = []
    const buffered = new Buffered<string>(
      { buffer: 2, onOverflow },
      {
        open: () => calls.push('open'),
        close: () => calls.push('close'),
        discarded: (values) => calls.push(`dropped ${values.join('')}`),
      },
    )
    return { buffered, calls }
  }

  it('opens its source with the first next, and closes it once', async () => {
    const { buffered, calls } = made()
    expect(calls).toEqual([])
    const first = buffered.next()
    buffered.push('a')
    expect(await first).toEqual({ done: false, value: 'a' })
    buffered.push('b')
    expect(await buffered.return()).toEqual({ done: true, value: undefined })
    await buffered.return()
    expect(calls).toEqual(['open', 'close'])
    // What waited is not for anybody any more.
    buffered.push('c')
    expect(await buffered.next()).toEqual({ done: true, value: undefined })
  })

  it('that is left before it has begun opens nothing', async () => {
    const { buffered, calls } = made()
    await buffered.return()
    expect(await buffered.next()).toEqual({ done: true, value: undefined })
    expect(calls).not.toContain('open')
  })

  it('answers each of several nexts that wait, in order', async () => {
    const { buffered } = made()
    const all = [shown(buffered.next()), shown(buffered.next()), shown(buffered.next())]
    buffered.push('a')
    buffered.push('b')
    buffered.complete()
    expect(await Promise.all(all)).toEqual(['a', 'b', '|'])
  })

  it('closes its source when there are too many, and says what the caller can do', async () => {
    const { buffered, calls } = made()
    void buffered.next()
    for (const value of ['a', 'b', 'c', 'd', 'e']) buffered.push(value)
    expect(calls).toEqual(['open', 'dropped d', 'close'])
    await buffered.next()
    await buffered.next()
    await expect(buffered.next()).rejects.toMatchObject({
      code: 'Overloaded',
      message: '2 broadcasts wait already: take them faster, or choose a larger buffer or another onOverflow',
    })
    expect(await buffered.next()).toEqual({ done: true, value: undefined })
  })

  it('that is thrown into ends, and throws', async () => {
    const { buffered, calls } = made()
    void buffered.next()
    await expect(buffered.throw(new Error('mine'))).rejects.toThrow('mine')
    expect(calls).toEqual(['open', 'close'])
  })

  it('works in a for await loop', async () => {
    const { buffered } = made('dropOldest')
    const seen: string[] = []
    setImmediate(() => {
      for (const value of ['a', 'b', 'c', 'd']) buffered.push(value)
    })
    for await (const value of buffered) {
      seen.push(value)
      if (value === 'd') break
    }
    expect(seen).toEqual(['a', 'c', 'd'])
  })
})
