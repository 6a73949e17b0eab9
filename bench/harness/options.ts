/** The command line: what is run, how long, and what is wrong with it. */
import { readArgs, UsageError } from '../../scripts/command-line.js'
import { CONTESTANTS } from '../contestants/index.js'
import { FULL_LOADS, loadName, SHORT_LOADS, sizeName, type Load } from './loads.js'
import { takes, type Plan } from './rounds.js'

/** What is measured beside requests. */
export const EXTRAS = ['fairness', 'broadcasts', 'memory', 'startup', 'idle', 'profile'] as const
export type Extra = (typeof EXTRAS)[number]
/** What the short form leaves out, unless it is named. */
const LONG_ONLY: readonly Extra[] = ['profile']

export interface Options {
  help: boolean
  full: boolean
  /** Write bench/results.md. */
  write: boolean
  /** The folder of another checkout, built. */
  against: string | undefined
  plan: Plan
  extras: readonly Extra[]
}

export const USAGE = `npm run bench -- [options]
  --full                the long form: all loads, more and longer rounds (some 20 minutes; without it under 90 s)
  --only <what,…>       sizes (32B), loads (32B×64, or 32Bx64), ${EXTRAS.join(', ')}
  --contestants <a,…>   ${CONTESTANTS.map((one) => one.name).join(', ')}
  --against <folder>    measures \`session\` beside that of another checkout of ours, in which \`npm ci\` was run
  --rounds <n>          1 to 99
  --write               writes bench/results.md; not with --only or --contestants
  --help`

const SHORT = { rounds: 3, leadIn: 30, time: 120 }
const FULL = { rounds: 5, leadIn: 300, time: 1_000 }
const MAX_ROUNDS = 99

/** @throws UsageError */
export function readOptions(args: string[]): Options {
  const { values } = readArgs({
    args,
    options: {
      full: { type: 'boolean', default: false },
      only: { type: 'string' },
      contestants: { type: 'string' },
      against: { type: 'string' },
      rounds: { type: 'string' },
      write: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  const { full, only, write, help, against } = values
  if (write && (only !== undefined || values.contestants !== undefined || against !== undefined)) {
    throw new UsageError('--write needs the whole run: leave out --only, --contestants and --against')
  }
  const form = full ? FULL : SHORT
  const rounds = values.rounds === undefined ? form.rounds : roundsOf(values.rounds)
  const named = values.contestants ?? (against === undefined ? undefined : 'session,other')
  const contestants =
    named === undefined
      ? CONTESTANTS.filter(({ longOnly = false, againstOnly = false }) => !againstOnly && (full || !longOnly))
      : list(named).map(contestantNamed)
  if (against === undefined && contestants.some(({ againstOnly = false }) => againstOnly)) {
    throw new UsageError('--against <folder> has to say where the other checkout is')
  }
  const chosen = choose(only, named !== undefined, full)
  const loads = chosen.loads.filter((load) => contestants.some((entry) => takes(entry, load)))
  return {
    help,
    full,
    write,
    against,
    extras: chosen.extras,
    plan: { ...form, rounds, contestants, loads, fresh: against !== undefined },
  }
}

function list(text: string): string[] {
  return [...new Set(text.split(',').map((part) => part.trim()))]
}

function contestantNamed(name: string): (typeof CONTESTANTS)[number] {
  const entry = CONTESTANTS.find((one) => one.name === name)
  if (entry !== undefined) return entry
  throw new UsageError(`there is no contestant ${name}; there are ${CONTESTANTS.map((one) => one.name).join(', ')}`)
}

function roundsOf(text: string): number {
  const rounds = Number(text)
  if (Number.isInteger(rounds) && rounds >= 1 && rounds <= MAX_ROUNDS) return rounds
  throw new UsageError(`--rounds must be a whole number from 1 to ${MAX_ROUNDS}, not ${text}`)
}

function choose(
  only: string | undefined,
  contestantsNamed: boolean,
  full: boolean,
): { loads: readonly Load[]; extras: readonly Extra[] } {
  const standard = full ? FULL_LOADS : SHORT_LOADS
  if (only === undefined) {
    const extras = EXTRAS.filter((extra) => full || !LONG_ONLY.includes(extra))
    return { loads: standard, extras: contestantsNamed ? [] : extras }
  }
  const names = list(only)
  const loads = new Set<Load>()
  const extras: Extra[] = []
  for (const name of names) {
    const extra = EXTRAS.find((one) => one === name)
    if (extra !== undefined) {
      extras.push(extra)
      continue
    }
    const loadsOfName = loadsNamed(name, standard)
    if (loadsOfName.length === 0) throw new UsageError(`--only ${name} is nothing that is measured`)
    for (const load of loadsOfName) loads.add(load)
  }
  return { loads: [...loads], extras }
}

/** A size is its loads of this form; a single load may be one of the other form. */
function loadsNamed(name: string, standard: readonly Load[]): Load[] {
  const wanted = name.replace('x', '×').toLowerCase()
  const bySize = standard.filter((load) => sizeName(load.size).toLowerCase() === wanted)
  if (bySize.length > 0) return bySize
  const load = [...standard, ...FULL_LOADS].find((one) => loadName(one).toLowerCase() === wanted)
  return load === undefined ? [] : [load]
}
