/** The routing table: Kademlia decides who is in it, we report it and take part. Addresses live in the peer store. */
import type { PeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import type { PortEvent } from '../core/port.js'
import { ADD_ATTEMPTS, DIAL_TIMEOUT, QUERY_TIMEOUT, STRANGERS } from './defaults.js'
import { failureOf, reasonOf } from './failure.js'
import type { Gater } from './gater.js'
import type { Host } from './host.js'
import { insideOf, type Network, type RoutingTable, type Trie } from './patches/kad-table.js'
import { within } from './timeout-signal.js'

interface Member {
  /** As last reported; `undefined`: not yet. */
  addresses: string[] | undefined
  /** Counts what we heard of it, so that an older answer of the peer store does not overtake a newer one. */
  version: number
}

export class Table {
  private readonly table: RoutingTable
  private readonly network: Network
  private readonly members = new Map<string, Member>()
  /** The end of what is being added or removed, by peer. */
  private readonly pending = new Map<string, Promise<void>>()

  constructor(
    private readonly host: Host,
    private readonly gater: Gater,
    private readonly emit: (event: PortEvent) => void,
    private readonly log: (text: string) => void,
  ) {
    const { routingTable, network } = insideOf(host.services.kad)
    this.table = routingTable
    this.network = network
    this.watch(routingTable.kb)
    host.addEventListener('peer:update', ({ detail: { peer } }) => {
      const member = this.members.get(peer.id.toString())
      if (member === undefined) return
      member.version++
      this.report(
        peer.id.toString(),
        member,
        peer.addresses.map((address) => address.multiaddr),
      )
    })
  }

  /**
   * kad tells of a change only after it has tagged the peer in the peer store; when that takes longer than whoever added it
   * waits, it tells nobody, and the peer is in the table for ever.
   */
  private watch(trie: Trie): void {
    const { onAdd, onRemove } = trie
    trie.onAdd = (contact, ...rest) => {
      this.added(contact.peerId)
      return onAdd(contact, ...rest)
    }
    trie.onRemove = (contact, ...rest) => {
      this.removed(contact.peerId.toString())
      return onRemove(contact, ...rest)
    }
  }

  private added(id: PeerId): void {
    const peer = id.toString()
    if (id.equals(this.host.peerId) || this.members.has(peer)) return
    const member: Member = { addresses: undefined, version: 0 }
    this.members.set(peer, member)
    this.host.peerStore
      .get(id)
      .then(
        ({ addresses }) => addresses.map((address) => address.multiaddr),
        () => [],
      )
      .then((addresses) => {
        if (member.version === 0 && this.members.get(peer) === member) this.report(peer, member, addresses)
      })
      .catch((error) => this.log(`the addresses of ${peer} could not be read: ${reasonOf(error)}`))
  }

  private report(peer: string, member: Member, multiaddrs: Multiaddr[]): void {
    const addresses = multiaddrs.map(String).filter((address) => this.gater.accepts(peer, address))
    if (member.addresses?.join() === addresses.join()) return
    member.addresses = addresses
    this.emit({ type: 'tableChanged', peer, addresses })
  }

  private removed(peer: string): void {
    const member = this.members.get(peer)
    this.members.delete(peer)
    if (member?.addresses !== undefined) this.emit({ type: 'tableChanged', peer, addresses: undefined })
  }

  /** kad pings a newcomer first, and drops it silently if it does not answer. */
  add(peer: string, addresses: string[]): void {
    this.inOrder(peer, 'add', async () => {
      const id = peerIdFromString(peer)
      if (addresses.length > 0)
        await this.host.peerStore.merge(id, { multiaddrs: addresses.map((text) => multiaddr(text)) })
      // Its first ping may come too late while much is going on. To whom we are connected is there, so ask again.
      for (let attempt = 0; attempt < ADD_ATTEMPTS && !this.members.has(peer); attempt++) {
        if (attempt > 0 && this.host.getConnections(id).length === 0) return
        await this.table.add(id, { signal: within(DIAL_TIMEOUT) })
      }
    })
  }

  /** Out of the table, and its addresses forgotten: others may tell us of it again, and kad will ping it first. */
  remove(peer: string): void {
    this.inOrder(peer, 'remove', async () => {
      const id = peerIdFromString(peer)
      await this.table.remove(id)
      // While it is connected its entry must stay: without its protocols nobody tells gossipsub when it leaves.
      if (this.host.getConnections(id).length > 0) await this.host.peerStore.patch(id, { multiaddrs: [] })
      else await this.host.peerStore.delete(id)
    })
  }

  query(): void {
    this.bootstrap().then(
      () => this.emit({ type: 'tableQueried' }),
      (error) => this.emit({ type: 'tableQueried', failure: failureOf('the lookup failed', error) }),
    )
  }

  private async bootstrap(): Promise<void> {
    const self = this.host.peerId.toMultihash().bytes
    await Promise.all([this.lookUp(self), ...this.strangers().map((peer) => this.ask(peer, self))])
    // Peers who all know one another and asked only each other would never hear of the rest of the network.
    await this.lookUp(crypto.getRandomValues(new Uint8Array(32)))
  }

  /**
   * A lookup of ourselves asks those who are closest to us. When many start together, these may be a clique in which everybody
   * names only the others, for ever; somebody far away knows members of several cliques.
   */
  private strangers(): string[] {
    const members = [...this.members.keys()]
    return Array.from({ length: Math.min(STRANGERS, members.length) }, () => {
      return members.splice(Math.floor(Math.random() * members.length), 1)[0]!
    })
  }

  /** Whom it names enters the table by itself. */
  private async ask(peer: string, key: Uint8Array): Promise<void> {
    const path = { index: -1, queued: 0, running: 0, total: 0 }
    const options = { signal: within(DIAL_TIMEOUT), path }
    try {
      const events = this.network.sendRequest(peerIdFromString(peer), { type: 'FIND_NODE', key }, options)
      for await (const event of events) void event
    } catch (error) {
      this.log(`${peer} was not heard about our neighbours: ${reasonOf(error)}`)
    }
  }

  private async lookUp(key: Uint8Array): Promise<void> {
    const events = this.host.services.kad.getClosestPeers(key, { signal: within(QUERY_TIMEOUT) })
    let answers = 0
    let refused: Error | undefined
    // What it finds enters the table by itself.
    for await (const event of events) {
      if (event.name === 'PEER_RESPONSE') answers++
      else if (event.name === 'QUERY_ERROR') refused = event.error
    }
    if (answers === 0 && refused !== undefined) throw refused
  }

  /** Both take their time, and the later one must win. */
  private inOrder(peer: string, what: string, action: () => Promise<void>): void {
    const before = this.pending.get(peer) ?? Promise.resolve()
    const after = before
      .then(action)
      .catch((error) => this.log(`the table could not ${what} ${peer}: ${reasonOf(error)}`))
      .finally(() => {
        if (this.pending.get(peer) === after) this.pending.delete(peer)
      })
    this.pending.set(peer, after)
  }
}
