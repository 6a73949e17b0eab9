/**
 * The private members of gossipsub that the files of this folder reach, and nothing else.
 *
 * Package: @libp2p/gossipsub 17.1.1
 * Private members: `handleReceivedRpc`, `handleReceivedMessage`,
 *   `validateReceivedMessage`, `sendRpc`, `seenCache.has`, `seenCache.put`, `getMeshPeers`, `mesh`, `backoff`,
 *   `handleGraft`, `makePrune`, `addToMesh`, `sendGraft`,
 *   `reportMessageValidationResult`, `streamsOutbound`; of `score` its `score.params.topics`, `score.peerStats` with `connected` and `topics` of
 *   an entry, `score.scoreCache`, `score.score`, `score.addPenalty` and `score.addPeer`
 * Changes:
 *   `handleReceivedRpc` (peer-streams.ts) is called for each frame that inbound.ts reads.
 *   `handleReceivedMessage` (pubsub.ts) is called for messages of a peer that has closed its connection behind them.
 *   `validateReceivedMessage` (admission.ts) finds out what is cheap before the signature is checked, waits for its turn, counts
 *     what is dropped, and reports repeats.
 *   `sendRpc` (outbound.ts) keeps frames below the limit, and bounds what waits for one peer.
 *   `seenCache` (publishing.ts): a publish says its id and proof, leaves out peers, and is no repeat while it reached no peer.
 *   `handleGraft` (mesh-places.ts): whatever range of addresses has most places of a mesh gives one to another range. `mesh`, `backoff`,
 *     `makePrune`, `addToMesh` and `sendGraft` are what that takes.
 *   `score` (scores.ts): topics come and go while the node runs; a bad score outlives a reconnection; counts by topic inherit nothing.
 *   `streamsOutbound` (pubsub.ts): a stream is given up for one over another connection before it has ended.
 *   `reportMessageValidationResult`, `getMeshPeers` (pubsub.ts): verdicts, and the event `meshChanged`.
 * Without it:
 *   The stock reader buffers whatever a peer sends while the last frame is verified: a flood fills our memory, and not the
 *     sender's.
 *   Messages that were not verified when their sender closed its connection are lost, as at the end of a drain.
 *   One frame of repeats stands the node still for seconds, each of them verified.
 *   Messages of foreign topics are verified, remembered and offered to others, and `gossipDropped` would not exist.
 *   A frame over 64 KiB ends the origin's stream, and a peer that does not read fills our memory.
 *   A broadcast that reached nobody cannot be sent again, and `receipts` and `replay` have no proof to go by.
 *   Twenty identities of one address fill a mesh, and nobody else is in it.
 *   Invalid messages cost their sender nothing, or nothing any more once it has connected again.
 *   One forged message of the topic `__proto__` ends the process.
 *   What is broadcast goes to a connection that does not answer, until that is closed.
 *   Validators are not asked, and nobody knows the mesh.
 * Missing option: for all of them; the exported interface has only publish, subscribe and lists of peers and topics. Two are
 *   public methods of the class, which is not exported (https://github.com/ChainSafe/js-libp2p-gossipsub/issues/193).
 * Guarded by: spec/integration/libp2p/pubsub-spec.ts, spec/integration/libp2p/pubsub-hostile-spec.ts
 */
import type { GossipSub, TopicValidatorResult } from '@chainsafe/libp2p-gossipsub'
import type { RPC } from '@chainsafe/libp2p-gossipsub/message'
import type { PeerId } from '@libp2p/interface'
import { requireMembers } from '../patches/supported.js'

/** gossipsub's judgement of a message. `msgIdStr` ends its wait for a message that it has asked for. */
export type Validated =
  | { code: 'valid'; messageId: { msgIdStr: string } }
  | { code: 'duplicate'; msgIdStr: string }
  | { code: 'invalid'; reason: string; error?: string; msgIdStr?: string | undefined }

export interface PeerScore {
  readonly params: { topics: Record<string, object> }
  readonly peerStats: Map<string, { connected: boolean; topics: Record<string, object> }>
  readonly scoreCache: Map<string, unknown>
  score(peer: string): number
  addPenalty(peer: string, count: number, label: string): void
  /** Replaced. */
  addPeer(peer: string): void
}

export interface Internals {
  readonly seenCache: { has(id: string): boolean; put(id: string): unknown }
  readonly score: PeerScore
  /** Of those of our streams that it has taken (registrar.ts). */
  readonly streamsOutbound: Map<string, unknown>
  getMeshPeers(topic: string): string[]
  handleReceivedRpc(from: PeerId, rpc: RPC): Promise<void>
  handleReceivedMessage(from: PeerId, message: RPC.Message): Promise<void>
  reportMessageValidationResult(id: string, via: string, result: TopicValidatorResult): void
  /** Topic → its mesh. */
  readonly mesh: Map<string, Set<string>>
  /** Topic → peer → until when it must not be grafted, ms. */
  readonly backoff: Map<string, Map<string, number>>
  makePrune(peer: string, topic: string, doPX: boolean, onUnsubscribe: boolean): Promise<RPC.ControlPrune>
  addToMesh(peer: string, topic: string, reason: string): void
  sendGraft(peer: string, topics: string[]): void
  /** Replaced, as the next. */
  handleGraft(peer: string, graft: RPC.ControlGraft[]): Promise<RPC.ControlPrune[]>
  sendRpc(peer: string, rpc: RPC): boolean
  validateReceivedMessage(from: PeerId, message: RPC.Message): Promise<Validated>
}

/** Throws when this is not the gossipsub that we know. */
export function internalsOf(pubsub: GossipSub): Internals {
  requireMembers('@libp2p/gossipsub', pubsub, {
    'seenCache.has': 'function',
    'seenCache.put': 'function',
    streamsOutbound: 'map',
    'score.params.topics': 'object',
    'score.peerStats': 'map',
    'score.scoreCache': 'map',
    'score.score': 'function',
    'score.addPenalty': 'function',
    'score.addPeer': 'writable function',
    getMeshPeers: 'function',
    handleReceivedRpc: 'function',
    handleReceivedMessage: 'function',
    reportMessageValidationResult: 'function',
    mesh: 'map',
    backoff: 'map',
    makePrune: 'function',
    addToMesh: 'function',
    sendGraft: 'function',
    handleGraft: 'writable function',
    sendRpc: 'writable function',
    validateReceivedMessage: 'writable function',
  })
  const inside = pubsub as unknown as Internals
  requireMembers('@libp2p/gossipsub', statsOfNewPeer(inside.score), { connected: 'writable boolean', topics: 'object' })
  return inside
}

/** What a peer's entry is like, as long as there is none yet. */
function statsOfNewPeer(score: PeerScore): unknown {
  const peer = 'nobody'
  score.addPeer(peer)
  const stats = score.peerStats.get(peer)
  score.peerStats.delete(peer)
  return stats
}
