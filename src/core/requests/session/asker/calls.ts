/** Requests of ours over a session: how each one enters it, is sent, and leaves it. What the other side sends, frames.ts reads. */
import {
  chunkOf,
  writeCancel,
  writeData,
  writeRequest,
  type FrameWriter,
  type RequestHead,
} from '../../../../wire/session/writer.js'
import { FIRST_FLIGHT } from '../../../../wire/session/format.js'
import { closeAsk, extendAsk, fail } from '../../../asks.js'
import type { Effects, Refusal } from '../../../effects.js'
import { updateIdle } from '../../../peers/connections.js'
import type { Connection } from '../../../peers/state.js'
import type { State } from '../../../state.js'
import { TAKES_AT_ONCE } from '../../../terms.js'
import { lost, mayMove, type Loss } from '../../losses.js'
import { SessionCallRecord } from '../../records.js'
import type { RequestAsk, SessionCall } from '../../state.js'
import { addSession, enlist, nextStream, removeSession, scheduleFlush } from '../../streams.js'
import { DEFAULT_BUFFER, POLICIES, valueCost } from '../../values.js'
import { windowOf } from '../pacing.js'
import { createAskingSession, type AskingSession } from '../state.js'

type Session = AskingSession<SessionCall>

/** The credit of a stream of values: the cost (`valueCost`) by which it may be ahead of its consumer. */
export const VALUES_WINDOW = 65_536

/** Opens the session of the connection. With several protocols it finds out which one the peer speaks. */
export function openSession(state: State, out: Effects, connection: Connection, protocols: string[]): void {
  const session = createAskingSession<SessionCall>(nextStream(state), connection, state.now)
  connection.asking = session
  addSession(state, session)
  out.push({ type: 'open', stream: session.stream, connection: connection.id, protocols })
}

/** Adds the request to the session. False: the session is not open yet, or full. */
export function askOverSession(state: State, connection: Connection, ask: RequestAsk): boolean {
  const session = connection.asking!
  const { hello, requests, cancelled } = session
  // The peer's limit may be huge, but ours bounds the memory.
  const most = Math.min(hello.maxOpen, state.settings.maxPendingRequests)
  if (!session.open || requests.size + cancelled.size >= most) return false
  const call = new SessionCallRecord(ask, ++session.lastId, flightOf(session), firstCredit(state, session, ask))
  ask.stage = 'waiting'
  ask.data = undefined
  ask.call = call
  requests.set(call.wireId, call)
  if (requests.size === 1) updateIdle(state, connection)
  enlist(state, session, call)
  return true
}

/** Bytes of a request that are sent before any CREDIT for it: no more than the line is known to carry. */
export function flightOf({ greeted, hello, trusted }: Session): number {
  if (!greeted) return FIRST_FLIGHT
  const { firstFlight, requestWindow } = hello
  return firstFlight === 0 || trusted ? requestWindow : Math.min(firstFlight, requestWindow)
}

/** The credit for replies that the REQUEST itself gives. */
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
  if (session === undefined) return
  giveBackCredit(state, session, ask.call, cost)
  noteLife(state, ask)
}

/** Something of a stream that has begun has come, or more may come: its idle time begins anew. */
export function noteLife(state: State, { id, stage, timeout, values }: RequestAsk): void {
  if (stage === 'streaming' && values?.idleTimeout !== undefined) extendAsk(state, id, timeout, timeout)
}

/** It is the caller who is slow: values wait for it, and it may be that the other side cannot send more. */
export function isAhead({ call, values }: RequestAsk): boolean {
  return (
    values !== undefined &&
    !TAKES_AT_ONCE[values.mode] &&
    call?.protocol === 'session' &&
    (call.intake?.untaken ?? 0) > 0
  )
}

/** Values of this cost were taken, so credit is given back, in large amounts because each costs a frame. */
export function giveBackCredit(state: State, session: Session, call: SessionCall, cost: number): void {
  const intake = call.intake!
  intake.untaken = Math.max(0, intake.untaken - cost)
  const { untaken, credit, total, gathered } = intake
  const arriving = total < 0 ? 0 : valueCost(gathered?.received ?? 0)
  const amount = VALUES_WINDOW - untaken - arriving - credit
  if (amount >= VALUES_WINDOW / 2) giveCredit(state, session, call, amount)
}

/** The request has ended, and the other side knows it. */
export function closeSessionCall(state: State, session: Session, call: SessionCall): void {
  session.requests.delete(call.wireId)
  if (session.credits.size > 0) session.credits.delete(call.wireId)
  forgetCall(state, call)
}

function forgetCall(state: State, call: SessionCall): void {
  closeAsk(state, call.ask.id, call.ask.timeout)
  // The rest of the payload is not sent.
  call.value = undefined
}

/** Ends a request that the other side has not ended. CANCEL is sent if the REQUEST was. */
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

/** The session has ended. Its requests fail, but for those that may go elsewhere: they are returned. */
export function loseCalls(state: State, out: Effects, session: Session, why: Loss): RequestAsk[] {
  forgetSession(state, session)
  const unsent: RequestAsk[] = []
  for (const call of session.requests.values()) {
    const { ask } = call
    if (mayMove(ask)) {
      takeBack(call)
      unsent.push(ask)
    } else {
      forgetCall(state, call)
      fail(state, out, ask.id, lost(ask, why))
    }
  }
  session.requests.clear()
  return unsent
}

/** It is as if it had not entered the session. */
function takeBack({ ask, value }: SessionCall): void {
  ask.stage = 'queued'
  ask.data = value
  ask.call = undefined
}

/** Removes the session from its connection. */
export function forgetSession(state: State, session: Session): void {
  removeSession(state, session)
  const connection = state.connections.all.get(session.connection)
  if (connection !== undefined) connection.asking = undefined
}

/** How the outbox sends requests, in pieces, and CANCEL. */
export const sendingRequests = {
  inOrder: true,

  // Nobody asks over this session but us.
  limits: () => undefined,

  hasControl: ({ cancels }: Session) => cancels.length > 0,

  control(session: Session, writer: FrameWriter): void {
    for (const id of session.cancels) writeCancel(writer, id)
    session.cancels = []
  },

  sendable({ value, sent, sendCredit }: SessionCall): number {
    if (value === undefined) return -1
    if (sent < 0) return chunkOf(value.length, sendCredit)
    const bytes = chunkOf(value.length - sent, sendCredit)
    return bytes === 0 ? -1 : bytes
  },

  write(state: State, _out: Effects, call: SessionCall, writer: FrameWriter, bytes: number): void {
    const value = call.value!
    if (call.sent < 0) {
      call.sent = bytes
      writeRequest(writer, call.wireId, headOf(state, call), value, bytes)
    } else {
      writeData(writer, call.wireId, value, call.sent, call.sent + bytes)
      call.sent += bytes
    }
    call.sendCredit -= bytes
    if (call.sent === value.length) call.value = undefined
  },
}

function headOf(state: State, { ask, firstCredit: credit }: SessionCall): RequestHead {
  const { values, deadline } = ask
  return {
    timeout: Math.max(1, deadline - state.now),
    credit,
    one: values === undefined,
    service: ask.service,
    lossy:
      values?.buffer === undefined && (values?.overflow ?? 'error') === 'error'
        ? undefined
        : { policy: POLICIES.indexOf(values?.overflow ?? 'error'), buffer: values?.buffer ?? DEFAULT_BUFFER },
  }
}
