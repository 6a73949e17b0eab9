/**
 * The scale study: how a network of n nodes grows. Each size runs in a process of its own (memory is the process's), and the
 * table, and the plot where it is asked for, are made of what the processes say.
 */
import { cpus, totalmem } from 'node:os'
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { format, resolveConfig } from 'prettier'
import type { Measured } from './measure.js'
import { plot } from './plot.js'
import { bundled } from './process.js'

const file = (name: string): string => fileURLToPath(new URL(`../../docs/${name}`, import.meta.url))

export async function scale(sizes: number[], isForDocs: boolean): Promise<void> {
  const rows: Measured[] = []
  const program = await bundled()
  try {
    for (const size of sizes) {
      rows.push(await program.run<Measured>(['scale', String(size)]))
      console.log(`${size} nodes: ${rows.at(-1)!.cpuSeconds.toFixed(1)} s of CPU`)
    }
  } finally {
    program.remove()
  }
  console.log(`\n${tableOf(rows)}`)
  if (isForDocs) await document(rows)
}

/** Into the docs: the plot, and the table. */
export async function document(rows: Measured[]): Promise<void> {
  writeFileSync(file('scale.svg'), plot(rows))
  const path = file('simulation.md')
  const machine = `${cpus().length} cores (${cpus()[0]!.model.trim()}), ${Math.round(totalmem() / 2 ** 30)} GB, Node ${process.version}`
  const part = `<!-- scale -->\n\nOn ${machine}:\n\n${tableOf(rows)}\n\n<!-- /scale -->`
  const page = readFileSync(path, 'utf8').replace(/<!-- scale -->[^]*<!-- \/scale -->/, () => part)
  // As `npm run format` would leave it.
  writeFileSync(path, await format(page, { ...(await resolveConfig(path)), filepath: path }))
}

const columns: [string, (row: Measured) => string][] = [
  ['nodes', (row) => String(row.nodes)],
  ['discovery, virtual s', (row) => row.discovery?.toFixed(1) ?? `never (${(row.reached * 100).toFixed(1)} % found)`],
  ['packets a node until then', (row) => row.packetsToDiscover.toFixed(0)],
  ['packets a node and minute after', (row) => row.packetsPerMinute.toFixed(0)],
  ['table, min / median / max', (row) => row.table.join(' / ')],
  ['broadcast coverage', (row) => `${(row.coverage * 100).toFixed(1)} %`],
  ['hops, mean / max', (row) => `${row.hops.mean.toFixed(1)} / ${row.hops.max}`],
  ['packets a node and broadcast', (row) => row.packetsPerBroadcast?.toFixed(1) ?? 'not to be told'],
  ['memory, MB', (row) => row.memory.toFixed(0)],
  ['events a CPU second', (row) => `${Math.round(row.eventsPerSecond / 1_000)},000`],
  ['CPU, s', (row) => row.cpuSeconds.toFixed(1)],
]

function tableOf(rows: Measured[]): string {
  const lines = [
    columns.map(([name]) => name),
    columns.map(() => '---:'),
    ...rows.map((row) => columns.map(([, cell]) => cell(row))),
  ]
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}
