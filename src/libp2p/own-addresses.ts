/**
 * The addresses that we listen on: which can be asked for, and a service of libp2p that vouches for those we have. Stock
 * libp2p keeps a public address of ours to itself until AutoNAT has confirmed it, so a node on a public host would tell no
 * peer where it is.
 */
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { ipOf, isAnyPort, withoutPeer } from '../core/peers/addresses.js'
import { Interfaces, type Changes } from '../platform/interfaces.js'
import { INTERFACES_INTERVAL } from './defaults.js'
import type { ListenFailure } from './failure.js'
import { endAddressUpdates } from './patches/address-updates.js'
import { keepKnownAddresses } from './patches/known-addresses.js'
import type { Transports } from './transports.js'

interface Listening {
  services: { transports: Pick<Transports, 'listen'> }
}

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
  /**
   * Looks each second at the interfaces, and calls `changed` when addresses have come or gone: again, while it throws, of which `failed`
   * hears.
   */
  watch(changed: (changes: Changes) => void, failed: (error: unknown) => void): void
  unwatch(): void
  /** The node has stopped. */
  end(): void
}

const NOTHING: Changes = { moved: false, gone: new Set() }

export function ownAddresses(
  { addressManager, transportManager, events }: Components,
  interfaces = new Interfaces(),
): OwnAddresses {
  keepKnownAddresses(transportManager)
  let timer: NodeJS.Timeout | undefined
  const confirm = () => {
    for (const address of transportManager.getAddrs()) {
      addressManager.confirmObservedAddr(address, { type: 'transport', ttl: Infinity })
    }
  }
  events.addEventListener('transport:listening', confirm)
  let seen: Multiaddr[] = []
  /** Where we listen, as far as others were told. */
  let last: Multiaddr[] = []
  /** Where we did, on interfaces that may come back in a moment. Others are told of these too. */
  let missing: Multiaddr[] = []
  /** What has changed, and is not told yet. */
  let owed = NOTHING
  const look = (changed: (changes: Changes) => void): void => {
    const { moved, gone } = interfaces.look()
    const away = [...owed.gone, ...gone].filter((one) => !interfaces.isKnown(one))
    owed = { moved: owed.moved || moved, gone: new Set(away) }
    if (follow()) confirm()
    if (owed.moved || owed.gone.size > 0) changed(owed)
    owed = NOTHING
  }
  /** False: nothing has changed. */
  const follow = (): boolean => {
    const now = transportManager.getAddrs()
    if (now.join() === last.join() && missing.length === 0) return false
    const away = [...last, ...missing].filter((one) => !now.some((other) => other.equals(one)))
    const kept = away.filter((one) => interfaces.isKnown(ipOf(one.toString())))
    // libp2p tells others of a change only when it hears of an address that has come or gone.
    for (const one of new Set([...missing, ...away])) if (!kept.includes(one)) addressManager.removeObservedAddr(one)
    for (const one of kept) addressManager.confirmObservedAddr(one, { type: 'observed', ttl: Infinity })
    last = now
    missing = kept
    return true
  }
  return {
    listening: () => transportManager.getAddrs().map((address) => withoutPeer(address.toString())),
    watch(changed, failed) {
      last = transportManager.getAddrs()
      timer = setInterval(() => {
        try {
          look(changed)
        } catch (error) {
          failed(error)
        }
      }, INTERFACES_INTERVAL).unref()
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
      follow()
      confirm()
      return [...new Set(addressManager.getAddresses().map((address) => withoutPeer(address.toString())))]
    },
  }
}

/** Where we listen, by the addresses that we were to listen on, in their order. `undefined`: it cannot be listened on. */
export type Bound = readonly (readonly string[] | undefined)[]

/** Listens on each of these, as far as that can be. */
export async function listenOn(host: Listening, asked: string[]): Promise<{ bound: Bound; failures: ListenFailure[] }> {
  const bound: (string[] | undefined)[] = asked.map(() => undefined)
  const failures: ListenFailure[] = []
  // Named ports come first: a free one could happen to be one of them.
  const order = [...asked.keys()].sort((a, b) => Number(isAnyPort(asked[a]!)) - Number(isAnyPort(asked[b]!)))
  for (const index of order) {
    const address = asked[index]!
    try {
      if (!isSupported(address)) throw new Error('only TCP addresses can be listened on')
      bound[index] = await host.services.transports.listen(multiaddr(address))
    } catch (cause) {
      failures.push({ address, cause })
    }
  }
  return { bound, failures }
}

function isSupported(address: string): boolean {
  return /^\/(ip4|ip6|dns|dns4|dns6)\/[^/]+\/tcp\/\d+$/.test(address)
}
