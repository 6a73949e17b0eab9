/** Events on the stream of a session over which a peer asks: opening, bytes, end. What frames mean, frames.ts knows. */
import { offend, OFFENCES } from '../../../access/offences.js'
import type { SessionExchange } from '../../state.js'
import { readFrames, type Frame, type Violation } from '../../../../wire/session/reader.js'
import { updateIdle } from '../../../peers/connections.js'
import { log, type Effects, type Refusal } from '../../../effects.js'
import type { EventOf } from '../../../events.js'
import { serveQueue } from '../../queue.js'
import { addSession, removeSession, scheduleFlush } from '../../streams.js'
import { cutExchange } from './answers.js'
import { createAnsweringSession, type AnsweringSession } from '../state.js'
import { forgetGoodbyes } from '../../../peers/goodbye.js'
import type { State } from '../../../state.js'
import { onFrame } from './frames.js'
import { line } from '../../../terms.js'

type Session = AnsweringSession<SessionExchange>

/** False: the peer has opened too many sessions, and its connection should be closed. */
export function onInboundSession(
  state: State,
  out: Effects,
  { stream, connection: id }: EventOf<'streamInbound'>,
): boolean {
  const connection = state.connections.all.get(id)
  if (connection === undefined) {
    out.push({ type: 'reset', stream, reason: 'unknown connection' })
    return true
  }
  if (++connection.sessionsOpened > state.settings.maxSessions) return false
  if (connection.answering !== undefined) {
    log(out, 'warn', line`${connection.peer} opened a second session: it was refused`)
    out.push({ type: 'reset', stream, reason: 'there is a session already' })
    return true
  }
  const session = createAnsweringSession<SessionExchange>(stream, connection)
  connection.answering = session
  addSession(state, session)
  return true
}

export function onAnsweringData(state: State, out: Effects, session: Session, chunks: Uint8Array[]): void {
  const take = (frame: Frame): Violation | undefined => onFrame(state, out, session, frame)
  for (const chunk of chunks) {
    const violation = session.ending ? 'it sent more after its end' : readFrames(session.reader, chunk, take)
    if (violation === undefined) continue
    offend(state, session.peer, OFFENCES.violation, 'it broke the protocol of sessions')
    log(out, 'warn', line`the session of ${session.peer} was reset: ${violation}`)
    out.push({ type: 'reset', stream: session.stream, reason: violation })
    forgetGoodbyes(state, session)
    return closeAnswering(state, out, session, 'the session was reset')
  }
}

/** The asker has closed its side. Open requests are answered; then our side is closed too. */
export function onAskerEnded(state: State, out: Effects, session: Session): void {
  session.ending = true
  // Our HELLO is sent even if the asker has asked nothing.
  if (session.helloSent) closeWhenDone(state, out, session)
  else scheduleFlush(state, session)
}

/** Closes our side of a session that is ending and has nothing left to send. */
export function closeWhenDone(state: State, out: Effects, session: Session): void {
  if (!session.ending || session.writing || !session.helloSent || session.requests.size + session.failures.length > 0)
    return
  out.push({ type: 'write', stream: session.stream, chunks: [], end: true })
  forgetGoodbyes(state, session)
  closeAnswering(state, out, session, 'the session has ended')
}

/** The session has ended, and the handlers of its requests are cancelled. */
export function closeAnswering(state: State, out: Effects, session: Session, message: string): void {
  removeSession(state, session)
  const refusal: Refusal = { code: 'ConnectionLost', message }
  for (const exchange of session.requests.values()) cutExchange(state, out, exchange, refusal)
  const connection = state.connections.all.get(session.connection)
  if (connection === undefined) return
  connection.answering = undefined
  updateIdle(state, connection)
  serveQueue(state, out, connection)
}
