/**
 * The register of connections: which are open, which one is used for a peer, and since when each is idle. It keeps the
 * books; what the end of a connection means for requests, connectivity.ts knows.
 */
import { peersChanged, statusChanged } from '../changes.js'
import { dueAt } from '../due.js'
import type { Effects } from '../effects.js'
import type { EventOf } from '../events.js'
import { IdSet } from '../id-set.js'
import type { ConnectionId } from '../port.js'
import { sendGoodbye } from '../requests/streams.js'
import { servedIn } from '../../wire/protocols.js'
import { Farewell } from '../../wire/session/format.js'
import { createPace } from '../requests/session/pacing.js'
import { isNamed } from '../settings.js'
import type { State } from '../state.js'
import { isPrivate, rangeOf } from './addresses.js'
import type { Connection } from './state.js'

/** A stream that ends so long before its connection, ms, has ended because of that. */
const CUT_BEFORE = 1_000

/** The connection to use for a peer: the oldest that is not avoided, or else the newest. */
export function connectionTo(state: State, peer: string): Connection | undefined {
  const { all, byPeer } = state.connections
  const ids = byPeer.get(peer)
  if (ids === undefined) return undefined
  // No iterator: this runs for every request.
  let best: Connection | undefined
  for (let i = 0; i < ids.length && (best === undefined || isAvoided(best)); i++) best = all.get(ids[i]!)
  return best
}

/** All connections to the peer, the oldest first. */
export function connectionsOf({ connections }: State, peer: string): Connection[] {
  return (connections.byPeer.get(peer) ?? []).map((id) => connections.all.get(id)!)
}

/**
 * The range of addresses in which what the peer uses is counted, with that of others there: that of its oldest connection. On this machine
 * and in a private network each peer is for itself.
 */
export function rangeOfPeer(state: State, peer: string): string {
  const address = connectionsOf(state, peer)[0]?.place
  return address === undefined || isPrivate(address) ? peer : rangeOf(address, peer)
}

/** May it be dead, or is it to be closed? Then another one to the same peer is used. */
export function isAvoided({ doubted, surplus, goodbye, leaving, stopping }: Connection): boolean {
  return doubted || surplus || goodbye !== undefined || leaving !== undefined || stopping
}

/** The applications' protocols of a peer that has told what it speaks. */
export function servesOf(protocols: readonly string[] = []): { serves?: string[] } {
  const serves = servedIn(protocols)
  return serves.length === 0 ? {} : { serves }
}

/** Has the peer told that it speaks a protocol of requests that we speak, and not that it stops? */
export function canBeAsked({ settings }: State, { protocols, stopping }: Connection): boolean {
  return !stopping && protocols?.some((name) => settings.protocols.includes(name)) === true
}

/**
 * Is it to be closed because another one to the same peer is used? One side alone decides, the one with the smaller peer id: the
 * oldest is not the same for both, and each could close the other's.
 */
export function isSurplus(state: State, connection: Connection): boolean {
  const { peer, doubted } = connection
  if (doubted || state.self > peer || (state.connections.byPeer.get(peer)?.length ?? 0) < 2) return false
  const used = connectionTo(state, peer)!
  return used !== connection && !isAvoided(used)
}

/** Surplus connections are looked for at this time, or earlier. */
export function planSurplus(state: State, time: number): void {
  if (time < state.connections.nextSurplus) state.connections.nextSurplus = time
  dueAt(state, 'surplus', state.connections.nextSurplus)
}

/** A connection whose end we have agreed to has so long until the other side has closed it. */
export function planUnclosed(state: State, time: number): void {
  if (time < state.connections.nextUnclosed) state.connections.nextUnclosed = time
  dueAt(state, 'unclosed', state.connections.nextUnclosed)
}

/** Those whose time is over. */
export function takeUnclosed(state: State): Connection[] {
  const { all, nextUnclosed } = state.connections
  if (state.now < nextUnclosed) return []
  state.connections.nextUnclosed = Infinity
  return [...all.values()].filter(({ leaving }) => {
    if (leaving === undefined) return false
    const end = leaving.at + state.settings.pingTimeout
    if (end > state.now) planUnclosed(state, end)
    return end <= state.now
  })
}

/** The surplus connections, once their time has come. They are looked for again as long as a peer has several. */
export function takeSurplus(state: State): Connection[] {
  const { all, byPeer, nextSurplus } = state.connections
  if (state.now < nextSurplus) return []
  state.connections.nextSurplus = Infinity
  const found: Connection[] = []
  for (const ids of byPeer.values()) {
    if (ids.length < 2) continue
    planSurplus(state, state.now + Math.ceil(state.settings.connectionKeepAlive / 4))
    for (const id of ids) if (isSurplus(state, all.get(id)!)) found.push(all.get(id)!)
  }
  return found
}

export function addConnection(state: State, event: EventOf<'connectionOpened'>): Connection {
  const connection: Connection = {
    id: event.connection,
    peer: event.peer,
    address: event.address,
    place: event.ip ?? event.address,
    inbound: event.inbound,
    protocols: undefined,
    requestProtocol: undefined,
    queue: new IdSet(),
    v1Streams: new IdSet(),
    upgraded: false,
    dials: new IdSet(),
    v1Exchanges: new IdSet(),
    asking: undefined,
    answering: undefined,
    pace: createPace(),
    sessionsOpened: 0,
    pings: 0,
    doubted: false,
    inQuestion: false,
    goodbye: undefined,
    goodbyes: 0,
    surplus: false,
    leaving: undefined,
    stopping: false,
    listenAddresses: [],
    answeredAt: -Infinity,
    cutAt: -Infinity,
    roundTrip: 0,
    openedAt: state.now,
  }
  if (state.connections.all.size === 0) planPings(state, state.now + state.settings.pingInterval)
  state.connections.all.set(connection.id, connection)
  const links = state.connections.byPeer.get(connection.peer)
  if (links === undefined) state.connections.byPeer.set(connection.peer, [connection.id])
  else {
    links.push(connection.id)
    planSurplus(state, state.now + state.settings.connectionKeepAlive)
  }
  statusChanged(state)
  peersChanged(state)
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
    for (const other of others) {
      const stays = state.connections.all.get(other)!
      if (others.length === 1) stays.surplus = false
      updateIdle(state, stays)
    }
  } else {
    state.connections.byPeer.delete(peer)
  }
  statusChanged(state)
  peersChanged(state)
}

/** Do requests of ours or of the peer, dials that wait for its proof, or a mesh, use this connection? */
export function isUsed(state: State, connection: Connection): boolean {
  return carries(connection) || state.topics.meshPeers.has(connection.peer)
}

/** Is a request of ours or of the peer under way over it, or does a dial wait for its proof? */
export function carries(connection: Connection): boolean {
  const { queue, v1Streams, v1Exchanges, asking, answering, dials, leaving } = connection
  return (
    (asking !== undefined && asking.requests.size > 0) ||
    (answering !== undefined && answering.requests.size > 0) ||
    queue.size + v1Streams.size + v1Exchanges.size > 0 ||
    // A dial that waits for the end of a connection does not use it.
    (leaving === undefined && dials.size > 0)
  )
}

/** A stream of the connection ends, perhaps because the connection does: its streams end a moment before it. */
export function noteCut({ connections, now }: State, id: ConnectionId | undefined): void {
  const connection = id === undefined ? undefined : connections.all.get(id)
  if (connection !== undefined && carries(connection)) connection.cutAt = now
}

/** Was something under way over it when it began to end? */
export function wasCut({ now }: State, { cutAt }: Connection): boolean {
  return now - cutAt <= CUT_BEFORE
}

/** The connection starts or stops to count as idle. Called after every change that `isUsed` depends on. */
export function updateIdle(state: State, connection: Connection): void {
  if (isUsed(state, connection) || isNamed(state.settings, connection.peer)) {
    state.connections.idle.delete(connection.id)
    // A mesh, or the config, needs one connection to the peer.
    if (carries(connection) || !isSurplus(state, connection)) withdraw(state, connection)
  } else if (!state.connections.idle.has(connection.id)) {
    state.connections.idle.set(connection.id, state.now)
    dueAt(state, 'idle', closingTime(state, state.now))
  }
}

/** Answered by `pinged` or `pingFailed`. A shorter time than the standard one does not hold while our own bytes are ahead of it. */
export function ping(
  { settings }: State,
  out: Effects,
  connection: Connection,
  timeout = settings.pingTimeout,
  avoidAfter = timeout,
): void {
  connection.pings++
  const { pingTimeout: longest } = settings
  out.push({ type: 'ping', connection: connection.id, timeout, longest, ...(avoidAfter < timeout && { avoidAfter }) })
}

/**
 * Is somebody still there? Gossip does not wait for it longer than the time of a test. The connection has twice as long (`least` ms at
 * least), and what is under way over it, because a process may well be busy for a second.
 */
export function test(state: State, out: Effects, connection: Connection, least = 0): void {
  const time = testTime(state, connection)
  ping(state, out, connection, Math.min(Math.max(2 * time, least), state.settings.pingTimeout), time)
}

/**
 * The timeout of a ping that is to find out whether somebody is still there. A link whose round trip is long needs its time: a ping takes
 * two of them, because its stream is opened first. One whose round trip is not known yet may be long.
 */
export function testTime({ settings: { pingTest, pingTimeout } }: State, { roundTrip }: Connection): number {
  return Math.min(roundTrip === 0 ? 3 * pingTest : Math.max(pingTest, Math.ceil(4 * roundTrip)), pingTimeout)
}

/** All connections are pinged at this time. */
export function planPings(state: State, time: number): void {
  state.connections.nextPing = time
  dueAt(state, 'ping', time)
}

/** A broadcast came from this peer or went to it: its connections count as used at this moment. */
export function noteUse(state: State, peer: string): void {
  for (const id of state.connections.byPeer.get(peer) ?? []) {
    if (!state.connections.idle.has(id)) continue
    const connection = state.connections.all.get(id)!
    postpone(state, id)
    if (!isSurplus(state, connection)) withdraw(state, connection)
  }
}

/** Its keep-alive time begins anew, if it is idle. */
export function postpone(state: State, id: ConnectionId): void {
  // It becomes the last of them, for they are in the order of their times.
  if (state.connections.idle.delete(id)) state.connections.idle.set(id, state.now)
}

/** Our goodbye does not hold any more, because the connection is needed. */
function withdraw(state: State, connection: Connection): void {
  const { goodbye } = connection
  if (goodbye === undefined) return
  connection.goodbye = undefined
  const session = state.streams.sessions.get(goodbye.stream)
  if (session !== undefined && goodbye.id > 0) sendGoodbye(state, session, goodbye.id, Farewell.STAY)
}

/** The other side has finished its upgrade of the connection, and knows us. */
export function noteUpgraded(connection: Connection): void {
  connection.upgraded = true
}

/** The other side needs the connection no more than we do: it is closed in this step, unless it is used in it. */
export function release(state: State, id: ConnectionId): void {
  const { released } = state.connections
  if (!released.includes(id)) released.push(id)
  dueAt(state, 'idle', state.now)
}

/** Those of them that are idle still, or surplus, and whose goodbye has not been withdrawn. */
export function takeReleased(state: State): ConnectionId[] {
  const { all, idle } = state.connections
  const ids = state.connections.released.filter((id) => {
    const connection = all.get(id)
    if (connection?.goodbye === undefined) return false
    // A surplus one is left while it is used, and a request may have passed the consent on its way.
    if (!carries(connection)) return idle.has(id) || isSurplus(state, connection)
    withdraw(state, connection)
    return false
  })
  state.connections.released = []
  return ids
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
  if (state.connections.released.length > 0) return state.now
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
