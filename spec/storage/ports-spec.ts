/** A node with a dataDir listens where it did before, if it can. */
import { afterEach, describe, expect, it } from '@jest/globals'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { networkInterfaces } from 'node:os'
import { freePort } from '../support/free-port.js'
import { portsOf, withLastPorts } from '../../src/storage/ports.js'

const ANY = '/ip4/127.0.0.1/tcp/0'

let server: Server | undefined

afterEach(() => {
  server?.close()
})

async function takePort(host = '127.0.0.1'): Promise<number> {
  server = createServer().listen(0, host)
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

async function release(): Promise<void> {
  server!.close()
  await once(server!, 'close')
}

describe('a free port', () => {
  it('is the one of the last time while that is free', async () => {
    const port = await takePort()
    expect(await withLastPorts([ANY], { [ANY]: port })).toEqual([ANY])
    await release()
    expect(await withLastPorts([ANY], { [ANY]: port })).toEqual([`/ip4/127.0.0.1/tcp/${port}`])
  })

  it('is any for an address that is new; a fixed one stays', async () => {
    const port = await freePort()
    const fixed = '/ip4/127.0.0.1/tcp/4001'
    expect(await withLastPorts(['/ip4/127.0.0.2/tcp/0', fixed, ANY], { [ANY]: port, [fixed]: 7 })).toEqual([
      '/ip4/127.0.0.2/tcp/0',
      fixed,
      `/ip4/127.0.0.1/tcp/${port}`,
    ])
  })

  it('is any where another address of the list has that port: named, or as its own last one', async () => {
    const port = await freePort()
    const [named, everywhere] = [`/ip4/127.0.0.1/tcp/${port}`, '/ip4/0.0.0.0/tcp/0']
    for (const listen of [
      [named, everywhere],
      [everywhere, named],
    ]) {
      expect(await withLastPorts(listen, { [everywhere]: port })).toEqual(listen)
    }
    expect(await withLastPorts([ANY, everywhere], { [ANY]: port, [everywhere]: port })).toEqual([named, everywhere])
  })

  it('of IPv6 is free though IPv4 has the same one', async () => {
    const port = await takePort('0.0.0.0')
    const [ip4, ip6] = ['/ip4/0.0.0.0/tcp/0', '/ip6/::/tcp/0']
    // (Some machines have no IPv6.)
    const hasIt = Object.values(networkInterfaces()).some((all) => all!.some(({ family }) => family === 'IPv6'))
    const expected = [ip4, hasIt ? `/ip6/::/tcp/${port}` : ip6]
    expect(await withLastPorts([ip4, ip6], { [ip4]: port, [ip6]: port })).toEqual(expected)
  })

  it('is that of the address that has got it, whatever the others have', () => {
    const listen = ['/ip4/127.0.0.1/tcp/5', '/ip4/10.0.0.9/tcp/0', '/ip4/0.0.0.0/tcp/0', ANY, '/ip6/::/tcp/0']
    const bound = [
      ['/ip4/127.0.0.1/tcp/5'],
      // It cannot be listened on.
      undefined,
      ['/ip4/127.0.0.1/tcp/11', '/ip4/10.0.0.1/tcp/11'],
      ['/ip4/127.0.0.1/tcp/12'],
      // No interface has an address of that kind.
      [],
    ]
    expect(portsOf(listen, bound)).toEqual({ '/ip4/0.0.0.0/tcp/0': 11, [ANY]: 12 })
  })
})
