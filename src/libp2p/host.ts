/** Puts the parts together to a libp2p node, not yet started. Knows every part's set-up and none of the port's events. */
import type { GossipsubOpts } from '@chainsafe/libp2p-gossipsub'
import { identify, identifyPush, type Identify, type IdentifyPush } from '@libp2p/identify'
import type { ConnectionProtector, PrivateKey } from '@libp2p/interface'
import { ping, type Ping } from '@libp2p/ping'
import { createLibp2p, type Libp2p, type Libp2pInit } from 'libp2p'
import type { PubsubOptions } from '../core/pubsub.js'
import { Names } from '../platform/names.js'
import { letDenoEnd } from '../platform/deno.js'
import { IDENTIFY_VERSION } from '../wire/protocols.js'
import {
  AGENT,
  CONNECTION_MANAGER,
  CONNECTION_MONITOR,
  IDENTIFY,
  IDENTIFY_PUSH,
  NOISE,
  PEER_STORE,
  PING,
  TCP,
  YAMUX,
} from './defaults.js'
import type { Gater } from './gater.js'
import { gossipsubService, type Gossipsub } from './gossip/gossipsub.js'
import { createGuards } from './guards/guards.js'
import { admitting, asking, behind, hearing, modest, saying, telling } from './guards/identify.js'
import { boundPeerIds } from './guards/peer-ids.js'
import { answerPings } from './guards/ping-server.js'
import { kadService, type Kad } from './kad/kad.js'
import { quietLogger } from './logger.js'
import { ownAddresses, type OwnAddresses } from './own-addresses.js'
import { identifyAs } from './patches/identify-version.js'
import { namedTcp } from './patches/host-names.js'
import { tunedNoise } from './patches/noise-frames.js'
import { checkVersions } from './patches/supported.js'
import { privateNetwork } from './private-network.js'
import { corkedTcp } from './patches/tcp-writes.js'
import { tunedYamux } from './patches/yamux-streams.js'
import { transports, type Transports } from './transports.js'

export type Host = Libp2p<{
  identify: Identify
  identifyPush: IdentifyPush
  ping: Ping
  kad: Kad
  pubsub: Gossipsub
  own: OwnAddresses
  transports: Transports
  names: Names
}>

export interface HostOptions {
  privateKey: PrivateKey
  pubsub: PubsubOptions
  /** Encrypts connections with the key of a private network. */
  protector?: ConnectionProtector
  /** How long the application may take to admit a peer, ms. */
  patience?: number
  /** For tests: what to change of defaults.ts's gossipsub. */
  gossipsub?: Partial<GossipsubOpts>
  /** For tests: who looks up the names of hosts. */
  names?: Names
}

export function createHost(
  options: HostOptions,
  listen: string[],
  gater: Gater,
  announce: string[] = [],
  guards = createGuards(),
): Promise<Host> {
  checkVersions()
  letDenoEnd()
  boundPeerIds()
  const { protector } = options
  const admitted = admitting(guards.identify, guards.refused)
  const identifying = behind(
    (handler) => admitted(saying(handler)),
    modest(gater, asking(identifyAs(IDENTIFY_VERSION, identify(IDENTIFY)))),
  )
  const pushing = behind(
    (handler) => admitted(hearing(handler)),
    modest(gater, telling(identifyAs(IDENTIFY_VERSION, identifyPush(IDENTIFY_PUSH)))),
  )
  const pinging = behind(() => answerPings(guards.ping, guards.refused), ping(PING))
  const names = options.names ?? new Names()
  return createLibp2p({
    start: false,
    privateKey: options.privateKey,
    nodeInfo: { userAgent: AGENT },
    logger: quietLogger(),
    addresses: { listen, announce },
    ...transport(names, guards, protector !== undefined),
    connectionManager: {
      ...CONNECTION_MANAGER,
      inboundUpgradeTimeout: CONNECTION_MANAGER.inboundUpgradeTimeout! + (options.patience ?? 0),
    },
    ...(protector && {
      connectionProtector: () => privateNetwork(protector, (socket) => gater.noteOtherNetwork(socket)),
    }),
    connectionMonitor: CONNECTION_MONITOR,
    connectionGater: gater.toLibp2p(),
    peerStore: PEER_STORE,
    services: {
      identify: identifying,
      identifyPush: pushing,
      ping: pinging,
      kad: kadService(gater, guards),
      pubsub: gossipsubService(options.pubsub, options.gossipsub, guards.limits),
      own: ownAddresses,
      transports,
      names: () => names,
    },
  })
}

/** How bytes get from node to node: TCP, encrypted by Noise, in Yamux streams. */
export function transport(
  names = new Names(),
  { lines } = createGuards(),
  isPrivate = false,
): Pick<Libp2pInit, 'transports' | 'connectionEncrypters' | 'streamMuxers'> {
  return {
    transports: [lines.accepting(namedTcp(corkedTcp(TCP), names), isPrivate)],
    connectionEncrypters: [lines.encrypting(tunedNoise(NOISE))],
    streamMuxers: [lines.muxing(tunedYamux(YAMUX))],
  }
}
