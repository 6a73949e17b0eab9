/**
 * The streams that carry requests: which session, or which version-1 request of ours, each belongs to. What they carry,
 * it does not know.
 */
import { Farewell } from '../../wire/session/format.js'
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

/**
 * Says goodbye, or answers one, with the next write. A word that this one makes void, and that has not gone, does not go. So one of
 * each kind waits at most, however often a peer that reads nothing asks. Returns whether this one is the first that waits of its kind.
 */
export function sendGoodbye(state: State, session: AnySession, id: number, says: Farewell): boolean {
  const waiting = session.goodbyes.filter((before) => !isVoid(before, id, says))
  const isFirst = waiting.length === session.goodbyes.length
  session.goodbyes = waiting
  // The ASK that it takes back has not gone.
  if (isFirst || says !== Farewell.STAY) waiting.push({ id, says })
  scheduleFlush(state, session)
  return isFirst
}

/** Only the answer to the last ASK counts, and one that is taken back does not. */
function isVoid(before: AnySession['goodbyes'][number], id: number, says: Farewell): boolean {
  if (says === Farewell.STAY) return before.says === Farewell.ASK && before.id === id
  return isAnswer(says) && isAnswer(before.says)
}

function isAnswer(says: Farewell): boolean {
  return says === Farewell.YES || says === Farewell.NO
}

/** All sessions have been flushed. */
export function clearUnflushed({ streams }: State): void {
  streams.unflushed.length = 0
}
