/** What the port tells of kad-dht's table, whatever becomes of kad-dht's own notes about a peer. */
import { afterEach, expect, it } from '@jest/globals'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PeerId } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import type { PortEvent } from '../../src/network/port.js'
import '../../src/polyfill.js'
import { Gater } from '../../src/network/libp2p/gater.js'
import { createHost, type Host } from '../../src/network/libp2p/host.js'
import { Table } from '../../src/network/libp2p/table.js'
import { PUBSUB } from '../support/pubsub.js'

/** What this spec needs of kad-dht. */
interface Contacts {
  start(): Promise<void>
  stop(): void
  add(peer: PeerId): Promise<void>
  remove(kadId: Uint8Array): Promise<void>
  toIterable(): Iterable<{ peerId: PeerId; kadId: Uint8Array }>
  verify: () => Promise<boolean>
}

const ADDRESS = '/ip4/127.0.0.1/tcp/4001'
let contacts: Contacts

afterEach(() => contacts.stop())

it('a peer that kad could not tag is told all the same, when it comes and when it goes', async () => {
  const privateKey = await generateKeyPair('Ed25519')
  const gater = new Gater(peerIdFromPrivateKey(privateKey).toString())
  gater.listensOn([ADDRESS])
  const host: Host = await createHost({ privateKey, pubsub: PUBSUB }, [], gater)
  const events: PortEvent[] = []
  new Table(
    host,
    gater,
    (event) => events.push(event),
    () => undefined,
  )
  contacts = (host.services.kad as unknown as { routingTable: { kb: Contacts } }).routingTable.kb
  await contacts.start()
  contacts.verify = () => Promise.resolve(true)
  const peer = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
  gater.connected(peer.toString(), ADDRESS)
  await host.peerStore.merge(peer, { multiaddrs: [multiaddr(ADDRESS)] })
  host.peerStore.merge = () => Promise.reject(new Error('it took too long'))

  const heard = async (amount: number): Promise<void> => {
    for (let i = 0; i < 100 && events.length < amount; i++) await new Promise((resolve) => setTimeout(resolve, 10))
  }
  await expect(contacts.add(peer)).rejects.toThrow('it took too long')
  await heard(1)
  expect(events).toEqual([{ type: 'tableChanged', peer: peer.toString(), addresses: [ADDRESS] }])
  const [contact] = [...contacts.toIterable()]
  await expect(contacts.remove(contact!.kadId)).rejects.toThrow('it took too long')
  await heard(2)
  expect(events.at(-1)).toEqual({ type: 'tableChanged', peer: peer.toString(), addresses: undefined })
})
