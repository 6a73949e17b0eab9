/** What the port tells of kad-dht's table, whatever becomes of kad-dht's own notes about a peer. */
import { afterEach, describe, expect, it } from '@jest/globals'
import { multiaddr } from '@multiformats/multiaddr'
import type { PortEvent } from '../../src/core/port.js'
import { RoutingTable } from '../../src/libp2p/routing-table.js'
import { kadTable, somePeer, type KadTable } from '../support/kad-table.js'

const ADDRESS = '/ip4/127.0.0.1/tcp/4001'
let table: KadTable

afterEach(() => table.stop())

it('a peer that kad could not tag is told all the same, when it comes and when it goes', async () => {
  const { host, gater, table: kad } = await kadTable()
  table = kad
  gater.listensOn([ADDRESS])
  const events: PortEvent[] = []
  new RoutingTable(
    host,
    gater,
    (event) => events.push(event),
    () => undefined,
  )
  const peer = await somePeer()
  gater.connected(peer.toString(), ADDRESS)
  await host.peerStore.merge(peer, { multiaddrs: [multiaddr(ADDRESS)] })
  host.peerStore.merge = () => Promise.reject(new Error('it took too long'))

  const heard = async (amount: number): Promise<void> => {
    for (let i = 0; i < 100 && events.length < amount; i++) await new Promise((resolve) => setTimeout(resolve, 10))
  }
  await expect(table.add(peer)).rejects.toThrow('it took too long')
  await heard(1)
  expect(events).toEqual([{ type: 'tableChanged', peer: peer.toString(), addresses: [ADDRESS] }])
  const [contact] = [...table.toIterable()]
  await expect(table.remove(contact!.kadId)).rejects.toThrow('it took too long')
  await heard(2)
  expect(events.at(-1)).toEqual({ type: 'tableChanged', peer: peer.toString(), addresses: undefined })
})

it('hearsay does not change the addresses of a peer that has said where it is, and gets into no answer of ours', async () => {
  const { host, gater, table: kad } = await kadTable()
  table = kad
  const events: PortEvent[] = []
  const emit = (event: PortEvent): void => void events.push(event)
  new RoutingTable(host, gater, emit, () => undefined)
  const peer = await somePeer()
  const [own, hearsay] = ['/ip4/51.1.0.1/tcp/1', '/ip4/51.2.0.1/tcp/1']
  const heard = async (amount: number): Promise<void> => {
    for (let i = 0; i < 100 && events.length < amount; i++) await new Promise((resolve) => setTimeout(resolve, 10))
  }
  gater.told(peer.toString(), [own])
  await host.peerStore.merge(peer, { multiaddrs: [multiaddr(own)] })
  await table.add(peer)
  await heard(1)
  await host.peerStore.merge(peer, { multiaddrs: [multiaddr(hearsay)] })
  const { addresses } = await host.peerStore.get(peer)
  const known = addresses.map((address) => address.multiaddr)
  expect(known.map(String).sort()).toEqual([own, hearsay])
  expect(events).toEqual([{ type: 'tableChanged', peer: peer.toString(), addresses: [own] }])
  expect(host.services.kad.server.addressesOf(peer.toString())).toEqual([own])

  gater.forget(peer.toString())
  await host.peerStore.merge(peer, { multiaddrs: [multiaddr('/ip4/51.3.0.1/tcp/1')] })
  await heard(2)
  expect(events.at(-1)).toMatchObject({ addresses: [own, hearsay, '/ip4/51.3.0.1/tcp/1'] })
})

describe('additions while kad has no answer', () => {
  /** The addresses that went to the peer store, and what lets kad have its answer. */
  async function silent(): Promise<{ routing: RoutingTable; merged: string[][]; lines: string[]; answer: () => void }> {
    const { host, gater, table: kad } = await kadTable()
    table = kad
    let answer!: () => void
    const answered = new Promise<boolean>((resolve) => (answer = () => resolve(true)))
    table.verify = () => answered
    const merged: string[][] = []
    const merge = host.peerStore.merge.bind(host.peerStore)
    host.peerStore.merge = (id, data, options) => {
      if (data.multiaddrs !== undefined) merged.push(data.multiaddrs.map(String))
      return merge(id, data, options)
    }
    const lines: string[] = []
    const routing = new RoutingTable(
      host,
      gater,
      () => undefined,
      (line) => lines.push(line),
    )
    return { routing, merged, lines, answer }
  }

  const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 100))
  const address = (n: number): string => `/ip4/51.1.0.1/tcp/${n}`

  it('of a peer that tells new addresses again and again, the last one waits', async () => {
    const { routing, merged, answer } = await silent()
    const peer = (await somePeer()).toString()
    for (let n = 1; n <= 1_000; n++) routing.add(peer, [address(n)])
    await settled()
    expect(merged).toEqual([[address(1)]])
    answer()
    await settled()
    expect(merged).toEqual([[address(1)], [address(1_000)]])
  })

  it('and a removal that waits is not forgotten for it', async () => {
    const { routing, merged, answer } = await silent()
    const peer = await somePeer()
    routing.add(peer.toString(), [address(1)])
    routing.add(peer.toString(), [address(2)])
    routing.remove(peer.toString())
    routing.add(peer.toString(), [address(3)])
    await settled()
    answer()
    await settled()
    expect(merged).toEqual([[address(1)], [address(3)]])
    expect([...table.toIterable()].map(({ peerId }) => peerId.toString())).toEqual([peer.toString()])
  })

  it('of many peers are not begun', async () => {
    const { routing, merged, lines } = await silent()
    for (let n = 1; n <= 300; n++) routing.add((await somePeer()).toString(), [address(n)])
    await settled()
    expect(merged.length).toBeLessThanOrEqual(256)
    expect(lines.filter((line) => line.includes('is busy with others')).length).toBeGreaterThanOrEqual(40)
  })
})
