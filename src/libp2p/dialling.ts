/**
 * Dials: first the addresses that are given or known, then those of a lookup. Reports each address tried and why it failed.
 * Must not know what a dial is for.
 */
import type { Connection, PeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { peerOf } from '../core/peers/addresses.js'
import type { PortEvent } from '../core/port.js'
import type { Connections } from './connections.js'
import { DIAL_TIMEOUT } from './defaults.js'
import { reasonOf } from './failure.js'
import type { Gater } from './gater.js'
import type { Host } from './host.js'
import { isBroken } from './patches/broken-connection.js'
import { timeoutSignal } from './timeout-signal.js'

/** Address → why it could not be reached. */
type Attempts = Map<string, string>

export class Dialler {
  constructor(
    private readonly host: Host,
    private readonly connections: Connections,
    private readonly gater: Gater,
    private readonly emit: (event: PortEvent) => void,
  ) {}

  dial(target: string, addresses: string[]): void {
    const attempts: Attempts = new Map()
    this.reach(target, addresses, attempts).then(
      (connection) => {
        const id = this.connections.idOf(connection)
        if (id === undefined || isBroken(connection))
          return this.failed(target, attempts, new Error('the other side closed the connection at once'))
        this.emit({ type: 'dialled', target, peer: connection.remotePeer.toString(), connection: id })
      },
      (error) => this.failed(target, attempts, error),
    )
  }

  private failed(target: string, attempts: Attempts, cause: unknown): void {
    const why =
      attempts.size === 0
        ? reasonOf(cause)
        : [...attempts].map(([address, reason]) => `${address}: ${reason}`).join('; ')
    const tried = [...attempts].map(([address, reason]) => ({ address, reason }))
    this.emit({ type: 'dialFailed', target, failure: { message: why, cause }, tried })
  }

  private async reach(target: string, addresses: string[], attempts: Attempts): Promise<Connection> {
    const signal = timeoutSignal(DIAL_TIMEOUT)
    const id = target.startsWith('/') ? peerOf(target) : target
    const peer = id === undefined ? undefined : peerIdFromString(id)
    if (peer?.equals(this.host.peerId)) throw new Error('that is our own peer id')
    const open = this.connectionsTo(peer).find((connection) => !isBroken(connection))
    if (open !== undefined) return open
    if (addresses.length > 0) return this.tryAll(addresses, peer, signal, attempts)
    if (target.startsWith('/')) return this.tryAll([target], peer, signal, attempts)
    return this.find(peer as PeerId, signal, attempts)
  }

  /** Tries the addresses of the peer store, then those that the network tells. */
  private async find(peer: PeerId, signal: AbortSignal, attempts: Attempts): Promise<Connection> {
    const known = await this.host.peerStore.get(peer, { signal }).then(
      (found) => found.addresses.map((address) => address.multiaddr.toString()),
      () => [],
    )
    if (known.length > 0) {
      const connection = await this.tryAll(known, peer, signal, attempts).catch(() => undefined)
      if (connection !== undefined) return connection
    }
    return this.lookUp(peer, signal, attempts)
  }

  /**
   * A lookup by hand, because `dial(peer)` asks the network only for a peer without an entry in the peer store, and a failed
   * dial leaves an entry without addresses.
   */
  private async lookUp(peer: PeerId, signal: AbortSignal, attempts: Attempts): Promise<Connection> {
    let cause: unknown
    try {
      for await (const event of this.host.services.kad.findPeer(peer, { signal, useCache: false })) {
        if (event.name !== 'FINAL_PEER') continue
        const found = event.peer.multiaddrs
          .map(String)
          .filter((address) => this.gater.accepts(peer.toString(), address))
        const fresh = found.filter((address) => !attempts.has(withPeer(address, peer).toString()))
        if (fresh.length === 0) continue
        const connection = await this.tryAll(fresh, peer, signal, attempts).catch(
          (error: unknown) => void (cause = error),
        )
        if (connection !== undefined) return connection
      }
    } catch (error) {
      cause ??= error
    }
    if (attempts.size > 0) throw cause
    const unknown = signal.aborted
      ? 'the lookup for its address took too long'
      : 'nobody that we could ask knows an address of it'
    throw new Error(unknown, { cause })
  }

  private connectionsTo(peer: PeerId | undefined): Connection[] {
    return peer === undefined ? [] : this.host.getConnections(peer)
  }

  private async tryAll(addresses: string[], peer: PeerId | undefined, signal: AbortSignal, attempts: Attempts) {
    const multiaddrs = addresses.map((address) => withPeer(address, peer))
    const tried: string[] = []
    try {
      // libp2p would answer with a connection that is being closed, because its status stays `open` until its muxer has closed.
      const force = this.connectionsTo(peer).some(isBroken)
      return await this.host.dial(multiaddrs, {
        signal,
        force,
        onProgress(event) {
          if (event.type !== 'dial-queue:calculated-addresses') return
          tried.push(...event.detail.map((address) => address.multiaddr.toString()))
        },
      })
    } catch (error) {
      const { errors = [] } = error as { errors?: unknown[] }
      const causes = errors.length > 0 ? errors : [error]
      const all = tried.length > 0 ? tried : multiaddrs.map(String)
      all.forEach((address, index) => attempts.set(address, reasonOf(causes[index] ?? causes.at(-1))))
      throw error
    }
  }
}

function withPeer(address: string, peer: PeerId | undefined): Multiaddr {
  return multiaddr(peer === undefined || peerOf(address) !== undefined ? address : `${address}/p2p/${peer.toString()}`)
}
