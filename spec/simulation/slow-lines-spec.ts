/** Small requests beside a large value on slow lines, over the simulated network. */
import { expect, it } from '@jest/globals'
import { FIRST, sendBeside, type SlowLine } from './slow-lines.js'

interface Row extends Omit<SlowLine, 'direction'> {
  /** What the small requests may take, ms. */
  median: number
  longest: number
}

/** With default settings. Without a bound on what is under way the small ones take up to the whole time of the large one. */
const rows: Row[] = [
  { rate: 25_000, latency: 40, size: 300_000, median: 600, longest: 1_500 },
  { rate: 25_000, latency: 1, size: 300_000, median: 600, longest: 1_500 },
  { rate: 60_000, latency: 40, size: 600_000, median: 500, longest: 1_000 },
  { rate: 1_000_000, latency: 40, size: 1_000_000, median: 400, longest: 1_000 },
  { rate: 1_000_000, latency: 1, size: 1_000_000, median: 400, longest: 1_000 },
]

for (const direction of ['up', 'down'] as const) {
  it.each(rows)(`$size bytes ${direction} at $rate bytes a second, $latency ms one way`, async (row) => {
    const { end, took, small } = await sendBeside({ ...row, direction })
    const needed = (row.size * 1_000) / row.rate
    expect(end).toBe('ok')
    expect(small[small.length >> 1]).toBeLessThanOrEqual(row.median)
    expect(small.at(-1)).toBeLessThanOrEqual(row.longest)
    // The line needs so much, a few round trips, and the frames around the bytes.
    expect(took).toBeLessThanOrEqual(1.1 * needed + 10 * row.latency)
  })
}

// The first window comes at once, so those wait for it that are sent beside it, and no others.
it.each(rows.slice(0, 3))('$size bytes up at $rate bytes a second, over a line that was fast before', async (row) => {
  const { end, small } = await sendBeside({ ...row, direction: 'up', wasFast: true })
  expect(end).toBe('ok')
  expect(small[small.length >> 1]).toBeLessThanOrEqual(row.median)
  expect(small.at(-1)).toBeLessThanOrEqual(row.longest + (FIRST * 1_000) / row.rate)
})
