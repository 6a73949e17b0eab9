/** The parts of a protocol, as types and as checked tables: methods of two kinds, topics, and the codecs of both. */
import { checkText, entriesOf, reading, show } from '../edge/checks.js'
import { P2pError } from '../errors.js'
import { codecOf, type Codec, type CodecLike } from './codecs.js'

export type Kind = 'unary' | 'stream'

/** A method: its kind, the type of its request and that of its reply. Made by `unary` and `stream`. */
export interface Method<K extends Kind = Kind, Request = unknown, Reply = unknown> {
  /** One answer, or a stream of values. */
  readonly kind: K
  /** The codec of the request, a schema, or a name in the protocol's `codecs`. */
  readonly request: Request
  /** The same for the answer, or for each value of it. */
  readonly reply: Reply
}

/** A method with one answer. Each parameter is a codec, a schema, or a name in the protocol's `codecs`. */
export function unary<const Request, const Reply>(request: Request, reply: Reply): Method<'unary', Request, Reply> {
  return { kind: 'unary', request, reply }
}

/** A method that answers with any number of values. `value` is the codec of each of them; otherwise like `unary`. */
export function stream<const Request, const Value>(request: Request, value: Value): Method<'stream', Request, Value> {
  return { kind: 'stream', request, reply: value }
}

/** A codec, a schema, or the name of one. */
export type Reference<Codecs> = CodecLike | (keyof Codecs & string)

/** The codec or schema that is meant. */
export type Resolved<Codecs, Ref> = Ref extends keyof Codecs ? Codecs[Ref] : Ref

/** The methods of a protocol, with codecs and schemas in place of their names. */
export type ResolvedMethods<Codecs, Methods> = {
  readonly [Name in keyof Methods]: Methods[Name] extends Method<infer K, infer Request, infer Reply>
    ? Method<K, Resolved<Codecs, Request>, Resolved<Codecs, Reply>>
    : never
}

/** The topics of a protocol, with codecs and schemas in place of their names. */
export type ResolvedTopics<Codecs, Topics> = { readonly [Name in keyof Topics]: Resolved<Codecs, Topics[Name]> }

export interface Definition<Codecs, Methods, Topics> {
  /**
   * Distinguishes this protocol's requests and broadcasts from those of others: 1 to 64 letters, digits, `.`, `_`, `-` and `/`. A
   * network can have one protocol without a name; the names of its topics on the wire are those in `topics`.
   */
  name?: string | undefined
  /**
   * The version of the protocol, if it has several: a number, or 1 to 32 letters, digits, `.`, `_` and `-`. Each version is served and
   * asked by itself, as `name@version`, and a node may have several side by side. It needs a `name`.
   */
  version?: string | number | undefined
  /** Codecs and schemas that methods and topics call by name. */
  codecs?: Codecs | undefined
  methods?: Methods | undefined
  topics?: Topics | undefined
}

export type TableMethod = Method<Kind, Codec<unknown>, Codec<unknown>>

/** A checked definition. */
export interface Tables {
  /** With its version. */
  name: string
  methods: ReadonlyMap<string, TableMethod>
  topics: ReadonlyMap<string, { wire: string; codec: Codec<unknown> }>
}

const NAME = /^[A-Za-z0-9._/-]{1,64}$/
const VERSION = /^[A-Za-z0-9._-]{1,32}$/
const METHOD = /^[A-Za-z][A-Za-z0-9_]{0,63}$/

type Loose = Definition<Record<string, unknown>, Record<string, Method>, Record<string, unknown>>

/** Checks a definition. @throws `InvalidConfig` */
export function tablesOf(definition: Loose): Tables {
  const { codecs = {}, methods = {}, topics = {} } = definition
  const name = fullName(definition)
  const named = entries(codecs, 'codecs').map(([key, like]) => [key, codec(like, `codecs.${key}`)] as const)
  const byName = new Map<unknown, Codec<unknown>>(named)
  const find = (ref: unknown, where: string): Codec<unknown> => byName.get(ref) ?? codec(ref, where)
  const table = entries(methods, 'methods').map(([key, method]) => {
    // `await` of the object of a peer would call it.
    if (!METHOD.test(key) || key === 'then') throw wrong(`${show(key)} cannot be the name of a method`)
    const where = `methods.${key}`
    if (!reading(where, () => isMethod(method)))
      throw wrong(`${where} must be unary(…) or stream(…), not ${show(method)}`)
    const { kind, request, reply } = method
    return [key, { kind, request: find(request, where), reply: find(reply, where) }] as const
  })
  const heard = entries(topics, 'topics').map(([key, ref]) => {
    const wire = name === '' ? key : `${name}/${key}`
    if (key === '' || wire.length > 256) throw wrong(`${show(key)} cannot be the name of a topic`)
    checkText(key, `a topic's name`)
    return [key, { wire, codec: find(ref, `topics.${key}`) }] as const
  })
  return { name, methods: new Map(table), topics: new Map(heard) }
}

function fullName({ name = '', version }: Loose): string {
  if (typeof (name as unknown) !== 'string' || (name !== '' && !NAME.test(name))) {
    throw wrong(`a protocol's name has 1 to 64 letters, digits, '.', '_', '-' and '/', not ${show(name)}`)
  }
  if (version === undefined) return name
  if (!['string', 'number'].includes(typeof version) || !VERSION.test(String(version))) {
    throw wrong(`a protocol's version has 1 to 32 letters, digits, '.', '_' and '-', not ${show(version)}`)
  }
  if (name === '') throw wrong('a protocol with a version needs a name')
  return `${name}@${version}`
}

function entries<T>(table: Record<string, T>, what: string): [string, T][] {
  if (typeof table === 'object' && (table as unknown) !== null) return entriesOf(table, what)
  throw wrong(`${what} must be an object, not ${show(table)}`)
}

function codec(like: unknown, where: string): Codec<unknown> {
  const found = reading(where, () => codecOf(like))
  if (found !== undefined) return found
  throw wrong(`${where} needs a codec, a schema (Standard Schema) or a name in codecs, not ${show(like)}`)
}

function isMethod(method: unknown): method is Method {
  return typeof method === 'object' && method !== null && ['unary', 'stream'].includes((method as Method).kind)
}

function wrong(message: string): P2pError {
  return new P2pError('InvalidConfig', message)
}
