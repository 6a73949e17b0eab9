/** Files that a command writes and that are checked in: `--check` says which of them are no longer what the command would write. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readArgs } from '../command-line.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
/** So many lines of a difference are told. */
const MOST = 40

export interface KeepOptions {
  /** `npm run <command>` writes them. */
  command: string
  help: string
  /** Path → text. */
  make: () => Promise<Map<string, string>>
}

/** Writes the files, or compares them with what is there. @throws UsageError */
export async function keep({ command, help, make }: KeepOptions): Promise<void> {
  const { values } = readArgs({ options: { check: { type: 'boolean' }, help: { type: 'boolean' } } })
  if (values.help) return console.log(help)
  for (const [path, text] of await make()) {
    const file = join(root, path)
    const before = existsSync(file) ? readFileSync(file, 'utf8') : ''
    if (before === text) continue
    if (values.check) {
      console.error([`${path} is not up to date: npm run ${command}`, ...difference(before, text)].join('\n'))
      process.exitCode = 1
    } else {
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, text)
      console.log(`${path}: written`)
    }
  }
}

/** The lines of one and not of the other: enough to see what has changed. */
function difference(before: string, after: string): string[] {
  const [old, now] = [before.split('\n'), after.split('\n')]
  const gone = old.filter((line) => !now.includes(line)).map((line) => `- ${line}`)
  const come = now.filter((line) => !old.includes(line)).map((line) => `+ ${line}`)
  const lines = [...gone, ...come]
  if (lines.length === 0) return ['  the same lines in another order, or another number of times']
  return lines.length > MOST ? [...lines.slice(0, MOST), `  … and ${lines.length - MOST} lines more`] : lines
}
