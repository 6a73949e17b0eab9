/** Everything sleeps, or one of three, and wakes: until all ask all, and that lasts. */
import { allKnow } from '../waiting.js'
import { answers, pause, type Scenario } from './scenario.js'

/** Longer than a ping waits. */
const ASLEEP = 60_000
/** So many rounds of answers in a row. */
const LASTS = 3

function sleep(what: string, sleepers: string[]): Scenario {
  return {
    name: `${what} for ${ASLEEP / 1_000} s: until all ask all`,
    hosts: ['a', 'b', 'c'],
    goal: 2_000,
    waits: true,
    async measure(world, patience) {
      const a = await world.host('a').node()
      const b = await world.host('b').node({ bootNodes: a.at() })
      const c = await world.host('c').node({ bootNodes: a.at() })
      const nodes = [a, b, c]
      await allKnow(nodes, 15_000)
      await Promise.all(sleepers.map((name) => world.host(name).freeze()))
      await pause(ASLEEP)
      for (const name of sleepers) world.host(name).thaw()
      const start = performance.now()
      for (let since = start, rounds = 0; performance.now() - start < patience;) {
        const asked = nodes.flatMap((from) =>
          nodes.filter((to) => to !== from).map((to) => answers(from, to.peerId, 1_000)),
        )
        const all = (await Promise.all(asked)).every(Boolean)
        rounds = all ? rounds + 1 : 0
        if (rounds <= 1) since = performance.now()
        if (rounds === LASTS) return since - start
        await pause(200)
      }
      return Infinity
    },
  }
}

export const sleeps = [sleep('everything sleeps', ['a', 'b', 'c']), sleep('one of three sleeps', ['c'])]
