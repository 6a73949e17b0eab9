/**
 * Explanations: everything that a node knows of a topic or of a peer, as a plain object that is the reader's to keep, and as
 * text for people. Types only.
 */
import type { Attempt } from '../port.js'
import type { LossReason } from '../broadcasts/state.js'

/** A peer in a topic, as we see it. */
export interface TopicPeer {
  peer: string
  /** There is a stream on which it gets our broadcasts. */
  reachable: boolean
  /** It is in our mesh of the topic. */
  inMesh: boolean
  /** gossipsub's score of it; below zero it leaves the mesh. */
  score: number | undefined
  /** Bytes of broadcasts that wait to be sent to it. */
  queued: number
}

/** What there is to say about a topic. Counts are since the node started. */
export interface TopicExplanation {
  topic: string
  /** We are in it. */
  subscribed: boolean
  /** It is announced on every gossip stream, and we are in its mesh, or alone. */
  joined: boolean
  /** Messages are judged by a validator before they are forwarded. */
  validated: boolean
  /** Observables, loops and config entries of ours that want it. */
  listeners: number
  /** Peers that are in it, of those that we are connected to. */
  subscribers: TopicPeer[]
  /** Why a broadcast would reach nobody now; absent: it would reach somebody. */
  nobody?: string
  sent: { broadcasts: number; handedOver: number; toNobody: number; waiting: number }
  heard: { received: number; delivered: number; remembered: number }
  /** Messages that went no further, by the reason. */
  dropped: Partial<Record<LossReason, number>>
  limits: { maxMessageSize: number; maxQueueSize: number; validationTimeout: number }
  /** All of this for people. */
  text: string
}

/** What there is to say about a peer. */
export interface PeerExplanation {
  peer: string
  connections: { address: string; inbound: boolean; age: number }[]
  /** What it speaks, as identify has told; absent: nothing was heard of it yet. */
  protocols?: string[]
  /** How it is asked. */
  askedBy: 'session' | 'version 1' | 'not known yet'
  /** Its addresses in the routing table; absent: it is not in it. */
  table?: string[]
  /**
   * The last dial, if it failed: how long ago (ms), and why each address could not be reached. `earlier`: the first of the dials
   * that have failed since the peer was reached, if its reason was another one.
   */
  dialFailure?: { ago: number; reason: string; tried: Attempt[]; earlier?: { ago: number; reason: string } }
  /** A dial is under way. */
  dialling: boolean
  /** Topics that it is in, and those of whose mesh it is a part. */
  topics: string[]
  meshes: string[]
  gossip: { reachable: boolean; score: number | undefined; queued: number; tooSlow: boolean }
  requests: { ours: number; its: number }
  /** Messages from it, or for it, that went no further, by the reason. */
  dropped: Partial<Record<LossReason, number>>
  limits: { maxStreams: number; maxInboundPerPeer: number; maxInboundBytesPerPeer: number; maxQueueSize: number }
  /** All of this for people. */
  text: string
}

export type Explanation = TopicExplanation | PeerExplanation

/** A snapshot of a node. */
export interface NodeStatus {
  /** Our peer id. */
  peerId: string
  /** Where we listen, as multiaddrs that end in `/p2p/<our peer id>`. */
  addresses: string[]
  /** Number of peers in the routing table. */
  knownPeersCount: number
  /** The routing table: peer id → multiaddrs that end in `/p2p/<peer id>`, as `bootNodes` takes them. */
  knownPeers: Record<string, string[]>
  /** Peer ids that we are connected to. */
  connections: string[]
  /** The topics that we are in: peers in them that we are connected to, and messages that went no further (`explain` says why). */
  topics: Record<string, { subscribers: number; dropped: number }>
}
