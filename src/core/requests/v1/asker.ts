/** The asking side of version 1: one stream per request, one frame each way. It knows nothing of sessions. */
import { offend, OFFENCES } from '../../access/offences.js'
import { createFrameReader, encodeFrame, readFrame, takePayload, type FrameProgress } from '../../../wire/v1.js'
import { REQUEST_RESPONSE_V1 } from '../../../wire/protocols.js'
import { closeAsk, fail, settle } from '../../asks.js'
import type { Effects, Refusal } from '../../effects.js'
import type { EventOf } from '../../events.js'
import { noteUpgraded, updateIdle } from '../../peers/connections.js'
import type { Connection } from '../../peers/state.js'
import type { StreamId } from '../../port.js'
import type { State } from '../../state.js'
import { lost, lossOf, noStream } from '../losses.js'
import type { RequestAsk, V1Call } from '../state.js'
import { addV1Request, nextStream, removeV1Request } from '../streams.js'
import { responseTooLarge } from '../values.js'

/** Opens streams for the requests that wait, as many as the peer can take. */
export function openStreams(state: State, out: Effects, connection: Connection): void {
  const { maxStreams, maxEarlyStreams } = state.settings
  const limit = connection.upgraded ? maxStreams : maxEarlyStreams
  for (const id of connection.queue) {
    if (connection.v1Streams.size >= limit) return
    const stream = nextStream(state)
    assign(state, connection, state.asks.open.get(id) as RequestAsk, stream)
    out.push({ type: 'open', stream, connection: connection.id, protocols: [REQUEST_RESPONSE_V1] })
  }
}

function assign(state: State, connection: Connection, ask: RequestAsk, stream: StreamId): V1Call {
  const call: V1Call = { protocol: 'v1', stream, reader: undefined }
  connection.queue.delete(ask.id)
  connection.v1Streams.add(stream)
  ask.stage = 'opening'
  ask.call = call
  addV1Request(state, stream, ask)
  return call
}

/** The stream that was opened to find out the protocol serves the first request that waits. */
export function useStream(state: State, out: Effects, connection: Connection, stream: StreamId): void {
  noteUpgraded(connection)
  for (const id of connection.queue) {
    // Identify may have opened streams meanwhile.
    if (connection.v1Streams.size >= state.settings.maxStreams) break
    const ask = state.asks.open.get(id) as RequestAsk
    return onOpened(state, out, ask, assign(state, connection, ask, stream))
  }
  out.push({ type: 'reset', stream, reason: 'not needed any more' })
}

export function onOpened(state: State, out: Effects, ask: RequestAsk, call: V1Call): void {
  const connection = state.connections.all.get(ask.connection!)!
  ask.stage = 'waiting'
  call.reader = createFrameReader(state.settings.maxResponseSize)
  out.push({ type: 'write', stream: call.stream, chunks: encodeFrame(ask.data!), end: true })
  ask.data = undefined
  if (connection.upgraded) return
  noteUpgraded(connection)
  openStreams(state, out, connection)
}

/** There is no stream for this request. (If the connection is dead, connectivity.ts has ended the request before.) */
export function onOpenFailed(
  state: State,
  out: Effects,
  ask: RequestAsk,
  call: V1Call,
  event: EventOf<'streamOpenFailed'>,
): void {
  const { peer } = ask
  closeCall(state, out, ask, call, noStream(peer, event, `${peer} does not speak ${REQUEST_RESPONSE_V1}`))
}

export function onResponseData(state: State, out: Effects, ask: RequestAsk, call: V1Call, chunks: Uint8Array[]): void {
  const { reader } = call
  if (reader === undefined) return violate(state, out, ask, call, 'excess')
  let progress: FrameProgress = 'more'
  for (const chunk of chunks) {
    progress = progress === 'done' ? 'excess' : readFrame(reader, chunk)
    if (progress !== 'more' && progress !== 'done') return violate(state, out, ask, call, progress)
  }
  if (progress !== 'done') return
  // The stream stays open until the other side has closed it too.
  settle(state, out, ask.id, takePayload(reader))
  ask.stage = 'draining'
  call.reader = undefined
}

function violate(
  state: State,
  out: Effects,
  ask: RequestAsk,
  call: V1Call,
  what: Exclude<FrameProgress, 'more' | 'done'>,
): void {
  const { maxResponseSize } = state.settings
  out.push({ type: 'reset', stream: call.stream, reason: what })
  if (what !== 'tooLarge') offend(state, ask.peer, OFFENCES.violation, `it sent an answer that is ${what}`)
  closeCall(
    state,
    out,
    ask,
    call,
    what === 'tooLarge'
      ? responseTooLarge(ask.peer, maxResponseSize)
      : {
          code: 'ConnectionLost',
          message: `${ask.peer} broke the protocol: its response is ${what === 'excess' ? 'longer than declared' : 'malformed'}`,
        },
  )
}

export function onResponseEnd(state: State, out: Effects, ask: RequestAsk, call: V1Call): void {
  const { reader } = call
  if (ask.stage === 'draining') return closeCall(state, out, ask, call)
  if (reader === undefined || (reader.prefix.size === 0 && reader.length === undefined)) {
    const message = `${ask.peer} rejected the request`
    return closeCall(state, out, ask, call, { code: 'RequestRejected', message })
  }
  out.push({ type: 'reset', stream: call.stream, reason: 'incomplete' })
  const message = `the response of ${ask.peer} ended in its middle`
  closeCall(state, out, ask, call, { code: 'ConnectionLost', message })
}

export function onCallClosed(
  state: State,
  out: Effects,
  ask: RequestAsk,
  call: V1Call,
  { reason, failure }: EventOf<'streamClosed'>,
): void {
  closeCall(
    state,
    out,
    ask,
    call,
    reason === 'reset'
      ? { code: 'RequestRejected', message: `${ask.peer} refused the request: it reset the stream` }
      : lost(ask, lossOf('the stream was lost', failure)),
  )
}

/** Its connection is gone, and with it its stream, which may not even have been open. */
export function leaveStream(state: State, ask: RequestAsk, { stream }: V1Call): void {
  removeV1Request(state, stream)
  ask.stage = 'queued'
  ask.call = undefined
}

/** Ends a request without an answer and resets its stream. */
export function endCall(state: State, out: Effects, ask: RequestAsk, call: V1Call, refusal?: Refusal): void {
  out.push({ type: 'reset', stream: call.stream, reason: refusal?.code ?? 'cancelled' })
  closeCall(state, out, ask, call, refusal)
}

/**
 * Removes the request and its stream, which has ended. A caller that still waits is refused; the next request of the
 * queue follows.
 */
function closeCall(state: State, out: Effects, ask: RequestAsk, { stream }: V1Call, refusal?: Refusal): void {
  const waits = closeAsk(state, ask.id, ask.timeout) && ask.stage !== 'draining'
  if (waits && refusal !== undefined) fail(state, out, ask.id, refusal)
  removeV1Request(state, stream)
  ask.call = undefined
  const connection = state.connections.all.get(ask.connection!)
  if (connection === undefined) return
  connection.v1Streams.delete(stream)
  openStreams(state, out, connection)
  updateIdle(state, connection)
}
