/** Which connections are kept although they are idle. */
import { MESH } from '../parameters.js'
import type { State } from '../state.js'
import type { Connection } from './state.js'

/** In a small network each pair of peers stays connected, over one connection. */
export function isInSmallNetwork(state: State, { id, peer }: Connection): boolean {
  const { byPeer } = state.connections
  if (byPeer.size > state.settings.stayConnected) return false
  // Of two connections to a peer one is closed. One side alone decides which, because otherwise each could close another one.
  return byPeer.get(peer)![0] === id || state.self > peer
}

/**
 * Is the peer in a topic that we publish on? Not if more peers of the topic are connected than a mesh has: then the mesh is
 * enough.
 */
export function isPublishedTo(state: State, peer: string): boolean {
  for (const [topic, at] of state.publishing.publishedAt) {
    if (at + state.settings.publishesFor < state.now) continue
    const subscribers = state.topics.subscribers.get(topic)
    if (subscribers?.has(peer) !== true) continue
    let connected = 0
    for (const subscriber of subscribers) if (state.connections.byPeer.has(subscriber)) connected++
    if (connected <= MESH.Dhi) return true
  }
  return false
}

/** Does a broadcast of ours wait to be sent to it, or is it being sent? */
export function isAwaited({ asks, publishing, topics }: State, peer: string): boolean {
  if (publishing.queuedBytes === 0) return false
  for (const ask of asks.open.values()) {
    if (ask.kind === 'broadcast' && topics.subscribers.get(ask.topic)?.has(peer) === true) return true
  }
  return false
}
