/** Kademlia, as a server with our numbers. routing-table.ts reports its table and takes part in it. */
import type { PeerId, PeerInfo } from '@libp2p/interface'
import { kadDHT, type KadDHT, type KadDHTComponents } from '@libp2p/kad-dht'
import { KAD } from './defaults.js'
import type { Gater } from './gater.js'
import { withOwnBucket } from './patches/kad-buckets.js'
import { withoutHangingUp } from './patches/duplicate-connections.js'
import { hearMembers, withoutKeepAlive } from './peer-tags.js'

export interface Kad extends KadDHT {
  readonly members: {
    /** Called when a peer has entered the table or left it. For one listener to set. */
    changed(peer: PeerId, isMember: boolean): void
  }
}

export function kadService(gater: Gater): (components: KadDHTComponents) => Kad {
  const init = {
    ...KAD,
    // Stock: drops private addresses. Applied to what we are told and to what we tell.
    peerInfoMapper: (peer: PeerInfo) => ({
      ...peer,
      multiaddrs: gater.best(peer.id.toString(), peer.multiaddrs),
    }),
  }
  return (components) => {
    const members: Kad['members'] = { changed: () => undefined }
    const heard = hearMembers(withoutKeepAlive(withoutHangingUp(components)), (peer, isMember) =>
      members.changed(peer, isMember),
    )
    const create = (prefixLength: number): KadDHT => kadDHT({ ...init, prefixLength })(heard)
    const kad = withOwnBucket(create, components.peerId, KAD.prefixLength!)
    return Object.assign(kad, { members })
  }
}
