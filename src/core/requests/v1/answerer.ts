/**
 * The answering side of version 1: one stream per request, one frame each way. The stream of a request without room is
 * paused; a request that never ends is cut off by its deadline.
 */
import { offend, OFFENCES } from '../../access/offences.js'
import { createFrameReader, encodeFrame, readFrame, takePayload, type FrameProgress } from '../../../wire/v1.js'
import { log, type Effects, type Refusal } from '../../effects.js'
import type { EventOf } from '../../events.js'
import { updateIdle } from '../../peers/connections.js'
import type { State } from '../../state.js'
import { noteAnswered, noteReceived } from '../accounts.js'
import { whyDear } from '../dear.js'
import { openAccount, reserve, reserveWindow, waitForRoom } from '../budget.js'
import {
  cancelHandler,
  closeExchange,
  isWorkedOn,
  openExchange,
  refusesNew,
  startDeadline,
  type Answerer,
  tooLate,
} from '../exchanges.js'
import { holdAnswer } from '../held.js'
import { logRefusal } from '../refusal-log.js'
import { openInPlaceOfOthers } from '../session/answerer/idle.js'
import type { V1Exchange } from '../state.js'
import { startHandling, TOO_LATE } from '../turns.js'
import { line } from '../../terms.js'

/** What comes over a paused stream all the same, bytes: the window of Yamux, which nobody has given it more of. */
const UNREAD = 262_144

export function onInboundStream(state: State, out: Effects, event: EventOf<'streamInbound'>): void {
  const { stream, connection: id } = event
  const connection = state.connections.all.get(id)
  if (connection === undefined) return void out.push({ type: 'reset', stream, reason: 'unknown connection' })
  // No answer at all: rejected.
  if (refusesNew(state)) return void out.push({ type: 'write', stream, chunks: [], end: true })
  const { peer } = connection
  const account = openAccount(state, peer) ?? openInPlaceOfOthers(state, out, peer)
  if (account === undefined) {
    logRefusal(state, out, connection.peer, 'too many requests are open')
    return void out.push({ type: 'reset', stream, reason: 'too many requests' })
  }
  const exchange: V1Exchange = {
    protocol: 'v1',
    id: stream,
    connection: id,
    peer: connection.peer,
    service: false,
    stage: 'reading',
    reader: createFrameReader(state.settings.maxRequestSize),
    total: 0,
    reserved: 0,
    admitted: false,
    complete: false,
    timeout: state.settings.requestTimeout,
    moved: 0,
    until: 0,
    deadline: 0,
    ended: false,
    account,
    arrivedAt: 0,
    payload: undefined,
    busy: false,
    held: 0,
  }
  openExchange(state, exchange)
  startDeadline(state, exchange)
  connection.v1Exchanges.add(stream)
  updateIdle(state, connection)
}

export function onRequestData(state: State, out: Effects, exchange: V1Exchange, chunks: Uint8Array[]): void {
  const { reader } = exchange
  for (const chunk of chunks) {
    noteReceived(exchange, chunk.length)
    const progress = exchange.complete ? 'excess' : readFrame(reader, chunk)
    if (progress === 'done') exchange.complete = true
    else if (progress !== 'more') return violate(state, out, exchange, progress)
  }
  if (exchange.stage !== 'reading' || reader.length === undefined) return
  exchange.total = reader.length
  if (!exchange.admitted && !reserve(state, exchange, exchange.total)) {
    if (!reserveWindow(state, exchange, Math.min(exchange.total, UNREAD))) {
      logRefusal(state, out, exchange.peer, 'no room for a request of this size')
      return kill(state, out, exchange, 'no room')
    }
    waitForRoom(state, exchange)
    if (!exchange.complete) out.push({ type: 'pause', stream: exchange.id })
    return
  }
  if (exchange.complete) handOver(state, out, exchange)
}

function handOver(state: State, out: Effects, exchange: V1Exchange): void {
  if (startHandling(state, out, exchange, takePayload(exchange.reader)) === 0) return
  logRefusal(state, out, exchange.peer, TOO_LATE + whyDear(state, exchange.account))
  kill(state, out, exchange, 'overloaded')
}

function violate(
  state: State,
  out: Effects,
  exchange: V1Exchange,
  what: Exclude<FrameProgress, 'more' | 'done'>,
): void {
  const why = {
    tooLarge: `larger than ${state.settings.maxRequestSize} bytes (maxRequestSize)`,
    malformed: 'malformed',
    excess: 'longer than declared',
  }[what]
  logRefusal(state, out, exchange.peer, `it is ${why}`)
  if (what !== 'tooLarge') offend(state, exchange.peer, OFFENCES.violation, `it sent a request that is ${why}`)
  kill(state, out, exchange, what)
}

export function onRequestEnd(state: State, out: Effects, exchange: V1Exchange): void {
  if (exchange.complete) return
  log(out, 'debug', line`a request of ${exchange.peer} ended in its middle`)
  kill(state, out, exchange, 'incomplete')
}

/** Sends the answer in one frame. No frame means "rejected", because version 1 has no reasons. */
function send(state: State, out: Effects, exchange: V1Exchange, data: Uint8Array | undefined): void {
  exchange.stage = 'answering'
  exchange.ended = true
  startDeadline(state, exchange)
  if (data === undefined) holdAnswer(state, exchange, 0)
  else noteAnswered(exchange)
  out.push({ type: 'write', stream: exchange.id, chunks: data === undefined ? [] : encodeFrame(data), end: true })
}

/** Ends an exchange from our side, by a reset. */
function kill(state: State, out: Effects, exchange: V1Exchange, reason: string): void {
  out.push({ type: 'reset', stream: exchange.id, reason })
  cutExchange(state, out, exchange, { code: 'Aborted', message: `the request was cut off: ${reason}` })
}

/** The stream has ended: after the answer, or because the asker gave up. */
export function cutExchange(state: State, out: Effects, exchange: V1Exchange, refusal: Refusal): void {
  if (isWorkedOn(exchange)) cancelHandler(state, out, exchange, refusal)
  closeExchange(state, exchange)
  const connection = state.connections.all.get(exchange.connection)
  if (connection === undefined) return
  connection.v1Exchanges.delete(exchange.id)
  updateIdle(state, connection)
}

function sendNothing(state: State, out: Effects, exchange: V1Exchange): void {
  if (exchange.stage === 'handling') send(state, out, exchange, undefined)
}

export const v1Answerer: Answerer<V1Exchange> = {
  takesOne: () => true,
  sendOnly: send,
  addValue: send,
  complete: sendNothing,
  reject: sendNothing,
  setPullable() {},

  expire(state, out, exchange) {
    const { stage, timeout, peer } = exchange
    if (stage === 'queued')
      logRefusal(state, out, peer, `no handler was free for it within ${timeout} ms${whyDear(state, exchange.account)}`)
    if (stage !== 'handling') return kill(state, out, exchange, 'timeout')
    cancelHandler(state, out, exchange, tooLate(exchange))
    send(state, out, exchange, undefined)
  },

  resume(state, out, exchange) {
    exchange.stage = 'reading'
    startDeadline(state, exchange)
    if (exchange.complete) handOver(state, out, exchange)
    else out.push({ type: 'resume', stream: exchange.id })
  },
}
