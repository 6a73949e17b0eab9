/**
 * How an idle connection is closed. The other side is asked first, over a session. From its consent on it sends no new request over
 * the connection, which is then closed, so no request is lost. docs/session.md has the protocol. A peer that does not support it is
 * not asked, as in version 1.
 */
import { Farewell, Feature } from '../../wire/session/format.js'
import { readGoodbye, type Frame, type Violation } from '../../wire/session/reader.js'
import { SESSION } from '../../wire/protocols.js'
import { endParting, isRecipient, noteParting } from '../broadcasts/recipients.js'
import { peersChanged } from '../changes.js'
import type { Effects } from '../effects.js'
import { serveQueue } from '../requests/queue.js'
import { refuseUnsent } from '../requests/requests.js'
import { openSession } from '../requests/session/asker/calls.js'
import { openOwnAsk } from '../services/book.js'
import type { AnySession } from '../requests/state.js'
import { sendGoodbye } from '../requests/streams.js'
import { isNamed } from '../settings.js'
import type { State } from '../state.js'
import { unhandled } from '../terms.js'
import { carries, isAvoided, isUsed, planUnclosed, postpone, release, updateIdle } from './connections.js'
import { isAwaited, isPublishedTo } from './keeping.js'
import type { Connection } from './state.js'

/** Returns false if there is nothing to wait for, and the connection may be closed now. */
export function sayGoodbye(state: State, out: Effects, connection: Connection): boolean {
  const { goodbye, asking, answering } = connection
  if (goodbye !== undefined) {
    // A peer that has not answered for so long does not answer anything.
    if (state.now >= goodbye.at + state.settings.pingTimeout) return false
    postpone(state, connection.id)
    return true
  }
  const carrier = carrierOf(connection, canCarry)
  if (carrier !== undefined) {
    askToClose(state, connection, carrier)
    return true
  }
  // The peer has sent its HELLO, and the feature was not in it.
  if (asking?.greeted === true || answering?.greeted === true) return false
  if (asking === undefined && answering === undefined) {
    const speaks = speaksSession(state, connection)
    if (speaks === undefined) {
      // It says that in a moment, and its own request may be on the way.
      postpone(state, connection.id)
      return state.now < connection.openedAt + state.settings.pingTimeout
    }
    if (!speaks) return false
    openSession(state, out, connection, [SESSION])
  }
  const { stream } = connection.answering ?? connection.asking!
  connection.goodbye = { id: 0, stream, at: state.now }
  postpone(state, connection.id)
  return true
}

function carrierOf({ asking, answering }: Connection, can: (session: AnySession) => boolean): AnySession | undefined {
  return [asking, answering].find((one) => one !== undefined && can(one))
}

function canCarry({ open, greeted, hello }: AnySession): boolean {
  return open && greeted && (hello.features & Feature.GOODBYE) !== 0
}

/** Does the other side say so before it closes the connection, and has not? */
export function saysGoodbye(state: State, connection: Connection): boolean {
  const { asking, answering, leaving, stopping } = connection
  if (leaving !== undefined || stopping) return false
  const greeted = [asking, answering].filter((one) => one?.greeted === true)
  return greeted.length > 0 ? carrierOf(connection, canCarry) !== undefined : speaksSession(state, connection) === true
}

/** `undefined`: neither identify nor a stream has told yet. */
export function speaksSession({ settings }: State, { requestProtocol, protocols }: Connection): boolean | undefined {
  if (!settings.protocols.includes(SESSION)) return false
  return requestProtocol === undefined ? protocols?.includes(SESSION) : requestProtocol === SESSION
}

function askToClose(state: State, connection: Connection, session: AnySession): void {
  const id = ++connection.goodbyes
  connection.goodbye = { id, stream: session.stream, at: state.now }
  postpone(state, connection.id)
  sendGoodbye(state, session, id, Farewell.ASK)
}

/** The node begins to stop: whom it can tell, it tells, so that nobody takes the end of a connection for a fault. */
export function tellStopping(state: State): void {
  for (const connection of state.connections.all.values()) {
    const carrier = carrierOf(connection, knowsStopping)
    if (carrier !== undefined) sayStopping(state, connection, carrier)
  }
}

function knowsStopping(session: AnySession): boolean {
  return canCarry(session) && (session.hello.features & Feature.STOPPING) !== 0
}

function sayStopping(state: State, connection: Connection, session: AnySession): void {
  sendGoodbye(state, session, ++connection.goodbyes, Farewell.STOPPING)
}

/** The other side's HELLO has come. Our goodbye may have waited for it. */
export function onGreeted(state: State, session: AnySession): void {
  const connection = state.connections.all.get(session.connection)
  if (connection !== undefined && state.lifecycle.phase === 'draining' && knowsStopping(session)) {
    sayStopping(state, connection, session)
  }
  if (connection?.goodbye?.id !== 0 || connection.goodbye.stream !== session.stream) return
  if (canCarry(session)) askToClose(state, connection, session)
  else release(state, connection.id)
}

export function onGoodbye(state: State, out: Effects, session: AnySession, frame: Frame): Violation | undefined {
  const says = readGoodbye(frame)
  if (says === undefined) return 'GOODBYE is broken'
  heed(state, out, session, frame.id, says)
  return undefined
}

function heed(state: State, out: Effects, session: AnySession, id: number, says: Farewell): void {
  const connection = state.connections.all.get(session.connection)!
  const { goodbye, leaving } = connection
  switch (says) {
    case Farewell.ASK:
      return answerGoodbye(state, out, connection, session, id)
    case Farewell.STAY:
      if (leaving?.id !== id || leaving.stream !== session.stream) return
      connection.leaving = undefined
      endParting(state, connection.peer)
      updateIdle(state, connection)
      return serveQueue(state, out, connection)
    case Farewell.YES:
    case Farewell.NO:
      // It has been withdrawn meanwhile.
      if (goodbye?.id !== id || goodbye.stream !== session.stream) return
      if (says === Farewell.YES) return release(state, connection.id)
      connection.goodbye = undefined
      return postpone(state, connection.id)
    case Farewell.STOPPING:
      if (connection.stopping) return
      connection.stopping = true
      peersChanged(state)
      return refuseUnsent(state, out, connection)
    default:
      return unhandled(says)
  }
}

function answerGoodbye(state: State, out: Effects, connection: Connection, session: AnySession, id: number): void {
  const { peer } = connection
  const mayMove = hasOther(state, connection)
  const isNeeded =
    isRecipient(state, peer) ||
    isAwaited(state, peer) ||
    (mayMove
      ? carries(connection)
      : isNamed(state.settings, peer) || isUsed(state, connection) || isPublishedTo(state, peer))
  if (!isNeeded) {
    connection.leaving = { id, stream: session.stream, at: state.now }
    planUnclosed(state, state.now + state.settings.pingTimeout)
    // Otherwise gossip goes on over the other one.
    if (!mayMove) noteParting(state, peer)
  }
  // It is asked again, and by then nothing is under way over it.
  connection.surplus = mayMove
  const isFirst = sendGoodbye(state, session, id, isNeeded ? Farewell.NO : Farewell.YES)
  if (isFirst && mayMove && isRecipient(state, peer)) inspectRecipients(state, out, [peer])
}

/** Is there another connection to the peer that stays? */
function hasOther({ connections }: State, { id, peer }: Connection): boolean {
  return connections.byPeer.get(peer)!.some((other) => other !== id && !isAvoided(connections.all.get(other)!))
}

/** Broadcasts of ours may wait for these peers: the network is asked. One for which none does is no recipient any more. */
export function inspectRecipients(state: State, out: Effects, peers: string[]): void {
  out.push({ type: 'inspect', ask: openOwnAsk(state, { kind: 'drain', peers }), peers })
}

/** We have consented to the end of its connection. */
export function isLeaving({ connections }: State, { connection }: AnySession): boolean {
  return connections.all.get(connection)?.leaving !== undefined
}

/**
 * A session is over, though its connection is not, and with it what was said of the connection's end. (The queue has to be
 * served.)
 */
export function forgetGoodbyes(state: State, { connection: id, stream }: AnySession): void {
  const connection = state.connections.all.get(id)
  if (connection?.leaving?.stream === stream) {
    connection.leaving = undefined
    endParting(state, connection.peer)
  }
  if (connection?.goodbye?.stream === stream) connection.goodbye = undefined
}
