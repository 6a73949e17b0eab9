/**
 * Answers over a session: their values, their ends, and refusals, from the answerer's call to the frames. Values that wait for
 * credit are kept by series.ts.
 */
import { FIRST_FLIGHT, STOPPED, WITHOUT_HELLO } from '../../../../wire/session/format.js'
import {
  chunkOf,
  writeEnd,
  writeFail,
  writeReply,
  type FrameWriter,
  type HelloLimits,
} from '../../../../wire/session/writer.js'
import type { Settings } from '../../../settings.js'
import { MOST_RETRY_AFTER, RETRY_AFTER } from '../../../asks.js'
import type { Effects, Refusal } from '../../../effects.js'
import type { State } from '../../../state.js'
import {
  allowValues,
  cancelHandler,
  closeExchange,
  isWorkedOn,
  startDeadline,
  timeFor,
  tooLate,
  type Answerer,
} from '../../exchanges.js'
import { shareOf } from '../../../limits/shares.js'
import { whyDear } from '../../dear.js'
import { noteAnswered, noteSent } from '../../accounts.js'
import { isBehind, mayKeep, stall } from '../../held.js'
import type { SessionExchange } from '../../state.js'
import { logRefusal } from '../../refusal-log.js'
import { enlist, scheduleFlush } from '../../streams.js'
import { heldCost, VALUE_OVERHEAD, valueCost } from '../../values.js'
import { updateIdle } from '../../../peers/connections.js'
import { nextCredit, onAnswered, windowOf } from '../pacing.js'
import type { AnsweringSession, FailFrame } from '../state.js'
import { advance, applyOverflow, charge, keepOnly, reserveNext, seriesOf } from './series.js'

type Session = AnsweringSession<SessionExchange>

/** Why an answer ends before its time. */
const TOO_FAST = 'values came faster than they were taken'
const NO_ROOM = 'there is no room for more of the answer'

/** The most that a producer that can wait may be ahead of what was written, whatever the credit. */
const MAX_AHEAD = 65_536

/** Bytes of a request that the asker may send before any CREDIT. */
export const REQUEST_WINDOW = WITHOUT_HELLO.requestWindow
/** Most askers keep these of them back until they get CREDIT. Some send them all at once. */
export const KEPT_BACK = REQUEST_WINDOW - FIRST_FLIGHT

function sessionOf(state: State, exchange: SessionExchange): Session {
  return state.connections.all.get(exchange.connection)!.answering!
}

/** The only value of an answer. */
function sendOnly(state: State, _out: Effects, exchange: SessionExchange, data: Uint8Array): void {
  const session = sessionOf(state, exchange)
  exchange.stage = 'answering'
  exchange.value = data
  exchange.ended = true
  // It may wait for credit or for writes, its own or others.
  startDeadline(state, exchange)
  enlist(state, session, exchange)
}

/** One of several values. A producer that cannot wait may produce too many. */
function addValue(state: State, out: Effects, exchange: SessionExchange, data: Uint8Array): void {
  const session = sessionOf(state, exchange)
  const series = seriesOf(exchange)
  const cost = heldCost(data.length)
  if (!mayKeep(state, exchange, series.cost + cost)) return cutAnswer(state, out, exchange, NO_ROOM, RETRY_AFTER)
  series.allowance -= cost
  if (series.allowance <= 0) series.reserved = 0
  charge(state, session, exchange, series, cost)
  if (exchange.value === undefined) exchange.value = data
  else series.values.push(data)
  if (series.pullable) allow(state, out, exchange)
  else if (!applyOverflow(state, session, exchange, series)) cutAnswer(state, out, exchange, TOO_FAST)
  enlist(state, session, exchange)
}

/** The answer ends with what waits of it, because there is too much of it. */
function cutAnswer(state: State, out: Effects, exchange: SessionExchange, message: string, retryAfterMs = 0): void {
  cancelHandler(state, out, exchange, { code: 'Overloaded', message })
  logCut(state, out, exchange, message)
  endAnswer(state, exchange, { wireId: exchange.wireId, code: 'Overloaded', message, retryAfterMs })
}

/** The rest of the answer is refused. */
export function logCut(state: State, out: Effects, { peer }: SessionExchange, message: string): void {
  logRefusal(state, out, peer, `its answer was cut off: ${message}`)
}

/** The producer can wait. */
function setPullable(state: State, out: Effects, exchange: SessionExchange): void {
  seriesOf(exchange).pullable = true
  allow(state, out, exchange)
}

/** Allows a producer that has used up its allowance to go on, as far as the credit reaches. */
export function allow(state: State, out: Effects, exchange: SessionExchange): void {
  const { series, sendCredit, ended } = exchange
  if (series === undefined || !series.pullable || ended || series.allowance > 0) return
  const room = Math.min(sendCredit, MAX_AHEAD) - series.cost
  if (room <= 0) return keepOnly(state, exchange, series)
  if (isBehind(state) || !reserveNext(state, exchange, series)) return stall(state, exchange)
  allowValues(state, out, exchange, room - series.allowance)
  series.allowance = room
}

/** No value follows; with `failure`, FAIL ends the answer. Values that wait are sent first. */
function endAnswer(state: State, exchange: SessionExchange, failure?: FailFrame): void {
  if ((exchange.stage !== 'handling' && exchange.stage !== 'answering') || exchange.ended) return
  const begins = exchange.stage === 'handling'
  exchange.stage = 'answering'
  if (begins) startDeadline(state, exchange)
  exchange.ended = true
  exchange.failure = failure
  // The end of it waits to be taken from now on.
  if (exchange.series !== undefined && exchange.value === undefined) exchange.series.movedAt = state.now
  keepOnly(state, exchange, exchange.series)
  enlist(state, sessionOf(state, exchange), exchange)
}

/** The exchange has ended. What was not sent of it is dropped. */
export function endExchange(state: State, exchange: SessionExchange): void {
  closeExchange(state, exchange)
  const connection = state.connections.all.get(exchange.connection)
  const session = connection?.answering
  const { series } = exchange
  if (series !== undefined && !series.pullable && session !== undefined) session.queued -= series.cost
  exchange.value = undefined
  exchange.series = undefined
  exchange.ended = false
  if (session === undefined) return
  session.requests.delete(exchange.wireId)
  if (session.credits.size > 0) session.credits.delete(exchange.wireId)
  if (session.requests.size === 0) updateIdle(state, connection!)
}

/** The answer is no longer wanted. */
export function cutExchange(state: State, out: Effects, exchange: SessionExchange, refusal: Refusal): void {
  if (isWorkedOn(exchange)) cancelHandler(state, out, exchange, refusal)
  endExchange(state, exchange)
}

/** The node ends before these are answered: their askers get to know why, if nothing else is on its way to them. */
export function failAll(state: State, out: Effects, refusal: Refusal): void {
  for (const exchange of state.exchanges.open.values()) {
    if (exchange.protocol !== 'session' || exchange.service) continue
    failNow(state, exchange, STOPPED, '')
    cutExchange(state, out, exchange, refusal)
  }
}

/** Refuses at once, so values that wait are not sent. The calling function has to end the exchange. */
export function failNow(state: State, exchange: SessionExchange, code: string, message: string): void {
  writeRefusal(state, sessionOf(state, exchange), exchange.wireId, code, message)
}

/** FAIL goes with the next write. Who finds us overloaded is told when to come again. */
export function writeRefusal(
  state: State,
  session: Session,
  wireId: number,
  code: string,
  message: string,
  wait = 0,
): void {
  const retryAfterMs = Math.min(Math.max(RETRY_AFTER, Math.ceil(wait)), MOST_RETRY_AFTER)
  session.failures.push({ wireId, code, message, retryAfterMs: code === 'Overloaded' ? retryAfterMs : 0 })
  scheduleFlush(state, session)
}

/**
 * The asker has sent a piece. If it has used more than its first flight and the CREDIT that has gone out, it keeps nothing back: all
 * of its credit may be under way, and a round that has begun with less has counted what was under way before.
 */
export function noteFlight({ credits }: Session, exchange: SessionExchange): void {
  const unsent = credits.size === 0 ? 0 : (credits.get(exchange.wireId) ?? 0)
  if (exchange.credit - unsent >= exchange.keptBack) return
  exchange.keptBack = 0
  exchange.round = undefined
}

/** There is room for the whole request, so the asker gets credit for the rest of it. */
export function grantRest(state: State, session: Session, exchange: SessionExchange): void {
  const { wireId, keptBack } = exchange
  const { pace } = session
  let amount = nextCredit(pace, state.now, exchange, keptBack)
  if (amount === 0) return
  // Where the line carries as much, it is said, though less may be missing: the next request then begins with it.
  if (windowOf(pace, state.now) >= REQUEST_WINDOW) amount = Math.max(amount, REQUEST_WINDOW)
  exchange.credit += amount
  session.credits.set(wireId, (session.credits.get(wireId) ?? 0) + amount)
  scheduleFlush(state, session)
}

/** All of the request is here. If it came at once, the credit for its rest has not gone, and need not go. */
export function keepRest({ credits }: Session, { wireId }: SessionExchange): void {
  if (credits.size > 0) credits.delete(wireId)
}

/** What the asker is told when the time of a stage is over. Only a handler that does not answer is a rejection. */
function whyOver(state: State, exchange: SessionExchange): { code: string; message: string } {
  const { stage, total, gathered, sent } = exchange
  const timeout = timeFor(exchange)
  switch (stage) {
    case 'reading':
      return {
        code: 'Timeout',
        message: `the request came too slowly: ${gathered?.received ?? 0} of its ${total} bytes have arrived`,
      }
    case 'waiting':
      return {
        code: 'Overloaded',
        message: `there was no room for its ${total} bytes within the ${timeout} ms that it could wait`,
      }
    case 'queued':
      return {
        code: 'Overloaded',
        message: `no handler was free for it within ${timeout} ms${whyDear(state, exchange.account)}`,
      }
    case 'handling':
      return { code: 'Rejected', message: `nobody answered within ${timeout} ms` }
    case 'answering':
      return { code: 'Timeout', message: `the answer went too slowly: ${Math.max(0, sent)} bytes of it are sent` }
  }
}

export const sessionAnswerer: Answerer<SessionExchange> = {
  takesOne: ({ one }) => one,
  sendOnly,
  addValue,

  complete(state, _out, exchange) {
    endAnswer(state, exchange)
  },

  reject(state, _out, exchange, { code = 'Rejected', reason = '', retryAfterMs = 0 }) {
    endAnswer(state, exchange, { wireId: exchange.wireId, code, message: reason, retryAfterMs })
  },

  setPullable,

  expire(state, out, exchange) {
    const { deadline } = exchange
    const { code, message } = whyOver(state, exchange)
    // Nothing was done for it.
    if (code === 'Overloaded') logRefusal(state, out, exchange.peer, message)
    // Either the asker's time is over, or ours.
    const isAskers = deadline !== 0 && state.now >= deadline
    failNow(state, exchange, isAskers && code !== 'Overloaded' ? 'Timeout' : code, message)
    cutExchange(state, out, exchange, tooLate(exchange))
  },

  resume(state, _out, exchange) {
    exchange.stage = 'reading'
    startDeadline(state, exchange)
    grantRest(state, sessionOf(state, exchange), exchange)
  },
}

/** How the outbox sends answers: values in pieces, ends, refusals. */
export const sendingAnswers = {
  inOrder: false,

  limits: ({ limits, maxRequestSize }: Settings): HelloLimits => ({
    maxOpen: shareOf(limits.requests, limits.requestsPerPeer),
    requestWindow: REQUEST_WINDOW,
    firstFlight: FIRST_FLIGHT,
    maxRequest: maxRequestSize,
  }),

  hasControl: ({ failures }: Session) => failures.length > 0,

  control(session: Session, writer: FrameWriter): void {
    for (const { wireId, code, message, retryAfterMs } of session.failures) {
      writeFail(writer, wireId, code, message, retryAfterMs)
    }
    session.failures = []
  },

  sendable({ value, sent, sendCredit, ended }: SessionExchange): number {
    if (value === undefined) return ended ? 0 : -1
    if (sent < 0) return sendCredit < VALUE_OVERHEAD ? -1 : chunkOf(value.length, sendCredit - VALUE_OVERHEAD)
    const bytes = chunkOf(value.length - sent, sendCredit)
    return bytes === 0 ? -1 : bytes
  },

  write(state: State, out: Effects, exchange: SessionExchange, writer: FrameWriter, bytes: number): void {
    const { value, wireId, failure, series } = exchange
    if (value === undefined) {
      if (failure === undefined) {
        noteAnswered(exchange)
        writeEnd(writer, wireId)
      } else writeFail(writer, wireId, failure.code, failure.message, failure.retryAfterMs)
      return endExchange(state, exchange)
    }
    const first = exchange.sent < 0
    const from = first ? 0 : exchange.sent
    const to = from + bytes
    const isWhole = to === value.length
    const isLast =
      isWhole && exchange.ended && failure === undefined && (series === undefined || series.values.length === 0)
    writeReply(writer, wireId, value, from, to, first, isLast)
    noteSent(state, exchange, bytes)
    exchange.sendCredit -= first ? valueCost(bytes) : bytes
    if (series !== undefined) {
      const freed = isWhole ? heldCost(bytes) : bytes
      charge(state, sessionOf(state, exchange), exchange, series, -freed)
    }
    exchange.sent = to
    if (isLast) {
      noteAnswered(exchange)
      if (first) onAnswered(sessionOf(state, exchange).pace, state.now, exchange.total, to)
      return endExchange(state, exchange)
    }
    if (isWhole) advance(exchange)
    if (series?.pullable === true) allow(state, out, exchange)
  },
}
