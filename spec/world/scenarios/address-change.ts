/** A node's host gets another address, as a laptop does that changes its network: until a peer's request reaches it there. */
import { allKnow } from '../waiting.js'
import { answered, type Scenario } from './scenario.js'

export const addressChange: Scenario = {
  name: 'the address changed: until a peer asks it at the new one',
  hosts: ['a', 'b', 'c'],
  goal: 5_000,
  waits: true,
  async measure(world, patience) {
    const a = await world.host('a').node()
    const b = await world.host('b').node({ bootNodes: a.at() })
    const c = await world.host('c').node({ bootNodes: a.at() })
    await allKnow([a, b, c], 15_000)
    await world.host('c').changeAddress()
    return answered(b, c.peerId, { patience })
  },
}
