/**
 * Explanations and the status: what a node knows of a topic, of a peer and of itself, as plain objects that are copies.
 * Types only. Sizes are in bytes, times in milliseconds.
 */
import type { Attempt, DropReason, RefusedKind } from './port.js'

/**
 * Why a message was dropped: a reason of the network, the verdict of a validator (`ignored`, `rejected`), or a reason of
 * the core. `busy`: too many messages were being validated or fetched. `validatorFailed`: a validator threw, or gave no
 * verdict in time. `fetchFailed`: a large message could not be fetched. `bufferFull`: a subscriber of ours was too slow.
 * `slowPeer`: a broadcast of ours was not sent to a peer that reads too slowly. `parting`: nor to one that has asked to close its only
 * connection. `duplicate`: somebody published what has the id of
 * another message (by default: its bytes) within a minute of it.
 */
export type LossReason =
  | DropReason
  | 'duplicate'
  | 'ignored'
  | 'rejected'
  | 'busy'
  | 'validatorFailed'
  | 'fetchFailed'
  | 'bufferFull'
  | 'slowPeer'
  | 'parting'

/** A peer in a topic, as this node sees it. */
export interface TopicPeer {
  /** Its peer id. */
  peer: string
  /** A gossip stream to it is open, on which it gets our broadcasts. */
  reachable: boolean
  /** It is in our mesh of the topic. */
  inMesh: boolean
  /** gossipsub's score of it, which leaves the mesh below zero; `undefined`: the network does not know it. */
  score: number | undefined
  /** Broadcasts that wait to be sent to it, bytes. */
  queued: number
}

/** Everything that a node knows of a topic. Counts are since the start of the node. */
export interface TopicExplanation {
  /** The topic's name. */
  topic: string
  /** This node is in it. */
  subscribed: boolean
  /** It is announced on every gossip stream, and this node is in its mesh, or alone in it. */
  joined: boolean
  /** A validator judges its messages before they are delivered and forwarded. */
  validated: boolean
  /** Subscribers of this node: observables, loops, and 1 if the config names the topic. */
  listeners: number
  /** The connected peers that are in it. */
  subscribers: TopicPeer[]
  /** Why a broadcast would reach no peer now; absent: it would reach one. */
  nobody?: string
  /** Broadcasts of this node. */
  sent: {
    /** Broadcasts of this node that went out. */
    broadcasts: number
    /** How many times one of them was handed to a peer. */
    handedOver: number
    /** Broadcasts that were handed to no peer. */
    toNobody: number
    /** Broadcasts that wait for subscribers or for their turn, now. */
    waiting: number
    /** How long broadcasts have waited for peers that read too slowly, or were closing their connection, ms. */
    held: number
    /** The peers that they wait for now. */
    heldFor: string[]
  }
  /** Messages of other nodes. */
  heard: {
    /** Messages of others that arrived. */
    received: number
    /** Messages that were delivered to subscribers of this node. */
    delivered: number
    /** Broadcasts of the past that late subscribers of this node (`replay`) were given, out of its memory and that of others. */
    replayed: number
    /** Broadcasts that are kept for late subscribers, now. */
    remembered: number
  }
  /** Messages that were dropped, by reason. */
  dropped: Partial<Record<LossReason, number>>
  /** Bytes of a message, bytes that may wait for one peer, and ms that a validator has. */
  limits: { maxMessageSize: number; maxQueueSize: number; validationTimeout: number }
  /** All of this as text of several lines. */
  text: string
}

/** Everything that a node knows of a peer. Counts are since the start of the node. */
export interface PeerExplanation {
  /** Its peer id. */
  peer: string
  /**
   * Why it may not come in, and for how many ms more (absent: until `allow` names it); absent: it may, as far as its peer id decides, and
   * the addresses at which this node knows it.
   */
  barred?: { why: string; for?: number }
  /**
   * Connections with it that `access` or a ban has refused, by whichever side they were opened: how many, how long ago the last one was, ms
   * (of those that are told in one sum, the first), and why that one; absent: none, or so many others were refused since (1,000 peers) that it is forgotten.
   */
  turnedAway?: { count: number; ago: number; reason: string }
  /** What it has done against our protocols: points, which fade, and how often it was banned for that; absent: nothing of late. */
  offences?: { points: number; bans: number }
  /** Open connections, oldest first: the peer's multiaddr, whether the peer dialled, and the age in ms. */
  connections: { address: string; inbound: boolean; age: number }[]
  /** The protocols that it speaks, by identify; absent: not known. */
  protocols?: string[]
  /** Those of applications that it answers (`name` or `name@version`); absent: it has not told any. */
  serves?: string[]
  /** The protocol of our requests to it. `nothing`: it has told its protocols, and speaks none of requests. */
  askedBy: 'session' | 'version 1' | 'nothing' | 'not known yet'
  /** Its multiaddrs in the routing table; absent: it is not in the table. */
  table?: string[]
  /**
   * Why it could not be reached the last time, as `lastError` of `peer$`: how long ago in ms, why, and each multiaddr that a dial
   * tried with its own reason; absent: nothing has failed since the peer was last connected.
   */
  dialFailure?: { ago: number; reason: string; tried: Attempt[] }
  /** The last failure before that one that had another reason, since the peer was last connected. */
  earlierDialFailure?: { ago: number; reason: string; tried: Attempt[] }
  /** Why this node has closed a connection to it, the last time: how long ago in ms, and why; absent: it has closed none. */
  hungUp?: { ago: number; reason: string }
  /** What we remember of it apart from the table: how long ago it was connected (ms; 0: it is), and attempts in a row that failed or did not last. */
  remembered?: { ago: number; failures: number }
  /** Two nodes live with its secret: a multiaddr of each; absent: nobody has noticed. */
  twins?: [string, string]
  /**
   * The dial that is under way: its age in ms, and the multiaddrs that it was given (none: it looks into the routing table and asks the
   * network); absent: there is none.
   */
  dialling?: { age: number; addresses: string[] }
  /** Topics that it is in, as far as this node knows. */
  topics: string[]
  /** Topics of this node whose mesh it is in. */
  meshes: string[]
  /** Pub/sub between this node and the peer. */
  gossip: {
    /** A gossip stream to it is open. */
    reachable: boolean
    /** gossipsub's score of it; `undefined`: the network does not know it. */
    score: number | undefined
    /** Broadcasts that wait to be sent to it, bytes. */
    queued: number
    /** It reads our broadcasts too slowly, and they wait for it. */
    tooSlow: boolean
    /** How long broadcasts of this node have waited for it, ms. */
    held: number
  }
  /** Requests without an answer: of this node to it, and of it to this node. */
  requests: { ours: number; its: number }
  /** What its requests take of this node. */
  uses: {
    /** Bytes of its requests, from their declaration on. */
    requestBytes: number
    /** Bytes of answers that it has not taken yet, and that are expected. */
    answerBytes: number
    /** Handlers at work for it, those of requests that are over included. */
    handlers: number
    /** Its requests that wait for a handler. */
    queued: number
    /** Its requests that were answered, and that were refused, since it is connected. */
    answered: number
    refused: number
  }
  /** Messages from it, or to it, that were dropped, by reason. */
  dropped: Partial<Record<LossReason, number>>
  /**
   * Its handlers keep the event loop for `cost` ms on average, so its requests wait while others ask: for `for` ms more, or until they are
   * quick again. Absent: they do not.
   */
  dear?: { cost: number; for: number }
  /** What it asked of this node beyond what it may, by kind, and how often. */
  refused: Partial<Record<RefusedKind, number>>
  /**
   * Streams of version 1 at once; its requests at once, their bytes, bytes of the answers, and handlers at work (of `limits`: what a peer
   * has while no other one asks, and a trusted one has somewhat more); bytes of broadcasts that may wait for it.
   */
  limits: {
    maxStreams: number
    requests: number
    requestBytes: number
    answerBytes: number
    handlers: number
    maxQueueSize: number
  }
  /** All of this as text of several lines. */
  text: string
}

/** What `explain` tells of a topic or of a peer. */
export type Explanation = TopicExplanation | PeerExplanation

/** An entry of a list of who may come in. */
export interface AccessEntry {
  /** A peer id, or a range of addresses in CIDR form. */
  entry: string
  /** The reason that `deny` was given, or the offence that has led to a ban; absent: none was. */
  reason?: string
  /** For how many ms more; absent: until `allow` names it, or the node stops. */
  for?: number
}

/** The lists of who may come in, as they are now: those of the config, and what `allow`, `deny` and bans have made of them. */
export interface AccessStatus {
  /** Nobody else may; absent: everybody may who is not denied or banned. */
  allow?: AccessEntry[]
  /** These may not. */
  deny: AccessEntry[]
  /** These may not for a while, for what they have done. */
  bans: AccessEntry[]
}

/** A snapshot of a node, as a copy. */
export interface NodeStatus {
  /** Its peer id. */
  peerId: string
  /** The multiaddrs that it tells others, each ending in `/p2p/<its peer id>`: those that it listens on, or those of `announce`. */
  addresses: string[]
  /** Number of peers in the routing table. */
  knownPeersCount: number
  /** The routing table: peer id → multiaddrs that end in `/p2p/<peer id>`, as `bootNodes` takes them. */
  knownPeers: Record<string, string[]>
  /** Peer ids of the connected peers. */
  connections: string[]
  /** Multiaddrs at which peers have met another node with our secret, as they say; absent: none has. */
  twins?: string[]
  /** Its topics → connected peers in the topic, and messages that were dropped (`explain` gives the reasons). */
  topics: Record<string, { subscribers: number; dropped: number }>
  /** Who may come in. Of `status()` alone: `status$` does without these lists, which may be long. */
  access?: AccessStatus
}
