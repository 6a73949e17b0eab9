/** A peer with k addresses that hang before the good one: until a request to it is answered. One request, asked at once. */
import type { WorldNode } from '../host.js'
import type { Scenario } from './scenario.js'

const ONE_DIAL = 500

function deadAddresses(k: number): Scenario {
  return {
    name: `${k} hanging addresses before a good one: until a request is answered`,
    hosts: ['a', 'b'],
    goal: 300 * k + ONE_DIAL,
    async measure(world, patience) {
      const b = await world.host('b').node()
      const dead = Array.from({ length: k }, (_, index) => b.at(`51.200.0.${index + 1}`))
      const a: WorldNode = await world.host('a').node({ bootNodes: [...dead, b.at()] })
      const start = performance.now()
      const args = { peer: b.peerId, data: new Uint8Array(8), timeout: patience }
      return a.order('request', args).then(
        () => performance.now() - start,
        () => Infinity,
      )
    },
  }
}

export const manyDeadAddresses = [0, 1, 2, 5].map(deadAddresses)
