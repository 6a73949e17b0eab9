/** Fuzzes every reader of what strangers say, over the network or in a file: docs/testing.md. */
import { writeFileSync } from 'node:fs'
import type { Report } from '../spec/fuzz/engine.js'
import { run } from '../spec/fuzz/run.js'
import { faultsOf, head, row } from '../spec/fuzz/table.js'
import type { Target } from '../spec/fuzz/target.js'
import { targets } from '../spec/fuzz/targets/index.js'
import { readArgs, runCommand, UsageError } from './command-line.js'

const USAGE = `npm run fuzz -- [options]
  --inputs <n>             of all readers together, 1 to 1e9; default 10000000
  --only <name>[,<name>]   these readers; a name may be a part of one
  --seed <text>            what all inputs come from; default: another one each time
  --input <hex>            one reader, and this input alone
  --json <file>            writes what came of it, too
  --list                   names the readers
  --help
The exit code is 1 when something is wrong.`

const OPTIONS = {
  inputs: { type: 'string', default: '10000000' },
  only: { type: 'string' },
  seed: { type: 'string' },
  input: { type: 'string' },
  json: { type: 'string' },
  list: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const

function amount(text: string): number {
  const value = Number(text)
  if (text.trim() !== '' && Number.isSafeInteger(value) && value >= 1 && value <= 1e9) return value
  throw new UsageError(`--inputs must be a whole number from 1 to 1e9, not ${text === '' ? 'nothing' : text}`)
}

/** A whole name means that one; else all that have it in their names. */
function chosen(only: string | undefined): readonly Target[] {
  if (only === undefined) return targets
  const named = only.split(',').flatMap((name) => {
    const fitting = targets.filter((target) => target.name === name)
    if (fitting.length === 0 && name !== '') fitting.push(...targets.filter((target) => target.name.includes(name)))
    if (fitting.length === 0) throw new UsageError(`there is no reader ${name || 'without a name'}; --list names them`)
    return fitting
  })
  return [...new Set(named)]
}

function bytesOf(hex: string | undefined, amountOfReaders: number): Uint8Array | undefined {
  if (hex === undefined) return undefined
  if (!/^([\da-f]{2})*$/i.test(hex)) throw new UsageError('--input must be hexadecimal digits, two for each byte')
  if (amountOfReaders !== 1) throw new UsageError('--input is for one reader: name it by --only')
  return Uint8Array.from(Buffer.from(hex, 'hex'))
}

function write(file: string, reports: Report[]): void {
  try {
    writeFileSync(
      file,
      `${JSON.stringify(
        reports.map((report) => ({ ...report, faults: faultsOf(report) })),
        null,
        2,
      )}\n`,
    )
  } catch (error) {
    throw new UsageError(`--json ${file}: ${(error as Error).message}`)
  }
}

await runCommand('fuzz', async () => {
  const { values } = readArgs({ options: OPTIONS })
  if (values.help) return console.log(USAGE)
  if (values.list) return console.log(targets.map(({ name }) => name).join('\n'))
  const readers = chosen(values.only)
  const only = bytesOf(values.input, readers.length)
  const inputs = amount(values.inputs)
  if (values.json !== undefined) write(values.json, [])
  const seed = values.seed ?? String(Date.now() % 1_000_000)
  if (only === undefined) console.log(`npm run fuzz -- --seed ${seed} --inputs ${inputs}\n\n${head()}`)
  const reports = await run({ seed, inputs, chosen: readers, ...(only && { only }) }, (said) => {
    if (typeof said === 'string') console.log(said)
    else if (only === undefined) console.log(row(said))
  })
  if (values.json !== undefined) write(values.json, reports)
  const faults = reports.flatMap(faultsOf)
  if (only === undefined) {
    const total = reports.reduce((sum, report) => sum + report.inputs, 0)
    const seconds = reports.reduce((sum, report) => sum + report.ms, 0) / 1_000
    console.log(`\n${total} inputs in ${seconds.toFixed(0)} s, ${faults.length} faults`)
  }
  if (faults.length === 0) return
  console.log(`\n${faults.join('\n\n')}`)
  process.exitCode = 1
})
