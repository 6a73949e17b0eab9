/** Worker processes that run the seeds of a copy: as many as there are cores, each ended when it hangs. */
import { fork, type ChildProcess } from 'node:child_process'
import { availableParallelism } from 'node:os'
import type { Result, Task } from './worker.js'

/** A run that takes longer than this never ends, ms of real time. */
const HANGS = 30_000

export class Worker {
  private child: ChildProcess | undefined

  constructor(private readonly file: string) {}

  /** Runs one task. A worker takes one at a time. */
  run(task: Task, limit = HANGS): Promise<Result> {
    const child = (this.child ??= fork(this.file, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] }))
    return new Promise((resolve) => {
      const done = (result: Result): void => {
        clearTimeout(timer)
        child.removeAllListeners()
        resolve(result)
      }
      const fail = (invariant: string, message: string): void => {
        this.end()
        done({ seed: task.seed, found: { invariant, message } })
      }
      const timer = setTimeout(() => fail('hang', `no end after ${limit / 1_000} s of real time`), limit)
      child.once('message', (result) => done(result as Result))
      child.once('exit', (code, signal) => fail('death', `the process ended by itself (${code ?? signal})`))
      child.send(task)
    })
  }

  end(): void {
    this.child?.removeAllListeners()
    this.child?.kill('SIGKILL')
    this.child = undefined
  }
}

/** Does the work for each of the items, so many at a time. */
export async function inParallel<T>(
  items: Iterable<T>,
  work: (item: T, lane: number) => Promise<void>,
  lanes = workers(),
): Promise<void> {
  const rest = items[Symbol.iterator]()
  const take = async (lane: number): Promise<void> => {
    for (let next = rest.next(); next.done !== true; next = rest.next()) await work(next.value, lane)
  }
  await Promise.all(Array.from({ length: lanes }, (_, lane) => take(lane)))
}

export function workers(): number {
  return availableParallelism()
}

/** Runs the seeds on workers of their own, and tells each result as it comes. */
export async function runSeeds(
  file: string,
  seeds: Iterable<number>,
  tell: (result: Result) => void,
  { lanes = workers(), task = 'run' }: { lanes?: number; task?: 'run' | 'digest' | 'live' | 'kept' | 'strangers' } = {},
): Promise<void> {
  const all = Array.from({ length: lanes }, () => new Worker(file))
  try {
    await inParallel(seeds, async (seed, lane) => tell(await all[lane]!.run({ do: task, seed })), lanes)
  } finally {
    for (const worker of all) worker.end()
  }
}

/** Shrinks a seed that fails: the text that a person needs to go on. */
export async function explain(file: string, seed: number): Promise<Result> {
  const worker = new Worker(file)
  try {
    return await worker.run({ do: 'shrink', seed }, 5 * 60_000)
  } finally {
    worker.end()
  }
}

/** What a person reads of a failing seed. */
export function report({ seed, found, schedule = [], length }: Result, mutant?: string): string {
  if (found === undefined) return `seed ${seed} holds`
  const steps = schedule.map((step) => `    ${JSON.stringify(step)}`).join('\n')
  return [
    `seed ${seed} breaks "${found.invariant}"`,
    `  ${found.message}`,
    `  the shortest schedule that does so, ${schedule.length} of ${length ?? '?'} events:`,
    steps,
    `  again: npm run simulate -- --seed ${seed}${mutant === undefined ? '' : ` --mutant '${mutant}'`}`,
  ].join('\n')
}

export function range(from: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => from + i)
}
