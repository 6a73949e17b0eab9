/**
 * The options of pub/sub that a network is created with: message ids, sizes and the peer score. Types, and the numbers of
 * an empty config. The file knows neither the state nor gossipsub itself.
 */

/** The fields that a message id may depend on. */
export interface IdentifiedMessage {
  /** The topic that it was published on. */
  topic: string
  /** The payload. */
  data: Uint8Array
  /** Peer id of the signer. */
  from: string
  /** The signer's sequence number: 64 bits, unique per signer. */
  sequence: bigint
}

/** Makes the id of a broadcast. All nodes must make the same one, or messages are forwarded more than once. */
export type MessageIdOf = (message: IdentifiedMessage) => string

/** The peer score, in the terms of gossipsub's specification. */
export interface Scoring {
  /** P4: weight of the squared number of messages that were rejected, wrongly signed or too large. At most 0; default -10. */
  invalidMessageWeight: number
  /** The share of that count that is left after a second, between 0 and 1; default 0.9. */
  invalidMessageDecay: number
  /**
   * P7: weight of the squared number of misbehaviours: broken promises, GRAFT within a back-off, floods. At most 0; default
   * -10.
   */
  behaviourWeight: number
  /** The share of that count that is left after a second, between 0 and 1; default 0.9. */
  behaviourDecay: number
  /**
   * P6: weight of the squared number of peers beyond 10 on one IP address. At most 0; default 0: a shared address is no
   * offence.
   */
  colocationWeight: number
  /** Below this score no IHAVE or IWANT is exchanged with a peer. At most 0; default -10. */
  gossipThreshold: number
  /** Below this score a peer gets none of our own broadcasts. At most `gossipThreshold`; default -50. */
  publishThreshold: number
  /** Below this score nothing that a peer sends is read. At most `publishThreshold`; default -80. */
  graylistThreshold: number
}

/** Why a broadcast is `DuplicateMessage`, and what its caller can do. */
export const REPEATED =
  'a broadcast with this id (by default: with these bytes) was sent or received less than a minute ago, and the network drops a ' +
  "repeat: change the bytes, wait for a minute, or set pubsub.messageId to 'unique' in every node of the network"

/** The same, when it is known that another one has said it first. */
export function repeatedBy(peer: string | undefined): string {
  return peer === undefined ? REPEATED : `${REPEATED} (${peer} has said it first)`
}

/** What a network has to know of pub/sub. */
export interface PubsubOptions {
  messageIdOf: MessageIdOf
  /** The largest message, encoded with topic and signature, that we send or take, bytes. */
  maxMessageSize: number
  /** Bytes that may wait to be sent to one peer. */
  maxQueueSize: number
  scoring: Scoring
}

/**
 * One invalid message removes a peer from our meshes for about 20 s. After two at once no IHAVE or IWANT is exchanged
 * with it for some seconds; after three nothing that it sends is read for 1 s, after ten for 12 s. A shared address is no
 * offence, because such nodes share a machine or a NAT.
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
