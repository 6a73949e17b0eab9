/** A node of ours as `createNode` starts it, with what no config can choose. */
import { readConfig, type NodeConfig } from '../../src/config/config.js'
import { createLogger } from '../../src/edge/log.js'
import { peerIdOf, privateKeyOf } from '../../src/identity.js'
import { newSecret } from '../../src/secret.js'
import { createLibp2pPort, type Libp2pPortOptions } from '../../src/libp2p/index.js'
import { launch } from '../../src/node/node.js'
import type { P2pNode } from '../../src/node/p2p-node.js'
import { LaneScheduler } from '../../src/lane/scheduler.js'
import { PUBSUB } from '../harness/pubsub.js'

export interface Special {
  /** What it asks and answers by, the best first. */
  protocols?: string[]
  /** Peers to which there must be no connection. */
  gate?: Libp2pPortOptions['gate']
}

export async function launchOurs(config: NodeConfig, { protocols, gate }: Special): Promise<P2pNode> {
  const { settings: standard } = readConfig(config)
  const settings = { ...standard, protocols: protocols ?? standard.protocols }
  const secret = newSecret()
  const privateKey = await privateKeyOf(secret)
  return launch({
    peerId: await peerIdOf(secret),
    settings,
    scheduler: new LaneScheduler(),
    createPort: createLibp2pPort({ privateKey, protocols: settings.protocols, pubsub: PUBSUB, ...(gate && { gate }) }),
    log: createLogger(undefined),
  })
}
