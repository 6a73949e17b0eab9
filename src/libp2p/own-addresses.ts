/**
 * The addresses that we listen on: which can be asked for, and a service of libp2p that vouches for those we have. Stock
 * libp2p keeps a public address of ours to itself until AutoNAT has confirmed it, so a node on a public host would tell no
 * peer where it is.
 */
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { withoutPeer } from '../core/peers/addresses.js'
import { INTERFACES_INTERVAL } from './defaults.js'
import { endAddressUpdates } from './patches/address-updates.js'

interface Components {
  addressManager: {
    getAddresses(): Multiaddr[]
    confirmObservedAddr(address: Multiaddr, options?: { type: 'transport' | 'observed'; ttl?: number }): void
    removeObservedAddr(address: Multiaddr): void
  }
  transportManager: { getAddrs(): Multiaddr[] }
  events: { addEventListener(type: 'transport:listening', listener: () => void): void }
}

export interface OwnAddresses {
  /** What others are told, without `/p2p`. An unspecified one has been replaced by those of the interfaces. */
  list(): string[]
  /** Where we listen, whatever we announce. */
  listening(): string[]
  /** These, as others see us, are told too, and none that were before. */
  observed(addresses: string[]): void
  /** Calls `moved` when interfaces have come or gone. */
  watch(moved: () => void): void
  unwatch(): void
  /** The node has stopped. */
  end(): void
}

export function ownAddresses({ addressManager, transportManager, events }: Components): OwnAddresses {
  let timer: NodeJS.Timeout | undefined
  const confirm = () => {
    for (const address of transportManager.getAddrs()) {
      addressManager.confirmObservedAddr(address, { type: 'transport', ttl: Infinity })
    }
  }
  events.addEventListener('transport:listening', confirm)
  let seen: Multiaddr[] = []
  const look = (last: Multiaddr[], moved: () => void): Multiaddr[] => {
    const now = transportManager.getAddrs()
    if (now.join() === last.join()) return last
    // libp2p tells others of a change only when it hears of an address that has come or gone.
    for (const gone of last.filter((one) => !now.some((other) => other.equals(one)))) {
      addressManager.removeObservedAddr(gone)
    }
    confirm()
    moved()
    return now
  }
  return {
    listening: () => transportManager.getAddrs().map((address) => withoutPeer(address.toString())),
    watch(moved) {
      let last = transportManager.getAddrs()
      timer = setInterval(() => (last = look(last, moved)), INTERFACES_INTERVAL).unref()
    },
    observed(addresses) {
      const now = addresses.map((address) => multiaddr(address))
      for (const one of seen) if (!addresses.includes(one.toString())) addressManager.removeObservedAddr(one)
      for (const one of now) addressManager.confirmObservedAddr(one, { type: 'observed', ttl: Infinity })
      seen = now
    },
    unwatch: () => clearInterval(timer),
    end: () => endAddressUpdates(addressManager),
    list() {
      confirm()
      return [...new Set(addressManager.getAddresses().map((address) => withoutPeer(address.toString())))]
    },
  }
}

/** The first address for which we have no transport. libp2p skips it silently while another one works. */
export function unsupportedAddress(asked: string[]): string | undefined {
  return asked.find((address) => !/^\/(ip4|ip6|dns|dns4|dns6)\/[^/]+\/tcp\/\d+(\/p2p\/[^/]+)?$/.test(address))
}

/** The first ip6 address when we listen on none: libp2p takes that for a machine without IPv6, and says nothing. */
export function missingAddress(asked: string[], listening: string[]): string | undefined {
  if (listening.some((address) => address.startsWith('/ip6/'))) return undefined
  return asked.find((address) => address.startsWith('/ip6/'))
}
