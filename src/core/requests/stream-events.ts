/**
 * Dispatches the events of a stream to the session, or the version-1 request, that the stream carries. On streams that we
 * opened we ask, on the others we answer. Events of a stream that the state does not have are ignored, because they
 * crossed with our reset.
 */
import { SESSION } from '../../wire/protocols.js'
import { offend, OFFENCES } from '../access/offences.js'
import type { Effects, Refusal } from '../effects.js'
import type { EventOf } from '../events.js'
import { noteCut } from '../peers/connections.js'
import { dropConnection, dropRefused } from '../peers/connectivity.js'
import type { PortEvent, StreamId } from '../port.js'
import { forgetGoodbyes, isLeaving } from '../peers/goodbye.js'
import type { State } from '../state.js'
import * as answerer from './session/answerer/events.js'
import * as asker from './session/asker/events.js'
import { GIVEN_UP } from './exchanges.js'
import { lossOf } from './losses.js'
import type { AnsweringSession, AskingSession } from './session/state.js'
import type { AnySession, RequestAsk, SessionCall, SessionExchange, V1Call, V1Exchange } from './state.js'
import { scheduleFlush } from './streams.js'
import { cutExchange, onInboundStream, onRequestData, onRequestEnd } from './v1/answerer.js'
import { onCallClosed, onOpened, onOpenFailed, onResponseData, onResponseEnd } from './v1/asker.js'

type StreamEvent = Extract<PortEvent, { stream: StreamId }>

const STREAM_LOST: Refusal = { code: 'ConnectionLost', message: 'the stream was lost' }

/** Why there is no stream → can the connection carry none any more? */
const IS_DEAD: Readonly<Record<EventOf<'streamOpenFailed'>['reason'], boolean>> = {
  unsupported: false,
  failed: false,
  lost: true,
}

export function onStreamEvent(state: State, out: Effects, event: StreamEvent): void {
  if (event.type === 'streamInbound') return onInbound(state, out, event)
  const session = state.streams.sessions.get(event.stream)
  if (session !== undefined && isEnd(event)) {
    if (isLeaving(state, session)) return follow(state, out, session)
    noteCut(state, session.connection)
  }
  if (session?.role === 'asking') return onAskingEvent(state, out, session, event)
  if (session?.role === 'answering') return onAnsweringEvent(state, out, session, event)
  const ask = state.streams.v1Requests.get(event.stream)
  const isLost = event.type === 'streamClosed' && event.reason === 'lost'
  if (isLost) noteCut(state, ask?.connection ?? state.exchanges.open.get(event.stream)?.connection)
  if (ask?.call?.protocol === 'v1') return onCallEvent(state, out, ask, ask.call, event)
  const exchange = state.exchanges.open.get(event.stream)
  if (exchange?.protocol === 'v1') onExchangeEvent(state, out, exchange, event)
}

function onInbound(state: State, out: Effects, event: EventOf<'streamInbound'>): void {
  if (event.protocol !== SESSION) return onInboundStream(state, out, event)
  if (answerer.onInboundSession(state, out, event)) return
  const peer = state.connections.all.get(event.connection)?.peer
  if (peer !== undefined) offend(state, peer, 4 * OFFENCES.violation, 'it opened one session after the other')
  dropConnection(state, out, event.connection, 'the peer opens one session after the other')
}

function onAskingEvent(state: State, out: Effects, session: AskingSession<SessionCall>, event: StreamEvent): void {
  switch (event.type) {
    case 'data':
      return asker.onSessionData(state, out, session, event.chunks)
    case 'writable':
      session.writing = false
      return scheduleFlush(state, session)
    case 'streamOpened':
      return asker.onSessionOpened(state, out, session, event)
    case 'streamOpenFailed':
      if (IS_DEAD[event.reason]) return dropDead(state, out, session.connection, event.failure.message)
      return asker.onSessionOpenFailed(state, out, session, event)
    case 'streamEnded':
      return asker.endSession(state, out, session, 'the session was closed')
    case 'streamClosed':
      if (event.reason !== 'lost') forgetGoodbyes(state, session)
      return asker.onSessionOver(state, out, session, lossOf('the session was lost', event.failure))
    case 'streamInbound':
      return
  }
}

function onAnsweringEvent(
  state: State,
  out: Effects,
  session: AnsweringSession<SessionExchange>,
  event: StreamEvent,
): void {
  switch (event.type) {
    case 'data':
      return answerer.onAnsweringData(state, out, session, event.chunks)
    case 'writable':
      session.writing = false
      return scheduleFlush(state, session)
    case 'streamEnded':
      return answerer.onAskerEnded(state, out, session)
    case 'streamClosed':
      if (event.reason !== 'lost') forgetGoodbyes(state, session)
      return answerer.closeAnswering(state, out, session, 'the session was lost')
    case 'streamInbound':
    case 'streamOpened':
    case 'streamOpenFailed':
      return
  }
}

function onCallEvent(state: State, out: Effects, ask: RequestAsk, call: V1Call, event: StreamEvent): void {
  switch (event.type) {
    case 'streamOpened':
      return onOpened(state, out, ask, call)
    case 'streamOpenFailed':
      if (IS_DEAD[event.reason]) return dropDead(state, out, ask.connection!, event.failure.message)
      return onOpenFailed(state, out, ask, call, event)
    case 'data':
      return onResponseData(state, out, ask, call, event.chunks)
    case 'streamEnded':
      return onResponseEnd(state, out, ask, call)
    case 'streamClosed':
      return onCallClosed(state, out, ask, call, event)
    case 'streamInbound':
    case 'writable':
      return
  }
}

function onExchangeEvent(state: State, out: Effects, exchange: V1Exchange, event: StreamEvent): void {
  switch (event.type) {
    case 'data':
      return onRequestData(state, out, exchange, event.chunks)
    case 'streamEnded':
      return onRequestEnd(state, out, exchange)
    case 'streamClosed':
      return cutExchange(state, out, exchange, event.reason === 'lost' ? STREAM_LOST : GIVEN_UP)
    case 'streamInbound':
    case 'streamOpened':
    case 'streamOpenFailed':
    case 'writable':
      return
  }
}

function isEnd(event: StreamEvent): boolean {
  const { type } = event
  return (
    type === 'streamEnded' ||
    type === 'streamClosed' ||
    // One that is being opened may end before anything else does.
    (type === 'streamOpenFailed' && event.reason !== 'unsupported')
  )
}

/**
 * We have consented to a goodbye, and a session ends: the other side closes the connection, whose streams end before it does. A
 * request that went over it now would be lost, so it ends at once, and what waited for that is dialled.
 */
function follow(state: State, out: Effects, { connection }: AnySession): void {
  dropConnection(state, out, connection, 'the peer has said goodbye and left')
}

/** A dead muxer raises no other event, so without this its connection would stay for ever. */
function dropDead(state: State, out: Effects, connection: number, why: string): void {
  if (!dropRefused(state, out, connection))
    dropConnection(state, out, connection, `the connection can carry no streams any more (${why})`)
}
