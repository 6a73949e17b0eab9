/** Which address of a dial has its turn, and when. */
import { describe, expect, it } from '@jest/globals'
import { DIALS } from '../../../src/core/parameters.js'
import { Race, reasonsOf } from '../../../src/core/peers/race.js'

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

  it('puts those for which a name stands in its place, and begins the first of them at once', () => {
    const made = race('/dns/a.example/tcp/1', ...addresses(1))
    expect(takeAll(made, 0)).toEqual(['/dns/a.example/tcp/1'])
    const found = addresses(2, 7).map((address) => ({ address, isConfirmed: true }))
    made.replace(found.slice(0, 1), [], true)
    expect(takeAll(made, 20)).toEqual(addresses(1, 7))
    made.replace(found, [], false)
    made.replaced()
    expect(takeAll(made, 21)).toEqual([])
    expect(takeAll(made, 270)).toEqual(addresses(1, 8))
    expect(takeAll(made, 520)).toEqual(addresses(1))
  })

  it('begins many sooner after each other, so that the last of them has time left to answer', () => {
    const made = race(...addresses(DIALS.addresses))
    const times: number[] = []
    for (let now = 0; made.due < Infinity; now = made.due) for (const _ of takeAll(made, now)) times.push(now)
    expect(times).toHaveLength(DIALS.addresses)
    expect(times.at(-1)).toBeLessThanOrEqual(DIALS.allWithin)
    const pauses = times.slice(1).map((time, index) => time - times[index]!)
    expect(Math.min(...pauses)).toBeGreaterThanOrEqual(DIALS.shortestStagger)
    expect(Math.max(...pauses)).toBeLessThanOrEqual(DIALS.stagger)
  })

  it('hurries also for those that come late', () => {
    const made = race(...addresses(1))
    takeAll(made, 0)
    offer(made, ...addresses(50, 2))
    let now = DIALS.allWithin + 1_000
    const end = now + 50 * DIALS.shortestStagger
    for (; made.due < Infinity; now = Math.max(now, made.due)) {
      takeAll(made, now)
      expect(now).toBeLessThan(end)
    }
    expect(made.left).toBe(0)
  })

  it('begins a bounded number in all, and knows how many are left', () => {
    const made = race(...addresses(DIALS.addresses + 20))
    let begun = 0
    for (let now = 0; !made.isOver; now++) {
      begun += takeAll(made, now).length
      made.failed()
    }
    expect(begun).toBe(DIALS.addresses)
    expect(made.left).toBe(20)
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

describe('the message of a failed dial', () => {
  const tried = addresses(13).map((address, index) => ({ address, reason: index < 11 ? 'timed out' : 'refused' }))

  it('names the addresses and their reasons, and counts where they are many', () => {
    expect(reasonsOf([])).toBe('')
    expect(reasonsOf(tried.slice(0, 1))).toBe('/ip4/1.0.1.1/tcp/1: timed out')
    const message = reasonsOf(tried, 7)
    expect(message).toContain('/ip4/1.0.10.1/tcp/1: timed out')
    expect(message).toMatch(/; 3 other addresses: timed out, refused; 7 more were not tried$/)
    expect(message).not.toContain(tried[10]!.address)
  })
})
