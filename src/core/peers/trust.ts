/** Who is trusted with the reserve of what is shared: those whom the config names, and peers of some standing. */
import { isNamed } from '../settings.js'
import type { State } from '../state.js'
import { connectionsOf } from './connections.js'

/** A peer that has been connected for so long has some standing, if it was of use, ms. */
const STANDING = 60_000

/** Has it asked something that we have answered, since it is connected? */
export function wasAnswered({ budget }: State, peer: string): boolean {
  return (budget.accounts.get(peer)?.answered ?? 0) > 0
}

export function isTrusted(state: State, peer: string): boolean {
  if (isNamed(state.settings, peer)) return true
  if (!wasAnswered(state, peer) && state.memory.peers.get(peer)?.trusted !== true) return false
  return connectionsOf(state, peer).some(({ openedAt }) => state.now - openedAt >= STANDING)
}
