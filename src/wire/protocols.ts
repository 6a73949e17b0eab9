/** The names of protocols on the wire: ours, and those of libp2p that we speak or look for. */

/** Request/response, version 1: one stream a request, one length-prefixed frame each way. */
export const REQUEST_RESPONSE_V1 = '/tinyp2p/req-resp/1.0.0'

/** Requests and streams of replies, any number at once over one stream: docs/session.md. */
export const SESSION = '/tinyp2p/session/1.0.0'

/** The protocols of requests, the preferred one first. */
export const REQUEST_PROTOCOLS = [SESSION, REQUEST_RESPONSE_V1]

/**
 * Before the name of an application's protocol: by identify, a node tells so which of them it serves. Requests of it come over the
 * protocols of requests, and a stream for this name is reset.
 */
const SERVES = '/tinyp2p/serves/'

export function servedAs(name: string): string {
  return SERVES + name
}

/** The applications' protocols among those that a peer has told. */
export function servedIn(protocols: readonly string[]): string[] {
  return protocols.flatMap((protocol) => (protocol.startsWith(SERVES) ? protocol.slice(SERVES.length) : []))
}

/** Kademlia, as the origin runs it. */
export const KADEMLIA = '/ipfs/kad/1.0.0'

/** Gossipsub, as the origin runs it. */
export const GOSSIPSUB = '/meshsub/1.1.0'

/** Whether a protocol is gossipsub, of any version. */
export function isGossip(protocol: string): boolean {
  return protocol.startsWith('/meshsub/')
}

/** A ping of libp2p. */
export const PING_PROTOCOL = '/ipfs/ping/1.0.0'

/** Who a peer is, asked by libp2p's identify, and told when it changes. */
export const IDENTIFY_PROTOCOL = '/ipfs/id/1.0.0'
export const IDENTIFY_PUSH_PROTOCOL = '/ipfs/id/push/1.0.0'

/** What our identify says in `protocolVersion`, as the origin does. Stock: `ipfs/0.1.0`. */
export const IDENTIFY_VERSION = '/tinychain/identify/1.0.0'
