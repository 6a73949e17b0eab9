import { getEventListeners } from 'node:events'
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

  it('has one listener on it, however many share it, and none when all have ended', async () => {
    const { asks } = edge()
    const { signal } = new AbortController()
    const listeners = (): number => getEventListeners(signal, 'abort').length
    const question = asks.ask((ask) => ({ type: 'status', ask }))
    const ask = (): Promise<unknown> => firstValueFrom(abortable(question, signal))
    // Node warns of the eleventh.
    const answers = Array.from({ length: 11 }, ask)
    expect(listeners()).toBe(1)
    for (let id = 1; id <= 10; id++) asks.settle(id, 'answer')
    await Promise.all(answers.slice(0, 10))
    expect(listeners()).toBe(1)
    asks.settle(11, 'answer')
    await Promise.all(answers)
    expect(listeners()).toBe(0)

    answers.push(ask())
    expect(listeners()).toBe(1)
    asks.settle(12, 'answer')
    await answers[11]
    expect(listeners()).toBe(0)
  })

  it('ends all that share it when it fires', async () => {
    const { asks, pushed } = edge()
    const controller = new AbortController()
    const { signal } = controller
    const question = asks.ask((ask) => ({ type: 'status', ask }))
    const answers = Array.from({ length: 11 }, () => firstValueFrom(abortable(question, signal)))
    asks.settle(1, 'answer')
    controller.abort()
    const outcomes = await Promise.allSettled(answers)
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', ...Array<string>(10).fill('rejected')])
    expect(outcomes.at(-1)).toMatchObject({ reason: { code: 'Aborted' } })
    expect(pushed.filter(({ type }) => type === 'cancel')).toHaveLength(10)
    expect(getEventListeners(signal, 'abort')).toEqual([])
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
