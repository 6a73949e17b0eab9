/**
 * Simulations at will, on virtual time. docs/simulation.md says what they look at.
 *
 *   npm run simulate -- --seeds 10000 [--from 1] [--workers 2]   the suite of invariants on many seeds
 *   npm run simulate -- --seed 7                                 one seed; if it fails, its shortest schedule
 *   npm run simulate -- --mutant dropped --seed 7                … on a copy with a planted fault, found by part of its name
 *   npm run simulate -- --golden                                 writes the digests that every Node version compares with
 *   npm run simulate -- --nodes 10,100,1000,5000 [--docs]        the scale study; --docs writes its plot and its table
 *   npm run simulate -- --load 100,1000 [--seconds 60]           the load of the goal; --profile says where its time goes
 */
import { parseArgs } from 'node:util'
import { load } from './simulate/load.js'
import { scale } from './simulate/scale.js'
import { many, one, writeGolden } from './simulate/seeds.js'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    workers: { type: 'string' },
    mutant: { type: 'string' },
    golden: { type: 'boolean' },
    nodes: { type: 'string' },
    docs: { type: 'boolean', default: false },
    load: { type: 'string' },
    seconds: { type: 'string', default: '60' },
    profile: { type: 'boolean', default: false },
  },
})

const numbers = (text: string): number[] => text.split(',').map(number)

function number(text: string): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= 0) return value
  throw new Error(`${text} is not a whole number`)
}

if (values.golden) await writeGolden()
else if (values.nodes !== undefined) await scale(numbers(values.nodes), values.docs)
else if (values.load !== undefined) await load(numbers(values.load), number(values.seconds), values.profile)
else if (values.seed !== undefined) await one(number(values.seed), values.mutant)
else {
  const workers = values.workers === undefined ? undefined : number(values.workers)
  await many(number(values.from), number(values.seeds ?? '1000'), workers)
}
