/** Which peer a late subscriber asks next for what it remembers. */
import { rangeOfPeer } from '../peers/connections.js'
import type { State } from '../state.js'
import { standingOf } from './patience.js'
import type { CatchUp } from './state.js'

/** So many are asked for one subscriber, in all. */
const MOST = 8

/**
 * Peers of the config and of some standing come first, since others may be silent, or forget, on purpose; then members of the mesh, because
 * they forward to us at once what they receive after their answer. Of strangers there is one of each range of addresses before another.
 * `undefined`: there is none. `isQuick`: only those that answer at once, or are worth a wait.
 */
export function nextHistorian(state: State, { topic, asked }: CatchUp, isQuick: boolean): string | undefined {
  if (asked.size >= MOST) return undefined
  const mesh = state.topics.joined.get(topic)?.mesh ?? []
  const peers = new Set([...mesh, ...(state.topics.subscribers.get(topic) ?? [])])
  const ranges = new Set(asked.values())
  let best: string | undefined
  for (const peer of peers) {
    if (asked.has(peer) || !state.connections.byPeer.has(peer)) continue
    if (standingOf(state, peer) !== 'stranger') return peer
    if (isQuick && !mesh.includes(peer)) continue
    if (best === undefined || (ranges.has(rangeOfPeer(state, best)) && !ranges.has(rangeOfPeer(state, peer))))
      best = peer
  }
  return best
}
