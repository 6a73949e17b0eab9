/**
 * The asking side of a protocol: typed calls over `request`, `request$`, `requestAny` and `requestAll`, typed broadcasts over
 * `broadcast` and `broadcasts$`.
 */
import type { Observable } from 'rxjs'
import type { Broadcast, BroadcastsOptions } from '../edge/broadcasts/broadcasts.js'
import type { BroadcastOptions, Published } from '../edge/broadcasts/publishing.js'
import type { RequestAllOptions, RequestAnyOptions } from '../edge/requests/fan-out.js'
import type { RequestOptions, StreamOptions } from '../edge/requests/outbound.js'
import type { P2pError } from '../errors.js'
import type { InputOf, OutputOf } from './codecs.js'
import type { Method } from './definition.js'

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

/** The names of methods with one answer. */
type UnaryOf<Methods> = {
  [Name in keyof Methods]: Methods[Name] extends Method<'unary'> ? Name : never
}[keyof Methods]

type CallAny<M> =
  M extends Method<'unary', infer Request, infer Reply>
    ? (...parameters: Parameters<InputOf<Request>, RequestAnyOptions>) => Promise<TypedValue<OutputOf<Reply>>>
    : never

type CallAll<M> =
  M extends Method<'unary', infer Request, infer Reply>
    ? (
        ...parameters: Parameters<InputOf<Request>, RequestAllOptions>
      ) => Observable<TypedValue<OutputOf<Reply>> | { peer: string; error: P2pError }>
    : never

/** The decoded answer of one of several peers. */
export interface TypedValue<T> {
  /** The peer id or multiaddr that the caller gave. */
  peer: string
  /** The decoded answer. */
  value: T
}

/** A decoded broadcast. */
export interface TypedBroadcast<Topic, T> extends Omit<Broadcast, 'topic' | 'data'> {
  /** The topic's name in the protocol. */
  readonly topic: Topic
  /** The decoded payload. */
  readonly data: T
}

/**
 * The asking side of a protocol, over one node. Every call takes the options of the node's method that it is made of; `timeout` and
 * `signal` hold for the work of codecs and schemas too, and without a `timeout` the node's `requestTimeout` does.
 */
export interface Client<Methods, Topics> {
  /**
   * The methods as calls to this peer, a peer id or a multiaddr that ends in one. Nothing is sent before a call.
   * A call fails as `node.request` does, and with `UnknownProtocol` when the peer does not serve the protocol, or not in this version;
   * with `InvalidResponse` when its answer cannot be decoded; with `InvalidConfig` when the value cannot be encoded.
   */
  peer(peer: string): PeerMethods<Methods>
  /** The methods with one answer as calls to several peers: the first answer counts, as with `node.requestAny`. */
  any(peers: readonly string[]): { readonly [Name in UnaryOf<Methods>]: CallAny<Methods[Name]> }
  /** The same, for what becomes of each peer, as with `node.requestAll`. */
  all(peers: readonly string[]): { readonly [Name in UnaryOf<Methods>]: CallAll<Methods[Name]> }
  /**
   * As `node.broadcast`. @throws `InvalidConfig` also for a topic that is not in the protocol, or a value that cannot be
   * encoded
   */
  broadcast<Topic extends keyof Topics & string>(
    topic: Topic,
    value: InputOf<Topics[Topic]>,
    options?: BroadcastOptions,
  ): Promise<Published>
  /**
   * As `node.broadcasts$`. Broadcasts that cannot be decoded are left out, and counted in `dropped`. @throws `InvalidConfig`
   * for a topic that is not in the protocol, or bad options
   */
  broadcasts$<Topic extends keyof Topics & string>(
    topic: Topic,
    options?: BroadcastsOptions,
  ): Observable<TypedBroadcast<Topic, OutputOf<Topics[Topic]>>> &
    AsyncIterable<TypedBroadcast<Topic, OutputOf<Topics[Topic]>>>
  /**
   * How many broadcasts were left out so far, because they could not be decoded or too many waited for it; counted for each
   * subscriber.
   */
  readonly dropped: number
}
