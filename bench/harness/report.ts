/** What the figures say, as Markdown: the terminal and bench/results.md show the same. */
import { CONTESTANTS, entryOf } from '../contestants/index.js'
import { judge, ratioOf, type Goal } from './goals.js'
import { loadName, sizeName, type Load } from './loads.js'
import type { Cell, Sample } from './rounds.js'
import { median } from './statistics.js'
import { number, table } from './table.js'

const OURS = 'session'

/** A table for each load, and the one of the goals. */
export function reportRequests(cells: readonly Cell[]): string {
  const loads = new Map<string, Load>(cells.map(({ load }) => [loadName(load), load]))
  const parts = [...loads.values()].map(
    (load) => `### ${sizeName(load.size, ' ')}, ${load.inFlight} in flight\n\n${loadTable(cells, load)}`,
  )
  const verdicts = judge(cells)
  if (verdicts.length > 0) {
    const rows = verdicts.map(({ goal, ratio, met }) => [
      describe(goal),
      `≥ ${goal.least}`,
      number(ratio),
      met ? 'yes' : 'no',
    ])
    parts.push(`### Goals of ours (session)\n\n${table(['goal', 'ratio', 'measured', 'met'], rows)}`)
  }
  return parts.join('\n\n')
}

function loadTable(cells: readonly Cell[], load: Load): string {
  const ofLoad = cells.filter((cell) => loadName(cell.load) === loadName(load))
  const ordered = CONTESTANTS.flatMap(({ name }) => ofLoad.filter(({ contestant }) => contestant === name))
  const middle = (samples: Sample[], of: keyof Sample): string => number(median(samples.map((sample) => sample[of])))
  const rows = ordered.map(({ contestant, samples }) => {
    const ratios = (['rate', 'cpu'] as const).map((by) => {
      const ratio = ratioOf(cells, OURS, { load, against: [contestant], by })
      return ratio === undefined || contestant === OURS ? '' : number(ratio)
    })
    return [
      entryOf(contestant).title,
      ...(['rate', 'p50', 'p99', 'cpu'] as const).map((of) => middle(samples, of)),
      ...ratios,
    ]
  })
  return table(['', 'requests/s', 'p50 µs', 'p99 µs', 'CPU µs/request', 'ours is … ×', 'by CPU'], rows)
}

function describe({ load, against, by }: Goal): string {
  const who = against.map((name) => entryOf(name).title).join(' and ')
  return `${loadName(load)}, ${against.length > 1 ? 'the better of ' : ''}${who}${by === 'cpu' ? ', by CPU time' : ''}`
}
