/** Kademlia, as a server with our numbers. routing-table.ts reports its table and takes part in it. */
import { peerDiscoverySymbol, type PeerId, type PeerInfo } from '@libp2p/interface'
import { kadDHT, type KadDHT, type KadDHTComponents } from '@libp2p/kad-dht'
import { KAD } from '../defaults.js'
import type { Gater } from '../gater.js'
import type { Guards } from '../guards/guards.js'
import { KadClient } from './client.js'
import { KadServer } from './server.js'
import { withOwnBucket } from '../patches/kad-buckets.js'
import { hearMembers, withoutKeepAlive } from '../peer-tags.js'

export interface Kad extends KadDHT {
  /** What answers others. */
  readonly server: KadServer
  /** What asks and visits them. */
  readonly client: KadClient
  readonly members: {
    /** Called when a peer has entered the table or left it. For one listener to set. */
    changed(peer: PeerId, isMember: boolean): void
  }
}

export function kadService(gater: Gater, guards: Guards): (components: KadDHTComponents) => Kad {
  const init = {
    ...KAD,
    // Stock: drops private addresses. client.ts has left nothing that may not be used.
    peerInfoMapper: (peer: PeerInfo) => peer,
  }
  return (components) => {
    const members: Kad['members'] = { changed: () => undefined }
    const server = new KadServer(components, gater, guards.kad, guards.refused)
    const client = new KadClient(components, gater, server, guards.refused)
    const heard = hearMembers(withoutKeepAlive(client.guarded()), (peer, isMember) => {
      server.changed(peer, isMember)
      members.changed(peer, isMember)
    })
    const create = (prefixLength: number): KadDHT => kadDHT({ ...init, prefixLength })(heard)
    const kad = withOwnBucket(create, components.peerId, KAD.prefixLength!)
    // Stock: libp2p puts what others say of a peer beside what the peer says, into the peer store.
    Object.defineProperty(kad, peerDiscoverySymbol, { value: undefined })
    return Object.assign(kad, { members, server, client })
  }
}
