/**
 * The asking side of a protocol: typed calls over `request` and `request$`, typed broadcasts over `broadcast` and
 * `broadcasts$`.
 */
import { catchError, concatMap, defer, EMPTY, filter, finalize, map, tap, type Observable } from 'rxjs'
import { failing, type RequestOptions, type StreamOptions } from '../edge/requests/outbound.js'
import type { Broadcast } from '../edge/broadcasts/broadcasts.js'
import { isThenable, messageOf } from '../edge/checks.js'
import { P2pError } from '../errors.js'
import type { P2pNode } from '../node/p2p-node.js'
import { then, type Awaitable, type Codec, type InputOf, type OutputOf } from './codecs.js'
import type { Method, TableMethod, Tables } from './definition.js'
import { encodeCall } from './call.js'
import { mapReplies, toObservable } from './mapped.js'

/** A value that may be `undefined` may be left out. */
type Parameters<In, Options> = undefined extends In ? [value?: In, options?: Options] : [value: In, options?: Options]

type Call<M> =
  M extends Method<infer Kind, infer Request, infer Reply>
    ? Kind extends 'unary'
      ? (...parameters: Parameters<InputOf<Request>, RequestOptions>) => Promise<OutputOf<Reply>>
      : (
          ...parameters: Parameters<InputOf<Request>, StreamOptions>
        ) => Observable<OutputOf<Reply>> & AsyncIterable<OutputOf<Reply>>
    : never

/** The methods of one peer. */
export type PeerMethods<Methods> = { readonly [Name in keyof Methods]: Call<Methods[Name]> }

/** A decoded broadcast. */
export interface TypedBroadcast<Topic, T> extends Omit<Broadcast, 'topic' | 'data'> {
  /** The topic's name in the protocol. */
  readonly topic: Topic
  /** The decoded payload. */
  readonly data: T
}

/** The asking side of a protocol, over one node. */
export interface Client<Methods, Topics> {
  /** The methods as calls to this peer, a peer id or a multiaddr that ends in one. Nothing is sent before a call. */
  peer(peer: string): PeerMethods<Methods>
  /**
   * As `node.broadcast`. @throws `InvalidConfig` also for a topic that is not in the protocol, or a value that cannot be
   * encoded
   */
  broadcast<Topic extends keyof Topics & string>(
    topic: Topic,
    value: InputOf<Topics[Topic]>,
  ): Promise<{ recipients: string[] }>
  /**
   * As `node.broadcasts$`. Broadcasts that cannot be decoded are left out, and counted in `dropped`. @throws `InvalidConfig`
   * for a topic that is not in the protocol
   */
  broadcasts$<Topic extends keyof Topics & string>(
    topic: Topic,
  ): Observable<TypedBroadcast<Topic, OutputOf<Topics[Topic]>>>
  /**
   * How many broadcasts were left out so far, because they could not be decoded or too many waited for it; counted for each
   * subscriber.
   */
  readonly dropped: number
}

/** How many broadcasts of a topic may wait for their codec, per subscriber. */
const MAX_WAITING = 256

type AnyCall = (value?: unknown, options?: StreamOptions) => unknown

export class TableClient {
  dropped = 0

  constructor(
    private readonly tables: Tables,
    private readonly node: P2pNode,
  ) {}

  peer(peer: string): Record<string, AnyCall> {
    const calls = [...this.tables.methods].map(([method, table]): [string, AnyCall] => {
      const call = { name: `${this.tables.name}/${method}`, table }
      return table.kind === 'unary'
        ? [method, (value, options) => this.first(peer, call, value, options)]
        : [method, (value, options) => this.all(peer, call, value, options)]
    })
    return Object.fromEntries(calls)
  }

  async broadcast(topic: string, value: unknown): Promise<{ recipients: string[] }> {
    const { wire, codec } = this.topic(topic)
    return this.node.broadcast(wire, await encode(codec, value, `a broadcast of ${topic}`))
  }

  broadcasts$(topic: string): Observable<TypedBroadcast<string, unknown>> {
    const { wire, codec } = this.topic(topic)
    return defer(() => {
      let waiting = 0
      const drop = (): Observable<never> => {
        this.dropped++
        return EMPTY
      }
      const decoded$ = ({ data, from, via }: Broadcast): Observable<TypedBroadcast<string, unknown>> =>
        defer(() => toObservable(codec.decode(data))).pipe(
          map((value) => ({ topic, data: value, from, via })),
          // One peer's bad data must not end the observable.
          catchError(drop),
          finalize(() => waiting--),
        )
      return this.node.broadcasts$(wire).pipe(
        // A flood must not fill our memory while a codec takes its time.
        filter(() => waiting < MAX_WAITING || (this.dropped++, false)),
        tap(() => waiting++),
        concatMap(decoded$),
      )
    })
  }

  private async first(peer: string, call: NamedCall, value: unknown, options?: RequestOptions): Promise<unknown> {
    const reply = await this.node.request(peer, await frame(call, value), options)
    return decodeReply(peer, call, reply)
  }

  private all(peer: string, call: NamedCall, value: unknown, options?: StreamOptions): Observable<unknown> {
    try {
      const made = then(frame(call, value), (bytes) => this.node.request$(peer, bytes, options))
      // A subscriber or a loop gets the error; a rejection without either must not end the process.
      if (isThenable(made)) made.then(undefined, () => undefined)
      return mapReplies(made, (reply) => decodeReply(peer, call, reply))
    } catch (error) {
      return failing(error as P2pError)
    }
  }

  private topic(topic: string): { wire: string; codec: Codec<unknown> } {
    const found = this.tables.topics.get(topic)
    if (found !== undefined) return found
    throw new P2pError('InvalidConfig', `the protocol has no topic ${JSON.stringify(topic)}`)
  }
}

interface NamedCall {
  name: string
  table: TableMethod
}

function frame({ name, table }: NamedCall, value: unknown): Awaitable<Uint8Array> {
  return then(encode(table.request, value, `the request of ${name}`), (body) => encodeCall(name, body))
}

/** Encodes the caller's value. If that fails, nothing has been sent. */
function encode(codec: Codec<unknown>, value: unknown, what: string): Awaitable<Uint8Array> {
  const failed = (cause: unknown): never => {
    throw new P2pError('InvalidConfig', `${what} cannot be encoded: ${messageOf(cause)}`, { cause })
  }
  return attempt(() => codec.encode(value), failed)
}

/**
 * Decodes a reply. If that fails, the code is `RequestRejected` and none of a connection's, because the peer has answered, and
 * asking again rarely helps.
 */
function decodeReply(peer: string, { name, table }: NamedCall, reply: Uint8Array): Awaitable<unknown> {
  return attempt(
    () => table.reply.decode(reply),
    (cause) => {
      const message = `${peer} answered ${name} with what cannot be decoded: ${messageOf(cause)}`
      throw new P2pError('RequestRejected', message, { cause })
    },
  )
}

function attempt<T>(make: () => Awaitable<T>, failed: (cause: unknown) => never): Awaitable<T> {
  try {
    const made = make()
    return isThenable(made) ? made.then(undefined, failed) : made
  } catch (cause) {
    return failed(cause)
  }
}
