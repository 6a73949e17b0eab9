/** Events on the stream of a session over which we ask: opened, refused, bytes, end. What frames mean, frames.ts knows. */
import { offend, OFFENCES } from '../../../access/offences.js'
import { REQUEST_RESPONSE_V1, SESSION } from '../../../../wire/protocols.js'
import { readFrames, type Frame, type Violation } from '../../../../wire/session/reader.js'
import { log, type Effects } from '../../../effects.js'
import type { EventOf } from '../../../events.js'
import { noteUpgraded, updateIdle } from '../../../peers/connections.js'
import { forgetGoodbyes } from '../../../peers/goodbye.js'
import type { State } from '../../../state.js'
import { noStream, type Loss } from '../../losses.js'
import { refuseServices, serveQueue } from '../../queue.js'
import { endRequest, moveOrLose } from '../../requests.js'
import type { RequestAsk, SessionCall } from '../../state.js'
import { scheduleFlush } from '../../streams.js'
import { useStream } from '../../v1/asker.js'
import type { AskingSession } from '../state.js'
import { forgetSession, loseCalls } from './calls.js'
import { onFrame } from './frames.js'
import { line } from '../../../terms.js'

type Session = AskingSession<SessionCall>

export function onSessionOpened(state: State, out: Effects, session: Session, event: EventOf<'streamOpened'>): void {
  const connection = state.connections.all.get(session.connection)!
  connection.requestProtocol = event.protocol
  noteUpgraded(connection)
  if (event.protocol === SESSION) {
    session.open = true
    scheduleFlush(state, session)
  } else {
    forgetSession(state, session)
    forgetGoodbyes(state, session)
    refuseServices(state, out, connection)
    useStream(state, out, connection, session.stream)
  }
  serveQueue(state, out, connection)
}

/** (If the connection is dead, connectivity.ts has ended the requests before.) */
export function onSessionOpenFailed(
  state: State,
  out: Effects,
  session: Session,
  event: EventOf<'streamOpenFailed'>,
): void {
  const connection = state.connections.all.get(session.connection)!
  forgetSession(state, session)
  forgetGoodbyes(state, session)
  const { peer } = session
  // Identify named the session, but the peer does not speak it. Version 1 is tried if identify named that too.
  if (event.reason === 'unsupported' && connection.protocols?.includes(REQUEST_RESPONSE_V1) === true) {
    connection.requestProtocol = REQUEST_RESPONSE_V1
    return serveQueue(state, out, connection)
  }
  const refusal = noStream(peer, event, `${peer} speaks no protocol of requests that we speak`)
  for (const id of connection.queue) endRequest(state, out, state.asks.open.get(id) as RequestAsk, refusal)
}

export function onSessionData(state: State, out: Effects, session: Session, chunks: Uint8Array[]): void {
  const take = (frame: Frame): Violation | undefined => onFrame(state, out, session, frame)
  for (const chunk of chunks) {
    const violation = readFrames(session.reader, chunk, take)
    if (violation === undefined) continue
    offend(state, session.peer, OFFENCES.violation, 'it broke the protocol of sessions')
    log(out, 'warn', line`the session with ${session.peer} was reset: ${violation}`)
    return endSession(state, out, session, `the session was reset (${violation})`)
  }
  const connection = state.connections.all.get(session.connection)!
  if (connection.queue.size > 0) serveQueue(state, out, connection)
  if (session.requests.size === 0) updateIdle(state, connection)
}

/** Resets a session that cannot be used any more. */
export function endSession(state: State, out: Effects, session: Session, why: string): void {
  out.push({ type: 'reset', stream: session.stream, reason: why })
  forgetGoodbyes(state, session)
  onSessionOver(state, out, session, why)
}

/** The stream has ended, and its requests with it; those of which nothing was sent get a new session. */
export function onSessionOver(state: State, out: Effects, session: Session, why: Loss): void {
  const unsent = loseCalls(state, out, session, why)
  const connection = state.connections.all.get(session.connection)!
  updateIdle(state, connection)
  for (const ask of unsent) moveOrLose(state, out, ask, why)
  serveQueue(state, out, connection)
}
