/**
 * `npm run bench`: ours beside others, in one run on this machine. README.md of this folder says how and how fair.
 *
 *   npm run bench                                  the short form, under 90 s
 *   npm run bench -- --full --write                the long form, into bench/results.md
 *   npm run bench -- --only 32B --contestants session,net
 */
import { writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { runCommand, UsageError } from '../scripts/command-line.js'
import { broadcasts } from './extras/broadcasts.js'
import { fairness } from './extras/fairness.js'
import { idle, memory, startUp } from './extras/node-costs.js'
import { profile } from './extras/profile.js'
import { compile, type Compiled } from './harness/compile.js'
import { describeMachine } from './harness/machine.js'
import { readOptions, USAGE, type Extra, type Options } from './harness/options.js'
import { reportRequests } from './harness/report.js'
import { runRounds } from './harness/rounds.js'
import { endWorkers, steady } from './harness/worker.js'

const RESULTS = new URL('results.md', import.meta.url)

/** @throws UsageError when the folder is no checkout that can be measured. */
function checkCheckout(folder: string): void {
  if (!existsSync(folder)) throw new UsageError(`--against ${folder}: there is no such folder`)
  if (!existsSync(join(folder, 'src', 'index.ts')))
    throw new UsageError(`--against ${folder} is no checkout of tinyp2p`)
  if (!existsSync(join(folder, 'node_modules')))
    throw new UsageError(`--against ${folder} has no node_modules: run \`npm ci\` there first`)
}

/** Compiles the other checkout, and tells the processes that are started where it is. */
async function useCheckout(folder: string): Promise<void> {
  process.env.TINYP2P_BENCH_AGAINST = (await compile(resolve(folder))).path('src/index.ts')
}

/** What is done now, on one line that is written over; nothing when nobody looks. */
function progress(what: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001B[K${what}`)
}

/** Each resolves with its part of the report. */
const runExtra: Record<Extra, (compiled: Compiled, full: boolean) => Promise<string>> = {
  fairness: (compiled, full) =>
    fairness(compiled, full ? { rounds: 5, time: 3_000 } : { rounds: 3, time: 500 }, progress),
  broadcasts: (compiled, full) =>
    broadcasts(compiled, full ? { rounds: 5, time: 2_000 } : { rounds: 3, time: 200 }, progress),
  memory: (compiled) => memory(compiled, progress),
  startup: (compiled, full) => startUp(compiled, full ? 10 : 3, progress),
  idle: (compiled, full) => idle(compiled, full ? 60_000 : 2_000, progress),
  profile: (compiled, full) => profile(compiled, full ? 3_000 : 1_000, progress),
}

async function run({ full, write, against, plan, extras }: Options): Promise<void> {
  const began = performance.now()
  const machine = describeMachine(new Date())
  const compiled = await compile()
  const parts: string[] = []
  if (against !== undefined) {
    await useCheckout(against)
    steady()
  }
  try {
    if (plan.loads.length > 0) parts.push(`## Requests\n\n${reportRequests(await runRounds(compiled, plan, progress))}`)
    for (const extra of extras) parts.push(await runExtra[extra](compiled, full))
  } finally {
    await endWorkers()
    progress('')
  }
  const form = `${full ? 'long' : 'short'} form, medians of ${plan.rounds} ${plan.rounds === 1 ? 'round' : 'rounds'} of ${plan.time} ms`
  const text = ['# Results', `Written by \`npm run bench\`, ${form}.`, machine.join('\n'), ...parts].join('\n\n')
  console.log(text)
  console.log(`\n${Math.round((performance.now() - began) / 1_000)} s`)
  if (write) await writeFile(RESULTS, `${text}\n`)
}

// An interrupted run tidies up too, and its processes end with it.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))

await runCommand('bench', async () => {
  const chosen = readOptions(process.argv.slice(2))
  if (chosen.help) return console.log(USAGE)
  if (chosen.against !== undefined) checkCheckout(chosen.against)
  await run(chosen).catch((error: Error) => {
    console.error(`The run failed, and its figures are worth nothing. ${error.message}`)
    process.exitCode = 1
  })
})
