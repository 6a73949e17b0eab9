/**
 * One attempt at one address, as a service of libp2p: its own `dial` begins a peer's attempts one after the other, and joins them.
 *
 * Package: libp2p 3.3.11, @libp2p/tcp 11.0.28
 * Private members: none; relied on is that TCP hands `onProgress` to the upgrader, which says first that it encrypts
 * Changes: nothing, it only listens.
 * Without it: an address that has answered, and is slow from then on, is tried once more beside every half second.
 * Missing option: an event of the transport manager when a socket is open.
 * Guarded by: spec/integration/dialling-spec.ts
 */
import type { Connection, Listener, OutboundConnectionUpgradeEvents } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

interface Components {
  transportManager: {
    dial(
      address: Multiaddr,
      options: { signal: AbortSignal; onProgress(event: { type: string }): void; host?: string },
    ): Promise<Connection>
    listen(addresses: Multiaddr[]): Promise<void>
    getListeners(): Pick<Listener, 'getAddrs'>[]
  }
}

export interface Transports {
  /** `answered` is called when something has come from there. `host`: the IP address to take for a name. */
  dial(address: Multiaddr, signal: AbortSignal, answered: () => void, host?: string): Promise<Connection>
  /** Listens on one address, and returns where: of several, libp2p takes all or none. It is asked for one after the other. */
  listen(address: Multiaddr): Promise<string[]>
}

/** The first that an upgrade says. It begins when there is a socket. */
const UPGRADE: OutboundConnectionUpgradeEvents['type'] = 'upgrader:encrypt-outbound-connection'

export function transports({ transportManager }: Components): Transports {
  return {
    dial(address, signal, answered, host) {
      const onProgress = ({ type }: { type: string }): void => void (type === UPGRADE && answered())
      return transportManager.dial(address, { signal, onProgress, ...(host !== undefined && { host }) })
    },
    async listen(address) {
      const before = new Set(transportManager.getListeners())
      await transportManager.listen([address])
      const added = transportManager.getListeners().filter((one) => !before.has(one))
      return added.flatMap((one) => one.getAddrs().map(String))
    },
  }
}
