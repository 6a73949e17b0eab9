/**
 * A digest of a state. It is the same for equal states, on every version of Node and every machine. The order of insertion of maps
 * and sets counts, because the core iterates over them in that order; that of objects does not.
 */
import { IdMap } from '../core/id-map.js'
import { IdSet } from '../core/id-set.js'
import { crc32 } from '../platform/checksums.js'
import { SipHash } from '../wire/siphash.js'

export interface DigestOptions {
  /** Only the lengths of bytes, and of texts under the key `message`, count. */
  lengthsOnly?: boolean
  /** The name of a text (not of an object's key) in the redacted recording; `undefined`: the text itself. */
  nameOf?: (text: string) => string | undefined
}

/**
 * 16 hexadecimal digits (SipHash-2-4 with a key of zeros, of the canonical text). With the options a state and its redacted
 * copy have the same digest.
 */
export function digestOf(state: object, { lengthsOnly = false, nameOf = asItIs }: DigestOptions = {}): string {
  const text = canonicalText(state, lengthsOnly, nameOf)
  const hash = new SipHash({ compression: 2, finalization: 4 }).update(new TextEncoder().encode(text)).digest()
  return hash.toString(16).padStart(16, '0')
}

/**
 * JSON, and beside it: `Map(key:value,…)`, `Set(…)`, `bytes(length,CRC-32)` or `bytes(length)`, `Infinity` and its like.
 * Object keys are sorted by their UTF-16 units; one whose value is `undefined` is left out.
 */
function canonicalText(value: unknown, lengthsOnly: boolean, nameOf: NonNullable<DigestOptions['nameOf']>): string {
  const textOf = (inner: unknown): string => canonicalText(inner, lengthsOnly, nameOf)
  if (typeof value === 'string') return JSON.stringify(nameOf(value) ?? value)
  if (typeof value !== 'object' || value === null) return String(value)
  if (Array.isArray(value)) return `[${value.map(textOf).join()}]`
  if (ArrayBuffer.isView(value)) {
    const bytes = value as Uint8Array
    return lengthsOnly ? `bytes(${bytes.length})` : `bytes(${bytes.length},${crc32(bytes).toString(16)})`
  }
  if (value instanceof Map || value instanceof IdMap) {
    return `Map(${[...(value as Iterable<[unknown, unknown]>)].map(([key, inner]) => `${textOf(key)}:${textOf(inner)}`).join()})`
  }
  if (value instanceof Set || value instanceof IdSet) return `Set(${[...value].map(textOf).join()})`
  const entries = Object.entries(value)
    .filter(([, inner]) => inner !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
  const entryOf = ([key, inner]: [string, unknown]): string => {
    // The reason of a rejection that waits to be sent. It is redacted like bytes.
    const isRedacted = lengthsOnly && key === 'message' && typeof inner === 'string'
    return `${JSON.stringify(key)}:${isRedacted ? `text(${new TextEncoder().encode(inner).length})` : textOf(inner)}`
  }
  return `{${entries.map(entryOf).join()}}`
}

function asItIs(): undefined {
  return undefined
}
