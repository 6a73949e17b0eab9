/**
 * Requests at rhythms around the time after which an unused connection is closed: none is lost to the closing, and none is handled
 * twice. In every other pair both sides ask. With TINYP2P_WORLD=long there are 10,000 requests at each latency.
 */
import type { Orders } from '../orders.js'
import type { Outcome } from '../programs/rhythm.js'
import { long, type Scenario } from './scenario.js'

const program = new URL('../programs/rhythm.ts', import.meta.url)

const AMOUNT = long ? 10_000 : 600
/** Pairs of nodes, one of each on each host. */
const PAIRS = long ? 60 : 20
/** ms. */
const KEEP_ALIVE = 300
const PATIENCE = 480_000

function rhythm(latency: number): Scenario {
  return {
    name: `${AMOUNT} requests at rhythms around the keep-alive, ${latency} ms one way: those lost or doubled`,
    hosts: ['a', 'b'],
    profile: { delay: latency },
    goal: 0,
    unit: 'requests',
    last: true,
    async measure(world) {
      const hosts = [world.host('a'), world.host('b')]
      const [a, b] = (await Promise.all(hosts.map((host) => host.run(program)))) as [Orders, Orders]
      const start = (host: (typeof hosts)[number]) => ({ amount: PAIRS, keepAlive: KEEP_ALIVE, host: host.address })
      const atA = await a.ask('start', start(hosts[0]!), PATIENCE)
      const atB = await b.ask('start', start(hosts[1]!), PATIENCE)
      const someAtA = (atA as string[]).map((address, i) => (i % 2 === 0 ? address : ''))
      const outcomes = (await Promise.all([
        a.ask('ask', { peers: atB, amount: (AMOUNT * 2) / 3, latency, seed: 1 }, PATIENCE),
        b.ask('ask', { peers: someAtA, amount: AMOUNT / 3, latency, seed: 2 }, PATIENCE),
      ])) as Outcome[]
      const closings = outcomes.reduce((sum, one) => sum + one.closings, 0)
      // Otherwise the connections were used all the time, and the figure says nothing.
      if (closings < AMOUNT / 10) throw new Error(`only ${closings} connections were closed`)
      const lost = outcomes.flatMap((one) => Object.entries(one.lost))
      process.stdout.write(`${latency} ms: ${closings} connections were closed\n`)
      for (const [what, times] of lost) console.error(`${latency} ms: ${times} × ${what}`)
      const doubled = (await Promise.all([a.ask('doubled'), b.ask('doubled')])) as number[]
      return [...lost.map(([, times]) => times), ...doubled].reduce((sum, times) => sum + times, 0)
    },
  }
}

export const rhythms: Scenario[] = [0, 50, 300].map(rhythm)
