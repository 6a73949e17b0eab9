import { describe, expect, it } from '@jest/globals'
import { firstValueFrom } from 'rxjs'
import type { Event } from '../../src/core/events.js'
import { Asks } from '../../src/edge/asks.js'
import { abortable, Cancellable } from '../../src/edge/signals.js'
import { P2pError } from '../../src/errors.js'

function edge(): { asks: Asks; pushed: Event[] } {
  const pushed: Event[] = []
  return { asks: new Asks((event) => pushed.push(event)), pushed }
}

describe("a question with a caller's signal", () => {
  it('is cancelled when it fires, and its reason becomes the cause', async () => {
    const { asks, pushed } = edge()
    const controller = new AbortController()
    const answer = firstValueFrom(
      abortable(
        asks.ask((ask) => ({ type: 'status', ask })),
        controller.signal,
      ),
    )
    controller.abort(new Error('no longer wanted'))
    await expect(answer).rejects.toMatchObject({ code: 'Aborted', cause: new Error('no longer wanted') })
    expect(pushed).toContainEqual({ type: 'cancel', ask: 1 })
  })

  it('is not asked at all when it has fired before', async () => {
    const { asks, pushed } = edge()
    const answer = firstValueFrom(
      abortable(
        asks.ask((ask) => ({ type: 'status', ask })),
        AbortSignal.abort(),
      ),
    )
    await expect(answer).rejects.toMatchObject({ code: 'Aborted' })
    expect(pushed).toEqual([])
  })

  it('leaves no listener on it', async () => {
    const { asks } = edge()
    const { signal } = new AbortController()
    let listeners = 0
    const add = signal.addEventListener.bind(signal)
    const remove = signal.removeEventListener.bind(signal)
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      listeners++
      add(...args)
    }
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      listeners--
      remove(...args)
    }
    const answer = firstValueFrom(
      abortable(
        asks.ask((ask) => ({ type: 'status', ask })),
        signal,
      ),
    )
    expect(listeners).toBe(1)
    asks.settle(1, 'answer')
    await answer
    expect(listeners).toBe(0)
  })
})

describe("the signal of users' work", () => {
  it('fires with the reason, and is one and the same however often it is read', () => {
    const work = new Cancellable()
    const { signal } = work
    expect(signal.aborted).toBe(false)
    work.cancel({ code: 'RequestTimeout', message: 'the time is over' })
    expect(signal.reason).toEqual(new P2pError('RequestTimeout', 'the time is over'))
    expect(work.signal).toBe(signal)
  })

  it('has fired when it is read after the cancel', () => {
    const work = new Cancellable()
    work.cancel({ code: 'RequestTimeout', message: 'the time is over' })
    expect(work.signal.reason).toEqual(new P2pError('RequestTimeout', 'the time is over'))
  })
})
