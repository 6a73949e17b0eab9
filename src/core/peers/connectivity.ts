/**
 * What follows for questions, requests and sessions when a connection opens, fails to open, is lost or is closed. The
 * requests of a lost connection fail with it, and nothing is tried again. The register itself is in connections.ts.
 */
import { closeAsk, fail, settle } from '../asks.js'
import { noteDial } from '../broadcasts/counts.js'
import { isRecipient, noteRecipient, takeRecipient } from '../broadcasts/recipients.js'
import { log, type Effects, type Refusal } from '../effects.js'
import type { EventOf } from '../events.js'
import type { ConnectionId } from '../port.js'
import { endRequest, useConnection } from '../requests/requests.js'
import { closeAnswering } from '../requests/session/answerer/events.js'
import { loseCalls } from '../requests/session/asker/calls.js'
import { onRoundTrip } from '../requests/session/pacing.js'
import { cutExchange } from '../requests/v1/answerer.js'
import { openOwnAsk, takeOwnAsk } from '../services/own-requests.js'
import type { State } from '../state.js'
import type { RequestAsk, V1Exchange } from '../requests/state.js'
import { addConnection, idleTooLong, isUsed, noteUse, planPings, removeConnection } from './connections.js'
import { closeDial, goesOn, reach } from './dials.js'
import { onDialOver } from './discovery.js'
import type { Connection, Dial } from './state.js'

export function onConnectionOpened(state: State, out: Effects, event: EventOf<'connectionOpened'>): void {
  const connection = addConnection(state, event)
  log(out, 'debug', `🔗 connected ${event.inbound ? 'by' : 'to'} ${event.peer} at ${event.address}`)
  const dial = state.dials.get(event.peer)
  if (dial !== undefined) arrive(state, out, dial, connection)
}

/** A dial to a bare address has succeeded. (A dial to a peer id has, when its connection opened.) */
export function onDialled(state: State, out: Effects, event: EventOf<'dialled'>): void {
  const dial = state.dials.get(event.target)
  if (dial === undefined) return
  const connection = state.connections.all.get(event.connection)
  if (connection !== undefined) arrive(state, out, dial, connection)
  else giveUp(state, out, dial, `the connection to ${event.peer} was closed at once`)
}

function arrive(state: State, out: Effects, dial: Dial, connection: Connection): void {
  closeDial(state, dial)
  noteDial(state, connection.peer, undefined)
  for (const id of dial.waiting) {
    const ask = state.asks.open.get(id)
    if (ask?.kind === 'request') useConnection(state, out, ask, connection)
    else if (closeAsk(state, id)) settle(state, out, id, connection.peer)
  }
  onDialOver(state, dial.target)
}

export function onDialFailed(state: State, out: Effects, event: EventOf<'dialFailed'>): void {
  const dial = state.dials.get(event.target)
  if (dial === undefined || goesOn(dial, event.tried)) return
  const { message, cause } = event.failure
  noteDial(state, dial.target, { at: state.now, message, tried: dial.tried })
  const isBoot = dial.target in state.settings.bootNodes
  if (isBoot) {
    log(out, 'warn', `boot node ${dial.target} is down, next try at the next discovery tick: ${message}`)
  }
  // Addresses that a caller made up say nothing about a peer whose right ones are in the table.
  if (state.discovery.table.has(dial.target) && (isBoot || dial.looksUp)) {
    log(out, 'info', `❌ ${dial.target} cannot be dialled: removed from the table`)
    out.push({ type: 'tableRemove', peer: dial.target })
  }
  giveUp(state, out, dial, message, cause)
}

function giveUp(state: State, out: Effects, dial: Dial, reason: string, cause?: unknown): void {
  closeDial(state, dial)
  const message = `cannot reach ${dial.target}: ${reason}`
  for (const id of dial.waiting) {
    const ask = state.asks.open.get(id)
    if (ask?.kind === 'request') endRequest(state, out, ask, { code: 'DialError', message, cause })
    else if (closeAsk(state, id)) fail(state, out, id, { code: 'DialError', message, cause })
  }
  onDialOver(state, dial.target)
}

export function onConnectionClosed(state: State, out: Effects, id: ConnectionId): void {
  const connection = state.connections.all.get(id)
  if (connection === undefined) return
  const { peer } = connection
  const wasUsed = isUsed(state, connection)
  forget(state, out, connection, 'the connection was lost')
  log(out, 'debug', `🔌 disconnected from ${peer}`)
  // A connection in use did not end for idleness, so a dial finds out at once whether the peer is still there.
  if (wasUsed && state.discovery.table.has(peer) && !state.connections.byPeer.has(peer)) reach(state, out, peer, [])
}

/** Closes a connection from our side. For the rest of the core it has ended at this moment. */
export function dropConnection(state: State, out: Effects, id: ConnectionId | undefined, reason: string): void {
  const connection = id === undefined ? undefined : state.connections.all.get(id)
  if (connection === undefined) return
  out.push({ type: 'closeConnection', connection: connection.id, reason })
  forget(state, out, connection, reason)
}

function forget(state: State, out: Effects, connection: Connection, reason: string): void {
  removeConnection(state, connection)
  if (!state.connections.byPeer.has(connection.peer)) takeRecipient(state, connection.peer)
  const message = `${reason} before ${connection.peer} answered`
  const refusal: Refusal = { code: 'ConnectionLost', message }
  for (const stream of connection.v1Streams) endRequest(state, out, state.streams.v1Requests.get(stream)!, refusal)
  for (const id of connection.queue) endRequest(state, out, state.asks.open.get(id) as RequestAsk, refusal)
  for (const id of connection.v1Exchanges) cutExchange(state, out, state.exchanges.open.get(id) as V1Exchange, reason)
  const { asking, answering } = connection
  if (asking !== undefined) loseCalls(state, out, asking, message)
  if (answering !== undefined) closeAnswering(state, out, answering, reason)
}

export function closeIdle(state: State, out: Effects): void {
  for (const id of idleTooLong(state)) {
    const { peer } = state.connections.all.get(id)!
    if (takeRecipient(state, peer)) inspectIdle(state, out, id, peer)
    else dropIdle(state, out, id)
  }
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
  const { peer } = state.connections.all.get(id)!
  if (isRecipient(state, peer)) return
  if ((event.peers[peer]?.queued ?? 0) > 0) noteRecipient(state, peer)
  else dropIdle(state, out, id)
}

/** Pings every connected peer, once per interval. */
export function pingAll(state: State, out: Effects): void {
  if (state.now < state.connections.nextPing) return
  planPings(state, state.connections.all.size === 0 ? Infinity : state.now + state.settings.pingInterval)
  for (const connection of state.connections.all.values()) {
    if (connection.pinging) continue
    connection.pinging = true
    out.push({ type: 'ping', connection: connection.id, timeout: state.settings.pingTimeout })
  }
}

export function onPinged(state: State, event: EventOf<'pinged'>): void {
  const connection = state.connections.all.get(event.connection)
  if (connection === undefined) return
  connection.pinging = false
  onRoundTrip(connection.pace, event.rtt)
}

export function onPingFailed(state: State, out: Effects, event: EventOf<'pingFailed'>): void {
  const connection = state.connections.all.get(event.connection)
  if (connection === undefined) return
  const { peer } = connection
  log(out, 'info', `❌ ${peer} does not answer pings: removed (${event.failure.message})`)
  // It is closed too, because a peer that stays connected would not be added to the table again.
  if (state.discovery.table.has(peer)) out.push({ type: 'tableRemove', peer })
  dropConnection(state, out, connection.id, 'the peer does not answer pings')
}
