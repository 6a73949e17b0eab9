/** One attempt at one address, as a service of libp2p: its own `dial` begins a peer's attempts one after the other, and joins them. */
import type { Connection } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

interface Components {
  transportManager: {
    dial(
      address: Multiaddr,
      options: { signal: AbortSignal; onProgress(event: { type: string }): void },
    ): Promise<Connection>
  }
}

export interface Transports {
  /** `answered` is called when something has come from there. */
  dial(address: Multiaddr, signal: AbortSignal, answered: () => void): Promise<Connection>
}

export function transports({ transportManager }: Components): Transports {
  return {
    dial(address, signal, answered) {
      // TCP says that it begins, and then the upgrade does: there is a connection.
      const onProgress = ({ type }: { type: string }): void => void (type.startsWith('upgrader:') && answered())
      return transportManager.dial(address, { signal, onProgress })
    },
  }
}
