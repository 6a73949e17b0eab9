/** What must hold whatever is read: how it fails, how long it takes, what it allocates, and what it leaves behind. */
import { getHeapStatistics } from 'node:v8'
import { collectGarbage } from '../support/garbage.js'
import type { Target } from './target.js'

/** One input, ms. What takes longer is measured three times more: it counts if it takes longer each time, of real and of processor time. */
export const TIME = 50
const TIMES = 3
/** Bytes that any input may make its reader allocate, and how many for each of its own. */
const ROOM = 1024 * 1024
const PER_BYTE = 64

export type FaultKind =
  'threw' | 'overflow' | 'slow' | 'superlinear' | 'memory' | 'kept' | 'prototype' | 'rejection' | 'hangs' | 'outcomes'

export interface Fault {
  kind: FaultKind
  message: string
  /** The shortest that was found. */
  input?: Uint8Array
}

export class Wrong extends Error {
  constructor(
    readonly kind: FaultKind,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options)
  }
}

/** What came of an input, in a few words. @throws `Wrong` */
export function outcomeOf(target: Target, input: Uint8Array): string | Promise<string> {
  try {
    const outcome = target.read(input)
    if (typeof outcome === 'string') return outcome
    return outcome.catch((error: unknown) => thrown(target, error))
  } catch (error) {
    return thrown(target, error)
  }
}

function thrown({ throws = [] }: Target, error: unknown): string {
  if (!(error instanceof Error)) throw new Wrong('threw', `something that is no error: ${String(error)}`)
  for (let one: unknown = error; one instanceof Error; one = one.cause) {
    if (one instanceof RangeError && one.message.includes('call stack')) {
      throw new Wrong('overflow', `the stack overflows: ${one.stack ?? ''}`)
    }
  }
  const { name, message } = error
  const isKnown = throws.some((one) => (one.includes(': ') ? `${name}: ${message}`.startsWith(one) : one === name))
  if (!isKnown) throw new Wrong('threw', `${name}, which nobody expects: ${error.stack ?? message}`)
  return `${name}: ${message
    .replace(/["'“].*/s, '')
    .replace(/[^a-zA-Z ]+\S*/g, '')
    .slice(0, 48)}`
}

/** How long it takes, ms, for certain: the least of several times. */
export async function timeOf(target: Target, input: Uint8Array, times = TIMES): Promise<number> {
  let least = Infinity
  for (let time = 0; time < times; time++) {
    const cpu = process.cpuUsage()
    const start = performance.now()
    await outcomeOf(target, input)
    const { user, system } = process.cpuUsage(cpu)
    least = Math.min(least, performance.now() - start, (user + system) / 1_000)
  }
  return least
}

/** Bytes that are in use, or will be free again at the next collection; `whole`: those in use alone. */
export function allocated(whole = false): number {
  if (whole) collectGarbage()
  const { used_heap_size: heap, external_memory: external } = getHeapStatistics()
  return heap + external
}

export function mayAllocate({ memory = PER_BYTE, room = ROOM }: Target, length: number): number {
  return room + memory * length
}

/** Bytes that this input makes its reader allocate, garbage too, if no collection comes in between. */
export async function allocatedBy(target: Target, input: Uint8Array): Promise<number> {
  const before = allocated(true)
  await outcomeOf(target, input)
  return allocated() - before
}

const PROTOTYPES = [Object, Array, Function, String, Number, Map, Set, Error, Promise, Uint8Array].map(
  ({ prototype }) => prototype as object,
)

/** Something that is different whenever a prototype is. */
function shapeOf(prototype: object): unknown[] {
  return [
    Object.getPrototypeOf(prototype),
    ...Reflect.ownKeys(prototype).flatMap((key) => {
      const { value, get, set } = Object.getOwnPropertyDescriptor(prototype, key)! as Record<string, unknown>
      return [key, value, get, set] as unknown[]
    }),
  ]
}

const SHAPES = PROTOTYPES.map(shapeOf)

/** Has anybody changed a prototype of the language? What has been added is taken away. */
export function changedPrototype(): string | undefined {
  for (const [index, prototype] of PROTOTYPES.entries()) {
    const [before, now] = [SHAPES[index]!, shapeOf(prototype)]
    if (before.length === now.length && before.every((part, at) => part === now[at])) continue
    const added = Reflect.ownKeys(prototype).filter((key) => !before.includes(key))
    for (const key of added) Reflect.deleteProperty(prototype, key)
    return `${prototype.constructor.name}.prototype: ${added.map(String).join() || 'a member is another one'}`
  }
  return undefined
}

const rejections: unknown[] = []

export function watchRejections(): void {
  process.on('unhandledRejection', (error) => rejections.push(error))
}

/** Of promises that nobody has waited for, since this was asked last. */
export async function unhandled(): Promise<string | undefined> {
  await new Promise(setImmediate)
  const [first] = rejections.splice(0)
  return first === undefined
    ? undefined
    : first instanceof Error
      ? (first.stack ?? first.message)
      : 'something that is no error'
}
