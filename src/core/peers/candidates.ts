/** The addresses that a dial of a peer tries first: those of the config, and the remembered ones. */
import { isNamed } from '../settings.js'
import type { State } from '../state.js'

/** Does a dial of the peer have addresses to try first? The network itself knows those of a peer in the table. */
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
