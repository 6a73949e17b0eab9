/**
 * Which peers we talk to, and which of their addresses we believe. libp2p asks about every address before the peer store
 * takes it, and again at each change, so what the answer depends on is remembered beyond a connection's end.
 */
import type { ConnectionGater, MultiaddrConnection, PeerId } from '@libp2p/interface'
import { Door } from '../core/access/door.js'
import { NOT_AUTHORIZED, textOfBarred } from '../core/access/lists.js'
import { HEARSAY } from '../core/parameters.js'
import { acceptsAddress, isLoopback, isUnspecified, withoutPeer } from '../core/peers/addresses.js'
import { Hearsay } from '../core/peers/hearsay.js'
import { viaOf, type Scope } from '../core/peers/scopes.js'
import { SELF_REPORT_LIFETIME, REMEMBERED_PEERS } from './defaults.js'
import { Claims } from './patches/claims.js'
import { ipBehindName } from './patches/socket.js'

/** What a peer has told us of itself. */
interface SelfReport {
  /** Without `/p2p`. */
  readonly addresses: ReadonlySet<string>
  /** ms; `Infinity` while it is connected. */
  until: number
}

export class Gater {
  private loopbackOnly = false
  /** Some peer is, or was, connected to us over loopback. */
  private anyOverLoopback = false
  /** Peer → the nearest network over which it is, or was, connected to us. */
  private readonly reached = new Map<string, Scope>()
  private readonly selfReports = new Map<string, SelfReport>()
  readonly claims = new Claims()
  /** What peers say of others. */
  readonly hearsay = new Hearsay()
  /** Nobody comes in any more. */
  isClosed = false

  /** `deny` is for tests that cut a network in two. */
  constructor(
    private readonly self: string,
    private readonly deny?: (peer: string) => boolean,
    private readonly now = () => performance.now(),
    /** Who may come in. */
    readonly door = new Door(
      () => undefined,
      () => undefined,
      now,
    ),
  ) {}

  listensOn(addresses: string[]): void {
    this.loopbackOnly = addresses.every(isLoopback)
  }

  connected(peer: string, address: string): void {
    const scope = nearer(viaOf(address), this.reached.get(peer))
    this.anyOverLoopback ||= scope === 'loopback'
    this.reached.delete(peer)
    this.reached.set(peer, scope)
    this.bound(this.reached)
  }

  /** By identify, so it is the peer itself that says so. `addresses` are without `/p2p`. */
  told(peer: string, addresses: string[]): void {
    this.selfReports.delete(peer)
    this.selfReports.set(peer, { addresses: new Set(addresses), until: Infinity })
    this.bound(this.selfReports)
    this.hearsay.found(peer)
  }

  /** The last connection to the peer has ended, so it cannot tell us new addresses any more. */
  left(peer: string): void {
    const report = this.selfReports.get(peer)
    if (report !== undefined) report.until = this.now() + SELF_REPORT_LIFETIME
  }

  /** The peer cannot be reached at the addresses that it told. */
  forget(peer: string): void {
    this.selfReports.delete(peer)
  }

  /** Where the peer itself says that it is, as far as that may be used. */
  ownWord(peer: string): string[] {
    const report = this.selfReports.get(peer)
    if (report === undefined || report.until <= this.now()) return []
    return [...report.addresses].filter((address) => this.accepts(peer, address)).slice(0, HEARSAY.perPeer)
  }

  /** Has the peer itself told us of this address? */
  isSelfReported(peer: string, address: string): boolean {
    const report = this.selfReports.get(peer)
    return report !== undefined && report.until > this.now() && report.addresses.has(withoutPeer(address))
  }

  /**
   * Those of these addresses of a peer that may be used and told to others, each once. If the peer itself has told any of them, all
   * others are out of date, or only told by other peers.
   */
  best<Address extends { toString(): string }>(peer: string, addresses: Address[]): Address[] {
    // libp2p's peer store has an address twice that it had when it was dialled: it compares them before it cuts `/p2p` off.
    const different = new Map(addresses.map((address) => [withoutPeer(address.toString()), address]))
    const accepted = [...different.values()].filter((address) => this.accepts(peer, address.toString()))
    const own = accepted.filter((address) => this.isSelfReported(peer, address.toString()))
    return (own.length > 0 ? own : accepted).slice(0, HEARSAY.perPeer)
  }

  /** Why this peer is not dialled; `undefined`: it may be. */
  whyNot(peer: string): string | undefined {
    const why = this.door.bars({ peer })
    return this.deny?.(peer) === true ? 'the peer is denied' : why && textOfBarred(why)
  }

  /** One that is connected stays, because strangers must not make us forget what it has told. */
  private bound(map: Map<string, unknown>): void {
    if (map.size <= REMEMBERED_PEERS) return
    for (const peer of map.keys()) {
      if (this.selfReports.get(peer)?.until !== Infinity) return void map.delete(peer)
    }
  }

  /** May this address of this peer be used and told to others? */
  accepts(peer: string, address: string): boolean {
    if (peer === this.self) return !isUnspecified(address)
    if (this.door.bars({ peer, address }) !== undefined) return false
    const { loopbackOnly, anyOverLoopback } = this
    return acceptsAddress(address, { loopbackOnly, anyOverLoopback, via: this.reached.get(peer) })
  }

  /** The other side of the socket has another network key, or none. */
  noteOtherNetwork(socket: MultiaddrConnection): void {
    const inbound = socket.direction === 'inbound'
    this.door.count('networkKey', { address: addressOf(socket), inbound })
  }

  /** It has shown who it is. Where the lane is asked, nothing is read from it before the answer. */
  private turnsAway(peer: string, socket: MultiaddrConnection, inbound: boolean): boolean | Promise<boolean> {
    const arrival = { peer, address: addressOf(socket), inbound }
    const why = this.door.refuses(arrival)
    if (why !== undefined) return this.refused(socket, textOfBarred(why))
    if (!this.door.asks) return false
    return new Promise((resolve) => {
      attempt(() => socket.pause())
      this.door.visit(arrival, (isAdmitted) => {
        attempt(() => socket.resume())
        resolve(isAdmitted ? false : this.refused(socket, NOT_AUTHORIZED))
      })
    })
  }

  private refused(socket: MultiaddrConnection, why: string): true {
    this.claims.refuse(socket, why)
    return true
  }

  toLibp2p(): ConnectionGater {
    const { deny } = this
    const refuse = deny && ((peer: PeerId) => deny(peer.toString()))
    const { door } = this
    return {
      // Before a handshake costs anything.
      denyInboundConnection: (socket) =>
        this.isClosed || door.refuses({ address: addressOf(socket), inbound: true }) !== undefined,
      // (Dials of the lane do not pass these two: dialling.ts asks by itself.)
      denyDialPeer: (peer) => refuse?.(peer) === true || door.bars({ peer: peer.toString() }) !== undefined,
      denyDialMultiaddr: (address) => door.bars({ address: address.toString() }) !== undefined,
      denyInboundEncryptedConnection: (peer, socket) =>
        refuse?.(peer) === true || this.turnsAway(peer.toString(), socket, true),
      denyOutboundEncryptedConnection: (peer, socket) =>
        refuse?.(peer) === true || this.turnsAway(peer.toString(), socket, false),
      denyOutboundUpgradedConnection: (_, socket) => this.claims.refuses(socket),
      filterMultiaddrForPeer: (peer, address) => this.accepts(peer.toString(), address.toString()),
    }
  }
}

const NEAREST: readonly Scope[] = ['loopback', 'private', 'public']

function nearer(a: Scope, b: Scope = 'nowhere'): Scope {
  return NEAREST.find((scope) => scope === a || scope === b) ?? 'nowhere'
}

/** Where the other side is. */
function addressOf(socket: MultiaddrConnection): string {
  return ipBehindName(socket) ?? withoutPeer(socket.remoteAddr.toString())
}

/** Pausing and resuming throw on a socket that has closed meanwhile. */
function attempt(action: () => void): void {
  try {
    action()
  } catch {
    // The upgrade finds out.
  }
}
