/** The frames of an answerer: values, ends, refusals, CREDIT. A violation of the protocol is returned as text. */
import { createGathered, copyIfSmall, gather, takeGathered } from '../../../../wire/gather.js'
import {
  FIRST_FLIGHT,
  FrameType,
  LAST,
  MAX_CREDIT,
  MORE,
  STOPPED,
  WITHOUT_HELLO,
} from '../../../../wire/session/format.js'
import {
  checkPayload,
  isIgnorable,
  readCredit,
  readFail,
  readHello,
  rest,
  type FailFields,
  type Frame,
  type Violation,
} from '../../../../wire/session/reader.js'
import { readVarint } from '../../../../wire/varint.js'
import { emitValue, endDeadline, endValues, extendAsk, fail, MOST_RETRY_AFTER, settle } from '../../../asks.js'
import type { Effects, Refusal } from '../../../effects.js'
import { maxResponseOf } from '../../../settings.js'
import { onGoodbye, onGreeted } from '../../../peers/goodbye.js'
import type { State } from '../../../state.js'
import { TAKES_AT_ONCE } from '../../../terms.js'
import { beginArriving, endArriving, noteLargest } from '../../responses.js'
import type { RequestAsk, SessionCall } from '../../state.js'
import { enlist } from '../../streams.js'
import { responseTooLarge, VALUE_OVERHEAD, valueCost } from '../../values.js'
import { onAnswered, onPiece } from '../pacing.js'
import type { AskingSession, Intake } from '../state.js'
import { CRUMB, waste } from '../waste.js'
import { closeSessionCall, completeValue, endSessionCall, flightOf, giveBackCredit, noteLife } from './calls.js'

type Session = AskingSession<SessionCall>

export function onFrame(state: State, out: Effects, session: Session, frame: Frame): Violation | undefined {
  if (!session.greeted) {
    session.greeted = true
    return frame.type === FrameType.HELLO ? onHello(state, session, frame) : 'its first frame is not HELLO'
  }
  if (isIgnorable(frame, session.hello)) return waste(session, state.now)
  if (frame.id === 0 && frame.type !== FrameType.HELLO) return 'a frame has no id'
  switch (frame.type) {
    case FrameType.REPLY:
      return onReply(state, out, session, frame)
    case FrameType.END:
      return onEnd(state, out, session, frame)
    case FrameType.FAIL:
      return onFail(state, out, session, frame)
    case FrameType.GOODBYE:
      return waste(session, state.now) ?? onGoodbye(state, out, session, frame)
    case FrameType.CREDIT:
      return onCredit(state, session, frame)
    default:
      return `a frame of type ${frame.type} is not for an asker`
  }
}

function onHello(state: State, session: Session, frame: Frame): Violation | undefined {
  const broken = readHello(frame, session.hello)
  if (broken === undefined) onGreeted(state, session)
  const more = flightOf(session) - FIRST_FLIGHT
  if (broken !== undefined || more <= 0) return broken
  // Requests that began before the HELLO have the smaller window.
  for (const call of session.requests.values()) {
    call.sendCredit += more
    if (call.value !== undefined) enlist(state, session, call)
  }
  return undefined
}

function onReply(state: State, out: Effects, session: Session, frame: Frame): Violation | undefined {
  const call = session.requests.get(frame.id)
  if (call === undefined) return onLateReply(session, frame) ?? waste(session, state.now)
  const isLast = (frame.flags & LAST) !== 0
  if (isLast && (frame.flags & MORE) !== 0) return 'a value is the last one and not complete'
  const { ask } = call
  if (!isLast || ask.values !== undefined || call.intake !== undefined) {
    return onPart(state, out, session, call, frame)
  }
  // The common case: one value in one frame.
  const broken = checkPayload(frame)
  if (broken !== undefined) return broken
  const limit = maxResponseOf(state.settings, ask.service)
  onAnswered(session.pace, state.now, call.sent, frame.end - frame.at)
  closeSessionCall(state, session, call)
  if (frame.end - frame.at > limit) fail(state, out, ask.id, responseTooLarge(ask.peer, limit))
  else settle(state, out, ask.id, copyIfSmall(frame.bytes, frame.at, frame.end))
  return undefined
}

/** One of several values, or a piece of a value. */
function onPart(state: State, out: Effects, session: Session, call: SessionCall, frame: Frame): Violation | undefined {
  const { ask } = call
  noteLife(state, ask)
  const intake = (call.intake ??= {
    credit: call.firstCredit,
    untaken: 0,
    total: -1,
    gathered: undefined,
    round: undefined,
  })
  const isLast = (frame.flags & LAST) !== 0
  const hasMore = (frame.flags & MORE) !== 0
  const begins = intake.total < 0
  const total = begins && hasMore ? readVarint(frame) : frame.end - frame.at
  if (total < 0) return 'a number is broken'
  const tooLong = checkPayload(frame)
  if (tooLong !== undefined) return tooLong
  if (begins) {
    const limit = maxResponseOf(state.settings, ask.service)
    if (total > limit) {
      const refusal = responseTooLarge(ask.peer, limit)
      if (!isLast) endSessionCall(state, out, call, refusal)
      else {
        closeSessionCall(state, session, call)
        fail(state, out, ask.id, refusal)
      }
      return undefined
    }
    intake.total = total
    intake.credit -= VALUE_OVERHEAD
    if (hasMore) beginArriving(state, ask, total, call.firstCredit)
  }
  const size = frame.end - frame.at
  const broken = count(intake, size, hasMore) ?? (hasMore && size < CRUMB ? waste(session, state.now) : undefined)
  if (broken !== undefined) return broken
  if (hasMore) {
    const { hasRoom, bytes } = ask.arriving!
    const gathered = (intake.gathered ??= createGathered())
    gather(gathered, rest(frame), hasRoom ? intake.total : Math.max(bytes, gathered.received + size))
    onPiece(session.pace, state.now, intake, gathered.received)
    if (hasRoom) completeValue(state, session, call)
    return undefined
  }
  if (intake.round !== undefined) onPiece(session.pace, state.now, intake, intake.total)
  if (ask.arriving !== undefined) {
    noteLargest(session, intake.total)
    endArriving(state, ask)
  }
  const value = wholeValue(intake, frame)
  if (isLast) {
    closeSessionCall(state, session, call)
    settle(state, out, ask.id, value)
    return undefined
  }
  if (ask.values === undefined) return 'it goes on after the one value that was asked for'
  emitValue(state, out, ask.id, value)
  if (ask.stage === 'waiting') {
    // The answer has begun, so the rest has no deadline but the idle time, except for questions of the node itself.
    ask.stage = 'streaming'
    if (!ask.service) beginStreaming(state, ask, ask.values.idleTimeout)
  }
  const cost = valueCost(value.length)
  intake.untaken += cost
  if (TAKES_AT_ONCE[ask.values.mode]) giveBackCredit(state, session, call, cost)
  return undefined
}

function beginStreaming(state: State, ask: RequestAsk, idleTimeout: number | undefined): void {
  if (idleTimeout === undefined) return endDeadline(state, ask.id, ask.timeout)
  extendAsk(state, ask.id, ask.timeout, idleTimeout)
  ask.timeout = idleTimeout
}

/** Is this piece as long as the value and the credit allow? */
function count(intake: Intake, size: number, hasMore: boolean): Violation | undefined {
  intake.credit -= size
  if (intake.credit < 0) return 'it sent more than its credit allows'
  const received = (intake.gathered?.received ?? 0) + size
  if (hasMore ? received >= intake.total : received !== intake.total) return 'a value is not as long as it said'
  return undefined
}

function wholeValue(intake: Intake, frame: Frame): Uint8Array {
  const { gathered, total } = intake
  intake.total = -1
  intake.gathered = undefined
  if (gathered === undefined) return copyIfSmall(frame.bytes, frame.at, frame.end)
  gather(gathered, rest(frame), total)
  return takeGathered(gathered)
}

/** A reply that was under way when we cancelled its request. */
function onLateReply(session: Session, { id, flags }: Frame): Violation | undefined {
  if (!session.cancelled.has(id)) return 'it answered a request that is not open'
  if ((flags & LAST) !== 0) session.cancelled.delete(id)
  return undefined
}

function onEnd(state: State, out: Effects, session: Session, frame: Frame): Violation | undefined {
  if (frame.at !== frame.end) return 'END has a body'
  const call = session.requests.get(frame.id)
  if (call === undefined) return session.cancelled.delete(frame.id) ? undefined : 'it ended a request that is not open'
  const { ask, intake } = call
  if (intake !== undefined && intake.total >= 0) return 'it ended an answer in the middle of a value'
  closeSessionCall(state, session, call)
  if (ask.values !== undefined) endValues(state, out, ask.id)
  else fail(state, out, ask.id, { code: 'RequestRejected', message: `${ask.peer} answered without a value` })
  return undefined
}

function onFail(state: State, out: Effects, session: Session, frame: Frame): Violation | undefined {
  const failure = readFail(frame)
  if (failure === undefined) return 'FAIL is broken'
  const call = session.requests.get(frame.id)
  if (call === undefined)
    return session.cancelled.delete(frame.id) ? undefined : 'it refused a request that is not open'
  closeSessionCall(state, session, call)
  fail(state, out, call.ask.id, refusalOf(call.ask.peer, failure))
  return undefined
}

/** The refusal for our caller. */
function refusalOf(peer: string, { code, message, retryAfterMs }: FailFields): Refusal {
  const text = message === '' ? '' : `: ${message}`
  const wait = retryAfterMs > 0 ? { retryAfterMs: Math.min(retryAfterMs, MOST_RETRY_AFTER) } : {}
  switch (code) {
    case 'Overloaded':
      return { code: 'Overloaded', message: `${peer} is overloaded${text}`, ...wait }
    case 'TooLarge':
      return { code: 'RequestTooLarge', message: `${peer} refused the request for its size${text}` }
    case 'Timeout':
      return { code: 'RequestTimeout', message: `${peer} did not answer in time${text}` }
    case STOPPED:
      return { code: 'ConnectionLost', message: `${peer} was stopped before it had answered` }
    case 'Rejected':
    case 'Cancelled':
      return { code: 'RequestRejected', message: `${peer} rejected the request${text}`, ...wait }
    default:
      return {
        code: 'RequestRejected',
        message: `${peer} rejected the request (${code})${text}`,
        ...wait,
        remoteCode: code,
      }
  }
}

function onCredit(state: State, session: Session, frame: Frame): Violation | undefined {
  const amount = readCredit(frame)
  if (amount < 0) return 'CREDIT is broken'
  session.trusted = amount >= WITHOUT_HELLO.requestWindow
  if (frame.id > session.lastId) return 'it gave credit to a request that never was'
  const call = session.requests.get(frame.id)
  const wasted = call === undefined || amount < CRUMB ? waste(session, state.now) : undefined
  if (call === undefined || wasted !== undefined) return wasted
  call.sendCredit += amount
  if (call.sendCredit > MAX_CREDIT) return 'it gave too much credit'
  if (call.value !== undefined) enlist(state, session, call)
  return undefined
}
