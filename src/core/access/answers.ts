/** To whom an answer of `authorize` belongs, and when a yes has done its work. It does not ask. */
import type { State } from '../state.js'

/** Whom a question is about: a peer, and where it is. */
export function nameOf(peer: string, address: string): string {
  return `${peer} ${hostIn(address)}`
}

/** Ports are by chance. */
export function hostIn(address: string): string {
  return address.replace(/\/tcp\/.*$/, '')
}

/** It is connected, and as long as it is, it is not asked about again. */
export function useAnswer({ authorizing }: State, peer: string, address: string): void {
  authorizing.admitted.delete(nameOf(peer, address))
}
