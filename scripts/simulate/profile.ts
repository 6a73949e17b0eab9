/** Where the time of a bundled program goes: V8's samples of it, by the part of the sources that they fell into. */
import { readFileSync } from 'node:fs'

interface Profile {
  nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number } }[]
  samples: number[]
  timeDeltas: number[]
}

/** The first that fits the file of a sample. */
const PARTS: [string, RegExp][] = [
  ['clock, actions, inbox', /^src\/(lane\/(action|inbox)|testing\/network\/clock)\.ts/],
  ['the model of the network', /^src\/testing\/network\//],
  ['`step`, its codecs and its maps', /^src\/(core|wire)\//],
  ["the lane's pipeline (RxJS)", /rxjs\/|^src\/lane\//],
  ['node and edge', /^src\/(node|edge)\//],
  ['the log of events', /^src\/testing\//],
  ['the garbage collector', /^\(garbage collector\)/],
  ['compiling, the load, the rest', /^/],
]

/** A line for each part, the largest first. */
export function partsOf(profileFile: string, bundleFile: string): string[] {
  const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(profileFile, 'utf8')) as Profile
  const sources = sourcesOf(readFileSync(bundleFile, 'utf8'))
  const partOf = new Map<number, string>()
  for (const { id, callFrame } of nodes) {
    const { functionName, url, lineNumber } = callFrame
    const source = url.endsWith('.mjs') ? (sources[lineNumber] ?? '') : functionName
    partOf.set(id, PARTS.find(([, files]) => files.test(source))![0])
  }
  const times = new Map<string, number>()
  let all = 0
  samples.forEach((id, i) => {
    const part = partOf.get(id)!
    times.set(part, (times.get(part) ?? 0) + timeDeltas[i]!)
    all += timeDeltas[i]!
  })
  return [...times]
    .sort(([, a], [, b]) => b - a)
    .map(([part, time]) => `  ${((100 * time) / all).toFixed(1).padStart(5)} %  ${part}`)
}

/** The source file of each line of a bundle: esbuild writes its name above what is of it. */
function sourcesOf(bundle: string): string[] {
  let source = ''
  return bundle.split('\n').map((line) => {
    const name = /^\/\/ (?:\.\.\/)*((?:src|scripts|node_modules)\/.*)$/.exec(line)?.[1]
    if (name !== undefined) source = name
    return source
  })
}
