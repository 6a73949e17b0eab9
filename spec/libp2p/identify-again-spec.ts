import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import type { Connection } from '@libp2p/interface'
import { identifyAgain } from '../../src/libp2p/identify-again.js'

const MINUTES = 60_000

/** A host whose peers do not say what they are: identify fails with this. */
function unidentified(error = new Error('timed out')) {
  const events = new EventTarget()
  const identify = jest.fn((_: Connection, _options: { signal: AbortSignal }) => Promise.reject(error))
  const addEventListener = events.addEventListener.bind(events)
  identifyAgain({ addEventListener, services: { identify: { identify } } })
  const tell = (type: string, detail: unknown) => events.dispatchEvent(new CustomEvent(type, { detail }))
  const connection = {} as Connection
  tell('connection:open', connection)
  return { identify, tell, connection }
}

describe('a peer that has not said what it is', () => {
  beforeEach(() => void jest.useFakeTimers())
  afterEach(() => void jest.useRealTimers())

  it('is asked again, three times, and no more', async () => {
    const { identify, connection } = unidentified()
    await jest.advanceTimersByTimeAsync(9_999)
    expect(identify).not.toHaveBeenCalled()
    await jest.advanceTimersByTimeAsync(1)
    expect(identify.mock.calls).toEqual([[connection, { signal: expect.any(AbortSignal) }]])
    await jest.advanceTimersByTimeAsync(60 * MINUTES)
    expect(identify).toHaveBeenCalledTimes(3)
    expect(jest.getTimerCount()).toBe(0)
  })

  it('has more time each time', async () => {
    const { identify } = unidentified()
    const times: number[] = []
    identify.mockImplementation((_, { signal }) => {
      const began = performance.now()
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          times.push(performance.now() - began)
          reject(signal.reason as Error)
        })
      })
    })
    await jest.advanceTimersByTimeAsync(60 * MINUTES)
    expect(times).toEqual([10_000, 20_000, 60_000])
  })

  it('is asked no more when it has said it, or is gone', async () => {
    for (const tell of ['peer:identify', 'connection:close'] as const) {
      const { identify, connection, tell: host } = unidentified()
      await jest.advanceTimersByTimeAsync(10_000)
      host(tell, tell === 'peer:identify' ? { connection } : connection)
      expect(jest.getTimerCount()).toBe(0)
      expect(identify).toHaveBeenCalledTimes(1)
    }
  })

  it('is not asked again when it does not speak identify', async () => {
    const { identify } = unidentified(Object.assign(new Error('no'), { name: 'UnsupportedProtocolError' }))
    await jest.advanceTimersByTimeAsync(60 * MINUTES)
    expect(identify).toHaveBeenCalledTimes(1)
  })

  it('is the only one that is asked again, of many', async () => {
    const { identify, tell } = unidentified()
    for (let i = 0; i < 100; i++) {
      const connection = {} as Connection
      tell('connection:open', connection)
      tell('peer:identify', { connection })
    }
    expect(jest.getTimerCount()).toBe(1)
    await jest.advanceTimersByTimeAsync(60 * MINUTES)
    expect(identify).toHaveBeenCalledTimes(3)
  })
})
