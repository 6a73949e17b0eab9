/**
 * The asking side of request/response: a request's way from its command over a dial, a queue and a stream to its answer.
 * Version 1: one stream a request, one frame each way. Correlation is by number; there is no search and no timer here.
 */
import type { AskId, PortEvent } from '../../network/port.js'
import { REQUEST_RESPONSE_V1 } from '../../wire/protocols.js'
import { createFrameReader, encodeFrame, readFrame, takePayload, type FrameProgress } from '../../wire/frame-v1.js'
import { admit, settle } from '../asks.js'
import { connectionTo, updateIdle } from '../connections.js'
import { addDeadline, removeDeadline } from '../deadlines.js'
import { reach } from '../dials.js'
import type { Effects, Refusal } from '../effects.js'
import type { Command } from '../events.js'
import type { Connection, RequestAsk, State } from '../state.js'

type Of<Type extends PortEvent['type']> = Extract<PortEvent, { type: Type }>

export function startRequest(state: State, out: Effects, command: Extract<Command, { type: 'request' }>): void {
  const { ask: id, peer, timeout, data } = command
  if (!admit(state, out, id)) return
  const ask: RequestAsk = {
    kind: 'request',
    id,
    peer,
    timeout,
    data,
    stage: 'dialling',
    connection: undefined,
    stream: undefined,
    reader: undefined,
  }
  state.asks.set(id, ask)
  addDeadline(state.askDeadlines, id, state.now, timeout)
  const connection = connectionTo(state, peer)
  if (connection !== undefined) {
    useConnection(state, out, ask, connection)
  } else if (!reach(state, out, peer, command.addresses, id)) {
    const message = `${state.dials.size} dials are under way already`
    endRequest(state, out, ask, { code: 'Overloaded', message, retryAfterMs: 1_000 })
  }
}

/** The request goes over this connection: now, or when one of its streams is free. */
export function useConnection(state: State, out: Effects, ask: RequestAsk, connection: Connection): void {
  ask.stage = 'queued'
  ask.connection = connection.id
  connection.asks.add(ask.id)
  connection.queue.add(ask.id)
  updateIdle(state, connection)
  openNext(state, out, connection)
}

/** Opens streams for those who wait, as far as the peer can be trusted to take them. */
function openNext(state: State, out: Effects, connection: Connection): void {
  const { maxStreams, maxEarlyStreams } = state.settings
  const limit = connection.proven ? maxStreams : maxEarlyStreams
  for (const id of connection.queue) {
    if (connection.streams >= limit) return
    connection.queue.delete(id)
    const ask = state.asks.get(id) as RequestAsk
    const stream = state.nextStream
    state.nextStream += 2
    ask.stage = 'opening'
    ask.stream = stream
    state.calls.set(stream, ask)
    connection.streams++
    out.push({ type: 'open', stream, connection: connection.id, protocols: [REQUEST_RESPONSE_V1] })
  }
}

export function onOpened(state: State, out: Effects, ask: RequestAsk): void {
  const connection = state.connections.get(ask.connection!)!
  ask.stage = 'waiting'
  ask.reader = createFrameReader(state.settings.maxResponseSize)
  out.push({ type: 'write', stream: ask.stream!, chunks: encodeFrame(ask.data!), end: true })
  ask.data = undefined
  if (!connection.proven) {
    connection.proven = true
    openNext(state, out, connection)
  }
}

/** No stream for this request. (When the connection itself is dead, `connectivity.ts` has ended the request before.) */
export function onOpenFailed(state: State, out: Effects, ask: RequestAsk, event: Of<'streamOpenFailed'>): void {
  const { message, cause } = event.failure
  closeCall(
    state,
    out,
    ask,
    event.reason === 'unsupported'
      ? { code: 'RequestRejected', message: `${ask.peer} does not speak ${REQUEST_RESPONSE_V1}`, cause }
      : { code: 'ConnectionLost', message: `no stream to ${ask.peer}: ${message}`, cause },
  )
}

export function onResponseData(state: State, out: Effects, ask: RequestAsk, chunks: Uint8Array[]): void {
  if (ask.stage === 'draining' || ask.reader === undefined) return violate(state, out, ask, 'excess')
  const reader = ask.reader
  let progress: FrameProgress = 'more'
  for (const chunk of chunks) {
    progress = progress === 'done' ? 'excess' : readFrame(reader, chunk)
    if (progress !== 'more' && progress !== 'done') return violate(state, out, ask, progress)
  }
  if (progress === 'done') answer(out, ask, takePayload(reader))
}

/** The answer is here. The stream stays until the other side has closed it too. */
function answer(out: Effects, ask: RequestAsk, value: Uint8Array): void {
  settle(out, ask.id, value)
  ask.stage = 'draining'
  ask.reader = undefined
}

function violate(state: State, out: Effects, ask: RequestAsk, what: Exclude<FrameProgress, 'more' | 'done'>): void {
  const { maxResponseSize } = state.settings
  out.push({ type: 'reset', stream: ask.stream!, reason: what })
  closeCall(
    state,
    out,
    ask,
    what === 'tooLarge'
      ? {
          code: 'ResponseTooLarge',
          message: `the response of ${ask.peer} is larger than ${maxResponseSize} bytes (maxResponseSize)`,
        }
      : {
          code: 'ConnectionLost',
          message: `${ask.peer} broke the protocol: its response is ${what === 'excess' ? 'longer than declared' : 'malformed'}`,
        },
  )
}

export function onResponseEnd(state: State, out: Effects, ask: RequestAsk): void {
  const reader = ask.reader
  if (ask.stage === 'draining') return closeCall(state, out, ask)
  if (reader === undefined || (reader.prefixBytes === 0 && reader.length === undefined)) {
    return closeCall(state, out, ask, { code: 'RequestRejected', message: `${ask.peer} rejected the request` })
  }
  out.push({ type: 'reset', stream: ask.stream!, reason: 'incomplete' })
  closeCall(state, out, ask, { code: 'ConnectionLost', message: `the response of ${ask.peer} ended in its middle` })
}

export function onCallClosed(state: State, out: Effects, ask: RequestAsk, reason: Of<'streamClosed'>['reason']): void {
  closeCall(
    state,
    out,
    ask,
    reason === 'reset'
      ? { code: 'RequestRejected', message: `${ask.peer} refused the request: it reset the stream` }
      : { code: 'ConnectionLost', message: `the stream was lost before ${ask.peer} answered` },
  )
}

/** The deadline of a request, or of the stream of one that was answered. */
export function expireRequest(state: State, out: Effects, id: AskId): void {
  const ask = state.asks.get(id)
  if (ask?.kind !== 'request') return
  const where = {
    dialling: 'while it was being dialled',
    queued: 'while the request waited for a stream',
    opening: 'while a stream was being opened',
    waiting: 'to the request',
    draining: '',
  }[ask.stage]
  endRequest(state, out, ask, {
    code: 'RequestTimeout',
    message: `no answer from ${ask.peer} within ${ask.timeout} ms ${where}`,
  })
}

/** Ends a request that has no answer: tells the caller why (unless it cancelled), and kills its stream. */
export function endRequest(state: State, out: Effects, ask: RequestAsk, refusal?: Refusal): void {
  if (ask.stream !== undefined) out.push({ type: 'reset', stream: ask.stream, reason: refusal?.code ?? 'cancelled' })
  closeCall(state, out, ask, refusal)
}

/** Forgets the request and its stream, which is over. A caller that still waits is refused; the next in the queue goes on. */
function closeCall(state: State, out: Effects, ask: RequestAsk, refusal?: Refusal): void {
  const waits = state.asks.delete(ask.id) && ask.stage !== 'draining'
  if (waits && refusal !== undefined) out.push({ type: 'fail', ask: ask.id, refusal })
  removeDeadline(state.askDeadlines, ask.id, ask.timeout)
  if (ask.stage === 'dialling') state.dials.get(ask.peer)?.waiting.delete(ask.id)
  const connection = ask.connection === undefined ? undefined : state.connections.get(ask.connection)
  if (ask.stream !== undefined) {
    state.calls.delete(ask.stream)
    ask.stream = undefined
    if (connection !== undefined) connection.streams--
  }
  if (connection === undefined) return
  connection.asks.delete(ask.id)
  connection.queue.delete(ask.id)
  openNext(state, out, connection)
  updateIdle(state, connection)
}
