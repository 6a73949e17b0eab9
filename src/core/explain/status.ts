/** What a node shows of itself, as a snapshot that is the reader's to keep. */
import { lossesOf } from '../broadcasts/counts.js'
import type { State } from '../state.js'

/** A snapshot of a node. */
export interface NodeStatus {
  /** Our peer id. */
  peerId: string
  /** Where we listen, as multiaddrs that end in `/p2p/<our peer id>`. */
  addresses: string[]
  /** Number of peers in the routing table. */
  knownPeersCount: number
  /** The routing table: peer id → multiaddrs. */
  knownPeers: Record<string, string[]>
  /** Peer ids that we are connected to. */
  connections: string[]
  /** The topics that we are in: peers in them that we are connected to, and messages that went no further (`explain` says why). */
  topics: Record<string, { subscribers: number; dropped: number }>
}

export function knownPeers(state: State): Record<string, string[]> {
  const known: Record<string, string[]> = {}
  for (const [peer, addresses] of state.known) known[peer] = [...addresses]
  return known
}

export function snapshot(state: State): NodeStatus {
  return {
    peerId: state.self,
    addresses: fullAddresses(state),
    knownPeersCount: state.known.size,
    knownPeers: knownPeers(state),
    connections: [...state.links.keys()],
    topics: Object.fromEntries([...state.topics.keys()].map((topic) => [topic, topicStatus(state, topic)])),
  }
}

function topicStatus(state: State, topic: string): NodeStatus['topics'][string] {
  const { others, counts } = state.broadcasts
  const count = counts.get(topic)
  return { subscribers: others.get(topic)?.size ?? 0, dropped: count === undefined ? 0 : lossesOf(count) }
}

/** Where we listen, with our peer id. */
export function fullAddresses(state: State): string[] {
  return state.addresses.map((address) => `${address}/p2p/${state.self}`)
}
