/**
 * Every stock default of libp2p that affects how a node behaves, with the stock value, ours, and the reason. Files of this folder take
 * from here what libp2p has a number for, or should have; a number of a mechanism that is all our own may be beside it, as most of those
 * of guards/ are. What is not named in an object stays as the comments say. Numbers that the simulated network has too are in
 * `core/parameters.ts`. Of those that libp2p has no option for, `defaults-spec.ts` checks
 * that the stock value is ours.
 */
import type { GossipsubOpts } from '@chainsafe/libp2p-gossipsub'
import type { NoiseInit } from '@chainsafe/libp2p-noise'
import type { YamuxMuxerInit } from '@chainsafe/libp2p-yamux'
import type { IdentifyInit, IdentifyPushInit } from '@libp2p/identify'
import type { KadDHTInit } from '@libp2p/kad-dht'
import type { PingInit } from '@libp2p/ping'
import type { TCPOptions } from '@libp2p/tcp'
import type { Libp2pInit } from 'libp2p'
import { DIALS, GOSSIP, MESH, SCORE, STREAMS, TABLE } from '../core/parameters.js'
import { noiseCrypto } from '../platform/noise-crypto.js'
import { KADEMLIA } from '../wire/protocols.js'

const KiB = 1024
const MiB = 1024 * KiB

/** The longest delay that a timer can hold, some 25 days: switches a stock timer off that has no switch. */
const NEVER = 2 ** 31 - 1

/* ------------------------------------------------ our own bounds ------------------------------------------------ */

/** A dial with all its addresses and the lookup before them. The stock dial timeout; also the default request timeout. */
export const DIAL_TIMEOUT = DIALS.timeout

/** Addresses that are being tried at once, of all dials together. Stock `maxParallelDials`: 100 peers, one address of each. */
export const MAX_ATTEMPTS = 200

/** The same for dials of which more than a few are being tried: a peer with many addresses that hang leaves room for others. */
export const MAX_ATTEMPTS_OF_CROWDS = 100

/** A lookup of ourselves. Stock: 180 s, which is six of our discovery ticks. */
export const QUERY_TIMEOUT = TABLE.lookupTimeout

/** Members chosen by chance that are asked for our neighbours at each lookup of ourselves, besides those close to us. */
export const STRANGERS = TABLE.strangers

/** How often kad may ping a peer that we are connected to before it gives it up as a member of the table. Stock: once. */
export const ADD_ATTEMPTS = 3
/** Peers that are being added or removed. While there are so many, another one is not added: kad itself pings 20 at once. */
export const MAX_CHANGING = 256

/** Closing one connection in good order before it is aborted. The stock value. */
export const CLOSE_TIMEOUT = 1_000

/** Stopping libp2p in good order before what is left of it is aborted; `node.stop()` promises 2 s in all. Stock: no bound. */
export const STOP_TIMEOUT = 1_200

/** How often we look which addresses this machine has. Stock: never again after the start. */
export const INTERFACES_INTERVAL = 1_000

/** How many peers the gater remembers: whether one was connected over loopback, and the addresses that it told. */
export const REMEMBERED_PEERS = 4_096

/** How long what a peer has said of itself outranks hearsay once it is not connected, ms. Stock: nothing outranks it. */
export const SELF_REPORT_LIFETIME = 60 * 60_000

/** What a session may have on its way to us. Stock: 256 KiB, and up to 16 MiB where Yamux happens to let a window grow. */
export const SESSION_WINDOW = STREAMS.sessionWindow

/** Streams at once for each protocol and connection. Stock: 32 in, 64 out; a Rust peer's 33rd request was aborted. */
export const REQUEST_STREAMS = { maxInboundStreams: STREAMS.maxInbound, maxOutboundStreams: 1_000 }

/** What the other side of a connection may say in Yamux, beside the streams that it opens (`limits.streamRate`). Stock: anything. */
export const MUXER = {
  /** Of one frame of data, bytes: no window is larger than YAMUX.streamOptions says, and none is when its stream is opened. */
  frame: 4 * MiB,
  firstFrame: STREAMS.window,
  /** A window update may say so much, bytes; implementations of Yamux have windows of 1 GiB at most. */
  largestWindow: 1024 * MiB,
  /** Pings in a second. Others ping each 10 s at most. */
  pings: 10,
  /**
   * Frames of one peer in a second, whatever they carry, and of all together, × that; and what each peer has in any case. A frame costs some
   * 4 µs, and one of 8 bytes as much as one of 1,000. Counted of honest peers: ours write one for each batch of requests (some 4,000 in a
   * second), version 1 takes 2 to 4 for each of its 3,000 requests (most are of 32 to 127 bytes, or windows), and gossip one for each
   * broadcast, of which 45,000 in a second must pass. A stock node of JavaScript gives a window back for each frame that it reads.
   */
  frames: 50_000,
  framesOfAll: 2,
  leastFrames: 1_000,
  /** Frames in a second that lead to nothing: those of streams that have ended, as are under way to us when we reset a thousand. */
  waste: 2_000,
  /** So many bytes of them count as one more. */
  strayBytes: 2_048,
  /** An empty frame counts as so many, and so does a stream beyond the share of those that are not agreed upon. */
  empty: 10,
  /** Frames that no honest node sends count as so many: of streams that never were, and of windows beyond the largest. */
  impossible: 100,
  /** Whoever is over a rate has to wait, and is hung up on when that goes on for so long, ms. */
  patience: 5_000,
  /** Streams that each peer may open in a second, whatever others do. */
  leastStreams: 10,
  /**
   * What is handed on in one turn of the event loop, in frames, of all connections and of one, and what each has in any
   * case: some 5 ms of work. So many bytes count as one more: a connection has the 2 MiB that a socket gives in a turn at the most, in large frames. Of a body so much counts at once, and the
   * rest when it comes. A stream that is opened counts as so many more, and takes 0.1 to 0.3 ms: 64 of them, and 32 of a connection.
   */
  perTurn: 1_024,
  perTurnEach: 512,
  leastPerTurn: 16,
  bytesPerFrame: 4_096,
  bytesAtOnce: 64 * KiB,
  opening: 15,
  /** Streams whose protocol is not agreed upon yet, in all and of one peer. They have 10 s for it, see below. */
  unagreed: 1_000,
  unagreedEach: 256,
  /** A word of multistream-select is no longer, bytes. Stock: the same, once all of its length has come. */
  word: 1_024,
  /** Protocols that may be proposed on one stream. Ours offer two. */
  proposals: 16,
  /** Of the choice of an encrypter, and of a muxer, so many bytes are read: the greeting, and names of protocols. Ours take some 50. */
  choice: 512,
} as const

/** Frames of Noise, which are decrypted before anybody knows what is in them. As many may come as of Yamux: honest ones have one of these or more. */
export const SEALED = {
  /** In frames of MUXER.perTurn: one is decrypted, and what is in it handed on by itself. So many bytes take as long as one more. */
  each: 4,
  bytesPerFrame: 8_192,
  /** Frames with no more than the tag in them, in a second. Nobody sends them. */
  tag: 16,
  empties: 100,
} as const

/* ------------------------------------------- transport, upgrade, streams ----------------------------------------- */

export const TCP: TCPOptions = {
  // Stock: true. Said again because without it a sequential request takes 40 ms and more (Nagle with delayed ACK).
  dialOpts: { noDelay: true },
  listenOpts: { noDelay: true },
  // Stock: 2 minutes each. Yamux pings every 30 s, so this ends connections whose other side vanished silently.
  inboundSocketInactivityTimeout: 120_000,
  outboundSocketInactivityTimeout: 120_000,
  // Not set: maxConnections (stock: none; the connection manager's 300 hold), backlog (stock: Node's 511).
}

export const NOISE: NoiseInit = {
  // Stock: WebAssembly for frames below 1,200 bytes, Node's crypto from there on. Ours changes over where they are equal.
  crypto: noiseCrypto,
  // Not set: staticNoiseKey (stock: a new one for each start), extensions and prologueBytes (stock: none).
}

export const YAMUX: YamuxMuxerInit = {
  // Stock: on, every 30 s. It measures the round trip that lets a window grow, and keeps idle sockets alive.
  enableKeepAlive: true,
  keepAliveInterval: 30_000,
  // Stock: 1,000 each. A stream more is reset.
  maxInboundStreams: STREAMS.maxInbound,
  maxOutboundStreams: 1_000,
  // Stock: 10. More streams than that, opened while the other side still finishes its upgrade, kill the connection.
  maxEarlyStreams: 1_000,
  streamOptions: {
    // Stock: 256 KiB, and fixed by yamux's specification.
    initialStreamWindowSize: STREAMS.window,
    // Stock: 16 MiB. A paused stream that has buffered more than maxReadBufferLength is reset, so no window may be larger.
    maxStreamWindowSize: 4 * MiB,
    maxReadBufferLength: 4 * MiB,
    // Stock: unlimited, and a stream over the limit is aborted. The lane has one unanswered write a stream instead.
    maxWriteBufferLength: Infinity,
  },
  // Not set: maxMessageSize (stock: 64 KiB, but nothing reads it: one send becomes a frame as large as the window).
}

/**
 * In a private network: the other side's nonce, and the first bytes of its negotiation. Stock: as long as the upgrade. It takes two legs, and
 * a node without a key never sends it.
 */
export const NONCE_TIMEOUT = 3_000

/* -------------------------------------------- connections and the peer store ------------------------------------- */

export const CONNECTION_MANAGER: NonNullable<Libp2pInit['connectionManager']> = {
  // Stock: 300. Beyond it inbound ones are refused, whoever comes. The lane closes the least useful ones (`limits.connections`).
  maxConnections: 1_000_000,
  // Stock: 5 a second for each host. Refuses 10 of 15 nodes that start together on one machine or behind one NAT. (`limits.handshakeRate`)
  inboundConnectionThreshold: 1_000_000,
  // Stock: 10 unfinished handshakes. The same start. (`limits.handshakes`)
  maxIncomingPendingConnections: 1_000_000,
  // Stock: 5. The lane alone decides which peers to reconnect (see also peer-tags.ts: 0 still tries once).
  reconnectRetries: 0,
  // Stock: 100 dials at once, 500 waiting, 25 addresses a peer, 10 s in all.
  maxParallelDials: 100,
  maxDialQueueLength: 500,
  maxPeerAddrsToDial: DIALS.addresses,
  dialTimeout: DIAL_TIMEOUT,
  // Stock: 6 s. Shorter ones fail when 20 nodes start on a busy machine. (These concern kad's own dials, and names that stand
  // for others: they try addresses one after the other. Those of the lane race, by the numbers of core/parameters.ts.)
  addressDialTimeout: DIALS.addressTimeout,
  // Stock: 10 s each.
  inboundUpgradeTimeout: 10_000,
  inboundStreamProtocolNegotiationTimeout: 10_000,
  // Stock: 10 s. Gossipsub opens its streams one after the other and passes no signal: a hung peer delays all others.
  outboundStreamProtocolNegotiationTimeout: 5_000,
  connectionCloseTimeout: CLOSE_TIMEOUT,
}

// Stock: on. It pings every 10 s and aborts the connection with nothing but a log line; the lane pings by itself.
export const CONNECTION_MONITOR: NonNullable<Libp2pInit['connectionMonitor']> = { enabled: false }

export const PEER_STORE: NonNullable<Libp2pInit['peerStore']> = {
  // Stock: 1 hour, counted from when an address was first heard; hearing it again does not renew it. Peers to which we
  // have been connected for an hour would lose their addresses for good. The lane removes peers that cannot be reached.
  maxAddressAge: Infinity,
  // Stock: 6 hours; without ageing addresses it only concerns peers that have none.
  maxPeerAge: 6 * 60 * 60_000,
}

/* -------------------------------------------------- identify, ping ----------------------------------------------- */

/** What we say we are. Stock: `js-libp2p/<version> …`. */
export const AGENT = 'tinyp2p'

export const IDENTIFY: IdentifyInit = {
  // Stock: runs on each new connection, 5 s, 8 KiB, one stream each way.
  runOnConnectionOpen: true,
  timeout: 5_000,
  maxMessageSize: 8 * KiB,
  maxInboundStreams: 1,
  maxOutboundStreams: 1,
}

/** Tells connected peers when our addresses change. The origin does not speak it, and hears nothing. */
export const IDENTIFY_PUSH: IdentifyPushInit = {
  // Stock: at every change of our peer record, so at each start too. The port says when.
  runOnSelfUpdate: false,
  // Stock: 1 s after that; the rest as IDENTIFY.
  timeout: IDENTIFY.timeout!,
  maxMessageSize: IDENTIFY.maxMessageSize!,
  maxInboundStreams: 1,
  maxOutboundStreams: 1,
  debounce: 100,
}

/** What is kept of what a peer says of itself. Stock: all of it. Our own agent is `tinyp2p`, and we speak some ten protocols. */
export const IDENTIFIED = {
  /** Addresses that are looked at; of these as many are kept as `HEARSAY.perPeer` (core/parameters.ts) says. */
  lookedAt: 64,
  protocols: 256,
  /** Characters of one. */
  protocolLength: 256,
  agentLength: 128,
} as const

/** A stranger that is gone is kept so long in the peer store, ms. Stock: for ever, if it has said an address. */
export const STRANGER_KEPT = 2_000

/** Bytes of answers to pings that may wait in a stream. Stock: one answer of any size. */
export const PING_UNREAD = 1 * KiB

export const PING = {
  // Stock: 10 s for a stream that pings us.
  timeout: 10_000,
  // Stock: 2 in, 1 out. The lane's ping and kad's check of a new contact may meet, and kad drops a peer whose ping fails.
  maxInboundStreams: 8,
  maxOutboundStreams: 8,
} satisfies PingInit

/* ---------------------------------------------------- Kademlia --------------------------------------------------- */

export const KAD: KadDHTInit = {
  protocol: KADEMLIA,
  // Stock: a client until it finds itself a public address. Every node of ours serves, as the origin's do.
  clientMode: false,
  // Stock: false; then a query with an empty table waits for a peer until it times out.
  allowQueryWithZeroPeers: true,
  // Stock: 1 s and 5 min. Off: the lane looks up its own id at each discovery tick.
  initialQuerySelfInterval: NEVER,
  querySelfInterval: NEVER,
  // Stock: at least 5 s. When 20 nodes on one machine ask their one boot node at the same time, most get no answer by
  // then, and a lookup that began with one peer ends with nothing.
  networkDialTimeout: { minTimeout: TABLE.questionTimeout },
  // Stock: 32 in, 64 out for each connection. One more lookup at the same time would be aborted.
  maxInboundStreams: 256,
  maxOutboundStreams: 256,
  // Stock: buckets of 20, as the origin's, 6 bits deep (some 1,280 peers); patches/kad-buckets.ts lets our own go deeper.
  kBucketSize: TABLE.bucketSize,
  prefixLength: TABLE.splitDepth,
  // Stock: 10 requests at once, on 10 paths. Kademlia's own 3: a lookup asks the same peers, but in small networks the
  // first answers name all nodes, and the requests that are under way by then are wasted.
  alpha: TABLE.parallel,
  disjointPaths: 3,
  // Stock: a peer is pinged before it enters the table (20 at once, 100 waiting), and the three oldest of a full bucket
  // before one of them has to go. Fewer at once: each is a dial, with a handshake on both sides, and where many nodes
  // share a machine they would make each other's dials time out.
  // Stock: at least 5 s, more after slow answers. A peer that does not answer the first ping is dropped silently, and a
  // handshake can take seconds while 20 nodes meet on one machine.
  pingNewContactTimeout: { minTimeout: 10_000 },
  pingNewContactConcurrency: TABLE.visits,
  pingNewContactMaxQueueSize: TABLE.waitingVisits,
  // Stock: 16,384, in a queue that is searched from its start for each peer.
  routingTableUpdateMaxQueueSize: 256,
  pingOldContactConcurrency: 20,
  pingOldContactMaxQueueSize: 100,
  // Stays as it is, because there is no option: a refresh of all buckets every 5 minutes (its timer is unref'd), the fill from
  // the peer store at the start (ours is empty then), tags on the 20 closest peers every 5 s (the one of them that would
  // reconnect a peer that we have let go is left out in peer-tags.ts).
}

/** Fields of an answer of Kademlia, those of its peers too: 20 of them with 200 addresses. Stock: any number. */
export const KAD_FIELDS = 4_096
/** A question of Kademlia, bytes. Stock: 4 MiB. One for a place has some 50; a record is none that we take. */
export const KAD_QUESTION_SIZE = 4 * KiB
/** An answer, bytes. Stock: 4 MiB. An honest one has 20 peers, of some 100 to 1,000 bytes each. */
export const KAD_ANSWER_SIZE = 64 * KiB
/** Addresses of a peer in an answer that are looked at: the first ones may be of other transports. Stock: all. */
export const KAD_LOOKED_AT = 16
/** Bytes of answers that may wait in a stream before another question. Stock: all of them wait. */
export const KAD_UNREAD = 16 * KiB
/** How long a stream may be open without a question. The stock value. */
export const KAD_IDLE = 10_000
/** Peers of which is remembered that they were not there a moment ago. Stock: kad tries at once again. */
export const UNREACHABLE_PEERS = 1_024

/* ---------------------------------------------------- gossipsub -------------------------------------------------- */

/** Opening a gossip stream. Stock: no signal, and the others wait meanwhile (gossip/peer-streams.ts does not). */
export const GOSSIP_OPEN_TIMEOUT = 5_000

/** How often gossip that ends by itself is begun again on a connection (rust-libp2p's `MAX_SUBSTREAM_ATTEMPTS`) … */
export const GOSSIP_REOPENED = 5
/** … and after what time, ms; twice as long each time. */
export const GOSSIP_REOPEN_AFTER = 1_000

/**
 * Streams of gossip that a peer may open in a second, one in place of the other, and twice as many at once: a connection has one, and whoever
 * loses it waits before it opens another. Stock: any number, and the newest one is read.
 */
export const GOSSIP_STREAM_RATE = 5

/** Bytes that a peer may send ahead of what is verified before its stream is paused. Stock: without bound. */
export const GOSSIP_READ_AHEAD = 256 * KiB

/** Entries of one frame of gossip: subscriptions, messages, controls, and the ids in them. The stock limits. */
const IDS = 5_000
export const GOSSIP_DECODE_LIMITS = {
  subscriptions: IDS,
  messages: IDS,
  control: {
    ihave: IDS,
    ihave$: { messageIDs: IDS },
    iwant: IDS,
    iwant$: { messageIDs: IDS },
    graft: IDS,
    prune: IDS,
    prune$: { peers: 16 },
    idontwant: IDS,
    idontwant$: { messageIDs: 512 },
  },
}

/**
 * Fields of a frame of so many bytes, those of its parts too: all that the entries above may have at once, and more where they have some
 * bytes each, as ids have. Stock: any number, and one that may be there once is read each time that it is said.
 */
export function gossipFields(size: number): number {
  return 4 * IDS + size / 16
}

/** So long gossip and the proofs of histories are verified in one turn of the event loop, ms, of all peers together. Stock: all. */
export const GOSSIP_TURN = 5

/** A range of addresses may gossip so many times what one peer may, and a peer that the config names. */
export const GOSSIP_OF_RANGE = 4
export const GOSSIP_OF_NAMED = 16
/** What is said counts so many times while the peer's score is so bad that nothing of it is read. */
export const GOSSIP_UNREAD = 16
/** Peers, and ranges, of which is remembered how much they have said. */
export const GOSSIP_PACED = 4_096
/** Publishes of the same message (docs/broadcasts.md) that are told apart; more are taken for one that was heard. */
export const GOSSIP_PUBLISHES = 64
/** Messages of which that is known: some 20 MB. A repeat of another one is verified, and dropped without a word. */
export const GOSSIP_REPEATS = 65_536
/** Signers of which it is known what they have published, and spans of sequence numbers of each: 20 MB at the most. */
export const GOSSIP_SIGNERS = 4_096
export const GOSSIP_SPANS = 64
/** Streams at once of peers that have gone, of which what has arrived is still verified. */
export const GOSSIP_LATE_STREAMS = 64

/**
 * How long something may be under way over a stream that its peer has left for another one, ms: a line that is silent for longer is dead.
 * So long, and for so many characters, it is remembered what the newer one has said (gossip/newer-words.ts).
 */
export const GOSSIP_LATE = 60_000
export const GOSSIP_NEWER_WORDS = 64 * KiB

/** How long after we left a topic its messages are no offence, and how many topics that is remembered of. */
export const LEFT_TOPIC_GRACE = GOSSIP.leftTopicGrace
export const LEFT_TOPICS = GOSSIP.leftTopics

/** So many messages of topics that we were never in are one misbehaviour. Stock: they are taken, and cached. */
export const UNKNOWN_TOPIC_TOLERANCE = GOSSIP.unknownTopicTolerance

/** What follows from the largest message and from what may wait for a peer. */
export function gossipLimits({ maxMessageSize, maxQueueSize }: { maxMessageSize: number; maxQueueSize: number }) {
  // Between `publishHeld` and the next publish, so many of ours may be on their way already: the lane asks for no more at once.
  const own = maxQueueSize + 64 * maxMessageSize
  return {
    // A frame that we send. Stock: as large as it becomes, and the origin ends a stream on which one over 64 KiB comes.
    frame: maxMessageSize,
    // A frame that we read. Stock: 4 MiB (of it-length-prefixed). One over it ends the peer's gossip. Other implementations
    // put several messages into one frame when they answer IWANT, so this is well above a message.
    inboundFrame: Math.max(1 * MiB, 2 * maxMessageSize + 64 * KiB),
    // What waits for a peer before a message of others, or one of our own, does not go to it any more.
    others: maxQueueSize,
    own,
    // Stock: unlimited (maxOutboundBufferSize). Beyond it the peer loses its gossip stream, and what waits with it: only
    // control messages come this far, to a peer that reads nothing and is not found out by a ping.
    writeBuffer: own + 16 * MiB,
  }
}

export const SCORE_PARAMS: NonNullable<GossipsubOpts['scoreParams']> = {
  // Stock, all three: P7 counts from the first misbehaviour on; scores decay each second, and to nothing below 0.1.
  behaviourPenaltyThreshold: 0,
  decayInterval: SCORE.decayInterval,
  decayToZero: SCORE.decayToZero,
  // Stock: 1 hour, without effect, because a peer that connects again begins anew. Ours goes on with its score (gossip/scores.ts), and
  // a score does not get better meanwhile, so a minute is enough.
  retainScore: SCORE.retention,
  // Weights and decays of misbehaviour (stock: −10, 0.2) and shared addresses (−5; it silences 15 nodes on one machine), and
  // the thresholds (stock: −10, −50, −80), come with the options: see core/pubsub.ts. Not set: application scores (none).
}

/** Of each topic that we are in. Stock: of none, so that invalid messages cost nothing. */
export const TOPIC_SCORE_PARAMS = {
  // Stock: 0.5.
  topicWeight: 1,
  // Stock: 1 each, for time in the mesh and for being first. No peer gains a credit that it could spend on bad messages.
  timeInMeshWeight: 0,
  timeInMeshQuantum: 1_000,
  timeInMeshCap: 1,
  firstMessageDeliveriesWeight: 0,
  firstMessageDeliveriesDecay: 0.5,
  firstMessageDeliveriesCap: 1,
  // Stock: −1 each, for peers of the mesh that bring less than 20 messages. A quiet topic is no offence.
  meshMessageDeliveriesWeight: 0,
  meshMessageDeliveriesDecay: 0.5,
  meshMessageDeliveriesCap: 1,
  meshMessageDeliveriesThreshold: 1,
  meshMessageDeliveriesWindow: 10,
  meshMessageDeliveriesActivation: 5_000,
  meshFailurePenaltyWeight: 0,
  meshFailurePenaltyDecay: 0.5,
  // Invalid messages (stock: −1, 0.3) come with the options.
}

export const GOSSIPSUB: Partial<GossipsubOpts> = {
  // Stock: StrictSign. Unsigned and wrongly signed messages are dropped.
  globalSignaturePolicy: 'StrictSign',
  // Stock: true. The origin has no floodsub.
  fallbackToFloodsub: false,
  // Stock: true. What we publish goes to every subscriber that we are connected to, not to the mesh only.
  floodPublish: true,
  // Stock: 2 min. The origin forgets after 60 s, and the same bytes may be sent again then.
  seenTTL: GOSSIP.seenTTL,
  // Stock: 1 s (the origin's 10 s are not on the wire).
  heartbeatInterval: GOSSIP.heartbeat,
  // Stock, as the origin: mesh of 6, grown below 4, cut above 12, of them 2 outbound; gossip to 6 or a quarter.
  D: MESH.D,
  Dlo: MESH.Dlo,
  Dhi: MESH.Dhi,
  Dout: MESH.Dout,
  Dlazy: GOSSIP.Dlazy,
  gossipFactor: GOSSIP.factor,
  // Stock: false each. A node does not hear itself; peers are found by kad and not through PRUNE; a node that
  // publishes to no peer may send the same bytes again; the sender of a repeat gets an error.
  emitSelf: false,
  doPX: false,
  allowPublishToZeroTopicPeers: false,
  ignoreDuplicatePublishError: false,
  // Stock: false. Nothing is forwarded before gossip/pubsub.ts says so: at once, or for a guarded topic after its verdict.
  asyncValidation: true,
  // Stock: false each. A peer's next message is looked at after the one before it: a flood waits in the sender's memory.
  awaitRpcHandler: true,
  awaitRpcMessageHandler: true,
  // Stock: 3 s until a message that a peer has offered and we have asked for must have come, or it misbehaved. Others may
  // wait for us before it, up to `maxQueueSize`, and our penalties last longer than the stock ones.
  gossipsubIWantFollowupMs: 10_000,
  // Stock: true. Mesh peers are the last to be closed beyond maxConnections.
  tagMeshPeers: true,
  // Stock: 10 s after we leave a topic, its peers refuse our GRAFT (1 min after an ordinary PRUNE). The lane lingers.
  unsubcribeBackoff: MESH.unsubscribeBackoff,
  pruneBackoff: MESH.pruneBackoff,
  // Stock: 10 s. A GRAFT sooner than this after a PRUNE counts twice. Without an option: a back-off lasts a heartbeat longer
  // for us than for the peer, and is looked for at every 15th.
  graftFloodThreshold: MESH.graftFloodThreshold,
  // Stock: 5 heartbeats in the cache. A message is held there until its verdict, and a large one has 8 s to be fetched.
  mcacheLength: GOSSIP.history,
  // Stock: 3 of them gossiped; no IDONTWANT below 512 bytes; 1 MiB of topic names a peer, each with
  // 1 KiB. Topics are shared (gossip/topic-shares.ts), and those that we are in are few.
  mcacheGossip: GOSSIP.historyTold,
  idontwantMinDataSize: 512,
  idontwantMaxMessages: 512,
  maxTopicBytesPerPeer: GOSSIP.topicsPerPeer * 2 * KiB,
}
