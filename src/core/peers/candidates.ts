/** Where a peer may be that a dial is to reach: as the config says, and as we remember it. */
import { isNamed } from '../settings.js'
import type { State } from '../state.js'

/** Are there addresses of ours to be tried first? Those of a peer in the table the network knows itself. */
export function hasCandidates(state: State, peer: string): boolean {
  if (!isNamed(state.settings, peer) && state.discovery.table.has(peer)) return false
  return candidatesOf(state, peer).length > 0
}

export function candidatesOf({ settings, memory }: State, peer: string): string[] {
  const { bootNodes, keep } = settings
  const all = [...(bootNodes[peer] ?? []), ...(keep[peer] ?? []), ...(memory.peers.get(peer)?.addresses ?? [])]
  const end = `/p2p/${peer}`
  return [...new Set(all.map((address) => (address.endsWith(end) ? address : address + end)))]
}
