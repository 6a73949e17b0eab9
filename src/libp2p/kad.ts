/** Kademlia, as a server with our numbers. The table it keeps is table.ts's business. */
import type { PeerInfo } from '@libp2p/interface'
import { kadDHT, type KadDHT, type KadDHTComponents } from '@libp2p/kad-dht'
import { KAD } from './defaults.js'
import type { Gater } from './gater.js'
import { splitNeighbourhood } from './patches/kad-buckets.js'
import { withoutKeepAlive } from './peer-tags.js'

export function kadService(gater: Gater): (components: KadDHTComponents) => KadDHT {
  const init = {
    ...KAD,
    // Stock: drops private addresses. Applied to what we are told and to what we tell.
    peerInfoMapper: (peer: PeerInfo) => ({
      ...peer,
      multiaddrs: peer.multiaddrs.filter((address) => gater.accepts(peer.id.toString(), address.toString())),
    }),
  }
  return (components) => splitNeighbourhood(kadDHT(init)(withoutKeepAlive(components)))
}
