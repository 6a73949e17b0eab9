/** The world itself: what its links do to the kernel's own TCP and UDP. The machine is shared, so tolerances are wide. */
import { expect, it } from '@jest/globals'
import { outcome, within } from '../support/nodes.js'
import { describeWorld } from './describe-world.js'
import type { Orders } from './orders.js'
import * as profiles from './profiles.js'
import { createWorld, type World } from './world.js'

const traffic = new URL('programs/traffic.ts', import.meta.url)
/** Nothing is lost, late or limited. */
const PERFECT = {}

function median(values: number[]): number {
  return [...values].sort((one, other) => one - other)[values.length >> 1]!
}

async function serving(world: World, name: string): Promise<Orders> {
  const program = await world.host(name).run(traffic)
  await program.ask('serve')
  return program
}

/** A world of a, who asks, and b, who serves, and their programs. */
async function pair(profile: profiles.LinkSettings) {
  const world = await createWorld({ hosts: ['a', 'b'], profile })
  const [a, b] = await Promise.all([world.host('a').run(traffic), serving(world, 'b')])
  const host = world.host('b').address
  return {
    ...{ world, a, b, host },
    roundTrip: async (amount = 5) => median((await a.ask('roundTrips', { host, amount })) as number[]),
    /** Of a transfer of so many bytes: bytes a second. */
    speed: async (bytes: number) => (bytes / ((await a.ask('send', { host, bytes }, 30_000)) as number)) * 1_000,
    /** The numbers of those of so many datagrams that came. */
    datagrams: async (amount: number) => {
      await a.ask('datagrams', { host, amount })
      await world.heal() // A command to the carrier: by its end all that was sent is under way.
      await new Promise((resolve) => setTimeout(resolve, 100))
      return (await b.ask('taken')) as number[]
    },
  }
}

describeWorld('the world', () => {
  it.each(['LAN', 'DSL', 'WIDE', 'SATELLITE', 'SLOW'] as const)(
    'has the round trip of %s',
    async (name) => {
      const profile = profiles[name]
      const { roundTrip } = await pair(profile)
      const time = await roundTrip()
      expect(time).toBeGreaterThanOrEqual(2 * profile.delay!)
      expect(time).toBeLessThan(2 * (profile.delay! + (profile.jitter ?? 0)) + 15)
    },
    30_000,
  )

  it('has the rate of a link, whatever its delay, and changes it while bytes flow', async () => {
    const { world, speed } = await pair({ delay: 20, rate: 500_000, queue: 200 })
    const before = await speed(1_000_000)
    expect(before).toBeGreaterThan(300_000)
    expect(before).toBeLessThan(550_000)
    const slow = speed(2_000_000)
    await world.link('a', 'b').set({ rate: 5_000_000 })
    expect((await slow) / before).toBeGreaterThan(2)
  }, 30_000)

  it('carries a lot where nothing is limited', async () => {
    const { speed } = await pair(PERFECT)
    expect(await speed(50_000_000)).toBeGreaterThan(20_000_000)
  }, 30_000)

  it('lets only so much wait, and drops the rest', async () => {
    const { world, speed } = await pair({ delay: 5, rate: 200_000, queue: 100 })
    await speed(500_000)
    const { overflowed, sent, arrived, lost } = await world.link('a', 'b').counters()
    expect(overflowed).toBeGreaterThan(0)
    expect(arrived + overflowed).toBeGreaterThan(sent - 10) // The last ones are under way.
    expect(lost).toBe(0)
  }, 30_000)

  it('loses its share, one by one', async () => {
    const { datagrams, world } = await pair({ loss: 0.3 })
    const taken = await datagrams(1_000)
    expect(taken.length).toBeGreaterThan(600)
    expect(taken.length).toBeLessThan(800)
    expect((await world.link('a', 'b').counters()).lost).toBeGreaterThan(200)
  })

  it('loses in bursts', async () => {
    const { datagrams } = await pair({ bursts: { every: 100, length: 30, loss: 1 } })
    const taken = await datagrams(2_000)
    const gaps = taken.slice(1).map((number, index) => number - taken[index]! - 1)
    const lost = gaps.filter((gap) => gap > 0)
    // One by one, so many losses would be 300 gaps or more.
    expect(2_000 - taken.length).toBeGreaterThan(100)
    expect(lost.length).toBeLessThan(80)
    expect(Math.max(...lost)).toBeGreaterThan(15)
  })

  it('reorders its share, and nothing without being told to, though there is jitter', async () => {
    const { datagrams, world } = await pair({ delay: 5, jitter: 10 })
    const inOrder = await datagrams(300)
    expect(inOrder).toEqual([...inOrder].sort((one, other) => one - other))
    await world.link('a', 'b').set({ reorder: { share: 0.1, by: 20 } })
    const taken = (await datagrams(300)).slice(inOrder.length)
    expect(taken.length).toBe(300)
    const late = taken.filter((number, index) => index > 0 && number < taken[index - 1]!)
    expect(late.length).toBeGreaterThan(5)
  })

  it('cuts one way, the other, and heals: a connection goes on where it was', async () => {
    const { world, a, b, host, roundTrip } = await pair(PERFECT)
    await roundTrip()
    const back = world.link('b', 'a')
    await back.set({ cut: true })
    const before = (await world.link('a', 'b').counters()).arrived
    const slow = roundTrip(1)
    await a.ask('datagrams', { host, amount: 5 })
    // What a says arrives, b's answers do not.
    expect((await world.link('a', 'b').counters()).arrived).toBeGreaterThan(before + 5)
    expect(await b.ask('taken')).toHaveLength(5)
    expect(await outcome(within(300, slow))).toMatch(/did not settle/)
    expect((await back.counters()).cut).toBeGreaterThan(0)
    await world.heal()
    expect(await slow).toBeLessThan(50)
  })

  it('parts groups, and only those', async () => {
    const world = await createWorld({ hosts: ['a', 'b', 'c', 'd'] })
    const programs = await Promise.all(['a', 'b', 'c', 'd'].map((name) => serving(world, name)))
    await world.partition([['a', 'b'], ['c']])
    const reaches = async (from: number, to: string): Promise<boolean> => {
      const trip = programs[from]!.ask('roundTrips', { host: world.host(to).address, amount: 1 }, 700)
      return (await outcome(trip)) === 'fulfilled'
    }
    expect(await Promise.all([reaches(0, 'b'), reaches(0, 'c'), reaches(2, 'b')])).toEqual([true, false, false])
    expect(await Promise.all([reaches(3, 'a'), reaches(3, 'c'), reaches(1, 'd')])).toEqual([true, true, true])
    await world.heal()
    expect(await reaches(2, 'b')).toBe(true)
  })

  it('freezes a host: its kernel goes on, its programs do not', async () => {
    const { world, a, host, roundTrip } = await pair(profiles.LAN)
    await world.host('b').freeze()
    const slow = a.ask('roundTrips', { host, amount: 1 })
    expect(await outcome(within(300, slow))).toMatch(/did not settle/)
    world.host('b').thaw()
    await slow
    expect(await roundTrip()).toBeLessThan(15)
  })

  it('kills what a host runs, frozen or not', async () => {
    const { world, a, b, host } = await pair(profiles.LAN)
    await world.host('b').freeze()
    await world.host('b').kill()
    await b.ended
    expect(await outcome(a.ask('connect', { host }))).toMatch(/ECONNREFUSED/)
  })

  it('changes addresses: the new one is reached, the old one is nowhere', async () => {
    const { world, a, host } = await pair(profiles.LAN)
    const b = world.host('b')
    const more = await b.addAddress()
    await a.ask('connect', { host })
    expect(await a.ask('connect', { host: more })).toMatchObject({ own: expect.stringContaining('51.1.0.1') })
    const newest = await b.changeAddress()
    expect(b.addresses).toEqual([newest])
    await a.ask('connect', { host: newest })
    expect(await outcome(a.ask('connect', { host }, 700))).toMatch(/no fitting answer/)

    const old = a.ask('roundTrips', { host: newest, amount: 2_000 }, 2_000)
    await world.host('a').changeAddress()
    expect(await outcome(old)).toMatch(/no fitting answer|ETIMEDOUT|EHOSTUNREACH/)
    expect(await a.ask('connect', { host: newest })).toMatchObject({ seen: expect.stringContaining('51.1.0.2') })
  })

  it('has IPv6 too', async () => {
    const { world, a } = await pair(profiles.LAN)
    const { address6 } = world.host('b')
    expect(await a.ask('connect', { host: address6 })).toMatchObject({ own: expect.stringMatching(/^2a00:1::1 /) })
  })

  it('is gone when it has ended, with all that ran in it', async () => {
    const { world, a } = await pair(profiles.LAN)
    await world.host('a').freeze()
    await world.end()
    await a.ended
    await expect(world.host('a').exec('true')).rejects.toThrow()
  })
})
