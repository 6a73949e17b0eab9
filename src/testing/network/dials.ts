/**
 * The dials of one host: one for each peer at a time. Its addresses race each other (core/peers/race.ts), and where none is
 * known there is a lookup before them. (The model differs: no lookup where one is known.)
 */
import type { Door } from '../../core/access/door.js'
import { HUNG_UP, OTHER_NETWORK, textOfBarred } from '../../core/access/lists.js'
import { DIALS } from '../../core/parameters.js'
import { peerOf, withoutPeer, type Candidate } from '../../core/peers/addresses.js'
import type { Attempt } from '../../core/port.js'
import { Race, reasonsOf } from '../../core/peers/race.js'
import type { LinkHost, Side } from './link.js'
import { Timeouts } from './timeouts.js'
import type { Wire } from './wire.js'

/** What can be dialled. */
export interface Listener extends LinkHost {
  readonly up: boolean
  readonly door: Door
  /** The pre-shared key of its network; `undefined`: none. */
  readonly networkKey: string | undefined
  /** Nobody comes in any more. */
  readonly isClosed: boolean
}

/** What the dials need of their host. */
export interface Dialler<Other extends Listener> extends Listener {
  readonly wire: Wire<Other>
  /** Where others see it. */
  readonly place: string
  /** Where it listens. */
  readonly addresses: string[]
  sideTo(peer: string): Side | undefined
  /** Where the table says that the peer is. */
  addressesOf(peer: string): string[]
  /** Asks the network where the peer is. */
  find(peer: string, done: (addresses: string[]) => void): void
  /** Makes the connection, and hands over our end of it. */
  connect(listener: Other, place: string, done: (side: Side | undefined, why: string) => void): void
}

/** The connection; or the reason why there is none, and the addresses that were tried. */
export type Reached = (side: Side | undefined, why: string, tried?: Attempt[]) => void

interface Dial {
  /** `undefined`: an address was given alone. */
  peer: string | undefined
  waiting: Reached[]
  /** `undefined`: no address is known so far. */
  race: Race | undefined
  search: 'none' | 'under way' | 'over'
  tried: Attempt[]
  /** Addresses that are being tried. */
  running: Set<string>
  /** When it is looked at again. */
  nextLook: number
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
    this.offer(this.begin(undefined, done), [address], true)
  }

  /** A connection to the peer: an open one, or a new one. `anew`: an open one is no answer. */
  reach(peer: string, addresses: string[], done: Reached, anew = false): void {
    const { host } = this
    const side = anew ? undefined : host.sideTo(peer)
    if (side !== undefined) return done(side, '')
    if (peer === host.peerId) return done(undefined, 'that is this node itself')
    const isNamed = addresses.length > 0
    const known = isNamed ? addresses : host.addressesOf(peer)
    const underWay = this.dials.get(peer)
    if (underWay !== undefined) {
      underWay.waiting.push(done)
      if (known.length > 0) this.offer(underWay, known, isNamed)
      else this.search(underWay, peer)
      return
    }
    const dial = this.begin(peer, done)
    this.dials.set(peer, dial)
    if (known.length > 0) this.offer(dial, known, isNamed)
    else this.search(dial, peer)
  }

  /** A lookup, one for each dial. What it finds joins the addresses that are tried. */
  private search(dial: Dial, peer: string): void {
    if (dial.search !== 'none') return
    dial.search = 'under way'
    this.limit(dial)
    this.host.find(peer, (found) => {
      dial.search = 'over'
      if (dial.over) return
      if (found.length > 0) this.offer(dial, found, false)
      else if (dial.race !== undefined) this.goOn(dial, dial.race)
      else this.end(dial, undefined, 'nobody that we could ask knows an address of it')
    })
  }

  private begin(peer: string | undefined, done: Reached): Dial {
    return {
      peer,
      waiting: [done],
      race: undefined,
      search: 'none',
      tried: [],
      running: new Set(),
      nextLook: Infinity,
      isLimited: false,
      over: false,
    }
  }

  private limit(dial: Dial): void {
    if (dial.isLimited) return
    dial.isLimited = true
    this.timeouts.begin(dial, DIALS.timeout)
  }

  private end(dial: Dial, side: Side | undefined, why = reasonsOf(dial.tried, dial.race?.left)): void {
    dial.over = true
    if (dial.isLimited) this.timeouts.end(dial, DIALS.timeout)
    if (dial.peer !== undefined) this.dials.delete(dial.peer)
    for (const done of dial.waiting) done(side, why, dial.tried)
  }

  private expire(dial: Dial): void {
    if (dial.race === undefined) return this.end(dial, undefined, 'the lookup for its address took too long')
    for (const address of dial.running) dial.tried.push({ address, reason: 'no answer' })
    this.end(dial, undefined)
  }

  private offer(dial: Dial, addresses: string[], isConfirmed: boolean): void {
    // One address has less time than the whole dial: it needs no timer.
    if (addresses.length > 1 || dial.race !== undefined) this.limit(dial)
    dial.race ??= new Race()
    const candidates: Candidate[] = addresses.map((address) => ({ address, isConfirmed }))
    dial.race.offer(candidates, this.host.addresses)
    this.goOn(dial, dial.race)
  }

  /** Begins what has its turn, and comes back for the rest. */
  private goOn(dial: Dial, race: Race): void {
    const { clock } = this.host.wire
    for (let address = race.take(clock.time); address !== undefined; address = race.take(clock.time)) {
      dial.running.add(address)
      this.attempt(dial, race, address, clock.time + DIALS.addressTimeout)
      if (dial.over) return
    }
    if (race.isOver) {
      if (dial.search !== 'under way') this.end(dial, undefined)
      return
    }
    const { due } = race
    if (due === Infinity || (dial.nextLook > clock.time && dial.nextLook <= due)) return
    dial.nextLook = due
    clock.after(due - clock.time, () => {
      if (!dial.over) this.goOn(dial, race)
    })
  }

  /** What either side finds out while they shake hands. @returns why it ends there */
  private meet(listener: Other, address: string): string | undefined {
    const { host } = this
    const { peerId: peer, place } = host
    if (listener.door.refuses({ address: place, inbound: true }) !== undefined) return HUNG_UP
    if (listener.networkKey !== host.networkKey) {
      listener.door.count('networkKey', { address: place, inbound: true })
      host.door.count('networkKey', { address, inbound: false })
      return OTHER_NETWORK
    }
    const why = host.door.refuses({ peer: listener.peerId, address, inbound: false })
    if (why !== undefined) return textOfBarred(why)
    return listener.door.refuses({ peer, address: place, inbound: true }) === undefined ? undefined : HUNG_UP
  }

  /** Tries an address, and again while nothing has come from there, until its time is over. */
  private attempt(dial: Dial, race: Race, address: string, until: number): void {
    const { host } = this
    const { wire } = host
    const { clock } = wire
    const fail = (reason: string): void => {
      dial.tried.push({ address, reason })
      dial.running.delete(address)
      race.failed()
      this.goOn(dial, race)
    }
    const failLater = (delay: number, reason: string): void => {
      clock.after(delay, () => {
        if (!dial.over) fail(reason)
      })
    }
    const tryAgain = (): void => {
      if (clock.time + DIALS.again >= until) return failLater(until - clock.time, 'no answer')
      clock.after(DIALS.again, () => {
        if (!dial.over) this.attempt(dial, race, address, until)
      })
    }
    const arrival = { peer: dial.peer ?? peerOf(address), address, inbound: false }
    const why = host.door.refuses(arrival)
    if (why !== undefined) return fail(textOfBarred(why))
    const place = withoutPeer(address)
    const listener = wire.hosts.get(place)
    if (listener === undefined || listener.isClosed) return failLater(2 * wire.once(host, host), 'connection refused')
    if (listener.peerId === host.peerId) return fail('that is this node itself')
    if (wire.vanishes({ kind: 'dial', from: host.peerId, to: listener.peerId })) return tryAgain()
    // The handshakes of TCP and Noise: after four legs the dialler has the connection.
    const there = 4 * wire.once(host, listener)
    if (clock.time + there > until) return failLater(until - clock.time, 'no answer')
    clock.after(there, () => {
      if (dial.over) return
      if (wire.isParted(host, listener)) return tryAgain()
      if (!listener.up) return failLater(wire.once(host, host), 'connection refused')
      if (!host.up) return
      const wanted = dial.peer ?? peerOf(address)
      if (wanted !== undefined && wanted !== listener.peerId) return fail(`${listener.peerId} is there`)
      const refusal = this.meet(listener, address)
      if (refusal !== undefined) return fail(refusal)
      host.connect(listener, place, (side, reason) => {
        if (dial.over) side?.link.close(side)
        else if (side === undefined) fail(reason)
        else this.end(dial, side, '')
      })
    })
  }
}
