/** The frames of an asker: requests in pieces, CANCEL, CREDIT. A violation of the protocol is returned as text. */
import type { SessionExchange } from '../../state.js'
import { copyIfSmall, createGathered, gather, takeGathered } from '../../../../wire/gather.js'
import {
  Feature,
  FrameType,
  MAX_CREDIT,
  MORE,
  ONE,
  LOSSY,
  SERVICE,
  WITHOUT_HELLO,
} from '../../../../wire/session/format.js'
import {
  checkPayload,
  createRequestFields,
  isIgnorable,
  readCredit,
  readHello,
  readRequest,
  rest,
  type Frame,
  type Violation,
} from '../../../../wire/session/reader.js'
import type { Effects } from '../../../effects.js'
import { updateIdle } from '../../../peers/connections.js'
import { onGoodbye, onGreeted } from '../../../peers/goodbye.js'
import { enlist, scheduleFlush } from '../../streams.js'
import { onPiece } from '../pacing.js'
import type { AnsweringSession } from '../state.js'
import { CRUMB, waste } from '../waste.js'
import { maxRequestOf } from '../../../settings.js'
import type { State } from '../../../state.js'
import { POLICIES } from '../../values.js'
import { noteReceived } from '../../accounts.js'
import { whyDear } from '../../dear.js'
import { openAccount, reserve, reserveWindow, waitForRoom } from '../../budget.js'
import { nextExchange, openExchange, refusesNew, startDeadline, tooLate, GIVEN_UP } from '../../exchanges.js'
import { isSeries, openInPlaceOfOthers } from './idle.js'
import { logRefusal } from '../../refusal-log.js'
import { startHandling, TOO_LATE } from '../../turns.js'
import {
  allow,
  cutExchange,
  failNow,
  grantRest,
  keepRest,
  KEPT_BACK,
  noteFlight,
  REQUEST_WINDOW,
  writeRefusal,
} from './answers.js'

/** A CANCEL this long before the deadline is taken for the end of the asker's time, ms. */
const CANCELS_WITHIN = 100

/** Why a request is refused that is larger than what is free. */
const NO_ROOM = 'no room for a request of this size'

type Session = AnsweringSession<SessionExchange>

/** One object for the fields of all requests, because they are copied at once. */
const fields = createRequestFields()

export function onFrame(state: State, out: Effects, session: Session, frame: Frame): Violation | undefined {
  if (!session.greeted) {
    session.greeted = true
    scheduleFlush(state, session)
    return frame.type === FrameType.HELLO ? onHello(state, session, frame) : 'its first frame is not HELLO'
  }
  if (isIgnorable(frame, session.hello)) return waste(session, state.now)
  if (frame.id === 0 && frame.type !== FrameType.HELLO) return 'a frame has no id'
  switch (frame.type) {
    case FrameType.REQUEST:
      return onRequest(state, out, session, frame)
    case FrameType.DATA:
      return onData(state, out, session, frame)
    case FrameType.CANCEL:
      return onCancel(state, out, session, frame)
    case FrameType.GOODBYE:
      return waste(session, state.now) ?? onGoodbye(state, out, session, frame)
    case FrameType.CREDIT:
      return onCredit(state, out, session, frame)
    default:
      return `a frame of type ${frame.type} is not for an answerer`
  }
}

function onHello(state: State, session: Session, frame: Frame): Violation | undefined {
  const broken = readHello(frame, session.hello)
  if (broken === undefined) onGreeted(state, session)
  return broken
}

function onRequest(state: State, out: Effects, session: Session, frame: Frame): Violation | undefined {
  const { id, flags } = frame
  const { limits, requestTimeout } = state.settings
  if (id <= session.lastId) return 'an id was used again'
  session.lastId = id
  // A refused request counts until its FAIL was sent, so an asker that does not read cannot ask without end.
  const open = session.requests.size + session.failures.length
  if (open >= Math.max(WITHOUT_HELLO.maxOpen, limits.requestsPerPeer)) return 'too many requests are open'
  const service = (flags & SERVICE) !== 0
  if (service && (session.hello.features & Feature.SERVICE) === 0) return 'it used a feature that it had not named'
  const broken = readRequest(frame, fields)
  if (broken !== undefined) return broken
  const size = frame.end - frame.at
  const hasMore = (flags & MORE) !== 0
  const total = hasMore ? fields.total : size
  if (hasMore && size >= total) return 'a request is longer than it said'
  const limit = maxRequestOf(state.settings, service)
  if (total > limit) {
    return refuse(state, out, session, id, 'TooLarge', `the limit is ${limit} bytes`)
  }
  // Known to every asker, and meant for another try: elsewhere, or here when the node is back.
  if (!service && refusesNew(state)) return refuse(state, out, session, id, 'Overloaded', 'the node is shutting down')
  const account = openAccount(state, session.peer) ?? openInPlaceOfOthers(state, out, session.peer)
  if (account === undefined) return refuse(state, out, session, id, 'Overloaded', 'too many requests are open')
  const exchange: SessionExchange = {
    protocol: 'session',
    id: nextExchange(state),
    session: session.stream,
    connection: session.connection,
    peer: session.peer,
    service,
    stage: 'reading',
    reserved: 0,
    admitted: false,
    complete: false,
    timeout: fields.timeout === 0 ? requestTimeout : Math.min(fields.timeout, requestTimeout),
    moved: 0,
    until: 0,
    deadline: fields.timeout === 0 ? 0 : state.now + fields.timeout,
    one: (flags & ONE) !== 0,
    lossy:
      (flags & LOSSY) === 0 ? undefined : { buffer: Math.max(1, fields.buffer), overflow: POLICIES[fields.policy]! },
    total,
    gathered: undefined,
    credit: REQUEST_WINDOW - size,
    keptBack: KEPT_BACK,
    round: undefined,
    wireId: id,
    value: undefined,
    sent: -1,
    sendCredit: fields.credit,
    listed: false,
    series: undefined,
    ended: false,
    failure: undefined,
    account,
    arrivedAt: 0,
    payload: undefined,
    busy: false,
    held: 0,
  }
  noteReceived(exchange, size)
  openExchange(state, exchange)
  session.requests.set(id, exchange)
  if (session.requests.size === 1) updateIdle(state, state.connections.all.get(session.connection)!)
  if (!hasMore) {
    if (!reserve(state, exchange, size)) return overloaded(state, out, exchange, NO_ROOM)
    exchange.complete = true
    return handOver(state, out, exchange, copyIfSmall(frame.bytes, frame.at, frame.end))
  }
  startDeadline(state, exchange)
  // What may come without CREDIT needs its room in any case.
  if (!reserve(state, exchange, total) && !reserveWindow(state, exchange, Math.min(total, REQUEST_WINDOW)))
    return overloaded(state, out, exchange, NO_ROOM)
  gather((exchange.gathered = createGathered()), rest(frame), exchange.reserved)
  if (hasRoom(exchange)) grantRest(state, session, exchange)
  else waitForRoom(state, exchange)
  return undefined
}

/** Is there room for all of it? For one that may come without CREDIT there always is. */
function hasRoom({ admitted, total }: SessionExchange): boolean {
  return admitted || total <= REQUEST_WINDOW
}

function handOver(state: State, out: Effects, exchange: SessionExchange, data: Uint8Array): undefined {
  const late = startHandling(state, out, exchange, data)
  if (late > 0) overloaded(state, out, exchange, TOO_LATE + whyDear(state, exchange.account), late)
}

function overloaded(state: State, out: Effects, exchange: SessionExchange, message: string, wait = 0): undefined {
  const session = state.connections.all.get(exchange.connection)!.answering!
  cutExchange(state, out, exchange, { code: 'Overloaded', message })
  return refuse(state, out, session, exchange.wireId, 'Overloaded', message, wait)
}

/** Refuses a request that has no exchange. */
function refuse(
  state: State,
  out: Effects,
  session: Session,
  wireId: number,
  code: string,
  message: string,
  wait = 0,
): undefined {
  logRefusal(state, out, session.peer, message)
  writeRefusal(state, session, wireId, code, message, wait)
}

function onData(state: State, out: Effects, session: Session, frame: Frame): Violation | undefined {
  const { id, flags } = frame
  if (id > session.lastId) return 'there is more of a request that never was'
  const exchange = session.requests.get(id)
  // The request was refused while this frame was under way.
  if (exchange === undefined) return waste(session, state.now)
  const { gathered, total } = exchange
  if (gathered === undefined) return 'there is more of a request that is complete'
  const size = frame.end - frame.at
  exchange.credit -= size
  if (exchange.credit < 0) return 'it sent more than its credit allows'
  noteFlight(session, exchange)
  const hasMore = (flags & MORE) !== 0
  noteReceived(exchange, size)
  const received = gathered.received + size
  if (hasMore ? received >= total : received !== total) return 'a request is not as long as it said'
  const broken = checkPayload(frame) ?? (hasMore && size < CRUMB ? waste(session, state.now) : undefined)
  if (broken !== undefined) return broken
  gather(gathered, rest(frame), exchange.reserved)
  onPiece(session.pace, state.now, exchange, received)
  if (hasMore) {
    if (hasRoom(exchange)) grantRest(state, session, exchange)
    return undefined
  }
  exchange.complete = true
  exchange.gathered = undefined
  keepRest(session, exchange)
  return handOver(state, out, exchange, takeGathered(gathered))
}

/**
 * The asker cancels what it does not get in time. Its clock is not ours, so this may be a little before the deadline, which is that of the first
 * value.
 */
function isOverFor({ now }: State, exchange: SessionExchange): boolean {
  const { deadline, timeout } = exchange
  return deadline !== 0 && !isSeries(exchange) && deadline - now <= Math.min(CANCELS_WITHIN, timeout / 10)
}

function onCancel(state: State, out: Effects, session: Session, frame: Frame): Violation | undefined {
  if (frame.at !== frame.end) return 'CANCEL has a body'
  if (frame.id > session.lastId) return 'it cancelled a request that never was'
  const exchange = session.requests.get(frame.id)
  if (exchange === undefined) return waste(session, state.now)
  failNow(state, exchange, 'Cancelled', '')
  cutExchange(state, out, exchange, isOverFor(state, exchange) ? tooLate(exchange) : GIVEN_UP)
  return undefined
}

function onCredit(state: State, out: Effects, session: Session, frame: Frame): Violation | undefined {
  const amount = readCredit(frame)
  if (amount < 0) return 'CREDIT is broken'
  if (frame.id > session.lastId) return 'it gave credit to a request that never was'
  const exchange = session.requests.get(frame.id)
  const wasted = exchange === undefined || amount < CRUMB ? waste(session, state.now) : undefined
  if (exchange === undefined || wasted !== undefined) return wasted
  exchange.sendCredit += amount
  if (exchange.sendCredit > MAX_CREDIT) return 'it gave too much credit'
  allow(state, out, exchange)
  if (exchange.value !== undefined) enlist(state, session, exchange)
  return undefined
}
