/**
 * The protocol's numbers that decide who connects to whom, who knows whom and how broadcasts spread. The network on real
 * sockets (`src/libp2p/defaults.ts` hands them to libp2p, with the stock value and the reason for ours) and the model of it
 * (`src/testing/network/`) take them from here alone. Times in milliseconds, sizes in bytes.
 */

const KiB = 1024
const MiB = 1024 * KiB

export const DIALS = {
  /** A dial with all its addresses, and with the lookup before them. */
  timeout: 10_000,
  /** One address of it. */
  addressTimeout: 6_000,
  /** The next address begins so long after the last one, or when one fails (RFC 8305, "Connection Attempt Delay"). */
  stagger: 250,
  /** Addresses that are being tried at once, and in all. */
  parallel: 8,
  addresses: 25,
  /** An address from which nothing has come is tried once more beside after this time, as its host may have come up since. */
  again: 500,
  /** The network is asked for other addresses when none of the known ones has answered for so long. */
  lookupAfter: 1_000,
} as const

export const STREAMS = {
  /** Bytes that may be on their way to a side that has not read them. */
  window: 256 * KiB,
  /** The same for a session. */
  sessionWindow: 1 * MiB,
  /** Streams that a peer may have open to us on one connection. */
  maxInbound: 1_000,
} as const

/** The routing table and its lookups. */
export const TABLE = {
  /** Peers in a bucket, peers that an answer names, and peers that a lookup asks in the end. */
  bucketSize: 20,
  /** Bits of a key that choose its bucket. Only the bucket of our own id is split further. */
  splitDepth: 6,
  /** Questions of one lookup (kad-dht: of each of its paths) that are under way at once. */
  parallel: 3,
  /** Members chosen by chance that are asked for our neighbours at each lookup of ourselves, besides those close to us. */
  strangers: 3,
  /** Peers that were named to us and are visited (kad-dht: pinged) at once before they enter the table; and peers that wait. */
  visits: 4,
  waitingVisits: 100,
  /** One question, with the dial before it. */
  questionTimeout: 10_000,
  /** One lookup. */
  lookupTimeout: 20_000,
} as const

/** Who is in the mesh of a topic, by the names of gossipsub's specification. */
export const MESH = {
  D: 6,
  Dlo: 4,
  Dhi: 12,
  /** Of them peers that we dialled ourselves. */
  Dout: 2,
  /** How long a peer must not be grafted after a PRUNE, and after a PRUNE because we left the topic. */
  pruneBackoff: 60_000,
  unsubscribeBackoff: 10_000,
  /** Heartbeats between two looks for back-offs that are over, and heartbeats that a back-off lasts longer for ourselves. */
  backoffClearing: 15,
  backoffSlack: 1,
  /** A GRAFT this soon after a PRUNE is a second misbehaviour. */
  graftFloodThreshold: 10_000,
} as const

/** What is remembered of messages and told to peers outside of the mesh. */
export const GOSSIP = {
  heartbeat: 1_000,
  /** Peers that hear of a message (IHAVE) at each heartbeat: so many, or this share of them if that is more. */
  Dlazy: 6,
  factor: 0.25,
  /** Heartbeats for which a message may be asked for (IWANT), and for which it is told of. */
  history: 10,
  historyTold: 3,
  /** How long a message's id is remembered. */
  seenTTL: 60_000,
  /** How long after we left a topic its messages are no offence, and how many topics that is remembered of. */
  leftTopicGrace: 60_000,
  leftTopics: 1_024,
  /** So many messages of topics that we were never in are one misbehaviour. */
  unknownTopicTolerance: 16,
} as const

/** What counts against a peer. Weights, decays and thresholds are options: see `core/pubsub.ts`. */
export const SCORE = {
  decayInterval: 1_000,
  /** A count below this is none. */
  decayToZero: 0.1,
  /** How long the counts of a peer that has gone are kept. */
  retention: 60_000,
} as const
