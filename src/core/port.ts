/**
 * The port: everything that the lane asks of a network and hears from it, at the level of byte streams.
 *
 * Types only. What stands behind the port (libp2p on real sockets, a simulation on virtual time) never
 * touches a node's state: it runs effects and reports events. Nothing here may name libp2p.
 */

import type { AskId, Failure } from './terms.js'

/** A connection to one peer, numbered by the port in the order of their opening. */
export type ConnectionId = number

/** A byte stream on a connection: odd when the lane opened it, even when the other side did (the port numbers those). */
export type StreamId = number

/** An address that a dial tried, and why it failed. */
export interface Attempt {
  address: string
  reason: string
}

/** What is known of a broadcast before anybody judges it. */
export interface SignedMessage {
  topic: string
  data: Uint8Array
  /** Peer id of the signer. */
  from: string
  /** What shows that it is by the signer, in the network's own format. */
  proof: Uint8Array
}

/** What becomes of a broadcast of others. */
export type Verdict = 'accept' | 'ignore' | 'reject'

/**
 * Why a message went no further. Inbound: `signature` (none, or a wrong one), `oversize` (larger than our limit),
 * `unknownTopic` (of a topic that we are not in), `malformed` (a frame that cannot be read, or is over the limit of frames:
 * the peer's gossip stream is of no use any more). Outbound: `queueFull` (of others, to a peer that reads too slowly).
 */
export type DropReason = 'signature' | 'oversize' | 'unknownTopic' | 'malformed' | 'queueFull'

/** How pub/sub stands with one peer. */
export interface GossipPeer {
  /** gossipsub's score; below zero it leaves our meshes. */
  score: number
  /** Bytes that wait to be sent to it. */
  queued: number
}

/** What the network reports. Plain data, so that it can be recorded and replayed. */
export type PortEvent =
  /** We listen; addresses carry no `/p2p` part. Comes again whenever the addresses change. */
  | { type: 'listening'; addresses: string[] }
  | { type: 'listenFailed'; failure: Failure }
  | { type: 'connectionOpened'; connection: ConnectionId; peer: string; address: string; inbound: boolean }
  /** Every stream of the connection is gone too, whether or not each was reported. */
  | { type: 'connectionClosed'; connection: ConnectionId }
  /** Answers `dial`. The connection was reported by `connectionOpened` before. */
  | { type: 'dialled'; target: string; peer: string; connection: ConnectionId }
  | { type: 'dialFailed'; target: string; failure: Failure; tried: Attempt[] }
  /** What a peer says of itself: its protocols, and the listen addresses that we accept of it. */
  | {
      type: 'identified'
      connection: ConnectionId
      peer: string
      protocols: string[]
      addresses: string[]
      agent: string
    }
  | { type: 'pinged'; connection: ConnectionId; rtt: number }
  | { type: 'pingFailed'; connection: ConnectionId; failure: Failure }
  /** A peer entered the routing table or its addresses changed; `undefined`: it left the table. */
  | { type: 'tableChanged'; peer: string; addresses: string[] | undefined }
  /** Answers `tableQuery`: the lookup is over. */
  | { type: 'tableQueried'; failure?: Failure }
  /** The other side opened a stream for `protocol`. */
  | { type: 'streamInbound'; stream: StreamId; connection: ConnectionId; protocol: string }
  /** Answers `open`, with the protocol that both sides agreed on. */
  | { type: 'streamOpened'; stream: StreamId; protocol: string }
  /** Answers `open`. `unsupported`: the peer speaks none of the protocols; `lost`: the connection can carry no streams any more. */
  | { type: 'streamOpenFailed'; stream: StreamId; reason: 'unsupported' | 'lost' | 'failed'; failure: Failure }
  /** Bytes, never empty. The chunks are plain `Uint8Array`s and belong to the receiver. */
  | { type: 'data'; stream: StreamId; chunks: Uint8Array[] }
  /** The other side closed its write side and every byte before that was reported. */
  | { type: 'streamEnded'; stream: StreamId }
  /** The stream is gone in both directions. `reset`: by the other side; `lost`: with its connection; `closed`: in good order. */
  | { type: 'streamClosed'; stream: StreamId; reason: 'closed' | 'reset' | 'lost' }
  /** Answers each `write` that had no `end`: the next one may come. */
  | { type: 'writable'; stream: StreamId }
  /**
   * A broadcast whose signature was good. `from` signed it, `via` handed it to us. `held`: the topic is guarded, so nobody
   * gets it from us before a `verdict`.
   */
  | ({ type: 'message'; id: string; via: string; held: boolean } & SignedMessage)
  | { type: 'subscriptionChanged'; peer: string; topic: string; subscribed: boolean }
  /** The stream on which we gossip to a peer is open, and our topics were announced on it; or there is none any more. */
  | { type: 'gossipOpened'; peer: string }
  | { type: 'gossipClosed'; peer: string }
  /** What waited for a peer of a `publishHeld` has gone, by half of the limit at least. */
  | { type: 'gossipDrained'; peer: string }
  /** The peers in the mesh of one of our topics now; none once it was left. */
  | { type: 'meshChanged'; topic: string; peers: string[] }
  /** Messages that came from a peer, or were on their way to it, and went no further. */
  | { type: 'gossipDropped'; peer: string; topic?: string; reason: DropReason; count: number }
  /** Answers `publish`: the peers to whom the message was handed, and its id and proof. */
  | { type: 'published'; ask: AskId; recipients: string[]; id: string; proof: Uint8Array }
  | { type: 'publishFailed'; ask: AskId; code: 'DuplicateMessage' | 'PublishError'; failure: Failure }
  /**
   * Answers `publish`: nothing was sent, for too much waits for these peers already. `gossipDrained` or `gossipClosed` follows
   * for each of them.
   */
  | { type: 'publishHeld'; ask: AskId; peers: string[] }
  /** Answers `verify`: the id of each message, in the same order; `''` for one whose proof is wrong. */
  | { type: 'verified'; ask: AskId; ids: string[] }
  /** Answers `inspect`, for those of the peers that pub/sub knows. */
  | { type: 'inspected'; ask: AskId; peers: Record<string, GossipPeer> }
  /** Answers `stop`. */
  | { type: 'stopped' }

/** What the lane asks of the network. */
export type PortEffect =
  /** `announce`: what others are told in place of the addresses that we listen on, and what `listening` reports. */
  | { type: 'listen'; addresses: string[]; announce?: string[] }
  /**
   * Reach `target`, a peer id or (where the peer id is not known) a multiaddr. `addresses`: multiaddrs to try; none: what the
   * table knows, then a lookup. While the target is being dialled, another `dial` adds its addresses. Each is answered by one
   * `dialled` or `dialFailed`, at the end of all.
   */
  | { type: 'dial'; target: string; addresses: string[] }
  /** Open a stream, proposing `protocols` in this order. Answered by `streamOpened` or `streamOpenFailed`. */
  | { type: 'open'; stream: StreamId; connection: ConnectionId; protocols: string[] }
  /**
   * Send the chunks, as one write; `end` closes our write side after them. The lane keeps to one unanswered write a stream.
   * Without `more` it has nothing else to send so far, and can do with hearing of `writable` by and by.
   */
  | { type: 'write'; stream: StreamId; chunks: Uint8Array[]; end: boolean; more?: true }
  /** Kill the stream in both directions. No event follows. */
  | { type: 'reset'; stream: StreamId; reason: string }
  | { type: 'pause'; stream: StreamId }
  | { type: 'resume'; stream: StreamId }
  | { type: 'closeConnection'; connection: ConnectionId; reason: string }
  /** Measure the round trip within `timeout` ms. Answered by `pinged` or `pingFailed`. */
  | { type: 'ping'; connection: ConnectionId; timeout: number }
  | { type: 'tableAdd'; peer: string; addresses: string[] }
  | { type: 'tableRemove'; peer: string }
  /** Look up the peers closest to ourselves and those around some other place (a Kademlia bootstrap): it fills the table. */
  | { type: 'tableQuery' }
  /** `guarded`: messages of the topic are not forwarded before their `verdict`. */
  | { type: 'join'; topic: string; guarded: boolean }
  /** Changes that for a topic that we are in. */
  | { type: 'guard'; topic: string; guarded: boolean }
  | { type: 'leave'; topic: string }
  /**
   * Sign and send to the topic's subscribers, but for the peers in `except`. Answered by `published`, `publishFailed` or
   * `publishHeld`.
   */
  | { type: 'publish'; ask: AskId; topic: string; data: Uint8Array; except: string[] }
  /** On a message that was `held`: `accept` forwards it, `ignore` drops it, `reject` drops it and counts against its sender. */
  | { type: 'verdict'; id: string; via: string; verdict: Verdict }
  /** Are these messages, which came in another way, by their signers? Answered by `verified`. */
  | { type: 'verify'; ask: AskId; messages: SignedMessage[] }
  /** Counts against a peer, as a misbehaviour in pub/sub. */
  | { type: 'penalize'; peer: string; count: number }
  /** How pub/sub stands with these peers. Answered by `inspected`. */
  | { type: 'inspect'; ask: AskId; peers: string[] }
  /** Close everything. Answered by `stopped`; nothing follows that. */
  | { type: 'stop' }

/** A running network behind the port. */
export interface NetworkPort {
  /**
   * Run one effect. Returns at once; what comes of it is reported as events. An effect that names a stream or a
   * connection that is gone does nothing (its end has been, or is being, reported).
   */
  run(effect: PortEffect): void
}

/** Reports an event. `idly`: nobody waits for it, and it may come together with the next one. */
export type Emit = (event: PortEvent, idly?: boolean) => void

/** Builds the network of one node. `emit` may be called synchronously from inside `run`. */
export type CreatePort = (emit: Emit) => NetworkPort
