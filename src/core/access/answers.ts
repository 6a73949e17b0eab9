/** To whom an answer of `authorize` belongs, and how long a yes holds. It does not ask. */
import { dueAt } from '../due.js'
import { connectionsOf } from '../peers/connections.js'
import type { State } from '../state.js'
import { whyBarred } from './rules.js'

/** A yes holds for so long before the peer is connected, ms: of several connections that it opens at once, each is a visit. */
const GRACE = 3_000

/** Whom a question is about: a peer, and where it is. */
export function nameOf(peer: string, address: string): string {
  return `${peer} ${hostIn(address)}`
}

/** Ports are by chance. */
function hostIn(address: string): string {
  return address.replace(/\/tcp\/.*$/, '')
}

/** It is connected from there, or was admitted a moment ago. */
export function isAuthorized(state: State, peer: string, address: string): boolean {
  const admitted = state.authorizing.admitted.get(nameOf(peer, address))
  if (admitted !== undefined && admitted.until > state.now) return true
  const host = hostIn(address)
  return connectionsOf(state, peer).some(({ place }) => hostIn(place) === host)
}

export function noteYes(state: State, peer: string, address: string): void {
  const { admitted } = state.authorizing
  const name = nameOf(peer, address)
  const until = state.now + GRACE
  admitted.delete(name)
  admitted.set(name, { peer, address, until })
  dueAt(state, 'admitted', until)
}

/** It is connected, and as long as it is, it is not asked about again. */
export function useAnswer({ authorizing }: State, peer: string, address: string): void {
  authorizing.admitted.delete(nameOf(peer, address))
}

/** Those of whoever may not come in any more. */
export function revokeYeses(state: State): void {
  const { admitted } = state.authorizing
  for (const [name, { peer, address }] of admitted) {
    if (whyBarred(state, peer, address) !== undefined) admitted.delete(name)
  }
}

/** When the next answer ends that no connection has used. */
export function nextAdmitted({ authorizing }: State): number {
  for (const { until } of authorizing.admitted.values()) return until
  return Infinity
}

export function expireAdmitted({ authorizing, now }: State): void {
  for (const [name, { until }] of authorizing.admitted) {
    if (until > now) return
    authorizing.admitted.delete(name)
  }
}
