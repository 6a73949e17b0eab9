/** `defineProtocol`: a table of methods and topics becomes typed calls, handlers and broadcasts over a node's bytes. */
import type { Subscription } from 'rxjs'
import { checkObject, type Names } from '../edge/checks.js'
import type { P2pNode } from '../node/p2p-node.js'
import { decodeCall } from '../wire/call.js'
import type { Client } from './client.js'
import type { CodecLike } from './codecs.js'
import {
  tablesOf,
  type Definition,
  type Kind,
  type Method,
  type Reference,
  type ResolvedMethods,
  type ResolvedTopics,
} from './definition.js'
import { serve, type AnyHandler, type Handlers } from './serve.js'
import { TableClient } from './table-client.js'

const NAMES: Names<Definition<unknown, unknown, unknown>> = {
  name: true,
  version: true,
  codecs: true,
  methods: true,
  topics: true,
}

/** A protocol. Both sides use the same definition. It belongs to no node, and has no state. */
export interface Protocol<Methods, Topics> {
  /** The asking side, over this node. */
  client(node: P2pNode): Client<Methods, Topics>
  /**
   * Answers the node's requests of this protocol, until the subscription is unsubscribed or the node stops. Peers are told that it is
   * served. A request for an unknown method is rejected with the code `UnknownMethod`, one that cannot be decoded with `BadRequest`, and one of
   * a version that is not served with `UnknownProtocol`.
   * @throws `InvalidConfig` when a method has no handler, or there is one without a method; `HandlerAlreadySet` when the node serves the protocol already.
   */
  serve(node: P2pNode, handlers: Handlers<Methods>): Subscription
  /** Whether a request's payload belongs to this protocol. */
  owns(data: Uint8Array): boolean
}

/**
 * Defines a protocol.
 *
 * ```ts
 * const chain = defineProtocol({
 *   name: 'chain',
 *   codecs: { block: json<Block>() },
 *   methods: { tip: unary(nothing, 'block'), since: stream(json<number>(), 'block') },
 *   topics: { mined: 'block' },
 * })
 * chain.serve(bob, { tip: () => blocks.at(-1), since: async function* (height) { yield* blocks.slice(height) } })
 * const tip = await chain.client(alice).peer(bob.peerId).tip()
 * ```
 *
 * @throws `InvalidConfig` if the definition is not valid, or has unknown parts.
 */
export function defineProtocol<
  const Codecs extends Readonly<Record<string, CodecLike>> = Record<never, never>,
  const Methods extends Readonly<Record<string, Method<Kind, Reference<Codecs>, Reference<Codecs>>>> = Record<
    never,
    never
  >,
  const Topics extends Readonly<Record<string, Reference<Codecs>>> = Record<never, never>,
>(
  definition: Definition<Codecs, Methods, Topics>,
): Protocol<ResolvedMethods<Codecs, Methods>, ResolvedTopics<Codecs, Topics>> {
  checkObject(definition, 'the definition of a protocol', NAMES)
  const tables = tablesOf(definition)
  return {
    client: (node) =>
      // What the tables do is what the types say: both are made of the same definition.
      new TableClient(tables, node) as unknown as Client<
        ResolvedMethods<Codecs, Methods>,
        ResolvedTopics<Codecs, Topics>
      >,
    serve: (node, handlers) => {
      checkObject(handlers, 'the handlers of a protocol')
      return serve(tables, node, handlers as Readonly<Record<string, AnyHandler>>)
    },
    owns: (data) => decodeCall(data)?.protocol === tables.name,
  }
}
