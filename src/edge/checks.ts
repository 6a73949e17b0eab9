/** Checks of what callers pass, before anything is sent. A message names the wrong value, and what would be right. */
import { nearest } from '../core/nearest.js'
import { P2pError } from '../errors.js'

/** A value as a message shows it: short, and on one line. */
export function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 80 ? `${value.slice(0, 77)}…` : value)
  if (value instanceof Uint8Array) return `${value.length} bytes`
  if (Array.isArray(value)) return `an array of ${value.length}`
  if (typeof value === 'object' && value !== null) return `an object (${Object.keys(value).slice(0, 5).join(', ')})`
  if (typeof value === 'function') return 'a function'
  if (typeof value === 'bigint') return `the bigint ${value}n`
  return String(value)
}

/** The message of an error of any make, from any realm; also of one whose getters and methods throw. */
export function messageOf(error: unknown): string {
  try {
    const { message } = (error ?? {}) as { message?: unknown }
    return typeof message === 'string' ? message : String(error)
  } catch {
    return 'what was thrown cannot be read'
  }
}

/** Of a text that stands in a log line. */
export function firstLine(text: string): string {
  return text.split('\n', 1)[0]!
}

/** The bytes as a plain `Uint8Array` over the same memory (a Node `Buffer` is one with surprises). */
export function checkBytes(value: unknown, what: string): Uint8Array {
  // Nearly all values are such, and this costs nothing.
  if (value instanceof Uint8Array && value.constructor === Uint8Array) return value
  if (!isBytes(value)) {
    const message = `${what} must be a Uint8Array (text: new TextEncoder().encode(…)), not ${show(value)}`
    throw new P2pError('InvalidConfig', message)
  }
  return value.constructor.name === 'Uint8Array'
    ? value
    : new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
}

/** By its tag, not by `instanceof`: bytes may come from another realm (a test runner's, a worker's). */
function isBytes(value: unknown): value is Uint8Array {
  return ArrayBuffer.isView(value) && Object.prototype.toString.call(value) === '[object Uint8Array]'
}

/** A topic's name: text of 1 to 256 characters. */
export function checkTopic(topic: unknown): string {
  if (typeof topic !== 'string' || topic === '' || topic.length > 256) {
    throw new P2pError('InvalidConfig', `a topic is a text of 1 to 256 characters, not ${show(topic)}`)
  }
  return topic
}

/** A whole number of milliseconds or bytes, or so many per second, from `least` to `most`. */
export function checkNumber(value: unknown, what: string, unit: string, least: number, most: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value
  const message = `${what} must be a whole number ${unit.startsWith('per ') ? '' : 'of '}${unit} from ${least} to ${most}, not ${show(value)}`
  throw new P2pError('InvalidConfig', message)
}

export function checkSignal(signal: unknown): AbortSignal | undefined {
  if (signal === undefined || (typeof signal === 'object' && signal !== null && 'aborted' in signal)) {
    return signal as AbortSignal | undefined
  }
  throw new P2pError('InvalidConfig', `signal must be an AbortSignal, not ${show(signal)}`)
}

/** A promise of any make. */
export function isThenable<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
}

/** One of a few words. */
export function checkOneOf<Word extends string>(value: unknown, words: readonly Word[], what: string): Word {
  const word = words.find((one) => one === value)
  if (word !== undefined) return word
  const all = words.map((one) => `'${one}'`).join(', ')
  throw new P2pError('InvalidConfig', `${what} must be one of ${all}, not ${show(value)}`)
}

/** The names of all options of `T`. The compiler sees to it that none is missing. */
export type Names<T> = Readonly<Record<keyof T, true>>

/** The options of a call, such as `request`: an object that has no other fields than these. */
export function checkOptions(options: unknown, call: string, names: Readonly<Record<string, true>>): void {
  if (!isObject(options)) {
    throw new P2pError('InvalidConfig', `the options of ${call} must be an object, not ${show(options)}`)
  }
  checkNames(options, call, names)
}

/** An object and, where names are given, one that has no other fields than these. `elsewhere`: where an unknown one belongs. */
export function checkObject(
  value: unknown,
  what: string,
  names?: Readonly<Record<string, true>>,
  elsewhere?: (name: string) => string[],
): void {
  if (!isObject(value)) throw new P2pError('InvalidConfig', `${what} must be an object, not ${show(value)}`)
  if (names !== undefined) checkNames(value, what, names, elsewhere)
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function checkNames(
  value: object,
  what: string,
  names: Readonly<Record<string, true>>,
  elsewhere: (name: string) => string[] = () => [],
): void {
  for (const key of Object.keys(value)) {
    if (Object.hasOwn(names, key)) continue
    const all = Object.keys(names)
    const meant = [nearest(key, all) ?? [], elsewhere(key)].flat()
    const hint = meant.length === 0 ? '' : ` (did you mean ${meant.join(', or ')}?)`
    throw new P2pError(
      'InvalidConfig',
      `${what} has no option ${show(key)}${hint}; there are ${all.join(', ') || 'none'}`,
    )
  }
}

/** Runs the check of an option's value; what it throws names the option. */
export function inOption<T>(option: string, check: () => T): T {
  try {
    return check()
  } catch (error) {
    const { code, message, cause } = error as P2pError
    throw new P2pError(code, `${option}: ${message}`, { cause })
  }
}
