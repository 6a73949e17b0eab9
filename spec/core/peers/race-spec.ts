/** Which address of a dial has its turn, and when. */
import { describe, expect, it } from '@jest/globals'
import { DIALS } from '../../../src/core/parameters.js'
import { Race } from '../../../src/core/peers/race.js'

function addresses(amount: number, from = 1): string[] {
  return Array.from({ length: amount }, (_, index) => `/ip4/1.0.${from + index}.1/tcp/1`)
}

function race(...offered: string[]): Race {
  const made = new Race()
  offer(made, ...offered)
  return made
}

function offer(made: Race, ...offered: string[]): void {
  made.offer(
    offered.map((address) => ({ address, isConfirmed: true })),
    [],
  )
}

function takeAll(made: Race, now: number): string[] {
  const taken: string[] = []
  for (let one = made.take(now); one !== undefined; one = made.take(now)) taken.push(one)
  return taken
}

describe('a race of addresses', () => {
  it('begins one at a time, 250 ms apart', () => {
    const made = race(...addresses(3))
    expect(takeAll(made, 10)).toEqual(addresses(1))
    expect(made.due).toBe(260)
    expect(takeAll(made, 259)).toEqual([])
    expect(takeAll(made, 260)).toEqual(addresses(1, 2))
  })

  it('begins the next one at once when one has failed', () => {
    const made = race(...addresses(3))
    takeAll(made, 0)
    made.failed()
    expect(takeAll(made, 1)).toEqual(addresses(1, 2))
    expect(takeAll(made, 2)).toEqual([])
  })

  it('has a bounded number under way at once, and begins a bounded number in all', () => {
    const made = race(...addresses(100))
    let running = 0
    for (let now = 0; now < 60_000; now += 250) running += takeAll(made, now).length
    expect(running).toBe(DIALS.parallel)
    let begun = running
    for (let now = 60_000; !made.isOver; now++) {
      made.failed()
      begun += takeAll(made, now).length
      expect(begun).toBeLessThanOrEqual(DIALS.addresses)
    }
    expect(begun).toBe(DIALS.addresses)
  })

  it('takes others while it is under way: confirmed ones before the hearsay that waits, and none twice', () => {
    const made = new Race()
    made.offer(
      addresses(2).map((address) => ({ address, isConfirmed: false })),
      [],
    )
    expect(takeAll(made, 0)).toEqual(addresses(1))
    offer(made, ...addresses(1), ...addresses(1, 7))
    expect(takeAll(made, 250)).toEqual(addresses(1, 7))
    expect(takeAll(made, 500)).toEqual(addresses(1, 2))
    expect(takeAll(made, 5_000)).toEqual([])
  })

  it('is over when nothing is under way and nothing waits', () => {
    const made = race()
    expect(made.isOver).toBe(true)
    offer(made, ...addresses(1))
    expect(made.isOver).toBe(false)
    made.take(0)
    expect(made.isOver).toBe(false)
    made.failed()
    expect(made.isOver).toBe(true)
  })
})
