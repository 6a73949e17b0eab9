/** What the files of all processes say together: what became of each request and broadcast, and which rules were broken. Pure. */
import type { Line } from '../../support/child-load.js'

/** What one process wrote down. */
export interface Journal {
  name: string
  lines: Line[]
  /** What was open then has no end. */
  isKilled: boolean
}

export interface Tally {
  asked: number
  answered: number
  /** Code of a P2pError → how often. */
  failed: Record<string, number>
  /** Open when their process was killed. */
  cutOff: number
  /** Their process lived on, and they never ended. */
  lost: number
  /** They ended twice, or were handled twice. */
  doubled: number
  broadcasts: { sent: number; delivered: number; doubled: number }
  /** The latest end of a request after its timeout, ms. */
  latest: number
  /**
   * Of the processes that lived long enough: the one whose memory grew fastest, the one that was judged for the longest time, and the
   * largest. `judged`: those whose growth was judged.
   */
  memory: { steepest: Growth; longest: Growth; most: number; mostOf: string; judged: number }
  /** What was broken, a line each. */
  broken: string[]
}

/** How fast the memory of a process grew. */
export interface Growth {
  /** Its name; `''`: there is none. */
  of: string
  /** What it resides in, or what its objects and buffers hold. */
  what: 'resident' | 'held'
  /** MB a minute. */
  slope: number
  /** From the first sample to the last, s. */
  over: number
}

/** A request may end so long after its time, ms: machines are busy. */
const LATE = 5_000
/** Growth counts from this age of a process on, ms: of what it resides in, and of what its objects and buffers hold, which settles sooner. */
const WARM = { resident: 60_000, held: 15_000 }
/** … and with so many samples. */
const SAMPLES = 9
/** MB; MB a minute. */
const MOST = 400
const STEEPEST = 10
const MB = 1_000_000
const NONE: Growth = { of: '', what: 'resident', slope: 0, over: 0 }

export function audit(journals: Journal[]): Tally {
  const tally: Tally = {
    ...{ asked: 0, answered: 0, failed: {}, cutOff: 0, lost: 0, doubled: 0, latest: 0, broken: [] },
    broadcasts: { sent: 0, delivered: 0, doubled: 0 },
    memory: { steepest: NONE, longest: NONE, most: 0, mostOf: '', judged: 0 },
  }
  const { broken } = tally
  const handled = new Counter()
  const answered: string[] = []
  for (const journal of journals) {
    const asked = new Set<string>()
    const ended = new Counter()
    const got = new Counter()
    for (const [word = '', ...words] of journal.lines) {
      const [id = '', what = '', late = '0'] = words
      switch (word) {
        case 'ask':
          asked.add(id)
          break
        case 'end':
          if (ended.add(id) > 1) broken.push(`${id} ended twice`)
          tally.latest = Math.max(tally.latest, Number(late))
          if (Number(late) > LATE) broken.push(`${id} ended ${late} ms after its time: ${what}`)
          if (what === 'answered') answered.push(id)
          else if (/^[A-Z]\w+$/.test(what)) tally.failed[what] = (tally.failed[what] ?? 0) + 1
          else broken.push(`${id}: ${what}`)
          break
        case 'did':
          if (handled.add(id) > 1) broken.push(`${id} was handled again by ${journal.name}`)
          break
        case 'sent':
          if (!/^\d+$|^[A-Z]\w+$/.test(what)) broken.push(`${id}: ${what}`)
          tally.broadcasts.sent++
          break
        case 'got':
          tally.broadcasts.delivered++
          if (got.add(`${id} ${what}`) > 1) {
            tally.broadcasts.doubled++
            broken.push(`${what} was delivered twice to the subscriber '${id}' of ${journal.name}`)
          }
          break
        case 'bad':
          broken.push(`${journal.name}: ${words.join(' ')}`)
      }
    }
    tally.asked += asked.size
    tally.doubled += ended.repeated
    const open = [...asked].filter((id) => !ended.has(id))
    if (journal.isKilled) tally.cutOff += open.length
    else {
      tally.lost += open.length
      broken.push(...open.map((id) => `${id} never ended`))
    }
    weigh(journal, tally)
  }
  tally.answered = answered.length
  tally.doubled += handled.repeated
  broken.push(...answered.filter((id) => !handled.has(id)).map((id) => `${id} was answered, and nobody handled it`))
  return tally
}

function weigh({ name, lines }: Journal, { memory, broken }: Tally): void {
  const samples = lines
    .filter(([word]) => word === 'mem')
    .map(([, at, rss, held]) => ({ at: Number(at), resident: Number(rss) / MB, held: Number(held) / MB }))
  const most = Math.max(0, ...samples.map(({ resident }) => resident))
  if (most > memory.most) Object.assign(memory, { most, mostOf: name })
  if (most > MOST) broken.push(`${name} took ${most.toFixed(0)} MB`)
  const growths = (['resident', 'held'] as const).flatMap((what): Growth[] => {
    const warm = samples.filter(({ at }) => at > WARM[what])
    if (warm.length < SAMPLES) return []
    const slope = slopeOf(warm.map((sample) => ({ x: sample.at, y: sample[what] }))) * 60_000
    return [{ of: name, what, slope, over: (warm.at(-1)!.at - warm[0]!.at) / 1_000 }]
  })
  if (growths.length === 0) return
  memory.judged++
  for (const growth of growths) {
    if (growth.slope > memory.steepest.slope) memory.steepest = growth
    if (growth.over > memory.longest.over) memory.longest = growth
    if (growth.slope > STEEPEST) broken.push(`${name} grew by ${growth.slope.toFixed(1)} MB a minute`)
  }
}

/** Of the line with the least squares. */
function slopeOf(points: { x: number; y: number }[]): number {
  const mean = (of: 'x' | 'y') => points.reduce((sum, point) => sum + point[of], 0) / points.length
  const [x, y] = [mean('x'), mean('y')]
  const sum = (of: (point: { x: number; y: number }) => number) => points.reduce((all, point) => all + of(point), 0)
  return sum((point) => (point.x - x) * (point.y - y)) / sum((point) => (point.x - x) ** 2)
}

class Counter {
  /** How many came again. */
  repeated = 0
  private readonly counts = new Map<string, number>()

  add(id: string): number {
    const count = (this.counts.get(id) ?? 0) + 1
    this.counts.set(id, count)
    if (count > 1) this.repeated++
    return count
  }

  has(id: string): boolean {
    return this.counts.has(id)
  }
}
