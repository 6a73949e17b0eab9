/**
 * The numbers of the protocols: dials, streams, the routing table, meshes and gossip. Both networks take them from here
 * alone: the one on real sockets (`src/libp2p/defaults.ts`, with the stock value and the reason for ours) and the model
 * of it (`src/testing/network/`). Times are in milliseconds, sizes in bytes.
 */

const KiB = 1024
const MiB = 1024 * KiB

export const DIALS = {
  /** A dial with all its addresses, and with the lookup before them. */
  timeout: 10_000,
  /** One address of a dial. */
  addressTimeout: 6_000,
  /** The next address begins so long after the last one, or when one fails (RFC 8305, "Connection Attempt Delay"). */
  stagger: 250,
  /**
   * Of many addresses the last one begins after this time, so that it has time left to answer although all others hang: then they
   * begin sooner after each other, but not sooner than `shortestStagger` (RFC 8305 forbids less than 10).
   */
  allWithin: 4_000,
  shortestStagger: 20,
  /** Addresses of a dial that are tried. */
  addresses: 100,
  /** While more of a dial's addresses are being tried, each has one socket (see `again`). */
  few: 8,
  /** An address from which nothing has come is tried once more beside after this time, as its host may have come up since. */
  again: 500,
  /** The network is asked for other addresses when none of the known ones has answered for so long. */
  lookupAfter: 1_000,
} as const

/** What follows when the process stood still: it was busy, stopped or asleep. */
export const PROCESS = {
  /** It stood still if it comes so much later than it should, ms. */
  late: 250,
  /** So long nothing is over then, ms: for what lies in the sockets, and a round trip. */
  grace: 250,
} as const

/** How a sleep of the machine is noticed: its clocks are compared. */
export const CLOCKS = {
  /** So often, ms. */
  interval: 500,
  /** Less than this is the slewing of a time service, or what lies between the two readings, ms. */
  jump: 2_000,
} as const

export const STREAMS = {
  /** Bytes that may be sent before the other side has read any. */
  window: 256 * KiB,
  /** The same, for a session. */
  sessionWindow: 1 * MiB,
  /** Streams that a peer may have open to us, per connection. */
  maxInbound: 1_000,
} as const

/** The routing table and its lookups. */
export const TABLE = {
  /** k: peers in a bucket, peers in an answer, and the closest peers that a lookup must have asked. */
  bucketSize: 20,
  /** Bits of a key that select its bucket. Only the bucket of our own id is split further. */
  splitDepth: 6,
  /** α: questions of one lookup (in kad-dht, of each of its paths) that run at once. */
  parallel: 3,
  /** Random members that each lookup of our own id asks, in addition to the closest ones. */
  strangers: 3,
  /** Candidates for the table that are visited (in kad-dht, pinged) at once, and candidates that wait for that. */
  visits: 4,
  waitingVisits: 100,
  /** One question, including the dial before it. */
  questionTimeout: 10_000,
  /** One lookup. */
  lookupTimeout: 20_000,
} as const

/** What peers say of where others are (core/peers/hearsay.ts). It is counted in addresses. */
export const HEARSAY = {
  /**
   * It ends after this time, and is held against its teller so long unless it has led to the peer: two discovery ticks, within which
   * a peer that is there has been visited.
   */
  lifetime: 60_000,
  /** How often an address is tried, and how long after it has failed it is not. */
  tries: 3,
  pause: 10_000,
  /** Addresses of one peer that one teller may name, that are used, and that a peer may name of itself. */
  perPeer: 8,
  /**
   * Held at once, in all, and against those who were not yet right more often than wrong: so many dead addresses are dialled in the time
   * above at most, however many identities name them.
   */
  inAll: 512,
  inAllOfStrangers: 256,
  /** So many of one teller are held in the part for newcomers (limits/shares.ts), which has 32. */
  little: 2,
  /** … against one teller. An honest answer names 20 peers, most of them with one to three addresses. */
  ofTeller: 160,
  ofStranger: 64,
  /** Tellers of which is remembered how often they were right. */
  credits: 1_024,
} as const

/** The mesh of a topic, by the names of gossipsub's specification. */
export const MESH = {
  D: 6,
  Dlo: 4,
  Dhi: 12,
  /** Members of the mesh that we dialled ourselves, at least. */
  Dout: 2,
  /** How long a peer must not be grafted after a PRUNE, and after a PRUNE of a topic that was left. */
  pruneBackoff: 60_000,
  unsubscribeBackoff: 10_000,
  /** Heartbeats between two clearings of expired back-offs, and heartbeats that we wait longer than the back-off. */
  backoffClearing: 15,
  backoffSlack: 1,
  /** A GRAFT within the back-off counts as two misbehaviours if it comes this soon after the PRUNE. */
  graftFloodThreshold: 10_000,
} as const

/** What is remembered of messages, and gossiped to peers outside the mesh. */
export const GOSSIP = {
  heartbeat: 1_000,
  /** Peers that get an IHAVE at each heartbeat: `Dlazy`, or this share of them if that is more. */
  Dlazy: 6,
  factor: 0.25,
  /** Heartbeats for which a message can be had by IWANT, and for which it is announced by IHAVE. */
  history: 10,
  historyTold: 3,
  /** How long a message's id is remembered. */
  seenTTL: 60_000,
  /** How long messages of a topic that we left are no offence, and for how many topics that is remembered. */
  leftTopicGrace: 60_000,
  leftTopics: 1_024,
  /** Topics of one peer that are known. Beyond that, only those that we are in too. */
  topicsPerPeer: 1_024,
  /** Messages of topics that we were never in, per misbehaviour. */
  unknownTopicTolerance: 16,
} as const

/** The peer score. Weights, decays and thresholds are options: `core/pubsub.ts`. */
export const SCORE = {
  decayInterval: 1_000,
  /** A counter below this becomes 0. */
  decayToZero: 0.1,
  /** How long the counters of a disconnected peer are kept. */
  retention: 60_000,
} as const
