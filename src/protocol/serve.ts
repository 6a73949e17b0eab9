/** The answering side of a protocol: its requests, decoded, on their way to the handlers of its methods. */
import type { Observable, Subscription } from 'rxjs'
import { isObservable } from 'rxjs'
import { entriesOf, messageOf, reading, show } from '../edge/checks.js'
import type { InboundRequest, RequestContext } from '../edge/answers/inbound.js'
import { isStream, type Values } from '../edge/answers/producers.js'
import { P2pError } from '../errors.js'
import type { P2pNode } from '../node/p2p-node.js'
import type { Awaitable, InputOf, OutputOf } from './codecs.js'
import type { Method, TableMethod, Tables } from './definition.js'
import { decodeCall } from '../wire/call.js'
import { mapIterable, mapObservable } from './mapped.js'

type Handler<M> =
  M extends Method<infer Kind, infer Request, infer Reply>
    ? Kind extends 'unary'
      ? (value: OutputOf<Request>, context: RequestContext) => Awaitable<InputOf<Reply>>
      : (
          value: OutputOf<Request>,
          context: RequestContext,
        ) => Awaitable<AsyncIterable<InputOf<Reply>> | Observable<InputOf<Reply>>>
    : never

/** The handlers of a protocol, one for each method. */
export type Handlers<Methods> = { readonly [Name in keyof Methods]: Handler<Methods[Name]> }

export type AnyHandler = (value: unknown, context: RequestContext) => unknown

interface Served {
  method: TableMethod
  handler: AnyHandler
}

/** What every object has. */
const inherited = Object.prototype as unknown as Readonly<Record<string, unknown>>

/** @throws `InvalidConfig` when a method has no handler. */
export function serve(tables: Tables, node: P2pNode, handlers: Readonly<Record<string, AnyHandler>>): Subscription {
  const served = new Map<string, Served>()
  for (const [name, method] of tables.methods) {
    // (A method may be called `toString`. What every object has is no handler.)
    const given: unknown = reading(`the handler ${name}`, () => handlers[name])
    const handler = given === inherited[name] ? undefined : given
    if (typeof handler !== 'function') {
      throw new P2pError('InvalidConfig', `the method ${name} needs a handler, not ${show(handler)}`)
    }
    served.set(name, { method, handler: (handler as AnyHandler).bind(handlers) })
  }
  const isUnknown = ([name, handler]: [string, unknown]): boolean => typeof handler === 'function' && !served.has(name)
  const [unknown] = entriesOf(handlers, 'the handlers').find(isUnknown) ?? []
  if (unknown !== undefined) {
    const names = [...served.keys()].join(', ')
    throw new P2pError('InvalidConfig', `the protocol has no method ${show(unknown)}; there are ${names || 'none'}`)
  }
  return node.serve(tables.name, (request) => {
    const { method, body } = decodeCall(request.data)!
    const found = served.get(method)
    if (found !== undefined) return request.respond(answer(found, body, request))
    request.reject({ code: 'UnknownMethod', message: `there is no method ${method} here` })
  })
}

async function answer({ method, handler }: Served, body: Uint8Array, request: InboundRequest): Promise<Values> {
  const value = await decode(method, body)
  const result = await handler(value, request)
  const encode = (one: unknown): Awaitable<Uint8Array> => method.reply.encode(one)
  if (method.kind === 'unary') return encode(result)
  if (!isStream(result)) throw new TypeError(`a stream is an AsyncIterable or an Observable, not ${show(result)}`)
  return isObservable(result) && !(Symbol.asyncIterator in result)
    ? mapObservable(result, encode)
    : mapIterable(result as AsyncIterable<unknown>, encode)
}

async function decode(method: TableMethod, body: Uint8Array): Promise<unknown> {
  try {
    return await method.request.decode(body)
  } catch (cause) {
    // The asker may know what is wrong, because the data is its own.
    throw Object.assign(new Error(`the request cannot be decoded: ${messageOf(cause)}`, { cause }), {
      code: 'BadRequest',
      expose: true,
    })
  }
}
