/**
 * Connections and their numbers. A connection is reported before anything that happens on it, in whatever order libp2p tells:
 * the first file that meets it registers it, this one, request-streams.ts or gossip/.
 */
import type { Connection } from '@libp2p/interface'
import { withoutPeer } from '../core/peers/addresses.js'
import { pingTime } from '../core/parameters.js'
import type { ConnectionId, PortEffect, PortEvent } from '../core/port.js'
import { interfaceAddresses } from '../platform/interfaces.js'
import { CLOSE_TIMEOUT } from './defaults.js'
import { failureOf } from './failure.js'
import type { Gater } from './gater.js'
import type { Host } from './host.js'
import { bytesReceived, bytesSent, localAddress } from './patches/socket.js'
import { pingOver, PingTimeout } from './ping.js'

export class Connections {
  private readonly ids = new Map<Connection, ConnectionId>()
  private readonly byId = new Map<ConnectionId, Connection>()
  /** How many of our bytes an answered ping has shown to have arrived. */
  private readonly arrived = new WeakMap<Connection, number>()
  private last = 0

  /** `closed` hears of a connection's end before it is reported. */
  constructor(
    private readonly emit: (event: PortEvent) => void,
    private readonly gater: Gater,
    private readonly closed: (connection: ConnectionId) => void,
  ) {}

  watch(host: Host): void {
    host.addEventListener('connection:open', ({ detail }) => void this.idOf(detail))
    host.addEventListener('connection:close', ({ detail }) => this.forget(detail))
  }

  get(id: ConnectionId): Connection | undefined {
    return this.byId.get(id)
  }

  /** The number of the connection; `undefined` if it was over before we knew it. */
  idOf(connection: Connection): ConnectionId | undefined {
    const known = this.ids.get(connection)
    if (known !== undefined || connection.status !== 'open') return known
    const id = ++this.last
    this.ids.set(connection, id)
    this.byId.set(id, connection)
    const peer = connection.remotePeer.toString()
    const address = withoutPeer(connection.remoteAddr.toString())
    this.gater.connected(peer, address)
    this.emit({ type: 'connectionOpened', connection: id, peer, address, inbound: connection.direction === 'inbound' })
    return id
  }

  private forget(connection: Connection, moved = false): void {
    const id = this.ids.get(connection)
    if (id === undefined) return
    this.ids.delete(connection)
    this.byId.delete(id)
    this.closed(id)
    const peer = connection.remotePeer
    if (![...this.ids.keys()].some((other) => other.remotePeer.equals(peer))) this.gater.left(peer.toString())
    this.emit({ type: 'connectionClosed', connection: id, ...(moved && { moved }) })
  }

  ping({ connection: id, ...times }: Omit<Extract<PortEffect, { type: 'ping' }>, 'type'>): void {
    const connection = this.byId.get(id)
    if (connection === undefined) return
    const before = bytesReceived(connection)
    const sent = bytesSent(connection)
    const timeout = pingTime(times, sent - (this.arrived.get(connection) ?? 0))
    const failed = (error: unknown): void => {
      if (!this.byId.has(id)) return
      const heard = bytesReceived(connection) > before
      this.emit({ type: 'pingFailed', connection: id, failure: failureOf('the ping failed', error), heard })
    }
    pingOver(connection, timeout).then(
      (rtt) => {
        this.arrived.set(connection, sent)
        this.emit({ type: 'pinged', connection: id, rtt })
      },
      (error) => {
        if (error instanceof PingTimeout) return failed(error)
        // A peer that closes an unused connection interrupts our ping. That is no failure of the peer's, and the
        // end of the connection is reported in a moment.
        setTimeout(() => failed(error), CLOSE_TIMEOUT).unref()
      },
    )
  }

  /** `dead`: the other side does not answer, so it cannot be closed in order. */
  close(id: ConnectionId, reason: string, dead = false): void {
    const connection = this.byId.get(id)
    if (connection !== undefined && dead) return abort(connection, reason)
    connection?.close({ signal: AbortSignal.timeout(CLOSE_TIMEOUT) }).catch(() => abort(connection, reason))
  }

  /** The connections from a local address that is gone. Nothing can pass over them any more, and TCP would not notice. */
  abortForeign(): void {
    const ours = interfaceAddresses()
    for (const connection of [...this.ids.keys()]) {
      const local = localAddress(connection)
      if (local === undefined || ours.has(local)) continue
      // Reported now: libp2p takes some milliseconds, and the peers must not be taken for connected when our addresses change.
      this.forget(connection, true)
      abort(connection, 'its local address is gone')
    }
  }

  abortAll(reason: string): void {
    for (const connection of this.ids.keys()) abort(connection, reason)
  }
}

function abort(connection: Connection, reason: string): void {
  try {
    connection.abort(new Error(reason))
  } catch {
    // It is gone already.
  }
}
