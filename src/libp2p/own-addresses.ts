/**
 * The addresses that we listen on, as a service of libp2p. Stock libp2p keeps a public address of ours to itself until
 * AutoNAT has confirmed it, so a node on a public host would tell nobody where it is; we vouch for what we listen on.
 */
import type { Multiaddr } from '@multiformats/multiaddr'
import { withoutPeer } from '../core/peers/addresses.js'

interface Components {
  addressManager: {
    getAddresses(): Multiaddr[]
    confirmObservedAddr(address: Multiaddr, options?: { type: 'transport'; ttl?: number }): void
  }
  transportManager: { getAddrs(): Multiaddr[] }
  events: { addEventListener(type: 'transport:listening', listener: () => void): void }
}

export interface OwnAddresses {
  /** Without `/p2p`; an unspecified one has been replaced by those of the interfaces. */
  list(): string[]
  /** libp2p updates its own record a second after the last listener changed: not after the end, please. */
  forget(): void
}

export function ownAddresses({ addressManager, transportManager, events }: Components): OwnAddresses {
  const confirm = () => {
    for (const address of transportManager.getAddrs()) {
      addressManager.confirmObservedAddr(address, { type: 'transport', ttl: Infinity })
    }
  }
  events.addEventListener('transport:listening', confirm)
  return {
    list() {
      confirm()
      return [...new Set(addressManager.getAddresses().map((address) => withoutPeer(address.toString())))]
    },
    forget() {
      const { _updatePeerStoreAddresses } = addressManager as { _updatePeerStoreAddresses?: { stop?(): void } }
      _updatePeerStoreAddresses?.stop?.()
    },
  }
}
