/** Requests of ours over a session: how they get into it, and out of it. What the other side sends is read in frames.ts. */
import { closeAsk, fail } from '../../../asks.js'
import type { Effects, Refusal } from '../../../effects.js'
import { updateIdle } from '../../../peers/connections.js'
import type { Connection } from '../../../peers/state.js'
import type { State } from '../../../state.js'
import type { RequestAsk, SessionCall } from '../../state.js'
import { addSession, nextStream, removeSession, scheduleFlush } from '../../streams.js'
import { valueCost } from '../../values.js'
import { enlist } from '../outbox.js'
import { windowOf } from '../pacing.js'
import { createAskingSession, type AskingSession } from '../state.js'

type Session = AskingSession<SessionCall>

/** What a stream of values may be ahead of its consumer, as `valueCost` counts. */
export const VALUES_WINDOW = 65_536

/** Opens the connection's session, or finds out (with two protocols) how the peer is asked. */
export function openSession(state: State, out: Effects, connection: Connection, protocols: string[]): void {
  const session = createAskingSession<SessionCall>(nextStream(state), connection)
  connection.asking = session
  addSession(state, session)
  out.push({ type: 'open', stream: session.stream, connection: connection.id, protocols })
}

/** False: the session is not open yet, or has no room for one more request. */
export function askOverSession(state: State, connection: Connection, ask: RequestAsk): boolean {
  const session = connection.asking!
  const { hello, requests, cancelled } = session
  // A peer that announces no limit at all must not make us keep the books of as many.
  const most = Math.min(hello.maxOpen, state.settings.maxPendingRequests)
  if (!session.open || requests.size + cancelled.size >= most) return false
  const call: SessionCall = {
    protocol: 'session',
    ask,
    wireId: ++session.lastId,
    value: ask.data,
    sent: -1,
    sendCredit: hello.requestWindow,
    firstCredit: firstCredit(state, session, ask),
    listed: false,
    intake: undefined,
  }
  ask.stage = 'waiting'
  ask.data = undefined
  ask.call = call
  requests.set(call.wireId, call)
  if (requests.size === 1) updateIdle(state, connection)
  enlist(state, session, call)
  return true
}

/** What replies to this request may cost before any CREDIT. */
function firstCredit(state: State, { pace }: Session, { values }: RequestAsk): number {
  if (values !== undefined) return VALUES_WINDOW
  return valueCost(Math.min(state.settings.maxResponseSize, windowOf(pace, state.now)))
}

export function giveCredit(state: State, session: Session, call: SessionCall, amount: number): void {
  call.intake!.credit += amount
  session.credits.set(call.wireId, (session.credits.get(call.wireId) ?? 0) + amount)
  scheduleFlush(state, session)
}

/** A consumer that pulls has taken values of this cost. */
export function onTaken(state: State, id: number, cost: number): void {
  const ask = state.asks.open.get(id)
  if (ask?.kind !== 'request' || ask.call?.protocol !== 'session' || ask.call.intake === undefined) return
  const session = state.connections.all.get(ask.connection!)?.asking
  if (session !== undefined) giveBackCredit(state, session, ask.call, cost)
}

/** Values of this cost were taken: as much may come again, but not in crumbs. */
export function giveBackCredit(state: State, session: Session, call: SessionCall, cost: number): void {
  const intake = call.intake!
  intake.untaken = Math.max(0, intake.untaken - cost)
  const { untaken, credit, total, gathered } = intake
  const arriving = total < 0 ? 0 : valueCost(gathered?.received ?? 0)
  const amount = VALUES_WINDOW - untaken - arriving - credit
  if (amount >= VALUES_WINDOW / 2) giveCredit(state, session, call, amount)
}

/** The request is over, and the other side knows it. */
export function closeSessionCall(state: State, session: Session, call: SessionCall): void {
  session.requests.delete(call.wireId)
  if (session.credits.size > 0) session.credits.delete(call.wireId)
  forgetCall(state, call)
}

function forgetCall(state: State, call: SessionCall): void {
  closeAsk(state, call.ask.id, call.ask.timeout)
  // What waits to be sent of it is not.
  call.value = undefined
}

/** Ends a request of ours that the other side has not ended: it is told, if it has heard of it at all. */
export function endSessionCall(state: State, out: Effects, call: SessionCall, refusal?: Refusal): void {
  if (refusal !== undefined) fail(state, out, call.ask.id, refusal)
  const connection = state.connections.all.get(call.ask.connection!)!
  const session = connection.asking!
  closeSessionCall(state, session, call)
  if (call.sent >= 0) {
    session.cancelled.add(call.wireId)
    session.cancels.push(call.wireId)
    scheduleFlush(state, session)
  }
  if (session.requests.size === 0) updateIdle(state, connection)
}

/** The session is gone, and everything that was asked over it. */
export function loseCalls(state: State, out: Effects, session: Session, message: string): void {
  forgetSession(state, session)
  for (const call of session.requests.values()) {
    forgetCall(state, call)
    fail(state, out, call.ask.id, { code: 'ConnectionLost', message })
  }
  session.requests.clear()
}

/** The connection has no session of ours any more. */
export function forgetSession(state: State, session: Session): void {
  removeSession(state, session)
  const connection = state.connections.all.get(session.connection)
  if (connection !== undefined) connection.asking = undefined
}
