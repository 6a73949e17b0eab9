/** The plot of the scale study: an SVG by hand, both axes logarithmic, a line for each quantity and one for n log n to compare. */
import type { Measured } from './measure.js'

const WIDTH = 860
const HEIGHT = 520
const LEFT = 70
const RIGHT = 270
const TOP = 50
const BOTTOM = 60

interface Line {
  name: string
  color: string
  dash?: string
  of: (row: Measured) => number
}

const lines: Line[] = [
  { name: 'discovery, virtual s', color: '#1b6ca8', of: (row) => row.discovery ?? Infinity },
  { name: 'packets a node until then', color: '#c0392b', of: (row) => row.packetsToDiscover },
  { name: 'packets a node and minute', color: '#e08e0b', of: (row) => row.packetsPerMinute },
  { name: 'packets a node, broadcast', color: '#8e44ad', of: (row) => row.packetsPerBroadcast ?? Infinity },
  { name: 'table, median', color: '#2d8659', of: (row) => row.table[1] },
  { name: 'hops, max', color: '#555555', of: (row) => row.hops.max },
  { name: 'CPU, s', color: '#111111', dash: '2 3', of: (row) => row.cpuSeconds },
]

export function plot(rows: Measured[]): string {
  const drawn = lines.map((line) => ({ ...line, values: rows.map(line.of) }))
  const reference = referenceOf(rows)
  const positive = [...drawn.flatMap(({ values }) => values), ...reference].filter(
    (value) => value > 0 && value < Infinity,
  )
  const sizes = rows.map(({ nodes }) => nodes)
  const x = axis(Math.min(...sizes), Math.max(...sizes), LEFT, WIDTH - RIGHT)
  const y = axis(Math.min(...positive), Math.max(...positive), HEIGHT - BOTTOM, TOP)
  const parts = [
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>`,
    text(LEFT, 26, 'A simulated network of n nodes: 20 ± 10 ms, both axes logarithmic', 'start', 15),
    ...grid(x, y),
    path(sizes, reference, x, y, '#bbbbbb', '7 5'),
    ...drawn.flatMap(({ values, color, dash }) => [
      path(sizes, values, x, y, color, dash),
      ...values.map((value, i) =>
        value > 0 && value < Infinity
          ? `<circle cx="${x.at(sizes[i]!)}" cy="${y.at(value)}" r="3.5" fill="${color}"/>`
          : '',
      ),
    ]),
    ...legend([...drawn, { name: 'grows as log n (n log n in all)', color: '#bbbbbb', dash: '7 5' }]),
  ]
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif">\n${parts.filter(Boolean).join('\n')}\n</svg>\n`
}

/** Packets a node that grow as log n from the first size on: all nodes together send n log n of them. */
function referenceOf(rows: Measured[]): number[] {
  const first = rows[0]!
  return rows.map(({ nodes }) => (first.packetsToDiscover * Math.log(nodes)) / Math.log(first.nodes))
}

interface Axis {
  at(value: number): number
  marks: number[]
}

/** From the power of ten below the least value to the one above the most. */
function axis(least: number, most: number, start: number, end: number): Axis {
  const low = Math.floor(Math.log10(least))
  const high = Math.max(low + 1, Math.ceil(Math.log10(most)))
  return {
    at: (value) => Math.round((start + ((Math.log10(value) - low) / (high - low)) * (end - start)) * 10) / 10,
    marks: Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i)),
  }
}

function grid(x: Axis, y: Axis): string[] {
  return [
    ...x.marks.flatMap((mark) => [
      `<line x1="${x.at(mark)}" y1="${TOP}" x2="${x.at(mark)}" y2="${HEIGHT - BOTTOM}" stroke="#e6e6e6"/>`,
      text(x.at(mark), HEIGHT - BOTTOM + 20, shown(mark), 'middle'),
    ]),
    ...y.marks.flatMap((mark) => [
      `<line x1="${LEFT}" y1="${y.at(mark)}" x2="${WIDTH - RIGHT}" y2="${y.at(mark)}" stroke="#e6e6e6"/>`,
      text(LEFT - 8, y.at(mark) + 4, shown(mark), 'end'),
    ]),
    text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 16, 'nodes', 'middle'),
  ]
}

function path(sizes: number[], values: number[], x: Axis, y: Axis, color: string, dash?: string): string {
  const points = sizes.flatMap((size, i) =>
    values[i]! > 0 && values[i]! < Infinity ? [`${x.at(size)},${y.at(values[i]!)}`] : [],
  )
  const dashes = dash === undefined ? '' : ` stroke-dasharray="${dash}"`
  return `<polyline points="${points.join(' ')}" fill="none" stroke="${color}" stroke-width="2"${dashes}/>`
}

function legend(entries: { name: string; color: string; dash?: string }[]): string[] {
  const left = WIDTH - RIGHT + 24
  return entries.flatMap(({ name, color, dash }, i) => {
    const top = TOP + 16 + i * 26
    const dashes = dash === undefined ? '' : ` stroke-dasharray="${dash}"`
    return [
      `<line x1="${left}" y1="${top}" x2="${left + 26}" y2="${top}" stroke="${color}" stroke-width="3"${dashes}/>`,
      text(left + 34, top + 4, name, 'start'),
    ]
  })
}

function text(x: number, y: number, words: string, anchor: string, size = 12): string {
  return `<text x="${x}" y="${y}" text-anchor="${anchor}" font-size="${size}" fill="#333333">${words}</text>`
}

function shown(value: number): string {
  return value >= 1 ? value.toLocaleString('en') : String(Number(value.toPrecision(1)))
}
