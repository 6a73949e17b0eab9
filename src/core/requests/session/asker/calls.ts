/** Requests of ours over a session: how they get into it, and out of it. What the other side sends is read beside. */
import type { Connection, RequestAsk, State } from '../../../state.js'
import { updateIdle } from '../../../peers/connections.js'
import { removeDeadline } from '../../../deadlines.js'
import type { Effects, Refusal } from '../../../effects.js'
import { enlist, touch } from '../outbox.js'
import { windowOf } from '../pacing.js'
import { createAskingSession, type AskingSession } from '../state.js'
import { valueCost } from '../../values.js'

/** What a stream of values may be ahead of its consumer, as `valueCost` counts. */
export const VALUES_WINDOW = 65_536

/** Opens the connection's session, or finds out (with two protocols) how the peer is asked. */
export function openSession(state: State, out: Effects, connection: Connection, protocols: string[]): void {
  const stream = state.nextStream
  state.nextStream += 2
  const session = createAskingSession<RequestAsk>(stream, connection)
  connection.session = session
  state.sessions.set(stream, session)
  out.push({ type: 'open', stream, connection: connection.id, protocols })
}

/** False: the session is not open yet, or has no room for one more request. */
export function askOverSession(state: State, connection: Connection, ask: RequestAsk): boolean {
  const session = connection.session!
  const { hello, calls, cancelled } = session
  // Who announces no limit at all must not make us keep the books of as many.
  const most = Math.min(hello.maxOpen, state.settings.maxPendingRequests)
  if (!session.open || calls.size + cancelled.size >= most) return false
  ask.stage = 'waiting'
  ask.wireId = ++session.lastId
  ask.sendCredit = hello.requestWindow
  ask.firstCredit = firstCredit(state, session, ask)
  calls.set(ask.wireId, ask)
  if (calls.size === 1) updateIdle(state, connection)
  enlist(state, session, ask)
  return true
}

/** What replies to this request may cost before any CREDIT. */
function firstCredit(state: State, session: AskingSession<RequestAsk>, ask: RequestAsk): number {
  if (ask.values !== undefined) return VALUES_WINDOW
  const { maxResponseSize } = state.settings
  return valueCost(Math.min(maxResponseSize, windowOf(session.pace, state.now)))
}

export function giveCredit(state: State, session: AskingSession<RequestAsk>, ask: RequestAsk, amount: number): void {
  ask.intake!.credit += amount
  session.credits.set(ask.wireId, (session.credits.get(ask.wireId) ?? 0) + amount)
  touch(state, session)
}

/** A consumer that pulls has taken values of this cost. */
export function onTaken(state: State, id: number, cost: number): void {
  const ask = state.asks.get(id)
  if (ask?.kind !== 'request' || ask.intake === undefined) return
  const session = state.connections.get(ask.connection!)?.session
  if (session !== undefined) taken(state, session, ask, cost)
}

/** As much may come again, but not in crumbs. */
export function taken(state: State, session: AskingSession<RequestAsk>, ask: RequestAsk, cost: number): void {
  const intake = ask.intake!
  intake.untaken = Math.max(0, intake.untaken - cost)
  const { untaken, credit, total, gathered } = intake
  const arriving = total < 0 ? 0 : valueCost(gathered?.received ?? 0)
  const amount = VALUES_WINDOW - untaken - arriving - credit
  if (amount >= VALUES_WINDOW / 2) giveCredit(state, session, ask, amount)
}

/** The request is over, and the other side knows it. */
export function finish(state: State, session: AskingSession<RequestAsk>, ask: RequestAsk): void {
  session.calls.delete(ask.wireId)
  if (session.credits.size > 0) session.credits.delete(ask.wireId)
  drop(state, ask)
}

function drop(state: State, ask: RequestAsk): void {
  state.asks.delete(ask.id)
  removeDeadline(state.askDeadlines, ask.id, ask.timeout)
  // What waits to be sent of it is not.
  ask.value = undefined
}

/** Ends a request of ours that the other side has not ended: it is told, if it has heard of it at all. */
export function endSessionCall(state: State, out: Effects, ask: RequestAsk, refusal?: Refusal): void {
  if (refusal !== undefined) out.push({ type: 'fail', ask: ask.id, refusal })
  const connection = state.connections.get(ask.connection!)!
  const session = connection.session!
  finish(state, session, ask)
  if (ask.sent >= 0) {
    session.cancelled.add(ask.wireId)
    session.cancels.push(ask.wireId)
    touch(state, session)
  }
  if (session.calls.size === 0) updateIdle(state, connection)
}

/** The session is gone, and everything that was asked over it. */
export function loseCalls(state: State, out: Effects, session: AskingSession<RequestAsk>, message: string): void {
  state.sessions.delete(session.stream)
  const connection = state.connections.get(session.connection)
  if (connection !== undefined) connection.session = undefined
  for (const ask of session.calls.values()) {
    drop(state, ask)
    out.push({ type: 'fail', ask: ask.id, refusal: { code: 'ConnectionLost', message } })
  }
  session.calls.clear()
}
