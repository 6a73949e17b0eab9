import { expect, it, jest } from '@jest/globals'
import { afterHearing, withTimeout } from '../../src/libp2p/timeout-signal.js'
import { setTimeout as pause } from 'node:timers/promises'
import { block } from '../support/block.js'

it('a time is over when it is over', async () => {
  const begun = performance.now()
  await withTimeout(50, aborted)
  expect(performance.now() - begun).toBeGreaterThanOrEqual(49)
})

it.each([() => Promise.resolve(), () => Promise.reject(new Error('no'))])(
  'a time ends with its work: %p',
  async (work) => {
    jest.useFakeTimers()
    try {
      const signals: AbortSignal[] = []
      await withTimeout(50, (signal) => work().finally(() => signals.push(signal))).catch(() => undefined)
      expect(jest.getTimerCount()).toBe(0)
      jest.advanceTimersByTime(1_000)
      expect(signals.map(({ aborted: isAborted }) => isAborted)).toEqual([false])
    } finally {
      jest.useRealTimers()
    }
  },
)

it('after the process stood still, what has come meanwhile is read first', async () => {
  let isOver = false
  const end = afterHearing(50, () => (isOver = true))
  block(600)
  // As a socket that is read in the next turns of the event loop.
  for (let i = 0; i < 3; i++) await new Promise(setImmediate)
  expect(isOver).toBe(false)
  end()
  await pause(400)
  expect(isOver).toBe(false)
})

it('but nothing is put off for ever', async () => {
  const isOver = await withTimeout(50, async (signal) => {
    const begun = performance.now()
    while (!signal.aborted && performance.now() - begun < 20_000) {
      block(600)
      await pause(0)
    }
    return signal.aborted
  })
  expect(isOver).toBe(true)
})

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve()))
}
