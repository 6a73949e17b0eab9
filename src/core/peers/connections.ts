/**
 * The register of connections: which there are, which one leads to a peer, and since when nothing has needed it. It
 * keeps the books; what the end of a connection means for requests is `connectivity.ts`'s to say.
 */
import type { ConnectionId, PortEvent } from '../port.js'
import { dueAt } from '../due.js'
import { createPace } from '../requests/session/pacing.js'
import { IdSet } from '../id-set.js'
import type { Connection, State } from '../state.js'

/** The connection to use for a peer: the oldest. */
export function connectionTo(state: State, peer: string): Connection | undefined {
  const first = state.links.get(peer)?.[0]
  return first === undefined ? undefined : state.connections.get(first)
}

export function addConnection(state: State, event: Extract<PortEvent, { type: 'connectionOpened' }>): Connection {
  const connection: Connection = {
    id: event.connection,
    peer: event.peer,
    address: event.address,
    inbound: event.inbound,
    protocols: undefined,
    asksBy: undefined,
    queue: new IdSet(),
    calls: new IdSet(),
    proven: false,
    exchanges: new IdSet(),
    session: undefined,
    answering: undefined,
    pace: createPace(),
    sessionsOpened: 0,
    pinging: false,
    openedAt: state.now,
  }
  if (state.connections.size === 0) {
    state.nextPing = state.now + state.settings.pingInterval
    dueAt(state, state.nextPing)
  }
  state.connections.set(connection.id, connection)
  const links = state.links.get(connection.peer)
  if (links === undefined) state.links.set(connection.peer, [connection.id])
  else links.push(connection.id)
  state.statusDirty = true
  updateIdle(state, connection)
  return connection
}

export function removeConnection(state: State, { id, peer }: Connection): void {
  state.connections.delete(id)
  state.idle.delete(id)
  const links = state.links.get(peer)!
  if (links.length > 1) {
    const others = links.filter((link) => link !== id)
    state.links.set(peer, others)
  } else {
    state.links.delete(peer)
    state.broadcasts.handed.delete(peer)
  }
  state.statusDirty = true
}

/** Is anything of ours, of the peer or of a mesh going on over this connection? */
export function isUsed(state: State, connection: Connection): boolean {
  const { queue, calls, exchanges, session, answering, peer } = connection
  return (
    (session !== undefined && session.calls.size > 0) ||
    (answering !== undefined && answering.calls.size > 0) ||
    queue.size + calls.size + exchanges.size > 0 ||
    state.mesh.has(peer)
  )
}

/** Call after anything that a connection's use depends on has changed: it starts, or stops, to count as idle. */
export function updateIdle(state: State, connection: Connection): void {
  if (isUsed(state, connection) || connection.peer in state.settings.bootNodes) state.idle.delete(connection.id)
  else if (!state.idle.has(connection.id)) {
    state.idle.set(connection.id, state.now)
    dueAt(state, closingTime(state, state.now))
  }
}

/** A broadcast came from this peer, or went to it: that is use, and over at once. */
export function touch(state: State, peer: string): void {
  for (const id of state.links.get(peer) ?? []) {
    // It becomes the last of them, for they are in the order of their times.
    if (state.idle.delete(id)) state.idle.set(id, state.now)
  }
}

/**
 * When a connection that is idle since then is closed at the latest: up to a twentieth after its keep-alive time. So those that
 * became idle shortly after one another are closed at one wake-up, and a node that has visited hundreds of peers does not wake
 * for each of them.
 */
export function closingTime({ settings: { connectionKeepAlive } }: State, since: number): number {
  return since + connectionKeepAlive + Math.floor(connectionKeepAlive / 20)
}

/** When the next connection is closed because it was idle for too long. */
export function nextIdleClose(state: State): number {
  const { oldestId } = state.idle
  return oldestId === undefined ? Infinity : closingTime(state, state.idle.get(oldestId)!)
}

/** The connections that have been idle for that long now. */
export function idleTooLong(state: State): ConnectionId[] {
  const ids: ConnectionId[] = []
  const { idle } = state
  for (let id = idle.oldestId; id !== undefined; id = idle.newerThan(id)) {
    if (idle.get(id)! + state.settings.connectionKeepAlive > state.now) break
    ids.push(id)
  }
  return ids
}
