/** What ours is to reach, as ratios within one run, and whether it does. */
import { KiB, loadName, MiB, type Load } from './loads.js'
import type { Cell, Sample } from './rounds.js'
import { pairedRatio } from './statistics.js'

export interface Goal {
  load: Load
  /** With several of them, the best one of each round. */
  against: readonly string[]
  /** `cpu`: how often our CPU time a request goes into theirs. */
  by: 'rate' | 'cpu'
  least: number
}

export interface Verdict {
  goal: Goal
  ratio: number
  met: boolean
}

/** Who has to reach them. */
const OURS = 'session'

const goal = (size: number, inFlight: number, least: number, ...against: string[]): Goal => ({
  load: { size, inFlight },
  against,
  by: 'rate',
  least,
})

export const GOALS: readonly Goal[] = [
  goal(32, 64, 60, 'raw-stock'),
  goal(32, 64, 1.5, 'protomux'),
  goal(32, 64, 25, 'grpc'),
  goal(32, 64, 0.45, 'net'),
  goal(32, 1, 10, 'raw-stock'),
  goal(32, 1, 0.8, 'protomux'),
  goal(KiB, 64, 25, 'raw-stock'),
  goal(KiB, 64, 1.2, 'protomux'),
  goal(64 * KiB, 64, 1, 'protomux', 'ws'),
  goal(MiB, 1, 1.5, 'raw-stock'),
  goal(MiB, 1, 1, 'protomux'),
  goal(MiB, 4, 1.5, 'raw-stock'),
  goal(MiB, 4, 1, 'protomux'),
  ...[32, KiB].flatMap((size): Goal[] => {
    const rate = goal(size, 64, 0.9, 'no-lane')
    return [rate, { ...rate, by: 'cpu' }]
  }),
]

/** The goals that these cells can tell something about. */
export function judge(cells: readonly Cell[], goals: readonly Goal[] = GOALS): Verdict[] {
  return goals.flatMap((one) => {
    const ratio = ratioOf(cells, OURS, one)
    return ratio === undefined ? [] : [{ goal: one, ratio, met: ratio >= one.least }]
  })
}

/** How many times better one contestant is than the best of others; `undefined` when one of them did not take part. */
export function ratioOf(
  cells: readonly Cell[],
  name: string,
  { load, against, by }: Pick<Goal, 'load' | 'against' | 'by'>,
): number | undefined {
  const samplesOf = (contestant: string): Sample[] | undefined =>
    cells.find((cell) => cell.contestant === contestant && loadName(cell.load) === loadName(load))?.samples
  const own = samplesOf(name)
  const others = against.map(samplesOf)
  if (own === undefined || !others.every((samples) => samples !== undefined)) return undefined
  const worth = (sample: Sample | undefined): number =>
    sample === undefined ? 0 : by === 'rate' ? sample.rate : 1 / sample.cpu
  const best = own.map((_, round) => Math.max(...others.map((samples) => worth(samples[round]))))
  return pairedRatio(own.map(worth), best)
}
