/**
 * The register of connections: which are open, which one is used for a peer, and since when each is idle. It keeps the
 * books; what the end of a connection means for requests, connectivity.ts knows.
 */
import { statusChanged } from '../changes.js'
import { dueAt } from '../due.js'
import type { EventOf } from '../events.js'
import { IdSet } from '../id-set.js'
import type { ConnectionId } from '../port.js'
import { createPace } from '../requests/session/pacing.js'
import type { State } from '../state.js'
import type { Connection } from './state.js'

/** The connection to use for a peer: the oldest. */
export function connectionTo(state: State, peer: string): Connection | undefined {
  const first = state.connections.byPeer.get(peer)?.[0]
  return first === undefined ? undefined : state.connections.all.get(first)
}

export function addConnection(state: State, event: EventOf<'connectionOpened'>): Connection {
  const connection: Connection = {
    id: event.connection,
    peer: event.peer,
    address: event.address,
    inbound: event.inbound,
    protocols: undefined,
    requestProtocol: undefined,
    queue: new IdSet(),
    v1Streams: new IdSet(),
    upgraded: false,
    v1Exchanges: new IdSet(),
    asking: undefined,
    answering: undefined,
    pace: createPace(),
    sessionsOpened: 0,
    pinging: false,
    openedAt: state.now,
  }
  if (state.connections.all.size === 0) planPings(state, state.now + state.settings.pingInterval)
  state.connections.all.set(connection.id, connection)
  const links = state.connections.byPeer.get(connection.peer)
  if (links === undefined) state.connections.byPeer.set(connection.peer, [connection.id])
  else links.push(connection.id)
  statusChanged(state)
  updateIdle(state, connection)
  return connection
}

export function removeConnection(state: State, { id, peer }: Connection): void {
  state.connections.all.delete(id)
  state.connections.idle.delete(id)
  const links = state.connections.byPeer.get(peer)!
  if (links.length > 1) {
    const others = links.filter((link) => link !== id)
    state.connections.byPeer.set(peer, others)
  } else {
    state.connections.byPeer.delete(peer)
  }
  statusChanged(state)
}

/** Do requests of ours or of the peer, or a mesh, use this connection? */
export function isUsed(state: State, connection: Connection): boolean {
  const { queue, v1Streams, v1Exchanges, asking, answering, peer } = connection
  return (
    (asking !== undefined && asking.requests.size > 0) ||
    (answering !== undefined && answering.requests.size > 0) ||
    queue.size + v1Streams.size + v1Exchanges.size > 0 ||
    state.topics.meshPeers.has(peer)
  )
}

/** The connection starts or stops to count as idle. Called after every change that `isUsed` depends on. */
export function updateIdle(state: State, connection: Connection): void {
  if (isUsed(state, connection) || connection.peer in state.settings.bootNodes)
    state.connections.idle.delete(connection.id)
  else if (!state.connections.idle.has(connection.id)) {
    state.connections.idle.set(connection.id, state.now)
    dueAt(state, 'idle', closingTime(state, state.now))
  }
}

/** All connections are pinged at this time. */
export function planPings(state: State, time: number): void {
  state.connections.nextPing = time
  dueAt(state, 'ping', time)
}

/** A broadcast came from this peer or went to it: its connections count as used at this moment. */
export function noteUse(state: State, peer: string): void {
  for (const id of state.connections.byPeer.get(peer) ?? []) {
    // It moves to the end, because they are in the order of their times.
    if (state.connections.idle.delete(id)) state.connections.idle.set(id, state.now)
  }
}

/**
 * When a connection that is idle since `since` is closed at the latest: a twentieth after its keep-alive time. So
 * connections that became idle shortly after one another are closed at one wake-up, instead of one wake-up each after a
 * lookup of hundreds of peers.
 */
export function closingTime({ settings: { connectionKeepAlive } }: State, since: number): number {
  return since + connectionKeepAlive + Math.floor(connectionKeepAlive / 20)
}

/** When the next connection is closed because it was idle for too long. */
export function nextIdleClose(state: State): number {
  const { oldestId } = state.connections.idle
  return oldestId === undefined ? Infinity : closingTime(state, state.connections.idle.get(oldestId)!)
}

/** The connections that have been idle for the keep-alive time. */
export function idleTooLong(state: State): ConnectionId[] {
  const ids: ConnectionId[] = []
  const { idle } = state.connections
  for (let id = idle.oldestId; id !== undefined; id = idle.newerThan(id)) {
    if (idle.get(id)! + state.settings.connectionKeepAlive > state.now) break
    ids.push(id)
  }
  return ids
}
