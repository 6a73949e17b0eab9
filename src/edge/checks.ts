/** Checks of what callers pass, before anything is sent. A message names the wrong value, and what would be right. */
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { isAnyPort, isUnspecified, peerOf } from '../core/peers/addresses.js'
import { P2pError } from '../errors.js'
import { isLikeAddress, meantAddress } from './meant.js'

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

/** Characters of a peer id, and of an address. Both may have base58 in them, which takes the square of its length. */
const LONGEST = 1_024

/** A peer id in its canonical text. */
export function checkPeerId(text: string): string {
  try {
    if (text.length > LONGEST) throw new Error('it is too long')
    return peerIdFromString(text).toString()
  } catch (cause) {
    throw new P2pError('InvalidPeerId', `${show(text)} is not a peer id (such as 12D3KooW…)`, { cause })
  }
}

/** What a caller takes for an address: its check, and how an example of what it takes ends. */
export interface Taken {
  check: (address: string) => unknown
  ending: string
}

/** A valid multiaddr in its canonical text. The advice for another text is one that the caller takes. */
export function checkAddress(text: string, taken: Taken = DIALLED): string {
  try {
    if (text.length > LONGEST) throw new Error('it is too long')
    return multiaddr(text).toString()
  } catch (cause) {
    throw noMultiaddr(text, taken, cause)
  }
}

/** Of a peer. */
const DIALLED: Taken = { check: checkDialled, ending: '/p2p/<peer id>' }

/** A system may take "every interface" for itself, but that is nothing to advise. */
function checkDialled(address: string): void {
  if (isUnspecified(address)) throw new P2pError('InvalidAddress', `${address} names no host`)
  checkTarget(address)
}

function noMultiaddr(text: string, { check, ending }: Taken, cause?: unknown): P2pError {
  const meant = meantAddress(text, check)
  const address = meant ?? '/ip4/192.0.2.1/tcp/9000'
  const whole = peerOf(address) === undefined ? `${address}${ending}` : address
  const advice = meant === undefined ? ` (such as ${whole})` : `: write ${whole}`
  return new P2pError('InvalidAddress', `${show(text)} is not a multiaddr${advice}`, { cause })
}

/** A multiaddr over TCP, the only transport there is. */
export function checkTcpAddress(text: string, taken?: Taken): string {
  const address = checkAddress(text, taken)
  if (!/^\/(ip4|ip6|ip6zone\/[^/]+\/ip6|dns|dns4|dns6)\/[^/]+\/tcp\/\d+(\/p2p\/[^/]+)?$|^\/dnsaddr\//.test(address)) {
    throw new P2pError(
      'InvalidAddress',
      `${show(text)} is not a TCP address (/ip4/…/tcp/…, /ip6/…/tcp/… or /dns/…/tcp/…)`,
    )
  }
  return address
}

/** The peer to reach, and where it may be. */
export interface Target {
  /** A peer id, or a whole multiaddr where none is known. */
  target: string
  /** Multiaddrs to try; none: look the peer up. */
  addresses: string[]
}

/** A peer id, or a multiaddr that ends in one. */
export function checkPeer(peer: unknown): Target {
  const target = checkTarget(peer)
  if (target.target.startsWith('/')) {
    throw new P2pError('InvalidAddress', `${show(peer)} does not name a peer: it must end in /p2p/<peer id>`)
  }
  return target
}

/** A peer id, or any multiaddr. */
export function checkTarget(peer: unknown): Target {
  if (typeof peer !== 'string' || peer === '') {
    throw new P2pError('InvalidPeerId', `a peer is given by its peer id or its multiaddr, not by ${show(peer)}`)
  }
  if (isLikeAddress(peer)) throw noMultiaddr(peer, DIALLED)
  if (!peer.startsWith('/')) return { target: checkPeerId(peer), addresses: [] }
  const id = peerOf(peer)
  // `/p2p/<peer id>` alone is a multiaddr too. It names a peer, but no address.
  if (id !== undefined && peer === `/p2p/${id}`) return { target: checkPeerId(id), addresses: [] }
  const address = checkTcpAddress(peer)
  if (isAnyPort(address)) {
    const advice = 'name the one at which that node listens, as its addresses show it'
    throw new P2pError('InvalidAddress', `${show(peer)} cannot be dialled, because 0 is no port: ${advice}`)
  }
  return { target: id === undefined ? address : checkPeerId(id), addresses: [address] }
}

/** A topic's name: text of 1 to 256 characters. */
export function checkTopic(topic: unknown): string {
  if (typeof topic !== 'string' || topic === '' || topic.length > 256) {
    throw new P2pError('InvalidConfig', `a topic is a text of 1 to 256 characters, not ${show(topic)}`)
  }
  return topic
}

/** A text that was meant to be a peer id, right or wrong. */
const LIKE_PEER_ID = /^\s*(12D3KooW|16Uiu2|Qm)\w{30}/

/**
 * What is to be explained: a topic, or a peer, which a text is if it has the form of one, or was meant to. @throws `InvalidConfig`,
 * `InvalidPeerId`, `InvalidAddress`
 */
export function checkAbout(about: unknown): { topic: string } | { peer: string } {
  if (typeof about === 'string') return isPeer(about) ? { peer: checkPeer(about).target } : { topic: checkTopic(about) }
  if (typeof about === 'object' && about !== null) checkNames(about, 'explain', { topic: true, peer: true })
  const { topic, peer } = (about ?? {}) as { topic?: unknown; peer?: unknown }
  if (peer !== undefined && topic === undefined) return { peer: checkPeer(peer).target }
  if (topic !== undefined && peer === undefined) return { topic: checkTopic(topic) }
  throw new P2pError('InvalidConfig', `explain takes a topic, a peer, { topic } or { peer }, not ${show(about)}`)
}

function isPeer(text: string): boolean {
  if (LIKE_PEER_ID.test(text)) return true
  try {
    checkPeer(text)
    return true
  } catch {
    return false
  }
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

function checkNames(
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

/** The name that a misspelt one is probably meant to be: at most a third of its letters differ, or `most` of them. */
export function nearest(word: string, names: readonly string[], most = Infinity): string | undefined {
  const distances = names.map((name) => ({ name, distance: distanceOf(word.toLowerCase(), name.toLowerCase()) }))
  const near = distances.filter(
    ({ name, distance }) => distance <= Math.min(most, Math.max(1, Math.floor(name.length / 3))),
  )
  return near.sort((a, b) => a.distance - b.distance)[0]?.name
}

/** The Levenshtein distance: letters to insert, to remove and to replace. It is for short words. */
function distanceOf(a: string, b: string): number {
  // A stranger's text of any length must not cost its square.
  if (Math.abs(a.length - b.length) > b.length) return Infinity
  let row = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)))
    }
    row = next
  }
  return row[b.length]!
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
