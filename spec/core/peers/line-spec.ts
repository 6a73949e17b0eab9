/** What a line has shown, and how long a ping over it may take. */
import { describe, expect, it } from '@jest/globals'
import { Line } from '../../../src/core/peers/line.js'

const TEST = { timeout: 1_000, longest: 20_000 }
const [kB, s] = [1_000, 1_000]

/** So many bytes have been given to the line by now. */
class Traffic {
  readonly line = new Line(0)
  now = 0
  sent = 0

  send(bytes: number): void {
    this.sent += bytes
    this.line.look(this.sent, this.now)
  }

  /** A flow of so many bytes each tenth of a second. */
  flow(bytes: number, ms: number, isAnswered = false): void {
    for (const end = this.now + ms; this.now < end; this.now += 100) {
      this.send(bytes)
      if (isAnswered && this.line.isUnproven(this.sent)) this.answer(10)
    }
  }

  /** A ping that is sent now takes so long. */
  answer(rtt: number): void {
    const mark = this.line.look(this.sent, this.now)
    this.line.answered(mark, this.now + rtt)
  }

  test(): number {
    this.line.look(this.sent, this.now)
    return this.line.timeOf(TEST)
  }
}

describe('the time of a ping', () => {
  it.each([
    [0, 1_000],
    [25 * kB, 2_000],
    [1e9, 20_000],
  ])('with %d bytes of ours ahead of it is %d ms: a slow line takes so long for them', (bytes, time) => {
    const traffic = new Traffic()
    traffic.send(bytes)
    expect(traffic.test()).toBe(time)
  })

  it('is never shorter than it was meant to be', () => {
    expect(new Line(0).timeOf({ timeout: 3_000, longest: 2_000 })).toBe(3_000)
  })

  it('does not grow by bytes that an answer has shown to have arrived', () => {
    const traffic = new Traffic()
    traffic.send(1_000 * kB)
    traffic.answer(50)
    expect(traffic.test()).toBe(1_000)
  })

  it('does not grow by bytes that even a slow line has carried since', () => {
    const traffic = new Traffic()
    traffic.send(100 * kB)
    traffic.now += 4 * s
    expect(traffic.test()).toBe(1_000)
  })

  it.each([50, 200, 1_000])('hardly grows while %d kB/s go that the line has shown to carry', (rate) => {
    const traffic = new Traffic()
    traffic.flow(rate * 100, 10 * s, true)
    expect(traffic.test()).toBeLessThan(2_000)
    // From here on nothing is answered any more.
    traffic.flow(rate * 100, 8 * s)
    expect(traffic.test()).toBeLessThan(3_000)
  })

  it('grows by all that is ahead when much goes at once over a line that has shown little', () => {
    const traffic = new Traffic()
    traffic.flow(1 * kB, 5 * s, true)
    traffic.answer(10)
    traffic.send(300 * kB)
    expect(traffic.test()).toBe(13_000)
  })

  it('on a full line of 25 kB/s leaves the bytes ahead their time, whatever was answered before', () => {
    const traffic = new Traffic()
    traffic.send(1_000 * kB)
    // The first ping waits behind all of it.
    traffic.answer(40 * s)
    traffic.now += 40 * s
    traffic.send(200 * kB)
    expect(traffic.test()).toBe(9_000)
  })

  it('on a line that was fast and has carried nothing for a while counts as on one of which nothing is known', () => {
    const traffic = new Traffic()
    traffic.flow(100 * kB, 5 * s, true)
    traffic.now += 10 * s
    traffic.answer(10)
    traffic.send(100 * kB)
    expect(traffic.test()).toBe(5_000)
  })
})

it('a little that is not known to have arrived is not worth a ping', () => {
  const traffic = new Traffic()
  traffic.send(20 * kB)
  expect(traffic.line.isUnproven(traffic.sent)).toBe(false)
  traffic.send(5 * kB)
  expect(traffic.line.isUnproven(traffic.sent)).toBe(true)
  traffic.answer(1)
  expect(traffic.line.isUnproven(traffic.sent)).toBe(false)
})
