/**
 * What a network has to be told about broadcasts when it is made: how they are named, how large they may be, and what counts
 * against a peer. Types, and the numbers of a config that says nothing.
 */

/** What a message's id may be made of. */
export interface IdentifiedMessage {
  topic: string
  data: Uint8Array
  /** Peer id of the signer. */
  from: string
  /** The signer's sequence number: 64 bits that it does not use twice. */
  sequence: bigint
}

/** The id of a broadcast; equal in all nodes of a network, or its messages go round more than once. */
export type MessageIdOf = (message: IdentifiedMessage) => string

/** What counts against a peer, in the terms of gossipsub's peer score. */
export interface Scoring {
  /** Weight of the square of the messages that were rejected, badly signed or too large (P4). At most 0. */
  invalidMessageWeight: number
  /** What is left of that count after a second, 0 … 1. */
  invalidMessageDecay: number
  /** Weight of the square of misbehaviours (P7): broken promises, GRAFT within a back-off, floods. At most 0. */
  behaviourWeight: number
  /** What is left of that count after a second, 0 … 1. */
  behaviourDecay: number
  /** Weight of the square of the peers beyond 10 on one IP address (P6). 0: sharing an address is no offence. */
  colocationWeight: number
  /** Below this score a peer gets no gossip from us, and we take none of it. */
  gossipThreshold: number
  /** Below this score it gets none of our own broadcasts. */
  publishThreshold: number
  /** Below this score nothing that it sends is read. */
  graylistThreshold: number
}

/** See above. */
export interface PubsubOptions {
  messageIdOf: MessageIdOf
  /** The largest message, encoded with topic and signature, that we send or take, bytes. */
  maxMessageSize: number
  /** What may wait to be sent to one peer, bytes. */
  maxQueueSize: number
  scoring: Scoring
}

/**
 * One invalid message costs a peer its place in our meshes for some twenty seconds. After two at once we exchange no offers
 * with it (IHAVE, IWANT) for some seconds; after three nothing of it is read for a second, after ten for twelve. Nodes that share an address are not punished for it: they share a machine, or a NAT.
 */
export const defaultScoring: Scoring = {
  invalidMessageWeight: -10,
  invalidMessageDecay: 0.9,
  behaviourWeight: -10,
  behaviourDecay: 0.9,
  colocationWeight: 0,
  gossipThreshold: -10,
  publishThreshold: -50,
  graylistThreshold: -80,
}
