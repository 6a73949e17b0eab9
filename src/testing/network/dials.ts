/**
 * The dials of one host: one for each peer at a time, its addresses one after the other, and a lookup before them where no
 * address is known.
 */
import { DIALS } from '../../core/parameters.js'
import { peerOf, withoutPeer } from '../../core/peers/addresses.js'
import type { Attempt } from '../../core/port.js'
import type { LinkHost, Side } from './link.js'
import { Timeouts } from './timeouts.js'
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
  /** `undefined`: an address was given alone. */
  peer: string | undefined
  waiting: Reached[]
  /** The addresses to try; `undefined`: none is known so far. */
  addresses: string[] | undefined
  tried: Attempt[]
  /** It may last too long, and ends then. */
  isLimited: boolean
  over: boolean
}

export class Dials<Other extends Listener> {
  private readonly dials = new Map<string, Dial>()
  private readonly timeouts: Timeouts<Dial>

  constructor(private readonly host: Dialler<Other>) {
    this.timeouts = new Timeouts(host.wire.clock, (dial) => {
      this.expire(dial)
    })
  }

  /** A dial of one address, whose peer need not be known. */
  dial(address: string, done: Reached): void {
    this.dialAt(this.begin(undefined, done), [address])
  }

  /** A connection to the peer: an open one, or a new one. */
  reach(peer: string, addresses: string[], done: Reached): void {
    const { host } = this
    const side = host.sideTo(peer)
    if (side !== undefined) return done(side, '')
    if (peer === host.peerId) return done(undefined, 'that is this node itself')
    const known = addresses.length > 0 ? addresses : host.addressesOf(peer)
    const underWay = this.dials.get(peer)
    if (underWay !== undefined) {
      underWay.waiting.push(done)
      // An address ends the wait for a lookup: the lookup may itself wait for this peer.
      if (underWay.addresses === undefined && known.length > 0) this.dialAt(underWay, known)
      return
    }
    const dial = this.begin(peer, done)
    this.dials.set(peer, dial)
    if (known.length > 0) return this.dialAt(dial, known)
    this.limit(dial)
    host.find(peer, (found) => {
      if (dial.over || dial.addresses !== undefined) return
      if (found.length > 0) this.dialAt(dial, found)
      else this.end(dial, undefined, 'nobody that we could ask knows an address of it')
    })
  }

  private begin(peer: string | undefined, done: Reached): Dial {
    return { peer, waiting: [done], addresses: undefined, tried: [], isLimited: false, over: false }
  }

  private limit(dial: Dial): void {
    if (dial.isLimited) return
    dial.isLimited = true
    this.timeouts.begin(dial, DIALS.timeout)
  }

  private end(dial: Dial, side: Side | undefined, why = reasonsOf(dial)): void {
    dial.over = true
    if (dial.isLimited) this.timeouts.end(dial, DIALS.timeout)
    if (dial.peer !== undefined) this.dials.delete(dial.peer)
    for (const done of dial.waiting) done(side, why, dial.tried)
  }

  private expire(dial: Dial): void {
    if (dial.addresses === undefined) return this.end(dial, undefined, 'the lookup for its address took too long')
    dial.tried.push({ address: addressOf(dial)!, reason: 'no answer' })
    this.end(dial, undefined)
  }

  private dialAt(dial: Dial, addresses: string[]): void {
    dial.addresses = addresses
    // One address has less time than the whole dial: it needs no timer.
    if (addresses.length > 1) this.limit(dial)
    this.tryNext(dial)
  }

  private tryNext(dial: Dial): void {
    const address = addressOf(dial)
    if (address === undefined) return this.end(dial, undefined)
    const { host } = this
    const { wire } = host
    const place = withoutPeer(address)
    const listener = wire.hosts.get(place)
    if (listener === undefined) return this.failLater(dial, 2 * wire.once(host, host), 'connection refused')
    if (listener.peerId === host.peerId) return this.fail(dial, 'that is this node itself')
    if (wire.vanishes({ kind: 'dial', from: host.peerId, to: listener.peerId })) {
      return this.failLater(dial, DIALS.addressTimeout, 'no answer')
    }
    // The handshakes of TCP and Noise: after four legs the dialler has the connection.
    const there = 4 * wire.once(host, listener)
    if (there > DIALS.addressTimeout) return this.failLater(dial, DIALS.addressTimeout, 'no answer')
    wire.clock.after(there, () => {
      if (dial.over) return
      if (wire.isCut(host, listener)) return this.failLater(dial, DIALS.addressTimeout - there, 'no answer')
      if (!listener.up) return this.failLater(dial, wire.once(host, host), 'connection refused')
      if (!host.up) return
      const wanted = dial.peer ?? peerOf(address)
      if (wanted !== undefined && wanted !== listener.peerId) return this.fail(dial, `${listener.peerId} is there`)
      host.connect(listener, place, (side) => {
        this.end(dial, side, '')
      })
    })
  }

  private failLater(dial: Dial, delay: number, reason: string): void {
    this.host.wire.clock.after(delay, () => {
      if (!dial.over) this.fail(dial, reason)
    })
  }

  private fail(dial: Dial, reason: string): void {
    dial.tried.push({ address: addressOf(dial)!, reason })
    this.tryNext(dial)
  }
}

/** The address that is to be tried now; `undefined`: all were. */
function addressOf({ addresses, tried }: Dial): string | undefined {
  return addresses?.[tried.length]
}

function reasonsOf({ tried }: Dial): string {
  return tried.map(({ address, reason }) => `${address}: ${reason}`).join('; ')
}
