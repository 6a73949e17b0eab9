/** The status of a node, as copies of what the state knows. */
import { entriesOf, textOfEntry, type ListName } from '../access/lists.js'
import { lossesOf } from '../broadcasts/counts.js'
import { withPeer } from '../peers/addresses.js'
import type { State } from '../state.js'
import type { AccessEntry, AccessStatus, NodeStatus } from '../explanation.js'

export function knownPeers(state: State): Record<string, string[]> {
  const known: Record<string, string[]> = {}
  for (const [peer, addresses] of state.discovery.table) known[peer] = withPeers(addresses, peer)
  return known
}

/** The lists of who may come in. */
function accessStatus({ access: { lists }, now }: State): AccessStatus {
  const listed = (list: ListName): AccessEntry[] =>
    Array.from(entriesOf(lists, list), ({ entry, until, message }) => ({
      entry: textOfEntry(entry),
      ...(message !== undefined && { reason: message }),
      ...(until < Infinity && { for: until - now }),
    }))
  return { ...(lists.closed && { allow: listed('allow') }), deny: listed('deny'), bans: listed('bans') }
}

/** What is told on demand: with the lists, which may be long. */
export function fullStatus(state: State): NodeStatus {
  return { ...snapshot(state), access: accessStatus(state) }
}

/** As a user can pass them to another node's `bootNodes`. */
export function withPeers(addresses: readonly string[], peer: string): string[] {
  return addresses.map((address) => withPeer(address, peer))
}

export function snapshot(state: State): NodeStatus {
  return {
    peerId: state.self,
    addresses: fullAddresses(state),
    knownPeersCount: state.discovery.table.size,
    knownPeers: knownPeers(state),
    connections: [...state.connections.byPeer.keys()],
    ...(state.twins.ours.size > 0 && {
      twins: [...new Set([...state.twins.ours.values()].map(({ address }) => address))],
    }),
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
  return withPeers(state.lifecycle.addresses, state.self)
}
