/**
 * The numbers that steer a node, all in one place: those of the public config and the internal ones. The file knows no state.
 * Times are in milliseconds, sizes in bytes.
 */
import type { Entry } from './access/lists.js'
import { limitsOf, type Limits } from './limits/limits.js'
import { REQUEST_PROTOCOLS } from '../wire/protocols.js'

/** All settings of one node, with no value missing. */
export interface Settings {
  /** Multiaddrs to listen on. */
  listen: string[]
  /** Multiaddrs at which others reach us, in place of those that we listen on; none: the latter. */
  announce: string[]
  /** Boot nodes: peer id → multiaddrs (with `/p2p/<peer id>`). */
  bootNodes: Record<string, string[]>
  /** Peers to stay connected to: peer id → multiaddrs; none: they are looked up. */
  keep: Record<string, string[]>
  /** What a node of this identity remembered when it last ran; `age`: how long ago the peer was good.
   * The one that was good last comes first. */
  remembered: { peer: string; addresses: string[]; age: number }[]
  /** Topics that stay joined. */
  topics: string[]
  discoveryInterval: number
  /** From the start to the first discovery tick. */
  firstTick: number
  connectionKeepAlive: number
  /** So long after a broadcast of ours connections to subscribers of its topic are kept. */
  publishesFor: number
  /** While at most so many peers are connected, no connection is closed for being idle. */
  stayConnected: number
  requestTimeout: number
  maxRequestSize: number
  maxResponseSize: number
  /** Largest encoded broadcast frame, topic and signature included. */
  maxMessageSize: number
  /** Topics whose messages are validated from the start. */
  guardedTopics: string[]
  /** The time that a validator has. After 3 s gossipsub counts an unanswered IWANT as a broken promise. */
  validationTimeout: number
  /** Broadcasts of each topic that are kept for late subscribers: how many, and how many bytes. */
  historyMessages: number
  historyBytes: number
  /** The largest message that is fetched instead of gossiped; 0: none is. */
  maxLargeMessage: number
  /** Bytes of broadcasts that may wait in the network for one peer; more wait in publishing.ts. */
  maxQueueSize: number

  /** Every connected peer is pinged once per interval; an answer may take as long as the timeout. */
  pingInterval: number
  pingTimeout: number
  /** … and in a drain. When a peer has opened another connection, gossip leaves a silent one after this, and it is closed after twice this. */
  pingTest: number
  /** How long a topic stays joined after its last subscriber, because gossipsub refuses a GRAFT for 10 s after a PRUNE. */
  topicLinger: number
  /** Table members without a connection that are dialled per tick, at most … */
  maxProbes: number
  /** … and how many of these dials run at once. Few, because nodes that share a machine slow down each other's dials. */
  maxParallelProbes: number
  /** Peers that are remembered once they were good, whether or not the table has room for them. */
  maxRemembered: number
  /** How long a peer is tried again that nobody reaches: whoever was away for a day comes back by itself, or not at all. */
  memoryLifetime: number
  /** Remembered peers that are dialled at once, beside those that were good last: a node whose cable is out must not dial a thousand. */
  maxReturns: number
  /** A number by chance that this start of the node has, below 2^48: others tell two nodes of one secret apart by it. 0: none. */
  incarnation: number
  /** Protocols of requests, the preferred one first: names of src/wire/protocols.ts. */
  protocols: string[]
  /**
   * Version-1 streams that are open on one connection at once; other requests queue. Rust's yamux takes 256
   * unacknowledged.
   */
  maxStreams: number
  /** … and before the first of them is accepted, because a stock js-libp2p peer closes a connection with more than 10. */
  maxEarlyStreams: number
  /** Questions without an answer, in all; more are `Overloaded`. */
  maxPendingRequests: number
  /** Dials under way at once, in all; more are `Overloaded`. */
  maxDials: number
  /** Cost of the values of one answer that may wait to be sent, if their producer cannot wait … */
  maxQueuedValues: number
  /** … and of all such answers to one peer. */
  maxQueuedValuesPerPeer: number
  /** Sessions that a peer may open in the life of a connection; it needs one. */
  maxSessions: number
  /** Broadcasts that the network has not answered yet; others queue. */
  maxPublishing: number
  /** Bytes of broadcasts that wait in the core, in all; more are `Overloaded`. */
  maxQueuedBroadcasts: number
  /** How long broadcasts wait for a peer that reads too slowly, before the others get them without it. */
  slowPeerPatience: number
  /** Bytes of messages under validation (each costs 256 more), in all and of one peer; more are ignored. */
  maxValidating: number
  maxValidatingPerPeer: number
  /** How long a topic waits, before it counts as joined, for a connection that has no gossip stream. */
  gossipPatience: number
  /** How long a peer may take to name its topics after its gossip stream opened. Until then we do not count as alone. */
  gossipSettle: number
  /** Peers that are asked for the history of a topic, and how long each may take. */
  catchUpPeers: number
  catchUpTimeout: number
  /** How long an answer with history waits for the asker to enter our mesh, after which gossip reaches it. */
  historyPatience: number
  /** How long a late subscriber waits for the topic to be joined before peers are asked. */
  catchUpPatience: number
  /** How long the fetch of a large message may take: as long as gossipsub keeps its announcement. */
  fetchTimeout: number
  /** How long large messages are kept, that others may fetch from us. */
  blobLifetime: number
  /** What others may use of this node. */
  limits: Limits
  /** Who may come in. `closed`: nobody but those in `allow`. `authorizes`: the application is asked about each peer. */
  access: { closed: boolean; allow: Entry[]; deny: Entry[]; authorizes: boolean }
  /** How long `stop()` waits for the network. */
  stopTimeout: number
}

/** Requests of nodes and their values may be this large, whatever limits the application has. */
const MIN_SERVICE_REQUEST = 4_096
const MIN_SERVICE_RESPONSE = 131_072

/** The peers that the config names. */
export function namedPeers({ bootNodes, keep }: Settings): Set<string> {
  return new Set([...Object.keys(bootNodes), ...Object.keys(keep)])
}

/** Does the config name this peer? We stay connected to it, and try again for ever. */
export function isNamed({ bootNodes, keep }: Settings, peer: string): boolean {
  return Object.hasOwn(bootNodes, peer) || Object.hasOwn(keep, peer)
}

/** The largest request that we accept, bytes. */
export function maxRequestOf({ maxRequestSize }: Settings, isService: boolean): number {
  return isService ? Math.max(maxRequestSize, MIN_SERVICE_REQUEST) : maxRequestSize
}

/** The largest value of a response that we accept, bytes. */
export function maxResponseOf({ maxResponseSize, maxMessageSize }: Settings, isService: boolean): number {
  return isService ? Math.max(maxResponseSize, maxMessageSize, MIN_SERVICE_RESPONSE) : maxResponseSize
}

/** The settings of an empty config. */
export const defaultSettings: Settings = {
  listen: ['/ip4/0.0.0.0/tcp/0'],
  announce: [],
  bootNodes: {},
  keep: {},
  remembered: [],
  topics: [],
  discoveryInterval: 30_000,
  firstTick: 5_000,
  connectionKeepAlive: 10_000,
  publishesFor: 600_000,
  stayConnected: 30,
  requestTimeout: 10_000,
  maxRequestSize: 1_048_576,
  maxResponseSize: 1_048_576,
  maxMessageSize: 65_536,
  guardedTopics: [],
  validationTimeout: 2_000,
  historyMessages: 256,
  historyBytes: 1_048_576,
  maxLargeMessage: 0,
  maxQueueSize: 4_194_304,
  pingInterval: 15_000,
  pingTimeout: 20_000,
  pingTest: 1_000,
  topicLinger: 10_000,
  maxProbes: 16,
  maxParallelProbes: 2,
  maxRemembered: 1_000,
  memoryLifetime: 86_400_000,
  maxReturns: 8,
  incarnation: 0,
  protocols: REQUEST_PROTOCOLS,
  maxStreams: 256,
  maxEarlyStreams: 8,
  maxPendingRequests: 100_000,
  maxDials: 1_000,
  maxQueuedValues: 4_194_304,
  maxQueuedValuesPerPeer: 16_777_216,
  maxSessions: 8,
  maxPublishing: 64,
  maxQueuedBroadcasts: 67_108_864,
  slowPeerPatience: 2_000,
  maxValidating: 67_108_864,
  maxValidatingPerPeer: 16_777_216,
  gossipPatience: 5_000,
  gossipSettle: 1_000,
  catchUpPeers: 3,
  catchUpTimeout: 5_000,
  catchUpPatience: 3_000,
  historyPatience: 1_000,
  fetchTimeout: 8_000,
  blobLifetime: 120_000,
  limits: limitsOf(),
  access: { closed: false, allow: [], deny: [], authorizes: false },
  stopTimeout: 1_500,
}
