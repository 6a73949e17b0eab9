/** How long a small request takes beside a large one, between two nodes of ours on one connection. */
import type { Compiled } from '../harness/compile.js'
import { median, percentile } from '../harness/statistics.js'
import { number, table } from '../harness/table.js'
import { Worker } from '../harness/worker.js'
import type * as NodeProcess from './node-process.js'

const SOURCE = 'bench/extras/node-process.ts'
const GOAL = 5

/** Rounds of `time` ms each: nothing beside the small requests, then one transfer of 1 MiB after the other. */
export async function fairness(
  compiled: Compiled,
  { rounds, time }: { rounds: number; time: number },
  progress: (what: string) => void,
): Promise<string> {
  const [server, client] = await Promise.all(
    ['fairness (server)', 'fairness (client)'].map((what) => Worker.start<typeof NodeProcess>(compiled, SOURCE, what)),
  )
  if (server === undefined || client === undefined) throw new Error('fairness: no processes')
  const { address } = await server.call('startUp')
  await client.call('startUp')
  // Both are compiled and have their windows after that.
  await client.call('beside', address, 1_000, true)
  const idle: number[][] = []
  const busy: number[][] = []
  for (let round = 1; round <= rounds; round++) {
    progress(`fairness: round ${round} of ${rounds}`)
    idle.push((await client.call('beside', address, time, false)).times)
    busy.push((await client.call('beside', address, time, true)).times)
  }
  await Promise.all([server.end(), client.end()])
  const row = (what: string, samples: number[][]): string[] => [
    what,
    ...[0.5, 0.99].map((share) => number(median(samples.map((times) => percentile(times, share))))),
  ]
  const ratio = median(idle.map((times, i) => percentile(busy[i]!, 0.99) / percentile(times, 0.99)))
  return [
    '## Fairness',
    'One request of 32 B at a time, alone and beside an echo of 1 MiB at a time on the same connection.',
    table(['', 'p50 µs', 'p99 µs'], [row('alone', idle), row('beside 1 MiB', busy)]),
    `The p99 beside it is ${number(ratio)} times the one alone (${ratio <= GOAL ? 'met' : 'not met'}; the goal is ≤ ${GOAL}).`,
  ].join('\n\n')
}
