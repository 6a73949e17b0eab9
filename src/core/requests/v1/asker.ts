/** Version 1 of the asking side: one stream a request, one frame each way. */
import type { PortEvent } from '../../port.js'
import { createFrameReader, encodeFrame, readFrame, takePayload, type FrameProgress } from '../../../wire/v1.js'
import { REQUEST_RESPONSE_V1 } from '../../../wire/protocols.js'
import { responseTooLarge, settle } from '../../asks.js'
import { updateIdle } from '../../peers/connections.js'
import { removeDeadline } from '../../deadlines.js'
import type { Effects, Refusal } from '../../effects.js'
import type { Connection, RequestAsk, State } from '../../state.js'

type Of<Type extends PortEvent['type']> = Extract<PortEvent, { type: Type }>

/** Opens streams for those who wait, as far as the peer can be trusted to take them. */
export function openCalls(state: State, out: Effects, connection: Connection): void {
  const { maxStreams, maxEarlyStreams } = state.settings
  const limit = connection.proven ? maxStreams : maxEarlyStreams
  for (const id of connection.queue) {
    if (connection.calls.size >= limit) return
    const stream = state.nextStream
    state.nextStream += 2
    assign(state, connection, state.asks.get(id) as RequestAsk, stream)
    out.push({ type: 'open', stream, connection: connection.id, protocols: [REQUEST_RESPONSE_V1] })
  }
}

function assign(state: State, connection: Connection, ask: RequestAsk, stream: number): void {
  connection.queue.delete(ask.id)
  connection.calls.add(stream)
  ask.stage = 'opening'
  ask.stream = stream
  state.calls.set(stream, ask)
}

/** A stream that was opened to find out how the peer is asked: it serves the first who waits. */
export function useStream(state: State, out: Effects, connection: Connection, stream: number): void {
  connection.proven = true
  for (const id of connection.queue) {
    // Identify may have said meanwhile how the peer is asked.
    if (connection.calls.size >= state.settings.maxStreams) break
    const ask = state.asks.get(id) as RequestAsk
    assign(state, connection, ask, stream)
    return onOpened(state, out, ask)
  }
  out.push({ type: 'reset', stream, reason: 'not needed any more' })
}

export function onOpened(state: State, out: Effects, ask: RequestAsk): void {
  const connection = state.connections.get(ask.connection!)!
  ask.stage = 'waiting'
  ask.reader = createFrameReader(state.settings.maxResponseSize)
  out.push({ type: 'write', stream: ask.stream!, chunks: encodeFrame(ask.value!), end: true })
  ask.value = undefined
  if (connection.proven) return
  connection.proven = true
  openCalls(state, out, connection)
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
      ? responseTooLarge(ask.peer, maxResponseSize)
      : {
          code: 'ConnectionLost',
          message: `${ask.peer} broke the protocol: its response is ${what === 'excess' ? 'longer than declared' : 'malformed'}`,
        },
  )
}

export function onResponseEnd(state: State, out: Effects, ask: RequestAsk): void {
  const reader = ask.reader
  if (ask.stage === 'draining') return closeCall(state, out, ask)
  if (reader === undefined || (reader.prefix.size === 0 && reader.length === undefined)) {
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

/** Ends a request that has no answer, and kills its stream. */
export function endCall(state: State, out: Effects, ask: RequestAsk, refusal?: Refusal): void {
  out.push({ type: 'reset', stream: ask.stream!, reason: refusal?.code ?? 'cancelled' })
  closeCall(state, out, ask, refusal)
}

/** Forgets the request and its stream, which is over. A caller that still waits is refused; the next in the queue goes on. */
function closeCall(state: State, out: Effects, ask: RequestAsk, refusal?: Refusal): void {
  const waits = state.asks.delete(ask.id) && ask.stage !== 'draining'
  if (waits && refusal !== undefined) out.push({ type: 'fail', ask: ask.id, refusal })
  removeDeadline(state.askDeadlines, ask.id, ask.timeout)
  const stream = ask.stream!
  state.calls.delete(stream)
  ask.stream = undefined
  const connection = state.connections.get(ask.connection!)
  if (connection === undefined) return
  connection.calls.delete(stream)
  openCalls(state, out, connection)
  updateIdle(state, connection)
}
