/** What the port tells of kad-dht's table, whatever becomes of kad-dht's own notes about a peer. */
import { afterEach, expect, it } from '@jest/globals'
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
