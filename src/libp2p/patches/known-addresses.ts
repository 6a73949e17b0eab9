/**
 * Where we listen is known also while the system does not tell its interfaces, because it has no file to spare.
 *
 * Package: libp2p 3.3.11 (its transport manager)
 * Private members: none; `getAddrs` is public, and replaced
 * Changes: where it would throw, its answer is that of the last time.
 * Without it: libp2p reads the addresses in a timer, a second after they have changed, and what is thrown there ends the process.
 * Missing option: none is needed; the update of the address manager should catch it.
 * Guarded by: spec/integration/libp2p/port-spec.ts
 */
import type { Multiaddr } from '@multiformats/multiaddr'
import { hasMembers } from './supported.js'

const MEMBERS = { getAddrs: 'writable function' } as const

export function keepKnownAddresses(transportManager: { getAddrs(): Multiaddr[] }): void {
  if (!hasMembers('libp2p', transportManager, MEMBERS)) return
  const read = transportManager.getAddrs.bind(transportManager)
  let last: Multiaddr[] | undefined
  transportManager.getAddrs = () => {
    try {
      last = read()
    } catch (error) {
      if (last === undefined) throw error
    }
    return last
  }
}
