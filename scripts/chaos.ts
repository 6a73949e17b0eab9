/** Chaos in network namespaces, from a seed. docs/chaos.md says what is done, and what must hold. */
import { parseArgs } from 'node:util'
import { endProcesses } from '../spec/support/another-process.js'
import { runChaos } from '../spec/world/chaos/run.js'
import { tableOf } from '../spec/world/chaos/table.js'
import { obstacle, NEEDS } from '../spec/world/obstacle.js'
import { endWorlds } from '../spec/world/world.js'

const USAGE = `npm run chaos -- [options]
  --seed <n>       what befalls whom, and when; default: another one each time
  --seconds <n>    how long faults come, 300
  --hosts <n>      4 to 50 of them, 10
  --help`

class UsageError extends Error {}

const OPTIONS = {
  seed: { type: 'string' },
  seconds: { type: 'string', default: '300' },
  hosts: { type: 'string', default: '10' },
  help: { type: 'boolean', default: false },
} as const

function read() {
  try {
    return parseArgs({ options: OPTIONS }).values
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

function number(name: string, text: string, least: number, most: number): number {
  const value = Number(text)
  if (text.trim() !== '' && Number.isSafeInteger(value) && value >= least && value <= most) return value
  throw new UsageError(
    `--${name} must be a whole number from ${least} to ${most}, not ${text === '' ? 'nothing' : text}`,
  )
}

/** Exit code of a run in which no rule was broken, and that proves nothing. */
const INCONCLUSIVE = 3

/** Gives the exit code. */
async function run(): Promise<number> {
  const { help, seed: given, seconds: length, hosts: amount } = read()
  const seed = number('seed', given ?? String(Date.now() % 1_000_000), 0, 1e9)
  const seconds = number('seconds', length, 1, 86_400)
  const hosts = number('hosts', amount, 4, 50)
  if (help) {
    console.log(USAGE)
    return 0
  }
  const why = obstacle()
  if (why !== undefined) throw new UsageError(`${NEEDS}: ${why}`)
  const again = `npm run chaos -- --seed ${seed} --seconds ${seconds} --hosts ${hosts}`
  console.log(again)
  const report = await runChaos({ seed, seconds, hosts, log: (line) => console.log(line) })
  console.log(`\n${tableOf(report)}`)
  if (report.inconclusive.length > 0) {
    console.log(
      '\nInconclusive: a process waited for a processor for more than half of a recovery. The machine is too busy.',
    )
    for (const line of report.inconclusive) console.log(`- ${line}`)
  }
  if (report.broken.length === 0) return report.inconclusive.length === 0 ? 0 : INCONCLUSIVE
  console.log(`\nBroken, ${report.broken.length} times:`)
  for (const line of report.broken.slice(0, 50)) console.log(`- ${line}`)
  console.log(`\nAgain: ${again}`)
  return 1
}

async function end(code: number): Promise<never> {
  await endWorlds()
  await endProcesses()
  process.exit(code)
}

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)
  process.once(signal, () => void end(code))
try {
  await end(await run())
} catch (error) {
  console.error(error instanceof UsageError ? error.message : error)
  await end(error instanceof UsageError ? 2 : 1)
}
