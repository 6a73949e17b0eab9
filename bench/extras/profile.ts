/** Where the CPU time of a request over a session goes: both processes together, once all is compiled. */
import { entryOf } from '../contestants/index.js'
import type { Compiled } from '../harness/compile.js'
import { KiB, loadName, MiB, type Load } from '../harness/loads.js'
import { startPair } from '../harness/rounds.js'
import { noShares, OWNERS, type Shares } from '../harness/shares.js'
import { table } from '../harness/table.js'

const LOADS: readonly Load[] = [
  { size: 32, inFlight: 1 },
  { size: 32, inFlight: 64 },
  { size: KiB, inFlight: 64 },
  { size: 64 * KiB, inFlight: 64 },
  { size: MiB, inFlight: 1 },
]

/** `time`: of each load, ms. */
export async function profile(compiled: Compiled, time: number, progress: (what: string) => void): Promise<string> {
  const { server, client } = await startPair(compiled, entryOf('session'))
  const rows: string[][] = []
  for (const load of LOADS) {
    progress(`profile: ${loadName(load)}`)
    await client.call('run', load, 0, time)
    await Promise.all([server.call('startProfile'), client.call('startProfile')])
    const { errors, firstError } = await client.call('run', load, 0, time)
    if (errors > 0) throw new Error(`profile, ${loadName(load)}: ${firstError}`)
    rows.push([loadName(load), ...percentages(await server.call('stopProfile'), await client.call('stopProfile'))])
  }
  await Promise.all([server.end(), client.end()])
  return [
    '## Where the CPU time of a session goes',
    'Shares of both processes, without idling, by whose function was running. `bench/README.md` says what is in each.',
    table(['', ...OWNERS], rows),
  ].join('\n\n')
}

function percentages(...parts: Shares[]): string[] {
  const sums = noShares()
  for (const part of parts) for (const owner of OWNERS) sums[owner] += part[owner]
  const all = OWNERS.reduce((sum, owner) => sum + sums[owner], 0)
  return OWNERS.map((owner) => `${Math.round((100 * sums[owner]) / all)} %`)
}
