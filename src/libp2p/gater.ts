/**
 * Which peers we talk to, and which of their addresses we believe. libp2p asks about every address before the peer store
 * takes it, and again at each change, so what the answer depends on is remembered beyond a connection's end.
 */
import type { ConnectionGater, PeerId } from '@libp2p/interface'
import { acceptsAddress, isLoopback, isUnspecified } from '../core/peers/addresses.js'
import { REMEMBERED_PEERS } from './defaults.js'

export class Gater {
  private loopbackOnly = false
  /** Some peer is, or was, connected to us over loopback. */
  private anyOverLoopback = false
  private readonly overLoopback = new Map<string, boolean>()
  /** Peer → the addresses that it has told us of itself. */
  private readonly ownWords = new Map<string, Set<string>>()
  /** An attempt's address (the object) → may it become a connection? Asked at the last moment: of a race only one does. */
  readonly claims = new WeakMap<object, () => boolean>()

  /** `deny` is for tests that cut a network in two. */
  constructor(
    private readonly self: string,
    private readonly deny?: (peer: string) => boolean,
  ) {}

  listensOn(addresses: string[]): void {
    this.loopbackOnly = addresses.every(isLoopback)
  }

  connected(peer: string, address: string): void {
    const overLoopback = isLoopback(address) || this.overLoopback.get(peer) === true
    this.anyOverLoopback ||= overLoopback
    this.overLoopback.delete(peer)
    this.overLoopback.set(peer, overLoopback)
    bound(this.overLoopback)
  }

  /** By identify, so it is the peer itself that says so. `addresses` are without `/p2p`. */
  told(peer: string, addresses: string[]): void {
    this.ownWords.delete(peer)
    this.ownWords.set(peer, new Set(addresses))
    bound(this.ownWords)
  }

  /** Has the peer itself told us this address? If it has told any, all others are out of date, or only told by other peers. */
  isOwnWord(peer: string, address: string): boolean {
    return this.ownWords.get(peer)?.has(address) === true
  }

  denies(peer: string): boolean {
    return this.deny?.(peer) === true
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
      denyOutboundUpgradedConnection: (_, { remoteAddr }) => this.claims.get(remoteAddr)?.() === false,
      filterMultiaddrForPeer: (peer, address) => this.accepts(peer.toString(), address.toString()),
      ...(refuse && {
        denyDialPeer: refuse,
        denyInboundEncryptedConnection: refuse,
        denyOutboundEncryptedConnection: refuse,
      }),
    }
  }
}

function bound(map: Map<string, unknown>): void {
  if (map.size <= REMEMBERED_PEERS) return
  for (const oldest of map.keys()) return void map.delete(oldest)
}
