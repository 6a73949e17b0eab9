/** A node with a dataDir listens where it did before, if it can. */
import { afterEach, describe, expect, it } from '@jest/globals'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { portsOf, withLastPorts } from '../../src/storage/ports.js'

const ANY = '/ip4/127.0.0.1/tcp/0'

let server: Server | undefined

afterEach(() => {
  server?.close()
})

async function takePort(): Promise<number> {
  server = createServer().listen(0, '127.0.0.1')
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

  it('is any for an address that is new, and for one that is named twice; a fixed one stays', async () => {
    const port = await takePort()
    await release()
    const fixed = '/ip4/127.0.0.1/tcp/4001'
    expect(await withLastPorts(['/ip4/127.0.0.2/tcp/0', fixed, ANY, ANY], { [ANY]: port, [fixed]: 7 })).toEqual([
      '/ip4/127.0.0.2/tcp/0',
      fixed,
      `/ip4/127.0.0.1/tcp/${port}`,
      ANY,
    ])
  })

  it('is found where the node listens: on that host, or on any interface', () => {
    const listening = ['/ip4/127.0.0.1/tcp/11', '/ip4/127.0.0.1/tcp/12', '/ip4/10.0.0.1/tcp/12', '/ip6/::1/tcp/13']
    const listen = ['/ip4/10.0.0.1/tcp/0', '/ip6/::/tcp/0', '/ip4/127.0.0.1/tcp/5', '/ip4/10.0.0.9/tcp/0']
    expect(portsOf(listen, listening)).toEqual({ '/ip4/10.0.0.1/tcp/0': 12, '/ip6/::/tcp/0': 13 })
    expect(portsOf(['/ip4/0.0.0.0/tcp/0'], listening)).toEqual({ '/ip4/0.0.0.0/tcp/0': 11 })
  })
})
