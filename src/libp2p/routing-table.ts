/** The routing table. Kademlia decides which peers are in it; this file reports its changes, adds, removes and looks up peers. */
import type { PeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import type { PortEvent } from '../core/port.js'
import { ADD_ATTEMPTS, DIAL_TIMEOUT, MAX_CHANGING, QUERY_TIMEOUT, STRANGERS } from './defaults.js'
import { failureOf, reasonOf } from './failure.js'
import type { Gater } from './gater.js'
import type { Host } from './host.js'
import { internalsOf, type KadInternals } from './patches/kad-table.js'
import { PeerTasks } from './peer-tasks.js'
import { withTimeout } from './timeout-signal.js'

interface Member {
  /** The addresses that were reported last; `undefined`: none were. */
  addresses: string[] | undefined
  /** Counts the reads of its addresses, so that an older answer of the peer store does not replace a newer one. */
  version: number
}

export class RoutingTable {
  private readonly inside: KadInternals
  private readonly members = new Map<string, Member>()
  /** What is being added or removed. */
  private readonly changes: PeerTasks

  constructor(
    private readonly host: Host,
    private readonly gater: Gater,
    private readonly emit: (event: PortEvent) => void,
    private readonly log: (text: string) => void,
  ) {
    const { kad } = host.services
    this.inside = internalsOf(kad)
    this.changes = new PeerTasks((peer, what, error) => log(`the table could not ${what} ${peer}: ${reasonOf(error)}`))
    kad.members.changed = (id, isMember) => (isMember ? this.added(id) : this.removed(id.toString()))
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

  private added(id: PeerId): void {
    const peer = id.toString()
    if (this.members.has(peer)) return
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
    const addresses = this.gater.best(peer, multiaddrs.map(String))
    if (member.addresses?.join() === addresses.join()) return
    member.addresses = addresses
    this.emit({ type: 'tableChanged', peer, addresses })
  }

  private removed(peer: string): void {
    const member = this.members.get(peer)
    this.members.delete(peer)
    if (member?.addresses !== undefined) this.emit({ type: 'tableChanged', peer, addresses: undefined })
  }

  /** kad pings a new peer first, and drops it without a report if it does not answer. */
  add(peer: string, addresses: string[]): void {
    if (this.changes.peers >= MAX_CHANGING) return this.log(`${peer} is not added to the table: it is busy with others`)
    this.changes.run(peer, 'add', async () => {
      const id = peerIdFromString(peer)
      if (addresses.length > 0)
        await this.host.peerStore.merge(id, { multiaddrs: addresses.map((text) => multiaddr(text)) })
      // Under load the answer to that ping may come too late. If the peer is connected, kad is asked again.
      for (let attempt = 0; attempt < ADD_ATTEMPTS && !this.members.has(peer); attempt++) {
        if (attempt > 0 && this.host.getConnections(id).length === 0) return
        await withTimeout(DIAL_TIMEOUT, (signal) => this.inside.routingTable.add(id, { signal }))
      }
    })
  }

  /** Removes the peer from the table, and its addresses. If other peers name it again, kad pings it before it is added. */
  remove(peer: string): void {
    this.changes.run(peer, 'remove', async () => {
      const id = peerIdFromString(peer)
      this.gater.forget(peer)
      await this.inside.routingTable.remove(id)
      // The entry of a connected peer must stay, because libp2p finds in it the protocols whose handlers hear of the disconnect.
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
    // Peers that know one another and ask only each other would never hear of the rest of the network.
    await this.lookUp(crypto.getRandomValues(new Uint8Array(32)))
  }

  /**
   * A lookup of ourselves asks the peers that are closest to us. When many nodes start together, these may be a clique in which
   * each names only the others, for ever. A peer with a distant key knows members of several cliques.
   */
  private strangers(): string[] {
    const members = [...this.members.keys()]
    return Array.from({ length: Math.min(STRANGERS, members.length) }, () => {
      return members.splice(Math.floor(Math.random() * members.length), 1)[0]!
    })
  }

  /** The peers that it names enter the table by themselves. */
  private async ask(peer: string, key: Uint8Array): Promise<void> {
    const path = { index: -1, queued: 0, running: 0, total: 0 }
    try {
      await withTimeout(DIAL_TIMEOUT, async (signal) => {
        const options = { signal, path }
        const events = this.inside.network.sendRequest(peerIdFromString(peer), { type: 'FIND_NODE', key }, options)
        for await (const event of events) void event
      })
    } catch (error) {
      this.log(`${peer} was not asked for our neighbours: ${reasonOf(error)}`)
    }
  }

  private lookUp(key: Uint8Array): Promise<void> {
    return withTimeout(QUERY_TIMEOUT, (signal) => this.closest(key, signal))
  }

  private async closest(key: Uint8Array, signal: AbortSignal): Promise<void> {
    const events = this.host.services.kad.getClosestPeers(key, { signal })
    let answers = 0
    let refused: Error | undefined
    // The peers that it finds enter the table by themselves.
    for await (const event of events) {
      if (event.name === 'PEER_RESPONSE') answers++
      else if (event.name === 'QUERY_ERROR') refused = event.error
    }
    if (answers === 0 && refused !== undefined) throw refused
  }
}
