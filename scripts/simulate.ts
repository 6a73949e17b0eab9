/**
 * Simulations at will, on virtual time. docs/simulation.md says what they look at.
 */
import { runCommand, readArgs, UsageError } from './command-line.js'
import { load } from './simulate/load.js'
import { scale } from './simulate/scale.js'
import { many, one, STORIES, writeGolden, type Story } from './simulate/seeds.js'

const USAGE = `npm run simulate -- [options]
  --seeds <n> [--from 1] [--workers 2]   the suite of invariants on many seeds; without any option, on 1,000
  --seed <n>                             one seed; if it fails, its shortest schedule
  --mutant <name> --seed <n>             … on a copy with a planted fault, found by part of its name
  --story <run|live|kept|strangers>      of random schedules, of faults that never heal, of ordinary use, or of strangers
  --golden                               writes the digests that every Node version compares with
  --nodes <n,…> [--docs]                 the scale study; --docs writes its plot and its table
  --load <n,…> [--seconds 60]            the load of the goal; --profile says where its time goes
  --help`

const OPTIONS = {
  help: { type: 'boolean' },
  seeds: { type: 'string' },
  from: { type: 'string' },
  seed: { type: 'string' },
  workers: { type: 'string' },
  mutant: { type: 'string' },
  story: { type: 'string', default: 'run' },
  golden: { type: 'boolean' },
  nodes: { type: 'string' },
  docs: { type: 'boolean', default: false },
  load: { type: 'string' },
  seconds: { type: 'string', default: '60' },
  profile: { type: 'boolean', default: false },
} as const

/** Each is a process. */
const MAX_WORKERS = 256

const numbers = (text: string): number[] => text.split(',').map(number)

function number(text: string): number {
  const value = Number(text)
  if (text.trim() !== '' && Number.isSafeInteger(value) && value > 0) return value
  throw new UsageError(`${text === '' ? 'nothing' : text} is not a whole number above 0`)
}

function storyOf(text: string): Story {
  if (Object.hasOwn(STORIES, text)) return text as Story
  throw new UsageError(`there is no story ${text}: ${Object.keys(STORIES).join(', ')}`)
}

async function run(): Promise<void> {
  const {
    help,
    golden,
    nodes,
    docs,
    load: sizes,
    seconds,
    profile,
    seed,
    mutant,
    seeds,
    from,
    workers,
    story,
  } = readArgs({
    options: OPTIONS,
  }).values
  if (help) return console.log(USAGE)
  if (mutant === '') throw new UsageError('--mutant needs a part of a name')
  if (seed !== undefined && (seeds ?? from ?? workers) !== undefined)
    throw new UsageError('--seed runs one seed: leave out --seeds, --from and --workers')
  const lanes = workers === undefined ? undefined : number(workers)
  if (lanes !== undefined && lanes > MAX_WORKERS) throw new UsageError(`--workers is at most ${MAX_WORKERS}`)
  if (golden) await writeGolden()
  else if (nodes !== undefined) await scale(numbers(nodes), docs)
  else if (sizes !== undefined) await load(numbers(sizes), number(seconds), profile)
  else if (seed !== undefined) await one(number(seed), storyOf(story), mutant)
  else if (mutant !== undefined) throw new UsageError('--mutant needs the --seed that it is to be seen with')
  else await many(number(from ?? '1'), number(seeds ?? '1000'), storyOf(story), lanes)
}

await runCommand('simulate', run)
