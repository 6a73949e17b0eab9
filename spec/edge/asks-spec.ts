import { describe, expect, it } from '@jest/globals'
import { firstValueFrom } from 'rxjs'
import type { Event } from '../../src/core/events.js'
import { Asks, errorOf } from '../../src/edge/asks.js'
import { P2pError, type P2pErrorOptions } from '../../src/errors.js'

function edge(): { asks: Asks; pushed: Event[] } {
  const pushed: Event[] = []
  return { asks: new Asks((event) => pushed.push(event)), pushed }
}

describe('the error of a refusal', () => {
  it('has all that the refusal has', () => {
    const options: Required<P2pErrorOptions> = { cause: new Error('why'), retryAfterMs: 5, remoteCode: 'Busy' }
    const refusal = { code: 'Overloaded', message: 'no', ...options } as const
    expect(errorOf(refusal)).toMatchObject(refusal)
  })
})

describe('a question to the lane', () => {
  it('is asked when somebody subscribes, each time anew', () => {
    const { asks, pushed } = edge()
    const answer$ = asks.ask((ask) => ({ type: 'status', ask }))
    expect(pushed).toEqual([])
    answer$.subscribe()
    answer$.subscribe()
    expect(pushed).toEqual([
      { type: 'status', ask: 1 },
      { type: 'status', ask: 2 },
    ])
  })

  it('is answered by number, whatever the order', async () => {
    const { asks } = edge()
    const first = firstValueFrom(asks.ask((ask) => ({ type: 'status', ask })))
    const second = firstValueFrom(asks.ask((ask) => ({ type: 'status', ask })))
    asks.settle(2, 'two')
    asks.settle(1, 'one')
    expect(await Promise.all([first, second])).toEqual(['one', 'two'])
  })

  it('finds its subscriber registered when the answer comes at once', async () => {
    const asks: Asks = new Asks((event) => {
      if (event.type === 'status') asks.settle(event.ask, 'at once')
    })
    expect(await firstValueFrom(asks.ask((ask) => ({ type: 'status', ask })))).toBe('at once')
  })

  it('that is asked to the end is asked anew for each subscriber too, and is cancelled by none', async () => {
    const { asks, pushed } = edge()
    const answer$ = asks.askToTheEnd((ask) => ({ type: 'status', ask }))
    const first = firstValueFrom(answer$)
    answer$.subscribe().unsubscribe()
    asks.settle(1, 'one')
    expect(await first).toBe('one')
    expect(pushed).toEqual([
      { type: 'status', ask: 1 },
      { type: 'status', ask: 2 },
    ])
  })

  it('is cancelled by unsubscribing, and not when it has been answered', () => {
    const { asks, pushed } = edge()
    const subscription = asks.ask((ask) => ({ type: 'status', ask })).subscribe()
    subscription.unsubscribe()
    expect(pushed).toContainEqual({ type: 'cancel', ask: 1 })
    asks.ask((ask) => ({ type: 'status', ask })).subscribe()
    asks.settle(2, 'answer')
    expect(pushed).not.toContainEqual({ type: 'cancel', ask: 2 })
  })

  it('may have several values, and then an end', () => {
    const { asks, pushed } = edge()
    const heard: unknown[] = []
    asks
      .ask((ask) => ({ type: 'status', ask }))
      .subscribe({ next: (value) => heard.push(value), complete: () => heard.push('|') })
    asks.value(1, Uint8Array.of(1))
    asks.value(1, Uint8Array.of(2))
    asks.taken(1, 7)
    asks.valuesEnded(1)
    asks.value(1, Uint8Array.of(3))
    asks.taken(1, 7)
    asks.settle(1, 'late')
    expect(heard).toEqual([Uint8Array.of(1), Uint8Array.of(2), '|'])
    expect(pushed.slice(1)).toEqual([{ type: 'taken', ask: 1, cost: 7 }])
  })

  it('fails with the error that the lane states', async () => {
    const { asks } = edge()
    const answer = firstValueFrom(asks.ask((ask) => ({ type: 'status', ask })))
    const cause = new Error('why')
    asks.fail(1, { code: 'Overloaded', message: 'later', retryAfterMs: 7, cause })
    await expect(answer).rejects.toMatchObject({ code: 'Overloaded', message: 'later', retryAfterMs: 7, cause })
  })

  it('fails when the node ends, and when it is asked after that', async () => {
    const { asks, pushed } = edge()
    const before = firstValueFrom(asks.ask((ask) => ({ type: 'status', ask })))
    asks.end(new P2pError('NodeStopped', 'over'))
    await expect(before).rejects.toMatchObject({ code: 'NodeStopped' })
    await expect(firstValueFrom(asks.ask((ask) => ({ type: 'status', ask })))).rejects.toMatchObject({
      code: 'NodeStopped',
    })
    expect(pushed).toEqual([{ type: 'status', ask: 1 }])
  })
})
