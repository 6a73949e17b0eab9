/**
 * How an idle connection is closed. The other side is asked first, over a session. From its consent on it sends no new request over
 * the connection, which is then closed, so no request is lost. docs/session.md has the protocol. A peer that does not support it is
 * not asked, as in version 1.
 */
import { Farewell, Feature } from '../../wire/session/format.js'
import { SESSION } from '../../wire/protocols.js'
import { isRecipient } from '../broadcasts/recipients.js'
import type { Effects } from '../effects.js'
import { serveQueue } from '../requests/queue.js'
import { openSession } from '../requests/session/asker/calls.js'
import type { AnsweringSession, AskingSession } from '../requests/session/state.js'
import type { SessionCall, SessionExchange } from '../requests/state.js'
import { sendGoodbye } from '../requests/streams.js'
import { isNamed } from '../settings.js'
import type { State } from '../state.js'
import { isUsed, postpone, release, updateIdle } from './connections.js'
import { isPublishedTo } from './keeping.js'
import type { Connection } from './state.js'

type Session = AskingSession<SessionCall> | AnsweringSession<SessionExchange>

/** Returns false if there is nothing to wait for, and the connection may be closed now. */
export function sayGoodbye(state: State, out: Effects, connection: Connection): boolean {
  const { goodbye, asking, answering } = connection
  if (goodbye !== undefined) {
    // A peer that has not answered for so long does not answer anything.
    if (state.now >= goodbye.at + state.settings.pingTimeout) return false
    postpone(state, connection.id)
    return true
  }
  const carrier = [asking, answering].find((one) => one !== undefined && canCarry(one))
  if (carrier !== undefined) {
    ask(state, connection, carrier)
    return true
  }
  // The peer has sent its HELLO, and the feature was not in it.
  if (asking?.greeted === true || answering?.greeted === true || !speaksSession(state, connection)) return false
  if (asking === undefined) openSession(state, out, connection, [SESSION])
  connection.goodbye = { id: 0, stream: connection.asking!.stream, at: state.now }
  postpone(state, connection.id)
  return true
}

function canCarry({ open, greeted, hello }: Session): boolean {
  return open && greeted && (hello.features & Feature.GOODBYE) !== 0
}

function speaksSession({ settings }: State, { requestProtocol, protocols }: Connection): boolean {
  return (
    settings.protocols.includes(SESSION) && (requestProtocol ?? protocols?.find((name) => name === SESSION)) === SESSION
  )
}

function ask(state: State, connection: Connection, session: Session): void {
  const id = ++connection.goodbyes
  connection.goodbye = { id, stream: session.stream, at: state.now }
  postpone(state, connection.id)
  sendGoodbye(state, session, id, Farewell.ASK)
}

/** The other side's HELLO has come. Our goodbye may have waited for it. */
export function onGreeted(state: State, session: Session): void {
  const connection = state.connections.all.get(session.connection)
  if (connection?.goodbye?.id !== 0 || connection.goodbye.stream !== session.stream) return
  if (canCarry(session)) ask(state, connection, session)
  else release(state, connection.id)
}

export function onGoodbye(state: State, out: Effects, session: Session, id: number, says: Farewell): void {
  const connection = state.connections.all.get(session.connection)!
  // A peer that has not named the feature must not send this.
  if ((session.hello.features & Feature.GOODBYE) === 0) return
  const { goodbye, leaving } = connection
  if (says === Farewell.ASK) return answer(state, connection, session, id)
  if (says === Farewell.STAY) {
    if (leaving?.id !== id || leaving.stream !== session.stream) return
    connection.leaving = undefined
    updateIdle(state, connection)
    return serveQueue(state, out, connection)
  }
  // It has been withdrawn meanwhile.
  if (goodbye?.id !== id || goodbye.stream !== session.stream) return
  if (says === Farewell.YES) return release(state, connection.id)
  connection.goodbye = undefined
  postpone(state, connection.id)
}

function answer(state: State, connection: Connection, session: Session, id: number): void {
  const { peer } = connection
  const isNeeded =
    isNamed(state.settings, peer) || isUsed(state, connection) || isRecipient(state, peer) || isPublishedTo(state, peer)
  if (!isNeeded) connection.leaving = { id, stream: session.stream }
  sendGoodbye(state, session, id, isNeeded ? Farewell.NO : Farewell.YES)
}
