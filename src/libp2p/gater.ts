/**
 * Which peers we talk to, and which of their addresses we believe. libp2p asks about every address before the peer store
 * takes it, and again at each change, so what the answer depends on is remembered beyond a connection's end.
 */
import type { ConnectionGater, PeerId } from '@libp2p/interface'
import { acceptsAddress, isLoopback, isUnspecified, withoutPeer } from '../core/peers/addresses.js'
import { SELF_REPORT_LIFETIME, REMEMBERED_PEERS } from './defaults.js'
import { Claims } from './patches/claims.js'

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
  private readonly overLoopback = new Map<string, boolean>()
  private readonly selfReports = new Map<string, SelfReport>()
  readonly claims = new Claims()
  /** Nobody comes in any more. */
  isClosed = false

  /** `deny` is for tests that cut a network in two. */
  constructor(
    private readonly self: string,
    private readonly deny?: (peer: string) => boolean,
    private readonly now = () => performance.now(),
  ) {}

  listensOn(addresses: string[]): void {
    this.loopbackOnly = addresses.every(isLoopback)
  }

  connected(peer: string, address: string): void {
    const overLoopback = isLoopback(address) || this.overLoopback.get(peer) === true
    this.anyOverLoopback ||= overLoopback
    this.overLoopback.delete(peer)
    this.overLoopback.set(peer, overLoopback)
    this.bound(this.overLoopback)
  }

  /** By identify, so it is the peer itself that says so. `addresses` are without `/p2p`. */
  told(peer: string, addresses: string[]): void {
    this.selfReports.delete(peer)
    this.selfReports.set(peer, { addresses: new Set(addresses), until: Infinity })
    this.bound(this.selfReports)
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

  /** Has the peer itself told us of this address? */
  isSelfReported(peer: string, address: string): boolean {
    const report = this.selfReports.get(peer)
    return report !== undefined && report.until > this.now() && report.addresses.has(withoutPeer(address))
  }

  /**
   * Those of these addresses of a peer that may be used and told to others. If the peer itself has told any of them, all others are
   * out of date, or only told by other peers.
   */
  best<Address extends { toString(): string }>(peer: string, addresses: Address[]): Address[] {
    const accepted = addresses.filter((address) => this.accepts(peer, address.toString()))
    const own = accepted.filter((address) => this.isSelfReported(peer, address.toString()))
    return own.length > 0 ? own : accepted
  }

  denies(peer: string): boolean {
    return this.deny?.(peer) === true
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
    const { loopbackOnly, anyOverLoopback } = this
    return acceptsAddress(address, { loopbackOnly, anyOverLoopback, overLoopback: this.overLoopback.get(peer) })
  }

  toLibp2p(): ConnectionGater {
    const { deny } = this
    const refuse = deny && ((peer: PeerId) => deny(peer.toString()))
    return {
      denyInboundConnection: () => this.isClosed,
      denyOutboundUpgradedConnection: (_, socket) => this.claims.refuses(socket),
      filterMultiaddrForPeer: (peer, address) => this.accepts(peer.toString(), address.toString()),
      ...(refuse && {
        denyDialPeer: refuse,
        denyInboundEncryptedConnection: refuse,
        denyOutboundEncryptedConnection: refuse,
      }),
    }
  }
}
