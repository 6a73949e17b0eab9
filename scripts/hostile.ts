/** The hostile suite: what strangers can do to a node, and what honest peers notice of it. docs/hostile.md says how it is measured. */
import { writeFileSync } from 'node:fs'
import { attacks } from '../spec/hostile/attacks/index.js'
import type { Attack } from '../spec/hostile/attacks/attack.js'
import { broken, DISTURBED, GOALS, type Goal, type Measured } from '../spec/hostile/goals.js'
import { measure, TIMES, type Times } from '../spec/hostile/row.js'
import { isKnown } from '../spec/hostile/marks.js'
import { head, row } from '../spec/hostile/table.js'
import { killProcesses } from '../spec/support/line-process.js'
import { readArgs, runCommand, UsageError } from './command-line.js'

/** How often a row is measured again that is disturbed, or breaks a goal that it is not known to break. */
const AGAIN = 2

const USAGE = `npm run hostile -- [options]
  --only <name>[,<name>]   these attacks; a name may be a part of one
  --seconds <n>            length of the quiet and of the attacked phase, 1 to 600; default ${TIMES.seconds}
  --settle <n>             how long the memory has to go back, s, 0 to 600; default ${TIMES.settle}
  --json <file>            writes what was measured, too
  --list                   names the attacks
  --help
The exit code is 1 when a goal is broken that spec/hostile/marks.ts does not name.`

const OPTIONS = {
  only: { type: 'string' },
  seconds: { type: 'string' },
  settle: { type: 'string' },
  json: { type: 'string' },
  list: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const

function number(name: string, text: string | undefined, least: number, otherwise: number): number {
  if (text === undefined) return otherwise
  const value = Number(text)
  if (text.trim() !== '' && Number.isSafeInteger(value) && value >= least && value <= 600) return value
  throw new UsageError(`--${name} must be a whole number from ${least} to 600, not ${text === '' ? 'nothing' : text}`)
}

/** A whole name means that one; else all that have it in their names. */
function chosen(only: string | undefined): Attack[] {
  if (only === undefined) return attacks
  const named = only.split(',').flatMap((name) => {
    const fitting = attacks.filter((attack) => attack.name === name)
    if (fitting.length === 0 && name !== '') fitting.push(...attacks.filter((attack) => attack.name.includes(name)))
    if (fitting.length === 0) throw new UsageError(`there is no attack ${name || 'without a name'}; --list names them`)
    return fitting
  })
  return [...new Set(named)]
}

function write(file: string, rows: Measured[]): void {
  try {
    writeFileSync(file, `${JSON.stringify(rows, null, 2)}\n`)
  } catch (error) {
    throw new UsageError(`--json ${file}: ${(error as Error).message}`)
  }
}

/** Goals that are broken though nothing says so. */
function surprises(attack: Attack, measured: Measured): Goal[] {
  return broken(measured, GOALS, attack).filter((goal) => !isKnown(attack.name, goal))
}

/** Once more where somebody else needed the machine, or may have: the last one counts. */
async function measuredWell(attack: Attack, times: Times): Promise<Measured> {
  for (let left = AGAIN; ; left--) {
    const measured = await measure(attack, times)
    const isGood = measured.quiet.p99 <= DISTURBED && surprises(attack, measured).length === 0
    if (isGood || left === 0) return measured
  }
}

await runCommand('hostile', async () => {
  const { help, list, only, json, ...rest } = readArgs({ options: OPTIONS }).values
  if (help) return console.log(USAGE)
  const asked = chosen(only)
  const seconds = number('seconds', rest.seconds, 1, TIMES.seconds)
  const settle = number('settle', rest.settle, 0, TIMES.settle)
  if (list) return asked.forEach(({ name, does }) => console.log(`${name.padEnd(28)} ${does}`))
  if (process.platform !== 'linux') throw new UsageError('the hostile suite needs Linux: /proc, and all of 127.0.0.0/8')
  if (json !== undefined) write(json, [])
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)
    // prettier-ignore
    process.once(signal, () => void killProcesses().then(() => process.exit(code)))
  const rows: Measured[] = []
  console.log(head())
  for (const attack of asked) {
    const measured = await measuredWell(attack, { ...TIMES, seconds, settle })
    rows.push(measured)
    console.log(row(attack, measured))
    if (json !== undefined) write(json, rows)
    if (surprises(attack, measured).length > 0) process.exitCode = 1
  }
})
