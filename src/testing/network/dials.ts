/**
 * The dials of one host: one for each peer at a time, its addresses one after the other, and a lookup before them where no
 * address is known.
 */
import { DIALS } from '../../core/parameters.js'
import { peerOf, withoutPeer } from '../../core/peers/addresses.js'
import type { Attempt } from '../../core/port.js'
import type { LinkHost, Side } from './link.js'
import type { Wire } from './wire.js'

/** What can be dialled. */
export interface Listener extends LinkHost {
  readonly up: boolean
}

/** What the dials need of their host. */
export interface Dialler<Other extends Listener> extends Listener {
  readonly wire: Wire<Other>
  sideTo(peer: string): Side | undefined
  /** Where the table says that the peer is. */
  addressesOf(peer: string): string[]
  /** Asks the network where the peer is. */
  find(peer: string, done: (addresses: string[]) => void): void
  /** Makes the connection, and hands over our end of it. */
  connect(listener: Other, place: string, done: (side: Side) => void): void
}

/** The connection; or the reason why there is none, and the addresses that were tried. */
export type Reached = (side: Side | undefined, why: string, tried?: Attempt[]) => void

interface Dial {
  waiting: Reached[]
  /** No address of the peer is known so far. */
  looksUp: boolean
}

export class Dials<Other extends Listener> {
  private readonly dials = new Map<string, Dial>()

  constructor(private readonly host: Dialler<Other>) {}

  /** A dial of one address, whose peer need not be known. */
  dial(address: string, done: Reached): void {
    this.tryAddresses(undefined, [address], done)
  }

  /** A connection to the peer: an open one, or a new one. */
  reach(peer: string, addresses: string[], done: Reached): void {
    const { host } = this
    const side = host.sideTo(peer)
    if (side !== undefined) return done(side, '')
    if (peer === host.peerId) return done(undefined, 'that is this node itself')
    const known = addresses.length > 0 ? addresses : host.addressesOf(peer)
    const dial = this.dials.get(peer) ?? { waiting: [], looksUp: true }
    dial.waiting.push(done)
    if (dial.waiting.length === 1) this.dials.set(peer, dial)
    else if (!dial.looksUp || known.length === 0) return
    // An address ends the wait for a lookup: the lookup may itself wait for this peer.
    if (known.length > 0) return this.dialAt(peer, dial, known)
    host.find(peer, (found) => {
      if (!dial.looksUp) return
      if (found.length > 0) this.dialAt(peer, dial, found)
      else this.over(peer, dial, undefined, 'nobody that we could ask knows an address of it')
    })
  }

  private dialAt(peer: string, dial: Dial, addresses: string[]): void {
    dial.looksUp = false
    this.tryAddresses(peer, addresses, (side, why, tried) => {
      this.over(peer, dial, side, why, tried)
    })
  }

  private over(peer: string, dial: Dial, side: Side | undefined, why: string, tried?: Attempt[]): void {
    dial.looksUp = false
    this.dials.delete(peer)
    for (const done of dial.waiting) done(side, why, tried)
  }

  private tryAddresses(
    peer: string | undefined,
    addresses: string[],
    done: Reached,
    at = 0,
    tried: Attempt[] = [],
  ): void {
    const address = addresses[at]
    if (address === undefined) {
      return done(undefined, tried.map((attempt) => `${attempt.address}: ${attempt.reason}`).join('; '), tried)
    }
    const failed = (reason: string): void => {
      tried.push({ address, reason })
      this.tryAddresses(peer, addresses, done, at + 1, tried)
    }
    const { host } = this
    const { clock } = host.wire
    const place = withoutPeer(address)
    const listener = host.wire.hosts.get(place)
    const wanted = peer ?? peerOf(address)
    if (listener === undefined) return clock.after(2 * host.wire.once(host, host), () => failed('connection refused'))
    if (listener.peerId === host.peerId) return failed('that is this node itself')
    if (host.wire.vanishes({ kind: 'dial', from: host.peerId, to: listener.peerId })) {
      return clock.after(DIALS.timeout, () => failed('no answer'))
    }
    // The handshakes of TCP and Noise: after four legs the dialler has the connection.
    const there = 4 * host.wire.once(host, listener)
    clock.after(there, () => {
      if (host.wire.isCut(host, listener)) return clock.after(DIALS.timeout - there, () => failed('no answer'))
      if (!listener.up) return clock.after(host.wire.once(host, host), () => failed('connection refused'))
      if (!host.up) return
      if (wanted !== undefined && wanted !== listener.peerId) return failed(`${listener.peerId} is there`)
      host.connect(listener, place, (side) => {
        done(side, '')
      })
    })
  }
}
