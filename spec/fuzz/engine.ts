/** Fuzzes one target, and finds the input of what goes wrong. */
import { BATCH, inputsOf, largeOf, type Target } from './target.js'
import {
  allocated,
  allocatedBy,
  changedPrototype,
  mayAllocate,
  outcomeOf,
  TIME,
  timeOf,
  unhandled,
  Wrong,
  type Fault,
} from './watch.js'

/** So many batches have one long input. */
const LARGE_EVERY = 8
/** A long input that takes more than this, ms, is compared with one of a quarter of its length, which has to take a twelfth of the time. */
const SUSPICIOUS = 10
const PART = 4
const GROWTH = 12
/** Inputs before anything is measured. */
const WARM = 16
/** Bytes that all inputs of a target may leave behind. */
const KEPT = 16 * 1024 * 1024
/** An input after which so much more is in use, bytes, is read again and measured: others leave garbage too. */
const MUCH = 4 * 1024 * 1024
/** With fewer inputs it is no wonder that not all outcomes are seen. */
const JUDGED = 256
/** How often memory is measured. */
const MEASURED = 3
/** Faults of one target that are told. */
const ENOUGH = 3
/** Of these the input is made shorter. */
const SHRUNK: readonly Fault['kind'][] = ['threw', 'overflow', 'prototype', 'rejection']
/** Runs, and ms, to make an input shorter. */
const SHRINK = { runs: 2_000, ms: 5_000 }

export interface Report {
  name: string
  inputs: number
  /** Different outcomes, and how many inputs had the most frequent one. */
  outcomes: number
  most: number
  ms: number
  /** The longest time of one input, ms: its first, so with what others do meanwhile. */
  slowest: number
  faults: Fault[]
}

/** Where it is, for who watches it: batch, and input. */
export type Tick = (batch: number, index: number) => void

export async function fuzz(target: Target, seed: string, inputs: number, tick: Tick): Promise<Report> {
  const run = new Run(target, seed, tick)
  await target.prepare?.()
  // Caches and code that is made once are none of the inputs' memory.
  await run.batch(-1, WARM)
  const before = allocated(true)
  const since = performance.now()
  run.start()
  for (let batch = 0; batch * BATCH < inputs && run.faults.length < ENOUGH; batch++) {
    await run.batch(batch, Math.min(BATCH, inputs - batch * BATCH))
  }
  const ms = performance.now() - since
  run.judge(allocated(true) - before)
  await target.end?.()
  const { name } = target
  const most = Math.max(0, ...run.outcomes.values())
  return { name, inputs: run.inputs, outcomes: run.outcomes.size, most, ms, slowest: run.slowest, faults: run.faults }
}

class Run {
  inputs = 0
  slowest = 0
  outcomes = new Map<string, number>()
  readonly faults: Fault[] = []

  constructor(
    private readonly target: Target,
    private readonly seed: string,
    private readonly tick: Tick,
  ) {}

  start(): void {
    this.inputs = this.slowest = 0
    this.outcomes.clear()
  }

  async batch(batch: number, size: number): Promise<void> {
    const { target, seed } = this
    let index = 0
    for (const input of inputsOf(target, seed, batch)) {
      if (index === size) break
      this.tick(batch, index++)
      await this.one(input)
      if (this.faults.length >= ENOUGH) return
    }
    if (batch >= 0 && batch % LARGE_EVERY === 0) await this.large(batch)
    const prototype = changedPrototype()
    if (prototype !== undefined) await this.search(batch, 'prototype', () => Promise.resolve(changedPrototype()))
    if ((await unhandled()) !== undefined) await this.search(batch, 'rejection', unhandled)
  }

  private async one(input: Uint8Array): Promise<void> {
    this.inputs++
    const before = allocated()
    const start = performance.now()
    try {
      const outcome = outcomeOf(this.target, input)
      const name = typeof outcome === 'string' ? outcome : await outcome
      this.outcomes.set(name, (this.outcomes.get(name) ?? 0) + 1)
    } catch (error) {
      return this.found(error, input)
    }
    const ms = performance.now() - start
    if (ms > this.slowest) this.slowest = ms
    if (allocated() - before > MUCH) await this.measure(input)
    const { time = TIME } = this.target
    if (ms > time) {
      const certain = await timeOf(this.target, input)
      if (certain > time) await this.add('slow', `${Math.round(certain)} ms for ${input.length} bytes`, input)
    }
  }

  /** A long input: its memory, and how its time grows. */
  private async large(batch: number): Promise<void> {
    const { target, seed } = this
    const input = largeOf(target, seed, batch)
    this.tick(batch, BATCH)
    await this.one(input)
    await this.measure(input)
    try {
      if (input.length < 1_024) return
      const ms = await timeOf(target, input, 1)
      if (ms < SUSPICIOUS) return
      const [whole, part] = [await timeOf(target, input), await timeOf(target, largeOf(target, seed, batch, PART))]
      if (whole < SUSPICIOUS || whole < GROWTH * part) return
      const times = `${whole.toFixed(1)} ms for ${input.length} bytes, and ${part.toFixed(1)} ms for a quarter of them`
      await this.add('superlinear', times, input)
    } catch {
      // It is known already.
    }
  }

  private async measure(input: Uint8Array): Promise<void> {
    let grown = Infinity
    // The least of some times: timers of other inputs may come in between.
    for (let times = 0; times < MEASURED; times++) {
      grown = Math.min(grown, (await quietly(allocatedBy, this.target, input)) ?? 0)
      if (grown <= mayAllocate(this.target, input.length)) return
    }
    await this.add('memory', `${grown} bytes are allocated for ${input.length}`, input)
  }

  private async found(error: unknown, input: Uint8Array): Promise<void> {
    if (!(error instanceof Wrong)) throw error
    await this.add(error.kind, error.message, input)
  }

  /** Which of the inputs of a batch it was. */
  private async search(batch: number, kind: Fault['kind'], looks: () => Promise<string | undefined>): Promise<void> {
    for (const input of [...inputsOf(this.target, this.seed, batch), largeOf(this.target, this.seed, batch)]) {
      this.tick(batch, 0)
      await quietly(outcomeOf, this.target, input)
      const seen = await looks()
      if (seen !== undefined) return this.add(kind, seen, input)
    }
    await this.add(kind, `in batch ${batch}, by no input alone`)
  }

  judge(kept: number): void {
    const { outcomes, target, faults } = this
    const { outcomes: least = 3 } = target
    if (kept > KEPT) faults.push({ kind: 'kept', message: `${kept} bytes are kept after ${this.inputs} inputs` })
    if (outcomes.size >= least || this.inputs < JUDGED) return
    faults.push({
      kind: 'outcomes',
      message: `only ${[...outcomes.keys()].join('; ') || 'none'}, of at least ${least}`,
    })
  }

  private async add(kind: Fault['kind'], message: string, input?: Uint8Array): Promise<void> {
    if (this.faults.length >= ENOUGH) return
    if (this.faults.some((fault) => fault.kind === kind && alike(fault.message) === alike(message))) return
    const canShrink = input !== undefined && SHRUNK.includes(kind)
    const shorter = canShrink ? await this.shrink(kind, message, input) : input
    this.faults.push({ kind, message, ...(shorter && { input: shorter }) })
  }

  /** Leaves out ever smaller pieces, as long as the same goes wrong. */
  private async shrink(kind: Fault['kind'], message: string, input: Uint8Array): Promise<Uint8Array> {
    const until = performance.now() + SHRINK.ms
    let [best, runs] = [input, 0]
    const isWrong = async (candidate: Uint8Array): Promise<boolean> => {
      this.tick(-1, runs++)
      try {
        await outcomeOf(this.target, candidate)
      } catch (error) {
        return error instanceof Wrong && error.kind === kind && alike(error.message) === alike(message)
      }
      if (kind === 'prototype') return changedPrototype() !== undefined
      if (kind === 'rejection') return (await unhandled()) !== undefined
      return false
    }
    for (let size = Math.ceil(best.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
      for (let at = 0; at < best.length;) {
        if (runs > SHRINK.runs || performance.now() > until) return best
        const candidate = Uint8Array.from([...best.subarray(0, at), ...best.subarray(at + size)])
        if (await isWrong(candidate)) best = candidate
        else at += size
      }
    }
    return best
  }
}

/** The same fault with other numbers is the same one. */
function alike(message: string): string {
  return message.replace(/\d+/g, '').slice(0, 120)
}

async function quietly<T>(
  what: (target: Target, input: Uint8Array) => T | Promise<T>,
  target: Target,
  input: Uint8Array,
): Promise<T | undefined> {
  try {
    return await what(target, input)
  } catch {
    return undefined
  }
}
