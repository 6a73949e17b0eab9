/** Runs targets one after the other, in a thread, and tells what came of each. */
import { Worker } from 'node:worker_threads'
import type { Report } from './engine.js'
import { inputsOf, largeOf, type Target } from './target.js'
import { targets } from './targets/index.js'
import type { Work } from './worker.js'

/** An input that takes longer never ends, ms. It is also the time that a machine may be busy with others. */
const HANGS = 30_000
const LOOK = 1_000

export interface Order {
  seed: string
  /** In all. */
  inputs: number
  chosen?: readonly Target[]
  /** Only this one. */
  only?: Uint8Array
}

/** How many of the inputs each target gets. */
export function partsOf(chosen: readonly Target[], inputs: number): Record<string, number> {
  const all = chosen.reduce((sum, { share }) => sum + share, 0)
  return Object.fromEntries(chosen.map(({ name, share }) => [name, Math.ceil((inputs * share) / all)]))
}

/** Calls back with each report, and with what came of a single input. */
export async function run(order: Order, told: (report: Report | string) => void): Promise<Report[]> {
  const { seed, inputs, chosen = targets, only } = order
  const reports: Report[] = []
  const add = (report: Report): void => {
    reports.push(report)
    told(report)
  }
  let left = [...chosen]
  while (left.length > 0) {
    const parts = partsOf(chosen, inputs)
    const mine = Object.fromEntries(left.map(({ name }) => [name, parts[name]!]))
    const stopped = await work(
      { seed, inputs: mine, place: new SharedArrayBuffer(16), ...(only && { only }) },
      (said) => {
        if ('outcome' in said) return told(said.outcome)
        add(said.report)
        left = left.filter(({ name }) => name !== said.report.name)
      },
    )
    const [first] = left
    if (first === undefined) break
    add(await lost(first, seed, stopped, only))
    left = left.slice(1)
  }
  return reports
}

interface Stopped {
  why: string
  batch: number
  index: number
}

/** A target whose thread has ended, or was ended. */
async function lost(target: Target, seed: string, { why, batch, index }: Stopped, only?: Uint8Array): Promise<Report> {
  await target.prepare?.()
  const inputs = batch < 0 ? [] : [...inputsOf(target, seed, batch), largeOf(target, seed, batch)]
  const input = only ?? inputs[index]
  const fault = {
    kind: 'hangs' as const,
    message: `${why} at input ${index} of batch ${batch}`,
    ...(input && { input }),
  }
  return { name: target.name, inputs: 0, outcomes: 0, most: 0, ms: 0, slowest: 0, faults: [fault] }
}

/** A thread does not inherit that TypeScript is read. */
const LOADED = `
  import('tsx/esm/api').then(({ register }) => {
    register()
    return import(${JSON.stringify(new URL('./worker.ts', import.meta.url).href)})
  })`

type Said = { report: Report } | { outcome: string }

function work(data: Work, told: (said: Said) => void): Promise<Stopped> {
  const counts = new Int32Array(data.place)
  const worker = new Worker(LOADED, { eval: true, workerData: data })
  return new Promise((resolve, reject) => {
    let [last, since] = [-1, performance.now()]
    const end = (why: string): void => {
      clearInterval(watch)
      // It has not even begun.
      if (counts[3] === 0) reject(new Error(why))
      resolve({ why, batch: counts[1]!, index: counts[2]! })
    }
    const watch = setInterval(() => {
      const count = Atomics.load(counts, 3)
      if (count !== last) [last, since] = [count, performance.now()]
      if (performance.now() - since < HANGS) return
      end(`it does not end within ${HANGS} ms`)
      void worker.terminate()
    }, LOOK)
    worker.on('message', told)
    worker.on('error', (error) => end(`the thread ends with ${error.stack ?? error.message}`))
    worker.on('exit', () => end('the thread ends'))
  })
}
