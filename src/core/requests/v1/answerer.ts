/**
 * Version 1 of the answering side: one stream a request, one frame each way. Bytes that find no room wait with their
 * stream paused; who never ends is cut off.
 */
import type { PortEvent } from '../../port.js'
import { createFrameReader, encodeFrame, readFrame, takePayload, type FrameProgress } from '../../../wire/v1.js'
import { updateIdle } from '../../peers/connections.js'
import { setDeadline } from '../../due.js'
import { log, type Effects } from '../../effects.js'
import type { State, StreamExchange } from '../../state.js'
import { admit, openAccount } from '../budget.js'
import { cutExchange, hand } from '../exchanges.js'

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
  const timeout = state.settings.requestTimeout
  state.exchanges.set(stream, {
    kind: 'stream',
    id: stream,
    connection: id,
    peer: connection.peer,
    stage: 'reading',
    reader: createFrameReader(state.settings.maxRequestSize),
    reserved: 0,
    admitted: false,
    complete: false,
    timeout,
  })
  setDeadline(state, state.exchangeDeadlines, stream, timeout)
  connection.exchanges.add(stream)
  updateIdle(state, connection)
}

export function onRequestData(state: State, out: Effects, exchange: StreamExchange, chunks: Uint8Array[]): void {
  const { reader } = exchange
  for (const chunk of chunks) {
    const progress = exchange.complete ? 'excess' : readFrame(reader, chunk)
    if (progress === 'done') exchange.complete = true
    else if (progress !== 'more') return violate(state, out, exchange, progress)
  }
  if (exchange.stage !== 'reading' || reader.length === undefined) return
  if (!exchange.admitted && !admit(state, exchange, reader.length)) {
    exchange.stage = 'held'
    state.held.add(exchange.id)
    if (!exchange.complete) out.push({ type: 'pause', stream: exchange.id })
    return
  }
  if (exchange.complete) handOver(state, out, exchange)
}

function handOver(state: State, out: Effects, exchange: StreamExchange): void {
  hand(state, out, exchange, takePayload(exchange.reader), state.settings.requestTimeout)
}

/** There is room for a request that was held. */
export function resume(state: State, out: Effects, exchange: StreamExchange): void {
  exchange.stage = 'reading'
  if (exchange.complete) handOver(state, out, exchange)
  else out.push({ type: 'resume', stream: exchange.id })
}

function violate(
  state: State,
  out: Effects,
  exchange: StreamExchange,
  what: Exclude<FrameProgress, 'more' | 'done'>,
): void {
  const why = {
    tooLarge: `larger than ${state.settings.maxRequestSize} bytes (maxRequestSize)`,
    malformed: 'malformed',
    excess: 'longer than declared',
  }[what]
  log(out, 'warn', `a request of ${exchange.peer} was refused: it is ${why}`)
  kill(state, out, exchange, what)
}

export function onRequestEnd(state: State, out: Effects, exchange: StreamExchange): void {
  if (exchange.complete) return
  log(out, 'debug', `a request of ${exchange.peer} ended in its middle`)
  kill(state, out, exchange, 'incomplete')
}

/** The answer, in one frame; none at all means "rejected", for which version 1 has no reason. */
export function send(state: State, out: Effects, exchange: StreamExchange, data: Uint8Array | undefined): void {
  exchange.stage = 'answering'
  setDeadline(state, state.exchangeDeadlines, exchange.id, exchange.timeout)
  out.push({ type: 'write', stream: exchange.id, chunks: data === undefined ? [] : encodeFrame(data), end: true })
}

/** Ends an exchange from our side. */
export function kill(state: State, out: Effects, exchange: StreamExchange, reason: string): void {
  out.push({ type: 'reset', stream: exchange.id, reason })
  cutExchange(state, out, exchange.id, reason)
}
