/** The interface of a node, as its callers see it; node.ts implements it. Types only. */
import type { Observable, Subscription } from 'rxjs'
import type { AuditEvent } from '../core/access/audit-event.js'
import type { NodeStatus, PeerExplanation, TopicExplanation } from '../core/explanation.js'
import type { PeerState } from '../core/peers/peer-states.js'
import type { RequestOptions, StreamOptions } from '../edge/requests/outbound.js'
import type { Broadcast, BroadcastsOptions } from '../edge/broadcasts/broadcasts.js'
import type { PeerFailure, PeerValue, RequestAllOptions, RequestAnyOptions } from '../edge/requests/fan-out.js'
import type { EventHandler, InboundRequest } from '../edge/answers/inbound.js'
import type { BroadcastOptions, Published } from '../edge/broadcasts/publishing.js'
import type { P2pError } from '../errors.js'
import type { Validator } from '../edge/broadcasts/validators.js'

export type { RequestOptions, StreamOptions }

/**
 * A running node. Its promises reject with a `P2pError`. Observables of what happens never error; those that ask
 * (`request$`, `requestAll`) error with a `P2pError`. Times are in milliseconds, sizes in bytes. Peers are given and
 * named by their peer ids, as text (`12D3KooW…`).
 */
export interface P2pNode {
  /** The node's own peer id. */
  readonly peerId: string
  /**
   * The multiaddrs that the node tells others, each ending in `/p2p/<its peer id>`: those that it listens on, or those of `announce`.
   * Pass one to another node's `bootNodes`.
   */
  readonly addresses: string[]
  /**
   * Sends a request to a peer, given by its peer id or by a multiaddr that ends in one, and resolves with the response.
   * The peer is dialled if there is no connection. The request is sent once, and not again when it fails.
   * @throws `DialError`, `Denied`, `RequestRejected`, `RequestTimeout`, `RequestTooLarge`, `ResponseTooLarge`, `ConnectionLost`,
   * `Overloaded`, `Aborted`, `NodeStopped`; `InvalidPeerId`, `InvalidAddress` or `InvalidConfig` for bad arguments.
   */
  request(peer: string, data: Uint8Array, options?: RequestOptions): Promise<Uint8Array>
  /**
   * As `request`, for all values of the answer. Cold: each subscription and each loop sends a request; unsubscribing, or
   * leaving the loop, cancels it. A subscriber gets values as fast as they come. A `for await` takes them one by one, and
   * the producer waits meanwhile. It errors as `request` rejects, also for bad arguments; `ConnectionLost`, `NodeStopped`
   * and `Overloaded` may also come after some values.
   */
  request$(peer: string, data: Uint8Array, options?: StreamOptions): Observable<Uint8Array> & AsyncIterable<Uint8Array>
  /**
   * Resolves with the first answer of several peers; the other requests are cancelled. The peers are asked in their
   * order: all at once or, with `hedgeAfter`, one after the other, and the next one also as soon as one fails. Each peer
   * is asked once. `timeout` holds for each request.
   * @throws if all have failed: an error with the code of the last failure and an `AggregateError` of all as its `cause`;
   * `Aborted`, `NodeStopped`; as `request` for bad arguments, and `InvalidConfig` for no peers.
   */
  requestAny(peers: readonly string[], data: Uint8Array, options?: RequestAnyOptions): Promise<PeerValue>
  /**
   * The outcomes of the same request to each of several peers, in the order of their answers. Cold; each peer is asked
   * once; it completes after the last outcome, and at once for no peers. Unsubscribing cancels the open requests. A
   * failed request is a value with an `error`; the observable itself errors only for bad arguments (as `request`) and
   * with `Aborted`.
   */
  requestAll(
    peers: readonly string[],
    data: Uint8Array,
    options?: RequestAllOptions,
  ): Observable<PeerValue | PeerFailure>
  /** Requests of other peers, from the moment of subscribing. Completes when the node stops. */
  readonly requests$: Observable<InboundRequest>
  /**
   * Gives all requests of a protocol, `name` or `name@version`, to this function alone: requests whose payload begins as `defineProtocol`
   * makes them (docs/requests.md). Peers are told of it (`serves` of `peer$`), and a request of a version that is not served is refused at once. It
   * lasts until the subscription is unsubscribed, or the node stops. `serve` of a protocol does this.
   * @throws `HandlerAlreadySet` while the protocol is served; `InvalidConfig` for bad arguments, or more than 128 protocols. Both at once.
   */
  serve(protocol: string, server: (request: InboundRequest) => void): Subscription
  /**
   * Publishes on a topic (text of 1 to 256 characters). Resolves with the peers that the message was sent to, which is no
   * proof of delivery (receipts are). No peer in the topic is no error: `recipients` is empty, and `explain(topic)` says
   * why. Broadcasts on a topic leave in the order of the calls. They wait while a peer reads too slowly.
   * @throws `DuplicateMessage` (the network suppresses the same bytes for a minute), `MessageTooLarge`, `PublishError`
   * (also if `waitForPeers` waited in vain), `Overloaded` (it could not be sent in time, or too many questions are open),
   * `Aborted`, `NodeStopped`; `InvalidConfig` for bad arguments.
   */
  broadcast(topic: string, data: Uint8Array, options?: BroadcastOptions): Promise<Published>
  /**
   * The broadcasts of a topic, which is joined with its first subscriber and left about 10 s after its last; without a
   * topic, those of all joined topics. Completes when the node stops. A subscriber gets broadcasts as fast as they come.
   * A `for await` takes them one by one, and up to a limit they wait for it.
   * @throws `InvalidConfig` for bad arguments, at once; a loop that is too slow ends with `Overloaded`, if that is its
   * policy.
   */
  broadcasts$(topic?: string, options?: BroadcastsOptions): Observable<Broadcast> & AsyncIterable<Broadcast>
  /**
   * Resolves when a topic that the node is in is joined: it is announced on every open gossip stream, and the node is in
   * its mesh, or alone in it. Later broadcasts of others reach the node. (More cannot be known, because a SUBSCRIBE has
   * no acknowledgement.)
   * @throws `NotSubscribed`, also if the topic is left meanwhile; `RequestTimeout` after `timeout` ms (default: the
   * config's `requestTimeout`); `Overloaded`, `Aborted`, `NodeStopped`; `InvalidConfig` for bad arguments.
   */
  joined(topic: string, options?: { timeout?: number | undefined; signal?: AbortSignal | undefined }): Promise<void>
  /**
   * Sets the validator of a topic, which judges its messages before they are delivered and forwarded. A topic has one
   * validator. A validator that must not miss the first message belongs in the config's `pubsub.validators`.
   * @throws `HandlerAlreadySet` if the topic has a validator; `InvalidConfig` for bad arguments. Both at once.
   */
  validate(topic: string, validator: Validator): void
  /** The topics that the node is in, now and after every change. Completes when the node stops. */
  readonly topics$: Observable<string[]>
  /**
   * The connected peers in a topic, now and after every change. Completes when the node stops.
   * @throws `InvalidConfig` for a bad topic, at once.
   */
  subscribers$(topic: string): Observable<string[]>
  /**
   * Everything that the node knows of a topic, or of a peer (given by its peer id or a multiaddr that ends in one), as a
   * plain object and as `text`. A topic whose name looks like a peer is given as `{ topic }`.
   * @throws `Overloaded`, `NodeStopped`; `InvalidConfig`, `InvalidPeerId` or `InvalidAddress` for bad arguments.
   */
  explain(about: { topic: string }): Promise<TopicExplanation>
  explain(about: { peer: string }): Promise<PeerExplanation>
  explain(about: string): Promise<TopicExplanation | PeerExplanation>
  /**
   * Sets the handler of requests and broadcasts. A node has one handler.
   * @throws `HandlerAlreadySet` on the second call; `InvalidConfig` if it has none of its methods, or one that is no function.
   * Both at once.
   */
  setEventHandler(handler: EventHandler): void
  /**
   * Connects to a peer, given by its peer id or by a multiaddr (with or without a peer id). Resolves with its peer id; at
   * once if there is a connection already.
   * @throws `DialError`, `Denied`, `Overloaded`, `NodeStopped`; `InvalidPeerId` or `InvalidAddress` for bad arguments.
   */
  dial(address: string): Promise<string>
  /**
   * These may come in, from now on: peer ids, or ranges of addresses in CIDR form (`192.0.2.0/24`, `2001:db8::/32`). They are neither
   * denied nor banned any more. If the config has `access.allow`, they are in that list from now on; without it this closes nothing,
   * and whoever is not denied may come in anyway. A peer of a range that is denied stays so: `deny` is the stronger one.
   * @throws `NodeStopped`; `InvalidConfig` for bad arguments
   */
  allow(entries: string | readonly string[]): Promise<void>
  /**
   * These may not come in: peer ids, or ranges of addresses. Resolves when it holds: no connection of theirs is open, requests that were
   * under way have ended with `Denied`, those of theirs are cancelled, they are in no table, and nobody here hears what such peers sign.
   * `allow` takes it back.
   * @throws `NodeStopped`; `InvalidConfig` for bad arguments, and for the node itself
   */
  deny(entries: string | readonly string[], options?: DenyOptions): Promise<void>
  /**
   * What is relevant for security, as it happens: who was admitted, authorized or not, denied, refused and banned, and why. At most 100 events of
   * each kind in a second; the next one says how many were left out. Completes when the node stops.
   */
  readonly audit$: Observable<AuditEvent>
  /**
   * The routing table, as a copy: peer id → multiaddrs that end in `/p2p/<peer id>`, as `bootNodes` takes them.
   * @throws `NodeStopped`
   */
  knownPeers(): Promise<Record<string, string[]>>
  /**
   * The status, as a copy, with the lists of who may come in (`access`).
   * @throws `NodeStopped`
   */
  status(): Promise<NodeStatus>
  /** The status, now and after every change. Completes when the node stops. */
  readonly status$: Observable<NodeStatus>
  /**
   * How the node stands with every peer that it knows, now and after every change. Completes when the node stops.
   */
  readonly peers$: Observable<PeerState[]>
  /**
   * The state of one peer, given by its peer id or a multiaddr that ends in one, now and after every change of it. The peer need not
   * be known yet. Completes when the node stops.
   * @throws `InvalidPeerId` or `InvalidAddress` for a bad argument, at once.
   */
  peer$(peer: string): Observable<PeerState>
  /**
   * Resolves when at least `peers` (from 1 on, default 1) are `identified` (see `peers$`): connected, and they can be asked. A peer that
   * speaks no protocol of requests does not count.
   * @throws `DialError` after `timeout` ms (default: the config's `requestTimeout`), whose message says why the peers of the config
   * could not be reached; `Overloaded`, `Aborted`, `NodeStopped`; `InvalidConfig` for bad arguments.
   */
  online(options?: {
    peers?: number | undefined
    timeout?: number | undefined
    signal?: AbortSignal | undefined
  }): Promise<void>
  /**
   * Ends the node within 2 s, even if a peer, a handler or the disk of `dataDir` hangs: completes every observable and rejects every
   * pending promise with `NodeStopped`. With `drain` it refuses new work at once, ours with `NodeStopped`, that of peers with
   * `Overloaded` (over version 1: a rejection), and lets what is in flight come to its end first: our requests, broadcasts and
   * dials, and the answers of our handlers. Resolves also when that took too long: `closed` then says what hung. Calling it
   * again during a drain brings the end forward, and without `drain` at once. While it drains, `status`, `knownPeers` and `explain`
   * answer.
   * @throws `InvalidConfig` for bad options.
   */
  stop(options?: StopOptions): Promise<void>
  /** Does the same as `stop()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>
  /**
   * Resolves when the node has ended, and never rejects: with `undefined` after `stop()`, else with the reason. `NodeStopped`:
   * a fault of its own (its `cause`), or a drain that was cut short, by its time or by another `stop()` (its message names what
   * hung); `ListenError`.
   */
  readonly closed: Promise<P2pError | undefined>
}

/** Options of `deny`. */
export interface DenyOptions {
  /**
   * For so many milliseconds, from 1 on. Of several denials of an entry, that of the config included, the one that ends last holds.
   * Default: until `allow` takes it back, or the node stops.
   */
  for?: number | undefined
  /** Why: for the log, `audit$`, `explain` and the errors of our own requests, as long as it holds. The peer is not told. */
  reason?: string | undefined
}

/** Options of `stop`. */
export interface StopOptions {
  /**
   * Milliseconds that open requests, answers, broadcasts and dials may still take, from 0 to 2,147,483,647. Default 0: they are
   * cut.
   */
  drain?: number | undefined
}
