/**
 * The port: everything that the lane asks of a network and that a network reports, at the level of byte streams. Types
 * only. A network (libp2p on real sockets, or the model on virtual time) runs effects and reports events, and never
 * touches a node's state. Nothing here names libp2p.
 */

import type { AccessChange, Barred } from './access/lists.js'
import type { AskId, Failure } from './terms.js'

/** A connection to one peer. The port numbers them in the order in which they open. */
export type ConnectionId = number

/** A byte stream on a connection: odd if the lane opened it; even if the other side did, numbered by the port. */
export type StreamId = number

/** An address that a dial tried, and why it failed. */
export interface Attempt {
  address: string
  reason: string
}

/** A broadcast before its validation. */
export interface SignedMessage {
  topic: string
  data: Uint8Array
  /** Peer id of the signer. */
  from: string
  /** Signature and whatever else proves the signer, in the network's own format. */
  proof: Uint8Array
}

/** The result of validation. */
export type Verdict = 'accept' | 'ignore' | 'reject'

/**
 * Why a message was dropped. Inbound: `signature` (missing or wrong), `key` (it is signed with a key of a
 * kind or size that we do not verify with), `oversize` (larger than our limit; also a topic, or an id of a message, that is longer than any of ours), `unknownTopic`
 * (we are not in the topic), `denied` (whoever signed it may not come in, so nobody hears it here), `malformed` (a frame that cannot be read or is too large, after which the peer's gossip
 * stream is useless). Outbound: `queueFull` (a forwarded message, to a peer that reads too slowly).
 */
export type DropReason = 'denied' | 'signature' | 'key' | 'oversize' | 'unknownTopic' | 'malformed' | 'queueFull'

/** What the network has refused to a peer. */
export type RefusedKind =
  /** Questions of Kademlia beyond their rate. */
  | 'kadRate'
  /** … about records or providers, which nobody here has. */
  | 'kadRecord'
  /** … that cannot be read, or are too large. */
  | 'kadMalformed'
  /** … whose asker does not read our answers. */
  | 'kadUnread'
  /** Answers of Kademlia that cannot be read, or are too large. */
  | 'kadAnswer'
  /** Peers that it named beyond what it, or all of its range, or all strangers, may name. */
  | 'hearsay'
  /** Streams of identify beyond their rate. */
  | 'identifyRate'
  /** Pings beyond their rate. */
  | 'pingRate'
  /** … whose answers it does not read. */
  | 'pingUnread'
  /** Gossip beyond its rate. It is read later, which slows down whoever heeds it, and much of it is handed on for others. */
  | 'gossipRate'
  /** Streams of gossip that it opened in place of others, again and again. */
  | 'gossipStreams'
  /** Topics that it has joined, and we have not, beyond its share. */
  | 'topics'
  /** A place in a mesh, of which its range of addresses has most. */
  | 'meshPlaces'
  /** A message that was heard long ago. Whoever hands it on need not know that. */
  | 'gossipReplay'
  /** It had to wait before it could open more streams. */
  | 'streamRate'
  /** Streams whose protocol was not agreed upon, or a connection that proposed muxers without end. */
  | 'streamUnagreed'
  /** It had to wait because of many frames of the muxer, or of Noise, or was hung up on because of its pings. */
  | 'frameRate'
  /** It was hung up on because of frames that lead to nothing. */
  | 'frameWaste'
  /** It was hung up on because of a frame that nobody may send. */
  | 'frameMalformed'
  /** Its connection has made room for another one. */
  | 'connections'

/**
 * Why the network has refused a connection by itself. `networkKey`: the other side has another pre-shared key, or none. `handshakes`: there
 * are too many of them, or one proposed protocols without end.
 */
export type TurnedAwayFor = Barred | 'networkKey' | 'handshakes'

/** What pub/sub knows of one peer. */
export interface GossipPeer {
  /** gossipsub's score. Below zero the peer leaves our meshes. */
  score: number
  /** Bytes that wait to be sent to the peer. */
  queued: number
}

/** What the network reports. Plain data, so that it can be recorded and replayed. */
export type PortEvent =
  /** The node listens on these addresses, which carry no `/p2p` part. Repeated after each change of them or of the interfaces. */
  | {
      type: 'listening'
      addresses: string[]
      /** Where it listens, when others are told of other addresses. */
      bound?: string[]
      /** The first time: of those that were asked for, why some cannot be listened on. */
      failures?: string[]
    }
  | { type: 'listenFailed'; failure: Failure }
  /** The machine slept for `by` ms, in which the time of the lane stood still, or its clock was set; negative: it was set back. */
  | { type: 'clockJumped'; by: number }
  /** `ip`: the address behind a name, if `address` has one. */
  | { type: 'connectionOpened'; connection: ConnectionId; peer: string; address: string; ip?: string; inbound: boolean }
  /**
   * Every stream of the connection has ended too, whether or not it was reported. `moved`: it began at an address that this
   * machine had and does not have any more.
   */
  | { type: 'connectionClosed'; connection: ConnectionId; moved?: boolean }
  /** Answers `dial`. The connection was reported by `connectionOpened` before. */
  | { type: 'dialled'; target: string; peer: string; connection: ConnectionId }
  | { type: 'dialFailed'; target: string; failure: Failure; tried: Attempt[] }
  /**
   * The identify message of a peer: its protocols, and those of its listen addresses that we accept. `observed`: the address at
   * which the peer says that it has reached us, if we do not listen there by our own knowledge.
   */
  | {
      type: 'identified'
      connection: ConnectionId
      peer: string
      protocols: string[]
      addresses: string[]
      agent: string
      observed?: string
    }
  /** Answers `ping`. `rtt` in ms. */
  | { type: 'pinged'; connection: ConnectionId; rtt: number }
  /** `heard`: bytes have come over the connection since the ping was sent, so it is slow and not dead. */
  | { type: 'pingFailed'; connection: ConnectionId; failure: Failure; heard: boolean }
  /** A peer entered the routing table or its addresses changed; `undefined`: it left the table. */
  | { type: 'tableChanged'; peer: string; addresses: string[] | undefined }
  /** Answers `tableQuery`: the lookup is over. */
  | { type: 'tableQueried'; failure?: Failure }
  /** The other side opened a stream for `protocol`. */
  | { type: 'streamInbound'; stream: StreamId; connection: ConnectionId; protocol: string }
  /** Answers `open`, with the protocol that both sides agreed on. */
  | { type: 'streamOpened'; stream: StreamId; protocol: string }
  /**
   * Answers `open`. `unsupported`: the peer speaks none of the protocols; `lost`: the connection can carry no more
   * streams.
   */
  | { type: 'streamOpenFailed'; stream: StreamId; reason: 'unsupported' | 'lost' | 'failed'; failure: Failure }
  /** Bytes of the other side: at least one chunk, none empty. They are plain `Uint8Array`s and belong to the lane. */
  | { type: 'data'; stream: StreamId; chunks: Uint8Array[] }
  /** The other side closed its write side, and every byte before that was reported. */
  | { type: 'streamEnded'; stream: StreamId }
  /**
   * The stream has ended in both directions. `reset`: by the other side; `lost`: with its connection, and why, if the network knows it;
   * `closed`: regularly.
   */
  | { type: 'streamClosed'; stream: StreamId; reason: 'closed' | 'reset' | 'lost'; failure?: Failure }
  /** Answers each `write` without `end`: the next one may follow. */
  | { type: 'writable'; stream: StreamId }
  /**
   * A broadcast with a correct signature. `from` signed it, `via` forwarded it to us. `held`: the topic is guarded, so
   * the network holds the message back until a `verdict`.
   */
  | ({ type: 'message'; id: string; via: string; held: boolean } & SignedMessage)
  | { type: 'subscriptionChanged'; peer: string; topic: string; subscribed: boolean }
  /** Our gossip stream to a peer is open, and our topics were announced on it; or the stream is closed. */
  | { type: 'gossipOpened'; peer: string }
  | { type: 'gossipClosed'; peer: string }
  /** For a peer of `publishHeld`: of what waited, at least half of the limit has been sent. */
  | { type: 'gossipDrained'; peer: string }
  /** The peers that are now in the mesh of one of our topics; none after we left it. */
  | { type: 'meshChanged'; topic: string; peers: string[] }
  /** Messages from a peer, or on their way to it, were dropped. */
  | { type: 'gossipDropped'; peer: string; topic?: string; reason: DropReason; count: number }
  /**
   * `via` handed to us what `from` signed, and it was dropped: its id is that of a message which was sent or heard lately. It is another
   * publish, with a signer or a sequence number of its own: that one message comes by many ways is not reported.
   */
  | { type: 'repeated'; topic: string; id: string; from: string; via: string }
  /**
   * The announcement of a large message waits for its verdict, and another peer has handed it on as well, or offered it. Told once for each
   * peer and message.
   */
  | { type: 'announcedAgain'; id: string; via: string }
  /** Answers `publish`: the peers that the message was handed to, its id and its proof. */
  | { type: 'published'; ask: AskId; recipients: string[]; id: string; proof: Uint8Array }
  | { type: 'publishFailed'; ask: AskId; code: 'DuplicateMessage' | 'PublishError'; failure: Failure }
  /**
   * Answers `publish`: nothing was sent, because too much waits for these peers already. `busy`: others for which more than half as
   * much waits, and which lose nothing by a wait. `gossipDrained` or `gossipClosed` follows for each of them.
   */
  | { type: 'publishHeld'; ask: AskId; peers: string[]; busy: string[] }
  /** Answers `verify`: the id of each message, in the same order; `''` if its proof is wrong. */
  | { type: 'verified'; ask: AskId; ids: string[] }
  /** Answers `inspect`. Peers that pub/sub does not know are left out. */
  | { type: 'inspected'; ask: AskId; peers: Record<string, GossipPeer> }
  /**
   * Somebody has shown who it is, and is kept at the door until `admit` answers: nothing is read from it, and it is no connection yet. Only
   * while `access` asks for it.
   */
  | { type: 'visit'; visit: number; peer: string; address: string; inbound: boolean }
  /**
   * Connections were refused by the copy of the lists that the network has, for want of its key or of room, `count` times; told once a second at
   * most for each peer, or host, and reason. `peer`: it has said, or the dial did, who it is. `reason`: what the lists said of the first of
   * them, which was `ago` ms ago.
   */
  | {
      type: 'turnedAway'
      why: TurnedAwayFor
      peer?: string
      address: string
      inbound: boolean
      reason?: string
      count: number
      ago: number
    }
  /**
   * Something was refused to a peer, `count` times; told once a second at most for each peer and kind. `own`: for what it has done itself,
   * and not only because others have used up what it shares with them. `hungUp`: a connection of it was closed for that.
   */
  | { type: 'refused'; peer: string; what: RefusedKind; count: number; own?: true; hungUp?: true }
  /** Answers `stop`. */
  | { type: 'stopped' }

/** What the lane asks of the network. */
export type PortEffect =
  /**
   * Who may come in has changed, or is told before `listen`. `closed`: nobody but those in the list `allow`. `asks`: each connection is a
   * `visit` first. Connections that are open stay.
   */
  | { type: 'access'; closed: boolean; asks: boolean; changes: AccessChange[] }
  /** Answers `visit`. */
  | { type: 'admit'; visit: number; admitted: boolean }
  /** `announce`: what others are told in place of the addresses that we listen on, and what `listening` reports. */
  | { type: 'listen'; addresses: string[]; announce?: string[] }
  /**
   * Reach `target`, a peer id or (where the peer id is not known) a multiaddr. `addresses`: multiaddrs to try; none: what the
   * table knows, then a lookup. While the target is being dialled, another `dial` adds its addresses. Each is answered by one
   * `dialled` or `dialFailed`, at the end of all. `anew`: a connection that is open already is no answer.
   */
  | { type: 'dial'; target: string; addresses: string[]; anew?: boolean }
  /** Open a stream, proposing `protocols` in this order. Answered by `streamOpened` or `streamOpenFailed`. */
  | { type: 'open'; stream: StreamId; connection: ConnectionId; protocols: string[] }
  /**
   * Send the chunks as one write; `end` closes our write side after them. The lane has at most one unanswered write per
   * stream. Without `more` nothing else waits to be sent, so `writable` may be reported late.
   */
  | { type: 'write'; stream: StreamId; chunks: Uint8Array[]; end: boolean; more?: true }
  /** Kill the stream in both directions. No event follows. */
  | { type: 'reset'; stream: StreamId; reason: string }
  | { type: 'pause'; stream: StreamId }
  | { type: 'resume'; stream: StreamId }
  /** `dead`: the other side says nothing any more, so there is no good order to wait for. */
  | { type: 'closeConnection'; connection: ConnectionId; reason: string; dead?: true }
  /**
   * Measure the round-trip time, within `timeout` ms. It grows by the time that the line takes for those of our bytes that may still
   * be ahead of the ping (peers/line.ts), to `longest` at most. Answered by `pinged` or `pingFailed`. With
   * `avoidAfter` it is a test: after so many ms without an answer gossip goes over another connection of the peer, if there is one.
   */
  | { type: 'ping'; connection: ConnectionId; timeout: number; longest: number; avoidAfter?: number }
  /** The addresses of ours that others have confirmed, all of them: they are told beside those that we listen on. */
  | { type: 'announceObserved'; addresses: string[] }
  | { type: 'tableAdd'; peer: string; addresses: string[] }
  | { type: 'tableRemove'; peer: string }
  /** Fill the table by a Kademlia bootstrap: look up our own id, and a random one. Answered by `tableQueried`. */
  | { type: 'tableQuery' }
  /** `guarded`: messages of the topic are held back until their `verdict`. */
  | { type: 'join'; topic: string; guarded: boolean }
  /** Changes `guarded` for a topic that we are in. */
  | { type: 'guard'; topic: string; guarded: boolean }
  | { type: 'leave'; topic: string }
  /**
   * Sign a message and send it to the topic's subscribers, except those in `except`. Answered by `published`, `publishFailed`
   * or `publishHeld`.
   */
  | { type: 'publish'; ask: AskId; topic: string; data: Uint8Array; except: string[] }
  /**
   * For a message that is `held`: `accept` forwards it, `ignore` drops it, `reject` drops it and lowers the score of
   * `via`.
   */
  | { type: 'verdict'; id: string; via: string; verdict: Verdict }
  /** Check the proofs of messages that did not come by gossip. Answered by `verified`. */
  | { type: 'verify'; ask: AskId; messages: SignedMessage[] }
  /** Counts as `count` misbehaviours of a peer in pub/sub. */
  | { type: 'penalize'; peer: string; count: number }
  /** Report what pub/sub knows of these peers. Answered by `inspected`. */
  | { type: 'inspect'; ask: AskId; peers: string[] }
  /** Tell others that applications here answer requests of these protocols, all of them (wire/protocols.ts has how). */
  | { type: 'serve'; protocols: string[] }
  /** Take no new connection of others. Those that are open, and those whose handshake has begun, stay. */
  | { type: 'closeDoor' }
  /** Close everything. Answered by `stopped`, after which no event follows. */
  | { type: 'stop' }

/** A running network behind the port. */
export interface NetworkPort {
  /**
   * Runs one effect. It returns at once and reports the outcome as events. An effect on a stream or a connection that has
   * ended does nothing, because that end was reported or is about to be.
   */
  run(effect: PortEffect): void
}

/** Reports an event. `idly`: nothing waits for the event, so it may be stepped together with the next one. */
export type Emit = (event: PortEvent, idly?: boolean) => void

/** Builds the network of one node. `emit` may be called synchronously from inside `run`. */
export type CreatePort = (emit: Emit) => NetworkPort
