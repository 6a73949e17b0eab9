/**
 * The numbers that steer a node, all in one place: those of the public config, and those that are ours.
 * Times in milliseconds, sizes in bytes.
 */
import { REQUEST_PROTOCOLS } from '../wire/protocols.js'

/** See above. */
export interface Settings {
  /** Multiaddrs to listen on. */
  listen: string[]
  /** Multiaddrs at which others reach us, in place of those that we listen on; none: the latter. */
  announce: string[]
  /** Boot nodes: peer id → multiaddrs (with `/p2p/<peer id>`). */
  bootNodes: Record<string, string[]>
  /** Topics that stay joined. */
  topics: string[]
  discoveryInterval: number
  /** Time of the first discovery tick after the start. */
  firstTick: number
  connectionKeepAlive: number
  requestTimeout: number
  maxRequestSize: number
  maxResponseSize: number
  /** Largest encoded broadcast frame, topic and signature included. */
  maxMessageSize: number
  /** Topics whose messages a validator judges from the start. */
  guardedTopics: string[]
  /** The time that a validator has. A peer that answers an IWANT counts as having broken its promise after 3 s. */
  validationTimeout: number
  /** What is kept of each topic for those who come late: so many broadcasts, of so many bytes. */
  historyMessages: number
  historyBytes: number
  /** The largest message that is fetched rather than gossiped; 0: none is. */
  maxLargeMessage: number
  /** Broadcast bytes that may wait to be sent to one peer: more are held back here. */
  maxGossipQueue: number

  /** Period in which every connected peer is pinged, and how long an answer may take (both as the origin). */
  pingInterval: number
  pingTimeout: number
  /** How long a topic stays joined after its last subscriber: gossipsub refuses a GRAFT for 10 s after a PRUNE. */
  topicLinger: number
  /** Table members that are not connected and are dialled at one tick, at most. */
  maxProbes: number
  /** … and how many of those dials are under way at once: nodes that share a machine must not make each other's time out. */
  maxParallelProbes: number
  /** How requests are asked and answered, the best first: names of src/wire/protocols.ts. */
  protocols: string[]
  /** Version-1 streams open to one connection at once; the rest queue. Rust's yamux takes 256 unacknowledged. */
  maxStreams: number
  /** … and before the first of them was accepted: more would kill a stock js-libp2p peer (its limit of early streams is 10). */
  maxEarlyStreams: number
  /** Questions without an answer yet, in all; more are `Overloaded`. */
  maxPendingRequests: number
  /** Dials under way at once, in all; more are `Overloaded`. */
  maxDials: number
  /** Inbound requests that are not answered yet, of one peer and in all; more are reset. */
  maxInboundPerPeer: number
  maxInbound: number
  /** Bytes of inbound requests held at once, of one peer and in all; more wait (their streams are paused). */
  maxInboundBytesPerPeer: number
  maxInboundBytes: number
  /** What the values of one answer may cost that wait to be sent, when their producer cannot be made to wait. */
  maxQueuedValues: number
  /** … and those of all answers to one peer together. */
  maxQueuedValuesPerPeer: number
  /** Sessions that a peer may open in the life of a connection; it needs one. */
  maxSessions: number
  /** Broadcasts that the network has not answered yet; the rest queue. */
  maxPublishing: number
  /** Bytes of broadcasts that wait here, in all; more are `Overloaded`. */
  maxQueuedBroadcasts: number
  /** How long a broadcast waits for a peer that takes nothing, before the others get it without that one. */
  slowPeerPatience: number
  /** Bytes of messages that validators judge at once (each costs 256 more), in all and of one peer; more are ignored. */
  maxValidating: number
  maxValidatingPerPeer: number
  /** How long a connection may be without a gossip stream before a topic counts as joined without it. */
  gossipPatience: number
  /** How long a peer may take to name its topics once there is a gossip stream to it: until then we are not alone in ours. */
  gossipSettle: number
  /** Peers that are asked for what a late subscriber missed, and how long they have. */
  catchUpPeers: number
  catchUpTimeout: number
  /** How long an answer of history waits until the asker is in our mesh: from then on it hears by gossip what we hear. */
  historyPatience: number
  /** How long a late subscriber waits for the topic to be joined before it asks. */
  catchUpPatience: number
  /** How long a large message may take to be fetched: gossipsub keeps its announcement so long. */
  fetchTimeout: number
  /** Large messages that others may fetch from us: bytes in all, and for how long. */
  maxBlobBytes: number
  blobLifetime: number
  /** How long `stop()` waits for the network. */
  stopTimeout: number
}

/** What requests of nodes and their answers may take, whatever is set for applications: they are ours, and bounded. */
const MIN_SERVICE_REQUEST = 4_096
const MIN_SERVICE_RESPONSE = 131_072

/** The largest request that we take. */
export function maxRequestOf({ maxRequestSize }: Settings, isService: boolean): number {
  return isService ? Math.max(maxRequestSize, MIN_SERVICE_REQUEST) : maxRequestSize
}

/** The largest value of a response that we take. */
export function maxResponseOf({ maxResponseSize, maxMessageSize }: Settings, isService: boolean): number {
  return isService ? Math.max(maxResponseSize, maxMessageSize, MIN_SERVICE_RESPONSE) : maxResponseSize
}

/** What a config that says nothing means. */
export const defaultSettings: Settings = {
  listen: ['/ip4/0.0.0.0/tcp/0'],
  announce: [],
  bootNodes: {},
  topics: [],
  discoveryInterval: 30_000,
  firstTick: 5_000,
  connectionKeepAlive: 10_000,
  requestTimeout: 10_000,
  maxRequestSize: 1_048_576,
  maxResponseSize: 1_048_576,
  maxMessageSize: 65_536,
  guardedTopics: [],
  validationTimeout: 2_000,
  historyMessages: 256,
  historyBytes: 1_048_576,
  maxLargeMessage: 0,
  maxGossipQueue: 4_194_304,
  pingInterval: 15_000,
  pingTimeout: 20_000,
  topicLinger: 10_000,
  maxProbes: 16,
  maxParallelProbes: 2,
  protocols: REQUEST_PROTOCOLS,
  maxStreams: 256,
  maxEarlyStreams: 8,
  maxPendingRequests: 100_000,
  maxDials: 1_000,
  maxInboundPerPeer: 1_000,
  maxInbound: 4_000,
  maxInboundBytesPerPeer: 16_777_216,
  maxInboundBytes: 67_108_864,
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
  maxBlobBytes: 67_108_864,
  blobLifetime: 120_000,
  stopTimeout: 1_500,
}
