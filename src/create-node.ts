/** `createNode` puts a node on real sockets together: config, identity, libp2p, recording. It has no logic of its own. */
import { readConfig, type NodeConfig } from './config/config.js'
import { createLogger } from './edge/log.js'
import { newSecret, peerIdOf, privateKeyOf } from './identity.js'
import { createLibp2pPort } from './libp2p/index.js'
import { launch, type BuildOptions } from './node/node.js'
import type { P2pNode } from './node/p2p-node.js'
import { buildRecorded } from './recording/recorded.js'
import { LaneScheduler } from './lane/scheduler.js'

/**
 * Starts a node. Resolves when it listens.
 *
 * ```ts
 * const node = await createNode({ bootNodes, topics: ['block'] })
 * node.broadcasts$('block').subscribe(({ data, from }) => console.log(from, data))
 * const reply = await node.request(peer, bytes)
 * ```
 *
 * @throws `InvalidConfig`, `InvalidAddress`, `InvalidPeerId` or `InvalidSecretKey` when the config is wrong, `ListenError`
 * when no address can be listened on.
 */
export async function createNode(config: NodeConfig = {}): Promise<P2pNode> {
  const { settings, pubsub, validators, record } = readConfig(config)
  const secret = config.secret ?? newSecret()
  const privateKey = await privateKeyOf(secret)
  const log = createLogger(config.logger)
  const options: BuildOptions = {
    peerId: await peerIdOf(secret),
    settings,
    scheduler: config.scheduler ?? new LaneScheduler(),
    createPort: createLibp2pPort({
      privateKey,
      protocols: settings.protocols,
      pubsub,
      log: (text) => {
        log('debug', text)
      },
    }),
    log,
    validators,
  }
  if (record === undefined) return launch(options)
  const { node, ready } = await buildRecorded({ ...options, record })
  await ready
  return node
}
