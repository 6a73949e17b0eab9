/**
 * Everything sleeps, or one of three, and wakes: until all are connected to all, by themselves, because a request would dial. That lasts,
 * and then all ask all.
 */
import { allConnected, areConnected } from '../waiting.js'
import { answers, pause, type Scenario } from './scenario.js'

/** Longer than a ping waits. */
const ASLEEP = 60_000
/** All stay connected for so long, ms: a ping after a sleep is over by then. */
const LASTS = 4_000

function sleep(what: string, sleepers: string[]): Scenario {
  return {
    name: `${what} for ${ASLEEP / 1_000} s: until all are connected to all`,
    hosts: ['a', 'b', 'c'],
    goal: 2_000,
    waits: true,
    async measure(world, patience) {
      const a = await world.host('a').node()
      const b = await world.host('b').node({ bootNodes: a.at() })
      const c = await world.host('c').node({ bootNodes: a.at() })
      const nodes = [a, b, c]
      await allConnected(nodes, 15_000)
      await Promise.all(sleepers.map((name) => world.host(name).freeze()))
      await pause(ASLEEP)
      for (const name of sleepers) world.host(name).thaw()
      const start = performance.now()
      for (let since = start; performance.now() - start < patience + LASTS;) {
        if (!(await areConnected(nodes))) since = performance.now()
        else if (performance.now() - since >= LASTS) {
          const asked = nodes.flatMap((from) =>
            nodes.filter((to) => to !== from).map((to) => answers(from, to.peerId, 1_000)),
          )
          return (await Promise.all(asked)).every(Boolean) ? since - start : Infinity
        }
        await pause(50)
      }
      return Infinity
    },
  }
}

export const sleeps = [sleep('everything sleeps', ['a', 'b', 'c']), sleep('one of three sleeps', ['c'])]
