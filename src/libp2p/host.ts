/** Puts the parts together to a libp2p node, not yet started. Knows every part's set-up and none of the port's events. */
import type { GossipSub, GossipsubOpts } from '@chainsafe/libp2p-gossipsub'
import type { Identify } from '@libp2p/identify'
import type { PrivateKey } from '@libp2p/interface'
import type { KadDHT } from '@libp2p/kad-dht'
import type { Ping } from '@libp2p/ping'
import { createLibp2p, type Libp2p } from 'libp2p'
import type { PubsubOptions } from '../core/pubsub.js'
import { AGENT, CONNECTION_MANAGER, CONNECTION_MONITOR, PEER_STORE } from './defaults.js'
import type { Gater } from './gater.js'
import { gossipsubService } from './gossip/gossipsub.js'
import { identifyService } from './identify.js'
import { kadService } from './kad.js'
import { ownAddresses, type OwnAddresses } from './own-addresses.js'
import { pingService } from './ping.js'
import { quietLogger } from './logger.js'
import { transport } from './transport.js'

export type Host = Libp2p<{
  identify: Identify
  ping: Ping
  kad: KadDHT
  pubsub: GossipSub
  own: OwnAddresses
}>

export interface HostOptions {
  privateKey: PrivateKey
  pubsub: PubsubOptions
  /** For tests: what to change of defaults.ts's gossipsub. */
  gossipsub?: Partial<GossipsubOpts>
}

export function createHost(options: HostOptions, listen: string[], gater: Gater): Promise<Host> {
  return createLibp2p({
    start: false,
    privateKey: options.privateKey,
    nodeInfo: { userAgent: AGENT },
    logger: quietLogger(),
    addresses: { listen },
    ...transport(),
    connectionManager: CONNECTION_MANAGER,
    connectionMonitor: CONNECTION_MONITOR,
    connectionGater: gater.toLibp2p(),
    peerStore: PEER_STORE,
    services: {
      identify: identifyService(),
      ping: pingService(),
      kad: kadService(gater),
      pubsub: gossipsubService(options.pubsub, options.gossipsub),
      own: ownAddresses,
    },
  })
}
