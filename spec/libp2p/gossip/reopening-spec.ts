/** How often gossip that ends by itself is begun again. */
import { afterEach, beforeEach, expect, it, jest } from '@jest/globals'
import type { Connection, PeerId } from '@libp2p/interface'
import { Reopening } from '../../../src/libp2p/gossip/reopening.js'

const PEER = {} as PeerId
const opened: Connection[] = []
const reopening = (): Reopening => new Reopening((_, connection) => opened.push(connection))
const connection = (): Connection => ({}) as Connection

beforeEach(() => {
  jest.useFakeTimers()
  opened.length = 0
})
afterEach(() => {
  jest.useRealTimers()
})

it('is a second later, once for both streams, and each time later', () => {
  const again = reopening()
  const one = connection()
  again.lost(PEER, one)
  again.lost(PEER, one)
  jest.advanceTimersByTime(999)
  expect(opened).toEqual([])
  jest.advanceTimersByTime(1)
  expect(opened).toEqual([one])
  again.lost(PEER, one)
  jest.advanceTimersByTime(1_999)
  expect(opened.length).toBe(1)
  jest.advanceTimersByTime(1)
  expect(opened.length).toBe(2)
})

it('is five times on a connection at the most', () => {
  const again = reopening()
  const [one, other] = [connection(), connection()]
  for (let i = 0; i < 10; i++) {
    again.lost(PEER, one)
    jest.advanceTimersByTime(60_000)
  }
  expect(opened.length).toBe(5)
  again.lost(PEER, other)
  jest.advanceTimersByTime(1_000)
  expect(opened.at(-1)).toBe(other)
  expect(opened.length).toBe(6)
})
