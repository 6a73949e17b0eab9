/** NAT boxes: who sees whom by which address, and who gets in. */
import { expect, it } from '@jest/globals'
import { outcome } from '../support/nodes.js'
import { describeWorld } from './describe-world.js'
import type { NatKind } from './nat.js'
import type { Orders } from './orders.js'
import { createWorld } from './world.js'

const traffic = new URL('programs/traffic.ts', import.meta.url)

type Seen = { seen: string; own: string }

/** Hosts a and b outside, x and y behind a box. */
async function behind(kind: NatKind, idleTimeout?: number) {
  const world = await createWorld({ hosts: ['a', 'b'] })
  const nat = await world.nat('box', { kind, hosts: ['x', 'y'], ...(idleTimeout !== undefined && { idleTimeout }) })
  const programs = await Promise.all(['a', 'b', 'x', 'y'].map((name) => world.host(name).run(traffic)))
  await Promise.all(programs.map((program) => program.ask('serve')))
  const [a, b, x, y] = programs as [Orders, Orders, Orders, Orders]
  const to = async (from: Orders, name: string) => {
    const { seen, own } = (await from.ask('connect', { host: world.host(name).address })) as Seen
    return { address: seen.split(' ')[0], port: Number(seen.split(' ')[1]), ownPort: Number(own.split(' ')[1]) }
  }
  const reaches = async (from: Orders, host: string, port = 7) =>
    (await outcome(from.ask('connect', { host, port }, 500))) === 'fulfilled'
  return { world, nat, a, b, x, y, to, reaches }
}

describeWorld('a NAT box', () => {
  it.each(['cone', 'restricted', 'symmetric'] as const)('%s: outside, its own address is seen', async (kind) => {
    const { nat, x, y, to, reaches, a, world } = await behind(kind)
    const seen = [await to(x, 'a'), await to(x, 'b'), await to(y, 'a')]
    expect(seen.map(({ address }) => address)).toEqual([nat.address, nat.address, nat.address])
    const kept = seen.map(({ port, ownPort }) => port === ownPort)
    expect(kept).toEqual(kind === 'symmetric' ? [false, false, false] : [true, true, true])
    // Inside, they see each other's own.
    expect((await to(x, 'y')).address).toBe(world.host('x').address)
    expect(await reaches(a, world.host('x').address)).toBe(false)
    expect(await reaches(a, nat.address)).toBe(false)
  })

  it('cone: lets anybody in at the port of somebody who sends from it', async () => {
    const { nat, a, b, x, reaches, world } = await behind('cone')
    await x.ask('serveFrom', { host: world.host('a').address, port: 4001 })
    expect(await reaches(a, nat.address, 4001)).toBe(true)
    expect(await reaches(b, nat.address, 4001)).toBe(true)
    expect(await reaches(b, nat.address, 4002)).toBe(false)
  })

  it('restricted: does not', async () => {
    const { nat, b, x, reaches, world } = await behind('restricted')
    await x.ask('serveFrom', { host: world.host('a').address, port: 4001 })
    expect(await reaches(b, nat.address, 4001)).toBe(false)
  })

  it('maps a port to a host when told to', async () => {
    const { world, nat, a, reaches } = await behind('symmetric')
    await nat.forward(8_007, world.host('y'), 7)
    expect(await reaches(a, nat.address, 8_007)).toBe(true)
  })

  it('forgets a silent connection, if it is that kind of box', async () => {
    const { world, x } = await behind('restricted', 1)
    const host = world.host('a').address
    expect(await outcome(x.ask('pause', { host, ms: 100 }))).toBe('fulfilled')
    expect(await outcome(x.ask('pause', { host, ms: 2_500 }, 3_500))).toMatch(/no fitting answer/)
  })
})
