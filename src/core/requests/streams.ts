/**
 * The streams that carry requests: which session, or which version-1 request of ours, each belongs to. What they carry,
 * it does not know.
 */
import type { Farewell } from '../../wire/session/format.js'
import type { Refusal } from '../effects.js'
import type { EventOf } from '../events.js'
import type { StreamId } from '../port.js'
import type { State } from '../state.js'
import type { Sender, Session } from './session/state.js'
import type { AnySession, RequestAsk } from './state.js'

/** The id of the next stream that we open. */
export function nextStream({ streams }: State): StreamId {
  const id = streams.nextId
  streams.nextId += 2
  return id
}

/** A version-1 stream of ours carries this request. */
export function addV1Request({ streams }: State, stream: StreamId, ask: RequestAsk): void {
  streams.v1Requests.set(stream, ask)
}

export function removeV1Request({ streams }: State, stream: StreamId): void {
  streams.v1Requests.delete(stream)
}

export function addSession({ streams }: State, session: AnySession): void {
  streams.sessions.set(session.stream, session)
}

export function removeSession({ streams }: State, { stream }: AnySession): void {
  streams.sessions.delete(stream)
}

/** The refusal of a request that got no stream. `unsupported`: what it says if the peer speaks none of the protocols. */
export function noStream(peer: string, event: EventOf<'streamOpenFailed'>, unsupported: string): Refusal {
  const { message, cause } = event.failure
  switch (event.reason) {
    case 'unsupported':
      return { code: 'RequestRejected', message: unsupported, cause }
    case 'lost':
    case 'failed':
      return { code: 'ConnectionLost', message: `no stream to ${peer}: ${message}`, cause }
  }
}

/** The session has something to send, so it is flushed at the end of the step. */
export function scheduleFlush({ streams }: State, session: Pick<Session<Sender>, 'flushScheduled' | 'stream'>): void {
  if (session.flushScheduled) return
  session.flushScheduled = true
  streams.unflushed.push(session.stream)
}

/** The party has something to send over the session: it has got a value, or credit, or has come to its end. */
export function enlist<Party extends Sender>(state: State, session: Session<Party>, party: Party): void {
  if (!party.listed) {
    party.listed = true
    session.ready.push(party)
  }
  scheduleFlush(state, session)
}

/** Says goodbye, or answers one, with the next write. */
export function sendGoodbye(state: State, session: AnySession, id: number, says: Farewell): void {
  session.goodbyes.push({ id, says })
  scheduleFlush(state, session)
}

/** All sessions have been flushed. */
export function clearUnflushed({ streams }: State): void {
  streams.unflushed.length = 0
}
