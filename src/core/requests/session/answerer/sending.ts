/** The frames that an answerer sends: HELLO, values in pieces, ends, refusals, CREDIT. Their order is the outbox's. */
import { WITHOUT_HELLO } from '../../../../wire/session/format.js'
import { writeCredit, writeEnd, writeFail, writeHello, writeReply } from '../../../../wire/session/writer.js'
import { chunkOf, writeGoodbyes, type Sending } from '../outbox.js'
import { onAnswered } from '../pacing.js'
import type { AnsweringSession } from '../state.js'
import type { SessionExchange } from '../../state.js'
import { VALUE_OVERHEAD } from '../../values.js'
import { advance, allow, charge, endExchange, sessionOf } from './answers.js'

/** Bytes of a request that the asker may send before any CREDIT. */
export const REQUEST_WINDOW = WITHOUT_HELLO.requestWindow

export const sendingAnswers: Sending<AnsweringSession<SessionExchange>, SessionExchange> = {
  inOrder: false,

  hasControl({ helloSent, failures, credits, goodbyes }) {
    return !helloSent || goodbyes.length > 0 || failures.length > 0 || credits.size > 0
  },

  control(session, writer, { maxInboundPerPeer, maxRequestSize }) {
    if (!session.helloSent) {
      session.helloSent = true
      const announced = { maxOpen: maxInboundPerPeer, requestWindow: REQUEST_WINDOW, maxRequest: maxRequestSize }
      writeHello(writer, announced)
    }
    writeGoodbyes(session, writer)
    for (const { wireId, code, message, retryAfterMs } of session.failures) {
      writeFail(writer, wireId, code, message, retryAfterMs)
    }
    if (session.failures.length > 0) session.failures = []
    if (session.credits.size === 0) return
    for (const [id, amount] of session.credits) writeCredit(writer, id, amount)
    session.credits.clear()
  },

  sendable({ value, sent, sendCredit, ended }) {
    if (value === undefined) return ended ? 0 : -1
    if (sent < 0) return sendCredit < VALUE_OVERHEAD ? -1 : chunkOf(value.length, sendCredit - VALUE_OVERHEAD)
    const bytes = chunkOf(value.length - sent, sendCredit)
    return bytes === 0 ? -1 : bytes
  },

  write(state, out, exchange, writer, bytes) {
    const { value, wireId, failure, series } = exchange
    if (value === undefined) {
      if (failure === undefined) writeEnd(writer, wireId)
      else writeFail(writer, wireId, failure.code, failure.message, failure.retryAfterMs)
      return endExchange(state, exchange)
    }
    const first = exchange.sent < 0
    const from = first ? 0 : exchange.sent
    const to = from + bytes
    const isWhole = to === value.length
    const isLast =
      isWhole && exchange.ended && failure === undefined && (series === undefined || series.values.length === 0)
    writeReply(writer, wireId, value, from, to, first, isLast)
    const cost = bytes + (first ? VALUE_OVERHEAD : 0)
    exchange.sendCredit -= cost
    if (series !== undefined) charge(sessionOf(state, exchange), series, -cost)
    exchange.sent = to
    if (isLast) {
      if (first) onAnswered(sessionOf(state, exchange).pace, state.now, exchange.total, to)
      return endExchange(state, exchange)
    }
    if (isWhole) advance(exchange)
    if (series?.pullable === true) allow(state, out, exchange)
  },
}
