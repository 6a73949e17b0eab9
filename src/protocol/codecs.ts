/**
 * Codecs: values to bytes and back. Whatever throws here is an error of one call; what was sent by a stranger is decoded here
 * and nowhere else.
 */
import { checkBytes, checkText, isThenable, show } from '../edge/checks.js'
import { isSchema, issuesText, type SchemaResult, type StandardSchemaV1 } from './standard-schema.js'

/** Either at once or later. */
export type Awaitable<T> = T | PromiseLike<T>

/**
 * Encodes and decodes values of one kind. `In`: what a sender passes; `Out`: what a receiver gets. Both functions may throw or
 * reject.
 */
export interface Codec<In, Out = In> {
  /** The bytes of a value, or a promise of them. */
  encode(value: In): Awaitable<Uint8Array>
  /** The value of the bytes, or a promise of it. The bytes may come from a stranger. */
  decode(bytes: Uint8Array): Awaitable<Out>
}

/** A codec, or a schema of any library that supports Standard Schema. */
export type CodecLike = Codec<never, unknown> | StandardSchemaV1

/** What a sender passes. */
export type InputOf<Like> =
  Like extends StandardSchemaV1<unknown, unknown>
    ? NonNullable<Like['~standard']['types']>['input']
    : Like extends Codec<infer In, unknown>
      ? In
      : never

/** What a receiver gets. */
export type OutputOf<Like> =
  Like extends StandardSchemaV1<unknown, unknown>
    ? NonNullable<Like['~standard']['types']>['output']
    : Like extends Codec<never, infer Out>
      ? Out
      : never

const EMPTY = new Uint8Array()
const encoder = new TextEncoder()
/** Text as UTF-8. Strict: bytes that are not UTF-8 are an error, and a byte order mark is kept. */
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Bytes as they are. */
export const bytes: Codec<Uint8Array> = {
  encode: (value) => checkBytes(value, 'the value'),
  decode: (value) => value,
}

/** Text as UTF-8. A text with half of a UTF-16 pair is an error, because no bytes can say it. */
export const utf8: Codec<string> = {
  encode: (value) => {
    if (typeof (value as unknown) !== 'string') throw new TypeError(`expected a text, not ${show(value)}`)
    return encoder.encode(checkText(value, 'a text'))
  },
  decode: (value) => decoder.decode(value),
}

/** No value: for methods without a parameter, or without a result. */
export const nothing: Codec<void> = {
  encode: () => EMPTY,
  decode: (value) => {
    if (value.length > 0) throw new TypeError(`expected nothing, not ${value.length} bytes`)
  },
}

/**
 * JSON. `T` is not checked: a stranger may send any JSON. Pass a schema
 * instead of a codec to have it checked. `undefined` is no bytes.
 */
export function json<T>(): Codec<T> {
  return { encode: toJson, decode: (value) => fromJson(value) as T }
}

/** JSON of what the schema accepts, checked by the sender and by the receiver. */
function checkedJson({ '~standard': { validate } }: StandardSchemaV1): Codec<unknown> {
  return {
    // The value goes as it was passed, not as the schema made it: the receiver's schema makes the same of it.
    encode: (value) => then(validate(value), (result) => (valueOf(result), toJson(value))),
    decode: (value) => then(validate(fromJson(value)), valueOf),
  }
}

/** The codec of a codec or schema; `undefined` if it is neither. */
export function codecOf(like: unknown): Codec<unknown> | undefined {
  if (isSchema(like)) return checkedJson(like)
  if (typeof like !== 'object' || like === null) return undefined
  const { encode, decode } = like as { encode?: unknown; decode?: unknown }
  return typeof encode === 'function' && typeof decode === 'function' ? (like as Codec<unknown>) : undefined
}

/** `make` of the value, at once if it is there. */
export function then<A, B>(value: Awaitable<A>, make: (value: A) => Awaitable<B>): Awaitable<B> {
  return isThenable(value) ? value.then(make) : make(value)
}

function toJson(value: unknown): Uint8Array {
  if (value === undefined) return EMPTY
  const text = JSON.stringify(value) as string | undefined
  if (text === undefined) throw new TypeError(`${show(value)} has no JSON`)
  return encoder.encode(text)
}

function fromJson(value: Uint8Array): unknown {
  return value.length === 0 ? undefined : JSON.parse(decoder.decode(value))
}

function valueOf(result: SchemaResult<unknown>): unknown {
  if (result.issues !== undefined) throw new TypeError(issuesText(result.issues))
  return result.value
}
