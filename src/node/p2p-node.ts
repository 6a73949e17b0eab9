/** The public node: what its callers see. node.ts is what stands behind it. Types only. */
import type { Observable } from 'rxjs'
import type { NodeStatus, PeerExplanation, TopicExplanation } from '../core/explain/explanation.js'
import type { RequestOptions, StreamOptions } from '../edge/requests/outbound.js'
import type { Broadcast, BroadcastsOptions } from '../edge/broadcasts/broadcasts.js'
import type { PeerFailure, PeerValue, RequestAllOptions, RequestAnyOptions } from '../edge/requests/fan-out.js'
import type { EventHandler, InboundRequest } from '../edge/answers/inbound.js'
import type { BroadcastOptions, Published } from '../edge/broadcasts/publishing.js'
import type { Validator } from '../edge/broadcasts/validators.js'

export type { RequestOptions, StreamOptions }

/**
 * A running node. Every promise of it rejects with a `P2pError`. Observables of what happens never error; those that ask
 * (`request$`, `requestAll`) do, with a `P2pError`.
 */
export interface P2pNode {
  /** Our peer id. */
  readonly peerId: string
  /** Where we listen: multiaddrs that end in `/p2p/<our peer id>`. Pass one to another node's `bootNodes`. */
  readonly addresses: string[]
  /**
   * Asks a peer, given by its peer id or by a multiaddr that ends in one. It is dialled if need be. Nothing is tried twice.
   * @throws `DialError`, `RequestRejected`, `RequestTimeout`, `RequestTooLarge`, `ResponseTooLarge`, `ConnectionLost`,
   * `Overloaded`, `Aborted`, `NodeStopped`; `InvalidPeerId`, `InvalidAddress` or `InvalidConfig` for bad arguments.
   */
  request(peer: string, data: Uint8Array, options?: RequestOptions): Promise<Uint8Array>
  /**
   * As `request`, for all values of the answer. Cold: each subscriber, and each iteration, asks anew; unsubscribing, or leaving
   * the loop, cancels. A subscriber takes what comes; a `for await` takes what it can, and the producer waits meanwhile.
   * Errors as `request` rejects, bad arguments included; with `ConnectionLost` or `NodeStopped` also between two values.
   */
  request$(peer: string, data: Uint8Array, options?: StreamOptions): Observable<Uint8Array> & AsyncIterable<Uint8Array>
  /**
   * The first answer of several peers; the other requests are cancelled. The peers are asked in their order, all at once or
   * (`hedgeAfter`) one after the other, and the next one also as soon as one fails. Each peer is asked once. `timeout` is that
   * of each request.
   * @throws when all have failed: an error with the code of the last of them, and an `AggregateError` of all as its `cause`.
   * `Aborted`, `NodeStopped`; as `request` for bad arguments, and `InvalidConfig` for no peers.
   */
  requestAny(peers: readonly string[], data: Uint8Array, options?: RequestAnyOptions): Promise<PeerValue>
  /**
   * What became of the same request to each of several peers, in the order of their answers. Cold; each peer is asked once;
   * completes after the last, and at once for no peers. Unsubscribing cancels what is open. A peer that fails is a value with
   * an `error`; the observable errors for bad arguments and with `Aborted` alone.
   */
  requestAll(
    peers: readonly string[],
    data: Uint8Array,
    options?: RequestAllOptions,
  ): Observable<PeerValue | PeerFailure>
  /** Requests of others, from the moment of subscribing. Completes when the node stops. */
  readonly requests$: Observable<InboundRequest>
  /**
   * Publishes on a topic; resolves with the peers to whom it was handed, which is no proof of delivery (receipts are). Nobody
   * there is no error: `recipients` is empty, and `explain(topic)` says why. Broadcasts on a topic leave in the order of the
   * calls; one that would overflow what waits for a peer waits itself.
   * @throws `DuplicateMessage` (the network suppresses a repeat of the same bytes for a minute), `MessageTooLarge`,
   * `PublishError` (also when `waitForPeers` has waited in vain), `Overloaded` (it could not be sent in time), `Aborted`,
   * `NodeStopped`; `InvalidConfig` for bad arguments.
   */
  broadcast(topic: string, data: Uint8Array, options?: BroadcastOptions): Promise<Published>
  /**
   * The broadcasts of a topic, which is joined with its first subscriber and left some 10 s after its last; without a topic,
   * those of all joined topics. Completes when the node stops. A subscriber takes what comes. A `for await` takes what it can;
   * the rest waits, up to a bound.
   * @throws `InvalidConfig` for bad options; a loop that is too slow ends with `Overloaded`, if that is its policy.
   */
  broadcasts$(topic?: string, options?: BroadcastsOptions): Observable<Broadcast> & AsyncIterable<Broadcast>
  /**
   * Resolves when a topic that we are in is joined: announced on every open gossip stream, and we are in its mesh, or alone in
   * it. What others broadcast from then on reaches us. (A SUBSCRIBE has no acknowledgement: more cannot be known.)
   * @throws `NotSubscribed`, also when it is left meanwhile; `RequestTimeout` after `timeout` ms (default: the config's
   * `requestTimeout`); `Aborted`, `NodeStopped`, `InvalidConfig`.
   */
  joined(topic: string, options?: { timeout?: number; signal?: AbortSignal }): Promise<void>
  /**
   * Judges the messages of a topic before they are delivered and forwarded. Once a topic. A validator that must not miss the
   * first message is named in the config's `pubsub.validators`.
   * @throws `HandlerAlreadySet`, `InvalidConfig`
   */
  validate(topic: string, validator: Validator): void
  /** The topics that we are in, now and after every change. Completes when the node stops. */
  readonly topics$: Observable<string[]>
  /** The peers in a topic that we are connected to, now and after every change. Completes when the node stops. */
  subscribers$(topic: string): Observable<string[]>
  /**
   * All that the node knows of a topic, or of a peer (given by its peer id or a multiaddr that ends in one), as a plain object;
   * its `text` is for people. A topic whose name is a peer id is given as `{ topic }`.
   * @throws `InvalidConfig`, `InvalidPeerId`, `InvalidAddress`, `Overloaded`, `NodeStopped`
   */
  explain(about: { topic: string }): Promise<TopicExplanation>
  explain(about: { peer: string }): Promise<PeerExplanation>
  explain(about: string): Promise<TopicExplanation | PeerExplanation>
  /** Registers what answers requests and hears broadcasts. Once: a second call throws `HandlerAlreadySet`. */
  setEventHandler(handler: EventHandler): void
  /** Connects to a multiaddr or a peer id; resolves with the peer id reached. @throws `DialError`, … */
  dial(address: string): Promise<string>
  /** The routing table: peer id → multiaddrs that end in `/p2p/<peer id>`, as `bootNodes` takes them. */
  knownPeers(): Promise<Record<string, string[]>>
  status(): Promise<NodeStatus>
  /** The status now, and after every change of it. Completes when the node stops. */
  readonly status$: Observable<NodeStatus>
  /**
   * Ends the node within two seconds, even when a peer or a handler hangs: completes every observable and rejects every
   * pending promise with `NodeStopped`. Calling it again returns the same promise.
   */
  stop(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}
