/** A thread that fuzzes, so that an input that never ends is noticed by another one. It counts where it is in shared memory. */
import { parentPort, workerData } from 'node:worker_threads'
import { fuzz, type Report } from './engine.js'
import { targets } from './targets/index.js'
import { outcomeOf, watchRejections, type Wrong } from './watch.js'

export interface Work {
  seed: string
  /** Target → inputs. */
  inputs: Record<string, number>
  /** Target, batch, input, and a count of all. */
  place: SharedArrayBuffer
  /** One input alone, of the only target. */
  only?: Uint8Array
}

const { seed, inputs, place, only } = workerData as Work
const counts = new Int32Array(place)

async function one(name: string, input: Uint8Array): Promise<Report> {
  const target = targets.find((each) => each.name === name)!
  await target.prepare?.()
  const report = { name, inputs: 1, outcomes: 1, most: 1, slowest: 0, faults: [] }
  const since = performance.now()
  try {
    parentPort!.postMessage({ outcome: await outcomeOf(target, input) })
    return { ...report, ms: performance.now() - since }
  } catch (error) {
    const { kind, message } = error as Wrong
    return { ...report, ms: performance.now() - since, faults: [{ kind, message, input }] }
  }
}

watchRejections()
// Timers that keep no process are waited for.
setInterval(() => undefined, 60_000)
for (const [name, amount] of Object.entries(inputs)) {
  const index = targets.findIndex((target) => target.name === name)
  const tick = (batch: number, at: number): void => {
    counts[0] = index
    counts[1] = batch
    counts[2] = at
    Atomics.add(counts, 3, 1)
  }
  tick(0, 0)
  const report = only === undefined ? await fuzz(targets[index]!, seed, amount, tick) : await one(name, only)
  parentPort!.postMessage({ report })
}
// What a target has left open must not keep the thread.
process.exit()
