/** `createNode` puts a node on real sockets together: config, identity, libp2p, storage, recording. */
import { readConfig, type CheckedConfig, type NodeConfig } from './config/config.js'
import { oddities } from './config/oddities.js'
import type { Batch } from './core/events.js'
import { isNamed, type Settings } from './core/settings.js'
import { createLogger, type Logger } from './edge/log.js'
import { peerIdOf, privateKeyOf } from './identity.js'
import { newIncarnation, newSecret } from './secret.js'
import { createLibp2pPort } from './libp2p/index.js'
import { build, type BuildOptions } from './node/node.js'
import type { P2pNode } from './node/p2p-node.js'
import { buildRecorded } from './recording/recorded.js'
import type { DataDir } from './storage/data-dir.js'
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
 * @throws `InvalidConfig` (also when another process uses `dataDir`, or its disk has not answered for 10 s), `InvalidAddress`, `InvalidPeerId` or `InvalidSecretKey`
 * when the config is wrong, `ListenError` when no address can be listened on, or libp2p cannot be set up.
 */
export async function createNode(config: NodeConfig = {}): Promise<P2pNode> {
  const checked = readConfig(config)
  const { dataDir } = checked
  const { scheduler } = config
  let peerId: string | undefined
  const now = scheduler && (() => scheduler.now())
  const log = createLogger(config.logger, { node: () => peerId, name: checked.name, ...(now && { now }) })
  // Browsers have no files, so the code for them is loaded only if it is needed.
  const data =
    dataDir === undefined
      ? undefined
      : await (await import('./storage/data-dir.js')).openDataDir(dataDir, config.secret, log)
  try {
    const { secret = newSecret() } = data ?? config
    peerId = await peerIdOf(secret)
    return await launchWith(checked, { config, secret, peerId, log, data })
  } catch (error) {
    await data?.close()
    throw error
  }
}

interface Parts {
  config: NodeConfig
  secret: string | Uint8Array
  peerId: string
  log: Logger
  data: DataDir | undefined
}

async function launchWith(checked: CheckedConfig, { config, secret, peerId, log, data }: Parts): Promise<P2pNode> {
  const { pubsub, validators, authorize, networkKey, record } = checked
  const { scheduler } = config
  const asked = checked.settings.listen
  const settings: Settings = {
    ...checked.settings,
    incarnation: newIncarnation(),
    ...(data && { remembered: data.remembered, listen: await data.listen(asked) }),
  }
  const privateKey = await privateKeyOf(secret)
  const options: BuildOptions = {
    peerId,
    settings,
    scheduler: scheduler ?? new LaneScheduler(),
    ...(scheduler === undefined && { time: Date.now }),
    createPort: createLibp2pPort({
      privateKey,
      protocols: settings.protocols,
      pubsub,
      limits: settings.limits,
      isNamed: (peer) => isNamed(settings, peer),
      ...(networkKey && { networkKey }),
      log: (text) => {
        log('debug', { kind: 'network', text })
      },
      onListening: (bound) => data?.listens(asked, bound),
    }),
    log,
    validators,
    authorize,
    ...(data && {
      tap: (batch: Batch) => {
        data.batch(batch)
      },
      onEnd: () => data.close(),
    }),
  }
  for (const line of oddities(settings, peerId)) log('warn', line)
  const { node, ready, state } = record === undefined ? build(options) : await buildRecorded({ ...options, record })
  data?.watch(state)
  await ready
  return node
}
