/**
 * Which socket of a dial becomes a connection: each attempt is asked at the last moment of its upgrade.
 *
 * Package: libp2p 3.3.11, @libp2p/tcp 11.0.28
 * Private members: none; relied on is that `remoteAddr` of a socket is the very object that was dialled
 * Changes: nothing by itself. Of the attempts of a dial the gater refuses all but the first that comes through.
 * Without it: a node cannot tell which of its attempts has come through. It ends the socket of the winner with those of the others,
 *   so dials fail.
 * Missing option: a name of the caller's for an attempt, which the gater is given.
 * Guarded by: spec/integration/dialling-spec.ts
 */
import type { MultiaddrConnection } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

export class Claims {
  /** By the object: two attempts at one address are two. */
  private readonly byAddress = new WeakMap<Multiaddr, () => boolean>()
  private readonly refused = new WeakMap<Multiaddr, Error>()

  /** `claim` says whether the attempt may become a connection, and is asked once. */
  set(address: Multiaddr, claim: () => boolean): void {
    this.byAddress.set(address, claim)
  }

  /** This socket was refused by ourselves. (libp2p's error only says that it was.) */
  refuse({ remoteAddr }: MultiaddrConnection, why: string): void {
    this.refused.set(remoteAddr, new Error(why))
  }

  /** Why the attempt at this address was. */
  whyRefused(address: Multiaddr): Error | undefined {
    return this.refused.get(address)
  }

  /** Was this socket opened by an attempt that may not become a connection? */
  refuses({ remoteAddr }: MultiaddrConnection): boolean {
    return this.byAddress.get(remoteAddr)?.() === false
  }
}
