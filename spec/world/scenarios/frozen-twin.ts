/**
 * A process hangs; its replacement, elsewhere, has the same secret, has dialled us and was answered. Until the first of our
 * requests to it by its id is answered; and until broadcasts reach it.
 */
import { newSecret } from 'tinyp2p'
import { bytes } from '../../support/nodes.js'
import type { WorldNode } from '../host.js'
import type { World } from '../world.js'
import { answered, answers, pause, type Scenario } from './scenario.js'

const TOPIC = 'news'

async function replace(world: World): Promise<{ a: WorldNode; twin: WorldNode }> {
  const config = { secret: newSecret(), topics: [TOPIC] }
  const a = await world.host('a').node({ topics: [TOPIC] })
  const old = await world.host('old').node({ ...config, bootNodes: a.at() })
  await old.writes(TOPIC)
  if (!(await answers(old, a.peerId, 5_000))) throw new Error('the old one was not answered')
  await answered(a, old.peerId, { patience: 5_000 })
  await a.order('meshed', { topic: TOPIC, amount: 1, within: 10_000 })
  await world.host('old').freeze()
  const twin = await world.host('new').node({ ...config, bootNodes: a.at() })
  await twin.writes(TOPIC)
  if (!(await answers(twin, a.at(), 5_000))) throw new Error('the new one was not answered')
  return { a, twin }
}

const hosts = ['a', 'old', 'new']

export const frozenTwin: Scenario = {
  name: 'frozen process with a replacement of the same secret: until a request to it is answered',
  hosts,
  goal: 1_000,
  async measure(world, patience) {
    const { a, twin } = await replace(world)
    return answered(a, twin.peerId, { patience })
  },
}

export const frozenTwinBroadcasts: Scenario = {
  name: 'the same: until a broadcast reaches it',
  hosts,
  goal: 2_000,
  async measure(world, patience) {
    const { a, twin } = await replace(world)
    const start = performance.now()
    for (let number = 0; performance.now() - start < patience; number++) {
      await a.broadcast(TOPIC, bytes(`number ${number}`))
      await pause(100)
      if (twin.journal(TOPIC).length > 0) return performance.now() - start
    }
    return Infinity
  },
}
