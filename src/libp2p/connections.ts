/**
 * Connections and their numbers. A connection is reported before anything that happens on it, in whatever order libp2p tells:
 * the first file that meets it registers it, this one, request-streams.ts or gossip/.
 */
import type { Connection } from '@libp2p/interface'
import { withoutPeer } from '../core/peers/addresses.js'
import { Line, PROOFS } from '../core/peers/line.js'
import type { ConnectionId, PortEffect, PortEvent } from '../core/port.js'
import { CLOSE_TIMEOUT } from './defaults.js'
import { failureOf } from './failure.js'
import type { Gater } from './gater.js'
import type { Host } from './host.js'
import { bytesReceived, bytesSent, ipOfConnection, localAddress } from './patches/socket.js'
import { pingOver, PingTimeout } from './ping.js'
import { afterHearing, withTimeout } from './timeout-signal.js'

export interface ConnectionsListener {
  /** Before the end of a connection is reported. */
  closed(connection: ConnectionId): void
  /** A connection has not answered a test in the time that it has when nothing is ahead of it. It may be slow, or dead. */
  silent(connection: Connection): void
}

export class Connections {
  private readonly ids = new Map<Connection, ConnectionId>()
  private readonly byId = new Map<ConnectionId, Connection>()
  /** What each has shown, and how many pings over it are under way. */
  private readonly lines = new WeakMap<Connection, { line: Line; pings: number }>()
  private looking: NodeJS.Timeout | undefined
  private last = 0

  constructor(
    private readonly emit: (event: PortEvent) => void,
    private readonly gater: Gater,
    private readonly listener: ConnectionsListener,
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
    this.lines.set(connection, { line: new Line(performance.now()), pings: 0 })
    this.looking ??= setInterval(() => this.look(), PROOFS.interval).unref()
    const peer = connection.remotePeer.toString()
    const address = withoutPeer(connection.remoteAddr.toString())
    this.gater.connected(peer, address)
    const ip = ipOfConnection(connection)
    const inbound = connection.direction === 'inbound'
    this.emit({ type: 'connectionOpened', connection: id, peer, address, ...(ip !== undefined && { ip }), inbound })
    return id
  }

  private forget(connection: Connection, moved = false): void {
    const id = this.ids.get(connection)
    if (id === undefined) return
    this.ids.delete(connection)
    this.byId.delete(id)
    this.listener.closed(id)
    if (this.byId.size === 0) {
      clearInterval(this.looking)
      this.looking = undefined
    }
    const peer = connection.remotePeer
    if (![...this.ids.keys()].some((other) => other.remotePeer.equals(peer))) this.gater.left(peer.toString())
    this.emit({ type: 'connectionClosed', connection: id, ...(moved && { moved }) })
  }

  ping({ connection: id, ...times }: Omit<Extract<PortEffect, { type: 'ping' }>, 'type'>): void {
    const connection = this.byId.get(id)
    if (connection === undefined) return
    const before = bytesReceived(connection)
    const { line } = this.lines.get(connection)!
    line.look(bytesSent(connection), performance.now())
    const timeout = line.timeOf(times)
    const { avoidAfter } = times
    const answered =
      avoidAfter === undefined ? undefined : afterHearing(avoidAfter, () => this.listener.silent(connection))
    const failed = (error: unknown): void => {
      if (!this.byId.has(id)) return
      const heard = bytesReceived(connection) > before
      this.emit({ type: 'pingFailed', connection: id, failure: failureOf('the ping failed', error), heard })
    }
    this.prove(connection, timeout).then(
      (rtt) => {
        answered?.()
        this.emit({ type: 'pinged', connection: id, rtt })
      },
      (error) => {
        answered?.()
        if (error instanceof PingTimeout) return failed(error)
        // A peer that closes an unused connection interrupts our ping. That is no failure of the peer's, and the
        // end of the connection is reported in a moment.
        setTimeout(() => failed(error), CLOSE_TIMEOUT).unref()
      },
    )
  }

  /** A ping whose answer tells what the line has carried. */
  private async prove(connection: Connection, timeout: number): Promise<number> {
    const its = this.lines.get(connection)!
    const before = its.line.look(bytesSent(connection), performance.now())
    its.pings++
    try {
      const rtt = await pingOver(connection, timeout)
      its.line.answered(before, performance.now())
      return rtt
    } finally {
      its.pings--
    }
  }

  private look(): void {
    for (const connection of this.ids.keys()) {
      const sent = bytesSent(connection)
      const { line, pings } = this.lines.get(connection)!
      line.look(sent, performance.now())
      // The core's own pings tell as much. Nothing depends on the answer to this one.
      if (!line.isUnproven(sent) || pings > 0) continue
      this.prove(connection, PROOFS.timeout).catch(() => undefined)
    }
  }

  /** `dead`: the other side does not answer, so it cannot be closed in order. */
  close(id: ConnectionId, reason: string, dead = false): void {
    const connection = this.byId.get(id)
    if (connection !== undefined && dead) return abort(connection, reason)
    if (connection === undefined) return
    withTimeout(CLOSE_TIMEOUT, (signal) => connection.close({ signal })).catch(() => abort(connection, reason))
  }

  /** The connections from local addresses that are gone. Nothing can pass over them any more, and TCP would not notice. */
  abortFrom(gone: ReadonlySet<string>): void {
    for (const connection of [...this.ids.keys()]) {
      const local = localAddress(connection)
      if (local === undefined || !gone.has(local)) continue
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
