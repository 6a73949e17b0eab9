/**
 * The answering side of request/response: a peer's request from its stream to whoever answers it, and back. Version 1.
 * Limits hold while a request is read; bytes that find no room wait with their stream paused; who never ends is cut off.
 */
import type { PortEvent, StreamId } from '../../network/port.js'
import { createFrameReader, encodeFrame, readFrame, takePayload, type FrameProgress } from '../../wire/frame-v1.js'
import { updateIdle } from '../connections.js'
import { addDeadline, removeDeadline } from '../deadlines.js'
import { log, type Effects } from '../effects.js'
import type { Exchange, State } from '../state.js'
import { closeAccount, openAccount, release, reserve } from './budget.js'

export function onInboundStream(
  state: State,
  out: Effects,
  event: Extract<PortEvent, { type: 'streamInbound' }>,
): void {
  const { stream, connection: id } = event
  const connection = state.connections.get(id)
  if (connection === undefined) return void out.push({ type: 'reset', stream, reason: 'unknown connection' })
  if (!openAccount(state, connection.peer)) {
    log(out, 'warn', `${connection.peer} has too many requests open: one of them was refused`)
    return void out.push({ type: 'reset', stream, reason: 'too many requests' })
  }
  state.exchanges.set(stream, {
    stream,
    connection: id,
    peer: connection.peer,
    stage: 'reading',
    reader: createFrameReader(state.settings.maxRequestSize),
    reserved: undefined,
    complete: false,
  })
  addDeadline(state.exchangeDeadlines, stream, state.now, state.settings.requestTimeout)
  connection.exchanges.add(stream)
  updateIdle(state, connection)
}

export function onRequestData(state: State, out: Effects, exchange: Exchange, chunks: Uint8Array[]): void {
  const { reader } = exchange
  for (const chunk of chunks) {
    const progress = exchange.complete ? 'excess' : readFrame(reader, chunk)
    if (progress === 'done') exchange.complete = true
    else if (progress !== 'more') return violate(state, out, exchange, progress)
  }
  if (exchange.stage !== 'reading' || reader.length === undefined) return
  if (exchange.reserved === undefined && !reserve(state, exchange)) {
    exchange.stage = 'held'
    state.held.add(exchange.stream)
    if (!exchange.complete) out.push({ type: 'pause', stream: exchange.stream })
    return
  }
  if (exchange.complete) hand(state, out, exchange)
}

function violate(state: State, out: Effects, exchange: Exchange, what: Exclude<FrameProgress, 'more' | 'done'>): void {
  const why = {
    tooLarge: `larger than ${state.settings.maxRequestSize} bytes (maxRequestSize)`,
    malformed: 'malformed',
    excess: 'longer than declared',
  }[what]
  log(out, 'warn', `a request of ${exchange.peer} was refused: it is ${why}`)
  kill(state, out, exchange, what)
}

/** The request is whole and has its room: whoever answers requests gets it. */
function hand(state: State, out: Effects, exchange: Exchange): void {
  exchange.stage = 'handling'
  addDeadline(state.exchangeDeadlines, exchange.stream, state.now, state.settings.requestTimeout)
  out.push({ type: 'handle', exchange: exchange.stream, from: exchange.peer, data: takePayload(exchange.reader) })
}

export function onRequestEnd(state: State, out: Effects, exchange: Exchange): void {
  if (exchange.complete) return
  log(out, 'debug', `a request of ${exchange.peer} ended in its middle`)
  kill(state, out, exchange, 'incomplete')
}

/** The caller's answer. Only the first one finds the exchange waiting for it. */
export function respond(state: State, out: Effects, stream: StreamId, data: Uint8Array): void {
  send(state, out, stream, encodeFrame(data))
}

/** A stream that ends with no bytes at all means "rejected"; version 1 carries no reason. */
export function reject(state: State, out: Effects, stream: StreamId): void {
  send(state, out, stream, [])
}

function send(state: State, out: Effects, stream: StreamId, chunks: Uint8Array[]): void {
  const exchange = state.exchanges.get(stream)
  if (exchange?.stage !== 'handling') return
  exchange.stage = 'answering'
  addDeadline(state.exchangeDeadlines, stream, state.now, state.settings.requestTimeout)
  out.push({ type: 'write', stream, chunks, end: true })
}

export function expireExchange(state: State, out: Effects, stream: StreamId): void {
  const exchange = state.exchanges.get(stream)
  if (exchange === undefined) return
  const { requestTimeout } = state.settings
  if (exchange.stage === 'handling') {
    log(out, 'warn', `nobody answered a request of ${exchange.peer} within ${requestTimeout} ms: rejected`)
    out.push({ type: 'cancelHandler', exchange: stream, reason: `not answered within ${requestTimeout} ms` })
    return reject(state, out, stream)
  }
  log(out, 'debug', `a request of ${exchange.peer} was cut off while ${exchange.stage}`)
  kill(state, out, exchange, 'timeout')
}

/** The stream is gone: answered in good order, or given up by the asker. */
export function cutExchange(state: State, out: Effects, stream: StreamId, reason: string): void {
  const exchange = state.exchanges.get(stream)
  if (exchange === undefined) return
  if (exchange.stage === 'handling') out.push({ type: 'cancelHandler', exchange: stream, reason })
  end(state, out, exchange)
}

function kill(state: State, out: Effects, exchange: Exchange, reason: string): void {
  out.push({ type: 'reset', stream: exchange.stream, reason })
  cutExchange(state, out, exchange.stream, reason)
}

function end(state: State, out: Effects, exchange: Exchange): void {
  const { stream } = exchange
  state.exchanges.delete(stream)
  removeDeadline(state.exchangeDeadlines, stream, state.settings.requestTimeout)
  closeAccount(state, exchange)
  const connection = state.connections.get(exchange.connection)
  if (connection !== undefined) {
    connection.exchanges.delete(stream)
    updateIdle(state, connection)
  }
  for (const next of release(state)) {
    next.stage = 'reading'
    if (next.complete) hand(state, out, next)
    else out.push({ type: 'resume', stream: next.stream })
  }
}
