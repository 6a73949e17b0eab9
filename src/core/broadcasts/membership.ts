/** Who can hear us on a topic, and whether we are really in it: all of it read from the state. */
import { isGossip } from '../../wire/protocols.js'
import type { State } from '../state.js'

/** Subscribers of the topic to whom we have a gossip stream: those whom a broadcast can reach now. */
export function reachable({ topics }: State, topic: string): string[] {
  return [...(topics.subscribers.get(topic) ?? [])].filter((peer) => topics.gossipPeers.has(peer))
}

/**
 * Is the topic announced on every gossip stream that there should be, and are we in its mesh, or alone? A SUBSCRIBE has no
 * acknowledgement: this is the most that can be known.
 */
export function isJoined(state: State, name: string): boolean {
  const topic = state.topics.joined.get(name)
  if (topic === undefined || nextGossip(state) !== Infinity) return false
  if (topic.mesh.length > 0) return true
  // Who is about to reach its first peer is not alone, only early.
  if (state.connections.byPeer.size === 0 && state.dials.size > 0) return false
  const { subscribers, gossipSince } = state.topics
  return !subscribers.has(name) && gossipSince + state.settings.gossipSettle <= state.now
}

/** When a connection that has no gossip stream yet is given up; `Infinity`: none is waited for. */
function nextGossip(state: State): number {
  let next = Infinity
  for (const [peer, [first]] of state.connections.byPeer) {
    if (state.topics.gossipPeers.has(peer)) continue
    const { protocols, openedAt } = state.connections.all.get(first!)!
    const until = openedAt + state.settings.gossipPatience
    if (until > state.now && protocols?.some(isGossip) !== false) next = Math.min(next, until)
  }
  return next
}

/** When a topic may count as joined without any other event; `Infinity`: at no time that is known. */
export function nextSettled(state: State): number {
  const settled = state.topics.gossipSince + state.settings.gossipSettle
  return Math.min(nextGossip(state), settled > state.now ? settled : Infinity)
}

/** Why a broadcast on this topic reaches nobody; `undefined`: it reaches somebody. */
export function whyNobody(state: State, topic: string): string | undefined {
  if (reachable(state, topic).length > 0) return undefined
  if (state.connections.all.size === 0) return 'we are connected to nobody'
  const subscribers = [...(state.topics.subscribers.get(topic) ?? [])]
  if (subscribers.length === 0)
    return `nobody whom we are connected to is in the topic (peers: ${state.connections.byPeer.size})`
  return `there is no gossip stream yet to ${subscribers.join(', ')}`
}
