/** What a loop gets when values come faster than it takes them: first as pictures, then the contract of an iterator. */
import { describe, expect, it } from '@jest/globals'
import { Subject } from 'rxjs'
import { TestScheduler } from 'rxjs/testing'
import { Queue, type QueueLimit } from '../../src/edge/queue.js'
import { isP2pError, P2pError } from '../../src/errors.js'

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
async function play(limit: QueueLimit, { source, loop, drops, names }: Picture): Promise<string> {
  const drops$ = new Subject<string>()
  const results: Promise<string>[] = []
  new TestScheduler((actual, expected) => {
    expect(actual).toEqual(expected)
  }).run(({ hot, expectObservable }) => {
    const queue = new Queue<string>(
      { open: () => undefined, close: () => undefined, dropped: (values) => drops$.next(values.join('')) },
      limit,
    )
    expectObservable(drops$).toBe(drops, names)
    hot(loop).subscribe(() => results.push(shown(queue.next())))
    hot(source).subscribe({
      next: (value) => {
        queue.push(value)
      },
      complete: () => {
        queue.complete()
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
      { size: 2, onOverflow },
      { source: '--a-b-c-d---|', loop: ' x--x-x-x-x--', drops: '-------------' },
    )
    expect(taken).toBe('abcd|')
  })
})

describe('a loop that is slow', () => {
  it('ends with an error at the first that does not fit, after those that did', async () => {
    const picture = { source: 'abcde----', loop: ' x-----xxxx', drops: '---d---' }
    expect(await play({ size: 2, onOverflow: 'error' }, picture)).toBe('abc#Overloaded|')
  })

  it('gets the newest that fit, and the oldest are dropped one by one', async () => {
    const picture = { source: 'abcde----|', loop: ' x-----xx-xx', drops: '---bc-----' }
    expect(await play({ size: 2, onOverflow: 'dropOldest' }, picture)).toBe('ade||')
  })

  it('gets the newest alone, whatever would fit', async () => {
    const picture = { source: 'abcde---f|', loop: ' x-----x--xx', drops: '--bcd-----' }
    expect(await play({ size: 9, onOverflow: 'conflate' }, picture)).toBe('aef|')
  })

  it('loses nothing while what waits fits', async () => {
    const picture = { source: 'abc---de-|', loop: ' x---xx---xxx', drops: '----------' }
    expect(await play({ size: 2, onOverflow: 'error' }, picture)).toBe('abcde|')
  })

  it('goes on where it was when it has caught up', async () => {
    const picture = { source: 'abcd------ef-|', loop: ' x---xx-x---x-x', drops: '---b----------' }
    expect(await play({ size: 2, onOverflow: 'dropOldest' }, picture)).toBe('acdef|')
  })
})

describe('an iteration', () => {
  const made = (onOverflow: QueueLimit['onOverflow'] = 'error') => {
    const calls: string[] = []
    const queue = new Queue<string>(
      {
        open: () => calls.push('open'),
        close: () => calls.push('close'),
        dropped: (values) => calls.push(`dropped ${values.join('')}`),
      },
      { size: 2, onOverflow },
    )
    return { queue, calls }
  }

  it('opens its source with the first next, and closes it once', async () => {
    const { queue, calls } = made()
    expect(calls).toEqual([])
    const first = queue.next()
    queue.push('a')
    expect(await first).toEqual({ done: false, value: 'a' })
    queue.push('b')
    expect(await queue.return()).toEqual({ done: true, value: undefined })
    await queue.return()
    expect(calls).toEqual(['open', 'close'])
    // What waited is not for anybody any more.
    queue.push('c')
    expect(await queue.next()).toEqual({ done: true, value: undefined })
  })

  it('that is left before it has begun opens nothing', async () => {
    const { queue, calls } = made()
    await queue.return()
    expect(await queue.next()).toEqual({ done: true, value: undefined })
    expect(calls).not.toContain('open')
  })

  it('answers each of several nexts that wait, in order', async () => {
    const { queue } = made()
    const all = [shown(queue.next()), shown(queue.next()), shown(queue.next())]
    queue.push('a')
    queue.push('b')
    queue.complete()
    expect(await Promise.all(all)).toEqual(['a', 'b', '|'])
  })

  it('closes its source when there are too many, and says what the caller can do', async () => {
    const { queue, calls } = made()
    void queue.next()
    for (const value of ['a', 'b', 'c', 'd', 'e']) queue.push(value)
    expect(calls).toEqual(['open', 'dropped d', 'close'])
    await queue.next()
    await queue.next()
    await expect(queue.next()).rejects.toMatchObject({
      code: 'Overloaded',
      message: '2 broadcasts wait already: take them faster, or choose a larger buffer or another onOverflow',
    })
    expect(await queue.next()).toEqual({ done: true, value: undefined })
  })

  it('that is thrown into ends, and throws', async () => {
    const { queue, calls } = made()
    void queue.next()
    await expect(queue.throw(new Error('mine'))).rejects.toThrow('mine')
    expect(calls).toEqual(['open', 'close'])
  })

  it('works in a for await loop', async () => {
    const { queue } = made('dropOldest')
    const seen: string[] = []
    setImmediate(() => {
      for (const value of ['a', 'b', 'c', 'd']) queue.push(value)
    })
    for await (const value of queue) {
      seen.push(value)
      if (value === 'd') break
    }
    expect(seen).toEqual(['a', 'c', 'd'])
  })

  it('without a limit keeps everything, and tells what is taken and how much is left', async () => {
    const taken: string[] = []
    const queue = new Queue<string>({
      open: () => undefined,
      close: () => undefined,
      taken: (value, left) => taken.push(`${value} ${left}`),
    })
    const first = queue.next()
    for (const value of ['a', 'b', 'c', 'd']) queue.push(value)
    await Promise.all([first, queue.next(), queue.next()])
    expect(taken).toEqual(['a 0', 'b 2', 'c 1'])
    queue.complete()
    expect(await queue.next()).toEqual({ done: false, value: 'd' })
    expect(taken.length).toBe(3)
  })

  it('that fails gives what had come, throws once, and then is over', async () => {
    const { queue, calls } = made()
    void queue.next()
    for (const value of ['a', 'b']) queue.push(value)
    queue.error(new P2pError('ConnectionLost', 'gone'))
    queue.error(new P2pError('RequestTimeout', 'later'))
    expect(await Promise.all([shown(queue.next()), shown(queue.next()), shown(queue.next())])).toEqual(['b', '#ConnectionLost', '|']) // prettier-ignore
    expect(calls).toEqual(['open', 'close'])
  })

  it('that is aborted throws at once, whatever waits', async () => {
    const { queue } = made()
    void queue.next()
    for (const value of ['a', 'b']) queue.push(value)
    queue.abort(new P2pError('Aborted', 'enough'))
    expect(await Promise.all([shown(queue.next()), shown(queue.next())])).toEqual(['#Aborted', '|'])
  })
})
