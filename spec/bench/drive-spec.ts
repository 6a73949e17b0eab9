/** What the benchmark counts, and what it takes for an error. */
import { afterEach, describe, expect, it, jest } from '@jest/globals'
import type { Asker } from '../../bench/contestants/contestant.js'
import { drive } from '../../bench/harness/drive.js'
import { turn } from '../support/promises.js'

const load = { size: 32, inFlight: 4 }

/** It answers in the next turn of the event loop, as a socket would. */
function asker(answer: (bytes: Uint8Array, count: number) => Uint8Array): Asker {
  let count = 0
  return {
    async ask(bytes) {
      await turn()
      return answer(bytes, ++count)
    },
  }
}

afterEach(() => {
  jest.restoreAllMocks()
})

/** Answers all that were asked in a turn together, a tenth of a second later: four at once, forty a second. */
function inBursts(): Asker {
  let now = 0
  jest.spyOn(performance, 'now').mockImplementation(() => now)
  let waiting: (() => void)[] = []
  const burst = (): void => {
    const all = waiting
    waiting = []
    now += 100
    for (const answer of all) answer()
  }
  return {
    ask: (bytes) =>
      new Promise((resolve) => {
        // As a socket: not before the next turn.
        if (waiting.push(() => resolve(bytes.slice())) === 1) setImmediate(() => setImmediate(burst))
      }),
  }
}

describe('a run', () => {
  it.each([
    ['is over in the first of them', 1],
    ['takes some of them', 150],
    ['takes many of them', 2_000],
  ])('that gets its answers in bursts knows their rate when it %s', async (_what, time) => {
    const { rate, p50, errors } = await drive(inBursts(), load, 0, time)
    expect({ rate, p50, errors }).toEqual({ rate: 40, p50: 100_000, errors: 0 })
  })

  it('does not count what is answered in its lead-in', async () => {
    const { rate } = await drive(inBursts(), load, 950, 1_000)
    // Bursts from 1.0 s to 2.0 s, in the second from 0.95 s on that ends with the last of them.
    expect(rate).toBeCloseTo((11 * load.inFlight) / 1.05, 9)
  })

  it('asks until its time is over and everything is answered', async () => {
    let now = 0
    jest.spyOn(performance, 'now').mockImplementation(() => now)
    let open = 0
    let most = 0
    const echo: Asker = {
      async ask(bytes) {
        most = Math.max(most, ++open)
        await turn()
        now += 0.25
        open--
        return bytes.slice()
      },
    }
    const { requests, errors, rate, p50, p99 } = await drive(echo, load, 1, 5)
    expect({ open, most, errors }).toEqual({ open: 0, most: load.inFlight, errors: 0 })
    expect(requests).toBeGreaterThanOrEqual(3 * load.inFlight)
    expect(rate).toBeGreaterThan(0)
    expect(p99).toBeGreaterThanOrEqual(p50)
  })

  it('asks every time with other bytes', async () => {
    const seen: string[] = []
    await drive(
      asker((bytes, count) => {
        if (count <= 40) seen.push(bytes.join())
        return bytes.slice()
      }),
      { ...load, inFlight: 1 },
      0,
      20,
    )
    expect(new Set(seen).size).toBe(seen.length)
  })

  it.each<[string, (bytes: Uint8Array) => Uint8Array]>([
    ['is too short', (bytes) => bytes.slice(1)],
    ['begins wrongly', (bytes) => bytes.map((byte, index) => (index === 0 ? byte + 1 : byte))],
    ['ends wrongly', (bytes) => bytes.map((byte, index) => (index === 31 ? byte + 1 : byte))],
  ])('has an error when a reply %s', async (_what, spoil) => {
    const { errors, firstError } = await drive(
      asker((bytes, count) => (count === 7 ? spoil(bytes) : bytes.slice())),
      load,
      0,
      1_000,
    )
    expect(errors).toBe(1)
    expect(firstError).toBeDefined()
  })

  it('has an error when a request fails, and does not go on', async () => {
    const failing = asker((bytes, count) => {
      if (count === 3) throw new Error('lost')
      return bytes.slice()
    })
    const { errors, firstError, requests } = await drive(failing, load, 0, 60_000)
    expect({ errors, firstError }).toEqual({ errors: 1, firstError: 'Error: lost' })
    expect(requests).toBeLessThan(10)
  })
})
