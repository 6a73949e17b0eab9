/** The status of a node, as copies of what the state knows. */
import { lossesOf } from '../broadcasts/counts.js'
import type { State } from '../state.js'
import type { NodeStatus } from './explanation.js'

export function knownPeers(state: State): Record<string, string[]> {
  const known: Record<string, string[]> = {}
  for (const [peer, addresses] of state.discovery.table) known[peer] = [...addresses]
  return known
}

export function snapshot(state: State): NodeStatus {
  return {
    peerId: state.self,
    addresses: fullAddresses(state),
    knownPeersCount: state.discovery.table.size,
    knownPeers: knownPeers(state),
    connections: [...state.connections.byPeer.keys()],
    topics: Object.fromEntries([...state.topics.joined.keys()].map((topic) => [topic, topicStatus(state, topic)])),
  }
}

function topicStatus(state: State, topic: string): NodeStatus['topics'][string] {
  const count = state.counts.topics.get(topic)
  return {
    subscribers: state.topics.subscribers.get(topic)?.size ?? 0,
    dropped: count === undefined ? 0 : lossesOf(count),
  }
}

/** The multiaddrs that we listen on, with our peer id. */
export function fullAddresses(state: State): string[] {
  return state.lifecycle.addresses.map((address) => `${address}/p2p/${state.self}`)
}
