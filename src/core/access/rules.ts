/**
 * What the lists say of somebody. The network has a copy of them, and refuses by it; in the core it is looked again, because a connection
 * may have passed while they changed.
 */
import type { Refusal } from '../effects.js'
import type { State } from '../state.js'
import { barOf, textOfBar, type Bar } from './lists.js'

/** Why this peer, or whoever is at this address, may not come in. */
export function whyBarred({ access }: State, peer: string | undefined, address?: string): Bar | undefined {
  return barOf(access.lists, { peer, address })
}

/** Is everything that this peer signs dropped, whoever hands it on? */
export function isSilenced({ access }: State, peer: string): boolean {
  return access.lists.deny.peers.has(peer)
}

/** What a caller is told who wants to reach such a peer. `target`: a peer id, or a multiaddr. `addresses`: where it is to be reached. */
export function refusalOf(state: State, target: string, addresses: readonly string[] = []): Refusal | undefined {
  const isAddress = target.startsWith('/')
  const peer = isAddress ? undefined : target
  const places = isAddress ? [target] : addresses
  const why = whyBarred(state, peer)
  if (why !== undefined) return deniedAs(target, textOfBar(why))
  if (places.length === 0) return undefined
  const reasons = places.map((place) => whyBarred(state, peer, isName(place) ? undefined : place))
  const [first] = reasons
  return first === undefined || reasons.includes(undefined) ? undefined : deniedAs(target, textOfBar(first))
}

function isName(address: string): boolean {
  return /^\/dns/.test(address)
}

export function deniedAs(target: string, why: string): Refusal {
  return { code: 'Denied', message: `${target} is ${why}` }
}
