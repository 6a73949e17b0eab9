/** How long a small request takes beside a large one, between two nodes of ours on one connection. */
import type { Compiled } from '../harness/compile.js'
import { percentile } from '../harness/statistics.js'
import { number, table } from '../harness/table.js'
import { Worker } from '../harness/worker.js'
import type * as NodeProcess from './node-process.js'

const SOURCE = 'bench/extras/node-process.ts'
const GOAL = 5
/** Slices of each kind in a round: the machine is as busy with other things for the one as for the other. */
const SLICES = 4
/** The shortest slice, ms: a p99 needs some hundred requests. */
const SHORTEST = 200

/**
 * In turn, nothing beside the small requests and one transfer of 1 MiB after the other. Each p99 is that of all requests of
 * its kind, of all slices.
 */
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
  const slice = Math.max(SHORTEST, time / SLICES)
  const alone: number[] = []
  const beside: number[] = []
  let transfers = 0
  for (let round = 1; round <= rounds; round++) {
    progress(`fairness: round ${round} of ${rounds}`)
    for (let turn = 0; turn < SLICES; turn++) {
      alone.push(...(await client.call('beside', address, slice, false)).times)
      const busy = await client.call('beside', address, slice, true)
      beside.push(...busy.times)
      transfers += busy.transfers
    }
  }
  await Promise.all([server.end(), client.end()])
  const row = (what: string, times: number[]): string[] => [
    what,
    ...[0.5, 0.9, 0.99].map((share) => number(percentile(times, share))),
    number(times.length),
  ]
  const ratio = percentile(beside, 0.99) / percentile(alone, 0.99)
  const rate = transfers / ((rounds * SLICES * slice) / 1_000)
  return [
    '## Fairness',
    `One request of 32 B at a time, alone and beside an echo of 1 MiB at a time on the same connection (${number(rate)} of these a second), in turn.`,
    table(['', 'p50 µs', 'p90 µs', 'p99 µs', 'requests'], [row('alone', alone), row('beside 1 MiB', beside)]),
    `The p99 beside it is ${number(ratio)} times the one alone (${ratio <= GOAL ? 'met' : 'not met'}; the goal is ≤ ${GOAL}).`,
  ].join('\n\n')
}
