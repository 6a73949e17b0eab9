/** Questions about a topic: which peers can be reached, and whether it is joined. Reads the state and changes nothing. */
import { isGossip } from '../../wire/protocols.js'
import { nearest } from '../nearest.js'
import type { State } from '../state.js'

/** Subscribers of the topic with an open gossip stream, which a broadcast can reach now. */
export function reachable({ topics }: State, topic: string): string[] {
  return [...(topics.subscribers.get(topic) ?? [])].filter((peer) => topics.gossipPeers.has(peer))
}

/**
 * Is the topic announced on every gossip stream that there should be, and are we in its mesh, or alone? More cannot be
 * known, because a SUBSCRIBE has no acknowledgement.
 */
export function isJoined(state: State, name: string): boolean {
  const topic = state.topics.joined.get(name)
  if (topic === undefined || nextGossip(state) !== Infinity) return false
  if (topic.mesh.length > 0) return true
  // A node that dials its first peer is not alone.
  if (state.connections.byPeer.size === 0 && state.dials.size > 0) return false
  const { subscribers, gossipSince } = state.topics
  return !subscribers.has(name) && gossipSince + state.settings.gossipSettle <= state.now
}

/** When the next connection without a gossip stream is no longer waited for; `Infinity`: none is waited for. */
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

/** When a topic may count as joined without another event; `Infinity`: only an event can change that. */
export function nextSettled(state: State): number {
  const settled = state.topics.gossipSince + state.settings.gossipSettle
  return Math.min(nextGossip(state), settled > state.now ? settled : Infinity)
}

/** Of many topics of others only some are looked at. */
const MOST_TOPICS = 200

/** A topic of peers whose name is nearly this one, and in which we are not. */
export function meantTopic({ topics }: State, topic: string): string | undefined {
  const names: string[] = []
  for (const name of topics.subscribers.keys()) {
    if (names.length === MOST_TOPICS) break
    if (name !== topic && !topics.joined.has(name)) names.push(name)
  }
  return nearest(topic, names)
}

/** Why a broadcast on this topic reaches no peer; `undefined`: it reaches one. */
export function whyNobody(state: State, topic: string): string | undefined {
  if (reachable(state, topic).length > 0) return undefined
  if (state.connections.all.size === 0) return 'we are connected to nobody'
  const subscribers = [...(state.topics.subscribers.get(topic) ?? [])]
  if (subscribers.length === 0) {
    const meant = meantTopic(state, topic)
    const hint = meant === undefined ? '' : `; some are in ${meant}: one of the two names may be misspelt`
    return `none of the peers that we are connected to is in the topic (peers: ${state.connections.byPeer.size})${hint}`
  }
  return `there is no gossip stream yet to ${subscribers.join(', ')}`
}
