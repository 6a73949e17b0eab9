/**
 * What follows for questions, requests and sessions when a connection opens, fails to open, is lost, is idle or is closed, and
 * when its peer is pinged, answers or does not. The requests of a lost connection fail with it, but for those of which nothing was
 * sent: they go elsewhere. The register itself is in connections.ts.
 */
import { tell } from '../access/audit.js'
import { useAnswer } from '../access/answers.js'
import { isBarred, NOT_LET_IN, textOfBar, type Bar } from '../access/lists.js'
import { refusalOf, whyBarred } from '../access/rules.js'
import { acceptAsk, closeAsk, fail, openAsk, settle } from '../asks.js'
import { peersChanged } from '../changes.js'
import { noteHungUp, noteReached } from '../broadcasts/counts.js'
import { endParting, isRecipient, noteGoneParting, noteRecipient, takeRecipient } from '../broadcasts/recipients.js'
import { log, type Effects } from '../effects.js'
import type { CommandOf, EventOf } from '../events.js'
import type { ConnectionId } from '../port.js'
import { onLeft } from '../requests/accounts.js'
import { lost, mayMove, mayMoveDial } from '../requests/losses.js'
import { endRequest, moveOrLose, sendElsewhere, useConnection } from '../requests/requests.js'
import { closeAnswering } from '../requests/session/answerer/events.js'
import { loseCalls } from '../requests/session/asker/calls.js'
import { onRoundTrip } from '../requests/session/pacing.js'
import { cutExchange } from '../requests/v1/answerer.js'
import { leaveStream } from '../requests/v1/asker.js'
import { openOwnAsk, takeOwnAsk } from '../services/book.js'
import { isNamed } from '../settings.js'
import type { State } from '../state.js'
import type { RequestAsk, V1Call, V1Exchange } from '../requests/state.js'
import {
  addConnection,
  connectionTo,
  idleTooLong,
  isAvoided,
  isUsed,
  noteUpgraded,
  noteUse,
  ping,
  planPings,
  postpone,
  removeConnection,
  takeReleased,
  takeSurplus,
  takeUnclosed,
  updateIdle,
  wasCut,
} from './connections.js'
import { closeDial, goesOn, isThisNode, reach, seek, takeWaiting, tooManyDials } from './dials.js'
import { onDialOver } from './discovery.js'
import { follow, testOthers } from './doubts.js'
import { inspectRecipients, sayGoodbye, saysGoodbye } from './goodbye.js'
import { isAwaited, isInSmallNetwork, isPublishedTo } from './keeping.js'
import { noteDisconnected, noteUnreachable, type Ending } from './memory.js'
import { forgetObserved, onObserverLeft } from './observed.js'
import { reasonsOf } from './race.js'
import { isLostToSleep } from './waking.js'
import type { Connection, Dial, DialAsk } from './state.js'
import { line } from '../terms.js'

const REFUSED = `the connection was lost before the other side said anything: ${NOT_LET_IN}`

/** One may be chance. */
const MANY_HANG_UPS = 3

export function onConnectionOpened(state: State, out: Effects, event: EventOf<'connectionOpened'>): void {
  const { peer, address, ip: place = address, inbound } = event
  const why = whyBarred(state, peer, place)
  if (why !== undefined) return turnAway(state, out, event, textOfBar(why))
  const connection = addConnection(state, event)
  useAnswer(state, peer, place)
  tell(state, out, { kind: 'admitted', peer, address, inbound })
  // Whoever has opened it: the peer is reached, so what failed before is over.
  noteReached(state, peer)
  testOthers(state, out, peer, connection)
  log(out, 'debug', line`🔗 connected ${inbound ? 'by' : 'to'} ${peer} at ${address}`)
  const dial = state.dials.get(peer)
  if (dial !== undefined) arrive(state, out, dial, connection)
}

/** It has passed while the lists changed. For the rest of the core it was never there. */
function turnAway(state: State, out: Effects, event: EventOf<'connectionOpened'>, reason: string): void {
  const { connection, peer, address, inbound } = event
  tell(state, out, { kind: 'refused', peer, address, inbound, reason })
  out.push({ type: 'closeConnection', connection, reason, dead: true })
}

/** A dial to a bare address has succeeded. (A dial to a peer id has, when its connection opened.) */
export function onDialled(state: State, out: Effects, event: EventOf<'dialled'>): void {
  const dial = state.dials.get(event.target)
  if (dial === undefined) return
  const connection = state.connections.all.get(event.connection)
  if (connection !== undefined) arrive(state, out, dial, connection)
  else giveUp(state, out, dial, whyClosed(state, event.peer))
}

function whyClosed({ counts }: State, peer: string): string {
  return counts.peers.get(peer)?.failure?.message ?? `the connection to ${peer} was closed at once`
}

function arrive(state: State, out: Effects, dial: Dial, connection: Connection): void {
  closeDial(state, dial)
  handOver(state, out, dial, connection)
  onDialOver(state, dial.target)
}

/** All that wait for the dial go over this connection. */
function handOver(state: State, out: Effects, dial: Dial, connection: Connection): void {
  for (const id of takeWaiting(dial)) {
    const ask = state.asks.open.get(id)
    if (ask?.kind === 'request') useConnection(state, out, ask, connection)
    else if (ask?.kind === 'dial') awaitProof(state, out, ask, connection)
  }
}

/** The peer lives at the other end: who waits for a dial to where a caller has said that it is waits no more. The dial goes on. */
function onAlive(state: State, out: Effects, connection: Connection): void {
  const dial = state.dials.get(connection.peer)
  if (dial === undefined) return
  if (dial.unanswered === 0) endInVain(state, out, dial)
  else if (!isAvoided(connection)) handOver(state, out, dial, connection)
}

/** A dial has failed, and the peer has been connected all the time. Who waits goes over a connection that is in no doubt. */
function endInVain(state: State, out: Effects, dial: Dial): void {
  const connection = connectionTo(state, dial.target)
  if (connection === undefined) giveUp(state, out, dial, reasonsOf(dial.tried))
  else if (!connection.doubted || dial.waiting.size === 0) arrive(state, out, dial, connection)
}

/**
 * A dial is answered when the other side has answered over the connection. Until then it may not know that we are connected, and
 * could not ask us by our peer id.
 */
function awaitProof(state: State, out: Effects, ask: DialAsk, connection: Connection): void {
  ask.connection = connection.id
  connection.dials.add(ask.id)
  if (connection.leaving !== undefined) return
  if (connection.upgraded || connection.inbound) settleDials(state, out, connection)
  else {
    updateIdle(state, connection)
    if (connection.pings === 0) ping(state, out, connection)
  }
}

function settleDials(state: State, out: Effects, connection: Connection): void {
  const { dials, leaving, peer } = connection
  if (leaving !== undefined || dials.size === 0) return
  for (const id of dials) {
    dials.delete(id)
    closeAsk(state, id)
    settle(state, out, id, peer)
  }
  updateIdle(state, connection)
}

/** A caller wants to be connected. */
export function startDial(state: State, out: Effects, command: CommandOf<'dialPeer'>): void {
  const { ask: id, target, addresses } = command
  if (!acceptAsk(state, out, id)) return
  if (target === state.self) return fail(state, out, id, isThisNode(state))
  const ask: DialAsk = { kind: 'dial', id, target, connection: undefined, moves: 0 }
  openAsk(state, ask)
  const connection = connectionTo(state, target)
  if (connection === undefined) dialFor(state, out, ask, addresses)
  else if (!follow(state, out, target, addresses, id)) awaitProof(state, out, ask, connection)
}

/** To where it is connected by now, or to what is known of it. */
function dialAgain(state: State, out: Effects, ask: DialAsk, moves: number): void {
  ask.moves += moves
  const connection = connectionTo(state, ask.target)
  if (connection !== undefined) awaitProof(state, out, ask, connection)
  else dialFor(state, out, ask, [])
}

function dialFor(state: State, out: Effects, ask: DialAsk, addresses: string[]): void {
  const { id, target } = ask
  ask.connection = undefined
  const refusal = refusalOf(state, target, addresses)
  if (refusal === undefined && reach(state, out, target, addresses, id)) return
  closeAsk(state, id)
  fail(state, out, id, refusal ?? tooManyDials(state))
}

export function onDialFailed(state: State, out: Effects, event: EventOf<'dialFailed'>): void {
  const dial = state.dials.get(event.target)
  if (dial === undefined || goesOn(dial, event.tried)) return
  if (state.connections.byPeer.has(dial.target)) return endInVain(state, out, dial)
  const { cause } = event.failure
  // What was asked for later may have had no address of its own.
  const earlier = event.tried.length === 0 ? reasonsOf(dial.tried) : ''
  const message = earlier === '' ? event.failure.message : `${earlier}; ${event.failure.message}`
  const isInConfig = isNamed(state.settings, dial.target)
  if (isInConfig) {
    // Two reasons may take turns.
    const known = state.counts.peers.get(dial.target)
    const isNew = ![known?.failure, known?.earlier].some((failure) => failure?.message === message)
    log(out, isNew ? 'warn' : 'debug', line`${nameOf(state, dial.target)} is down, and is tried again: ${message}`)
  }
  // A failed dial to a caller's addresses proves nothing about those in the table.
  if (state.discovery.table.has(dial.target) && (isInConfig || dial.isOurs)) {
    log(out, 'info', line`❌ ${dial.target} cannot be dialled: removed from the table`)
    out.push({ type: 'tableRemove', peer: dial.target })
  }
  const reasons = [event.failure.message, ...event.tried.map(({ reason }) => reason)]
  const isDenied = reasons.slice(event.tried.length > 0 ? 1 : 0).every(isBarred)
  const [bar] = isDenied ? barsOf(state, dial.target, event.tried) : []
  const reason = bar === undefined ? message : textOfBar(bar)
  giveUp(state, out, dial, reason, cause, isDenied ? 'Denied' : 'DialError')
  noteUnreachable(state, dial.target, message, dial.tried)
}

/** What keeps us from these addresses. The network does not know the reasons of the lists. */
function barsOf(state: State, target: string, tried: EventOf<'dialFailed'>['tried']): Bar[] {
  const peer = target.startsWith('/') ? undefined : target
  return tried.flatMap(({ address }) => whyBarred(state, peer, address) ?? [])
}

function nameOf({ settings }: State, peer: string): string {
  return Object.hasOwn(settings.bootNodes, peer) ? `boot node ${peer}` : `${peer}, which is to be kept,`
}

function giveUp(
  state: State,
  out: Effects,
  dial: Dial,
  reason: string,
  cause?: unknown,
  code: 'DialError' | 'Denied' = 'DialError',
): void {
  closeDial(state, dial)
  endParting(state, dial.target)
  const message = `cannot reach ${dial.target}: ${reason}`
  for (const id of dial.waiting) {
    const ask = state.asks.open.get(id)
    if (ask?.kind === 'request') endRequest(state, out, ask, { code, message, cause })
    else if (closeAsk(state, id)) fail(state, out, id, { code, message, cause })
  }
  onDialOver(state, dial.target)
}

export function onConnectionClosed(state: State, out: Effects, event: EventOf<'connectionClosed'>): void {
  const connection = state.connections.all.get(event.connection)
  if (connection === undefined) return
  const { peer } = connection
  // The peer has not closed one that we have lost by moving: it does not even know. One that stops has closed it, and is gone.
  if (event.moved !== true && !isLostToSleep(state, connection) && hasSaidNothing(connection)) {
    return onRefused(state, out, connection)
  }
  const wasUsed =
    event.moved === true || (!connection.stopping && (isUsed(state, connection) || wasCut(state, connection)))
  const wasLost = wasUsed || (!connection.stopping && isLostToSleep(state, connection))
  const how = wasLost ? 'used' : saysGoodbye(state, connection) ? 'lost' : 'idle'
  forget(state, out, connection, 'the connection was lost', how)
  if (event.moved === true) forgetObserved(state, out)
  log(out, 'debug', line`🔌 disconnected from ${peer}`)
  // A connection in use did not end for idleness, so a dial finds out at once whether the peer is still there.
  // (One that was lost to a sleep waits for the round.)
  if (wasUsed || (wasLost && state.waking.nextRound === Infinity)) seekLost(state, out, peer)
}

/** A connection that has no muxer any more was closed by the other side, if that has said nothing. False: it is another one. */
export function dropRefused(state: State, out: Effects, id: ConnectionId): boolean {
  const connection = state.connections.all.get(id)
  if (connection === undefined || !hasSaidNothing(connection)) return false
  out.push({ type: 'closeConnection', connection: id, reason: REFUSED })
  onRefused(state, out, connection)
  return true
}

/** The other side has closed one that we have opened, and said nothing over it. Who waits for it is told, and it is not dialled again for that. */
function onRefused(state: State, out: Effects, connection: Connection): void {
  forget(state, out, connection, REFUSED, 'refused')
  const { peer } = connection
  log(out, 'debug', line`🔌 disconnected from ${peer}`)
  if (isNamed(state.settings, peer) && state.memory.peers.get(peer)?.hangUps === MANY_HANG_UPS) {
    log(out, 'warn', line`${nameOf(state, peer)} hangs up on us again and again, and is tried again: ${REFUSED}`)
  }
}

/** What we know of it, we know by our own handshake alone. */
function hasSaidNothing({ inbound, upgraded, protocols, leaving, stopping }: Connection): boolean {
  return !inbound && !upgraded && protocols === undefined && leaving === undefined && !stopping
}

function seekLost(state: State, out: Effects, peer: string): void {
  if (state.discovery.table.has(peer) && !state.connections.byPeer.has(peer)) seek(state, out, peer)
}

/** Closes a connection from our side. For the rest of the core it has ended at this moment. */
export function dropConnection(
  state: State,
  out: Effects,
  id: ConnectionId | undefined,
  reason: string,
  isDead = false,
): void {
  const connection = id === undefined ? undefined : state.connections.all.get(id)
  if (connection === undefined) return
  out.push({ type: 'closeConnection', connection: connection.id, reason, ...(isDead && { dead: true }) })
  noteHungUp(state, connection.peer, reason)
  log(out, 'debug', line`🔌 hung up on ${connection.peer}: ${reason}`)
  forget(state, out, connection, reason, isDead ? 'dead' : 'idle')
}

function forget(state: State, out: Effects, connection: Connection, reason: string, how: Ending): void {
  const { peer } = connection
  removeConnection(state, connection)
  onObserverLeft(state, connection)
  if (!state.connections.byPeer.has(peer)) {
    takeRecipient(state, peer)
    noteDisconnected(state, connection, how, reason)
    if (noteGoneParting(state, peer) && (connection.stopping || !seek(state, out, peer))) endParting(state, peer)
  }
  const goOn = (ask: RequestAsk): void =>
    mayGoOn ? moveOrLose(state, out, ask, reason) : endRequest(state, out, ask, lost(ask, reason))
  const message = `no answer from ${peer}: ${reason}`
  const wasToBeClosed = connection.leaving !== undefined
  // Of one that is dialled twice at once the other side may hang up one: the other one is there, or on its way.
  const mayGoOn = how !== 'refused' || state.connections.byPeer.has(peer) || state.dials.has(peer)
  for (const id of connection.dials) {
    const ask = state.asks.open.get(id) as DialAsk
    // If it was to be closed, the dial has waited for that.
    if (wasToBeClosed || (mayGoOn && mayMoveDial(ask))) dialAgain(state, out, ask, wasToBeClosed ? 0 : 1)
    else {
      closeAsk(state, id)
      fail(state, out, id, { code: 'DialError', message })
    }
  }
  for (const stream of connection.v1Streams) {
    const ask = state.streams.v1Requests.get(stream)!
    if (mayGoOn && mayMove(ask)) leaveStream(state, ask, ask.call as V1Call)
    goOn(ask)
  }
  for (const id of connection.queue) {
    const ask = state.asks.open.get(id) as RequestAsk
    // What came up meanwhile has waited for that.
    if (wasToBeClosed) sendElsewhere(state, out, ask)
    else goOn(ask)
  }
  for (const id of connection.v1Exchanges) {
    cutExchange(state, out, state.exchanges.open.get(id) as V1Exchange, { code: 'ConnectionLost', message: reason })
  }
  const { asking, answering } = connection
  const unsent = asking === undefined ? [] : loseCalls(state, out, asking, reason)
  for (const ask of unsent) goOn(ask)
  if (answering !== undefined) closeAnswering(state, out, answering, reason)
  onLeft(state, peer)
  const dial = state.dials.get(peer)
  if (dial?.unanswered === 0) endInVain(state, out, dial)
}

export function closeIdle(state: State, out: Effects): void {
  for (const id of takeReleased(state)) dropIdle(state, out, id)
  for (const id of idleTooLong(state)) {
    const connection = state.connections.all.get(id)!
    const { peer } = connection
    if (isInSmallNetwork(state, connection) || isPublishedTo(state, peer) || isAwaited(state, peer)) postpone(state, id)
    else if (takeRecipient(state, peer)) inspectIdle(state, out, id, peer)
    else leaveIdle(state, out, connection)
  }
}

/**
 * Of several connections to a peer one stays, also when all of them are used. (Both sides may use another one, and keep both alive.)
 * The other side is asked to use that one; when nothing is under way over the others any more, it agrees to their end.
 */
export function leaveSurplus(state: State, out: Effects): void {
  for (const connection of takeSurplus(state)) {
    const { openedAt, peer } = connection
    updateIdle(state, connection)
    // Two nodes with one secret are told apart by both their connections.
    if (openedAt + state.settings.connectionKeepAlive > state.now || state.twins.suspects.has(peer)) continue
    if (isRecipient(state, peer)) inspectRecipients(state, out, [peer])
    // Broadcasts that are under way over it would be lost, so a peer that cannot be asked keeps it while a mesh needs the peer.
    else if (!sayGoodbye(state, out, connection) && !isUsed(state, connection)) {
      dropConnection(state, out, connection.id, 'another connection to the peer is used')
    }
  }
}

/** What waits for their end goes elsewhere. */
export function dropUnclosed(state: State, out: Effects): void {
  for (const { id } of takeUnclosed(state)) {
    dropConnection(state, out, id, 'the peer has asked for the end of the connection, and does not close it')
  }
}

function leaveIdle(state: State, out: Effects, connection: Connection): void {
  if (!sayGoodbye(state, out, connection)) dropIdle(state, out, connection.id)
}

function dropIdle(state: State, out: Effects, id: ConnectionId): void {
  dropConnection(state, out, id, 'nothing has used the connection for its keep-alive time')
}

/** Broadcasts of ours may still wait for this peer and would be lost, so the network is asked. */
function inspectIdle(state: State, out: Effects, connection: ConnectionId, peer: string): void {
  noteUse(state, peer)
  out.push({ type: 'inspect', ask: openOwnAsk(state, { kind: 'idle', connection }), peers: [peer] })
}

export function onIdleInspected(state: State, out: Effects, event: EventOf<'inspected'>): void {
  const purpose = takeOwnAsk(state, event.ask, 'idle')
  if (purpose === undefined) return
  const { connection: id } = purpose
  // Meanwhile it may have been used again, or closed.
  if (!state.connections.idle.has(id)) return
  const connection = state.connections.all.get(id)!
  const { peer } = connection
  if (isRecipient(state, peer)) return
  if ((event.peers[peer]?.queued ?? 0) > 0) noteRecipient(state, peer)
  else leaveIdle(state, out, connection)
}

/** Pings every connected peer that is not being pinged, once per interval. */
export function pingAll(state: State, out: Effects): void {
  if (state.now < state.connections.nextPing) return
  const { all } = state.connections
  planPings(state, all.size === 0 ? Infinity : state.now + state.settings.pingInterval)
  for (const connection of all.values()) if (connection.pings === 0) ping(state, out, connection)
}

export function onPinged(state: State, out: Effects, event: EventOf<'pinged'>): void {
  const connection = state.connections.all.get(event.connection)
  if (connection === undefined) return
  connection.pings--
  connection.doubted = connection.inQuestion = false
  noteUpgraded(connection)
  connection.answeredAt = state.now
  onRoundTrip(connection.pace, event.rtt)
  connection.roundTrip = smoothed(connection.roundTrip, event.rtt)
  settleDials(state, out, connection)
  onAlive(state, out, connection)
  peersChanged(state)
}

/** As TCP does (SRTT of RFC 6298): one that is late by chance does little, and a line that has become slower is followed. */
function smoothed(before: number, rtt: number): number {
  return before === 0 ? rtt : before + (rtt - before) / 8
}

export function onPingFailed(state: State, out: Effects, event: EventOf<'pingFailed'>): void {
  const connection = state.connections.all.get(event.connection)
  if (connection === undefined) return
  const { peer } = connection
  connection.pings--
  if (event.heard) {
    log(out, 'debug', line`${peer} does not answer pings, and sends other things: it is slow`)
    connection.doubted = false
    settleDials(state, out, connection)
    onAlive(state, out, connection)
    if (connection.pings > 0) return
    connection.inQuestion = false
    // What came may have been under way since before it fell silent, so it is asked again at once.
    return ping(state, out, connection)
  }
  log(out, 'info', line`❌ ${peer} does not answer pings: removed (${event.failure.message})`)
  // It is closed too, because a peer that stays connected would not be added to the table again.
  const isOnly = state.connections.byPeer.get(peer)!.length === 1
  const wasAsleep = isLostToSleep(state, connection)
  if (isOnly && !wasAsleep && state.discovery.table.has(peer)) out.push({ type: 'tableRemove', peer })
  dropConnection(state, out, connection.id, 'the peer does not answer pings', true)
  // After a sleep that says nothing about the peer.
  if (wasAsleep) seekLost(state, out, peer)
}
