/** Checks of what callers pass, before anything is sent. A message names the wrong value, and what would be right. */
import { nearest } from '../core/nearest.js'
import { isP2pError, P2pError } from '../errors.js'
import { isBytes, isGone } from '../wire/bytes.js'
import { isWellFormed } from '../wire/text.js'

/** A value as a message shows it: short, and on one line. Never throws. */
export function show(value: unknown): string {
  try {
    return shown(value)
  } catch {
    return 'what cannot be read'
  }
}

function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 80 ? `${value.slice(0, 77)}…` : value)
  if (value instanceof Uint8Array) return `${value.length} bytes`
  if (Array.isArray(value)) return `an array of ${value.length}`
  if (typeof value === 'object' && value !== null) return shownObject(value)
  if (typeof value === 'function') return 'a function'
  if (typeof value === 'bigint') return `the bigint ${value}n`
  return String(value)
}

/** One that is more than its fields says what it is: a promise that was not awaited, a Date. */
function shownObject(value: object): string {
  const tag = Object.prototype.toString.call(value).slice(8, -1)
  if (tag === 'Object') return `an object (${Object.keys(value).slice(0, 5).join(', ')})`
  return `${/^[AEIOU]/.test(tag) ? 'an' : 'a'} ${tag}`
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

/** What reading a caller's value gives. A getter or a proxy of it may throw: that is a fault of what it is read from. */
export function reading<T>(what: string, read: () => T): T {
  try {
    return read()
  } catch (cause) {
    throw isP2pError(cause) ? cause : unreadable(what, cause)
  }
}

function unreadable(what: string, cause: unknown): P2pError {
  return new P2pError('InvalidConfig', `${what} cannot be read: ${messageOf(cause)}`, { cause })
}

/** The bytes as a plain `Uint8Array` over the same memory (a Node `Buffer` is one with surprises). */
export function checkBytes(value: unknown, what: string): Uint8Array {
  if (!isBytes(value)) {
    const message = `${what} must be a Uint8Array (text: new TextEncoder().encode(…)), not ${show(value)}`
    throw new P2pError('InvalidConfig', message)
  }
  if (value.length === 0 && isGone(value)) {
    const message = `${what} has no bytes any more: they were transferred to elsewhere, such as a worker. Pass a copy to one of both`
    throw new P2pError('InvalidConfig', message)
  }
  return isPlain(value) ? value : new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
}

/** Of this realm or another. */
function isPlain({ constructor }: Uint8Array): boolean {
  return constructor === Uint8Array || (constructor as unknown as { name?: unknown } | undefined)?.name === 'Uint8Array'
}

/** A topic's name: text of 1 to 256 characters. */
export function checkTopic(topic: unknown): string {
  if (typeof topic !== 'string' || topic === '' || topic.length > 256) {
    throw new P2pError('InvalidConfig', `a topic is a text of 1 to 256 characters, not ${show(topic)}`)
  }
  return checkText(topic, 'a topic')
}

/** A text that goes out as bytes, or into a recording, and comes back as it was. */
export function checkText(text: unknown, what: string): string {
  if (typeof text !== 'string') throw new P2pError('InvalidConfig', `${what} must be a text, not ${show(text)}`)
  if (isWellFormed(text)) return text
  const message = `${what} must be of whole characters, and ${show(text)} has half of one (a surrogate without the other)`
  throw new P2pError('InvalidConfig', message)
}

/** A whole number of milliseconds or bytes, or so many per second, from `least` to `most`. */
export function checkNumber(value: unknown, what: string, unit: string, least: number, most: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value
  const message = `${what} must be a whole number ${unit.startsWith('per ') ? '' : 'of '}${unit} from ${least} to ${most}, not ${show(value)}`
  throw new P2pError('InvalidConfig', message)
}

export function checkSignal(signal: unknown): AbortSignal | undefined {
  if (signal === undefined || isSignal(signal)) return signal
  throw new P2pError('InvalidConfig', `signal must be an AbortSignal, not ${show(signal)}`)
}

/** By what it has, not by `instanceof`: it may come from another realm, or a polyfill. */
function isSignal(value: unknown): value is AbortSignal {
  if (typeof value !== 'object' || value === null) return false
  return reading('signal', () => {
    const { aborted, addEventListener, removeEventListener } = value as Partial<AbortSignal>
    return (
      typeof aborted === 'boolean' &&
      typeof addEventListener === 'function' &&
      typeof removeEventListener === 'function'
    )
  })
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
  for (const key of keysOf(value, what)) {
    if (Object.hasOwn(names, key)) continue
    const all = Object.keys(names)
    const meant = [nearest(key, all) ?? [], elsewhere(key)].flat()
    const hint = meant.length === 0 ? '' : ` (did you mean ${meant.join(', or ')}?)`
    throw new P2pError(
      'InvalidConfig',
      `${what} has no option ${show(key)}${hint}; there are ${all.join(', ') || 'none'}`,
    )
  }
  checkReadable(value, what, names)
}

function keysOf(value: object, what: string): string[] {
  try {
    return Object.keys(value)
  } catch (cause) {
    throw unreadable(what, cause)
  }
}

/** Each of the fields that there may be, inherited ones too, is read once: what throws is named. */
function checkReadable(value: object, what: string, names: Readonly<Record<string, true>>): void {
  let name
  try {
    for (name in names) void (value as Record<string, unknown>)[name]
  } catch (cause) {
    throw unreadable(`${name} of ${what}`, cause)
  }
}

/** The fields of a table that users name. @throws `InvalidConfig` if one cannot be read */
export function entriesOf<T>(table: Readonly<Record<string, T>>, what: string): [string, T][] {
  return keysOf(table, what).map((name) => [name, reading(`${what}.${name}`, () => table[name]!)])
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
