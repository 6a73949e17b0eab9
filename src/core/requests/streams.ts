/**
 * Hands what happens on a stream to whom it belongs: streams that we opened ask, the others answer; one that carries a
 * session serves many requests, one of version 1 a single one. Events of a stream that is no longer in the state are
 * ignored: they crossed with our reset.
 */
import type { PortEvent, StreamId } from '../port.js'
import { SESSION } from '../../wire/protocols.js'
import { cutExchange } from './exchanges.js'
import { onInboundStream, onRequestData, onRequestEnd } from './v1/answerer.js'
import {
  closeAnswering,
  closeWhenDone,
  onAnsweringData,
  onAskerEnded,
  onInboundSession,
} from './session/answerer/events.js'
import { sendingAnswers } from './session/answerer/sending.js'
import { onCallClosed, onOpened, onOpenFailed, onResponseData, onResponseEnd } from './v1/asker.js'
import {
  endSession,
  onSessionData,
  onSessionOpened,
  onSessionOpenFailed,
  onSessionOver,
} from './session/asker/events.js'
import { sendingRequests } from './session/asker/sending.js'
import { dropConnection } from '../peers/connectivity.js'
import type { Effects } from '../effects.js'
import { flush, touch } from './session/outbox.js'
import type { AnsweringSession, AskingSession } from './session/state.js'
import type { RequestAsk, SessionExchange, State, StreamExchange } from '../state.js'

type StreamEvent = Extract<PortEvent, { stream: StreamId }>

export function onStreamEvent(state: State, out: Effects, event: StreamEvent): void {
  if (event.type === 'streamInbound') return onInbound(state, out, event)
  const session = state.sessions.get(event.stream)
  if (session?.role === 'asking') return onAskingEvent(state, out, session, event)
  if (session?.role === 'answering') return onAnsweringEvent(state, out, session, event)
  const ask = state.calls.get(event.stream)
  if (ask !== undefined) return onCallEvent(state, out, ask, event)
  const exchange = state.exchanges.get(event.stream)
  if (exchange?.kind === 'stream') onExchangeEvent(state, out, exchange, event)
}

function onInbound(state: State, out: Effects, event: Extract<StreamEvent, { type: 'streamInbound' }>): void {
  if (event.protocol !== SESSION) return onInboundStream(state, out, event)
  if (onInboundSession(state, out, event)) return
  dropConnection(state, out, event.connection, 'the peer opens one session after the other')
}

function onAskingEvent(state: State, out: Effects, session: AskingSession<RequestAsk>, event: StreamEvent): void {
  switch (event.type) {
    case 'data':
      return onSessionData(state, out, session, event.chunks)
    case 'writable':
      session.writing = false
      return touch(state, session)
    case 'streamOpened':
      return onSessionOpened(state, out, session, event)
    case 'streamOpenFailed':
      if (event.reason === 'lost') return dropDead(state, out, session.connection, event.failure.message)
      return onSessionOpenFailed(state, out, session, event)
    case 'streamEnded':
      return endSession(state, out, session, 'the session was closed')
    case 'streamClosed':
      return onSessionOver(state, out, session, 'the session was lost')
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
      return onAnsweringData(state, out, session, event.chunks)
    case 'writable':
      session.writing = false
      return touch(state, session)
    case 'streamEnded':
      return onAskerEnded(state, out, session)
    case 'streamClosed':
      return closeAnswering(state, out, session, 'the session was lost')
    case 'streamInbound':
    case 'streamOpened':
    case 'streamOpenFailed':
      return
  }
}

function onCallEvent(state: State, out: Effects, ask: RequestAsk, event: StreamEvent): void {
  switch (event.type) {
    case 'streamOpened':
      return onOpened(state, out, ask)
    case 'streamOpenFailed':
      if (event.reason === 'lost') return dropDead(state, out, ask.connection!, event.failure.message)
      return onOpenFailed(state, out, ask, event)
    case 'data':
      return onResponseData(state, out, ask, event.chunks)
    case 'streamEnded':
      return onResponseEnd(state, out, ask)
    case 'streamClosed':
      return onCallClosed(state, out, ask, event.reason)
    case 'streamInbound':
    case 'writable':
      return
  }
}

function onExchangeEvent(state: State, out: Effects, exchange: StreamExchange, event: StreamEvent): void {
  switch (event.type) {
    case 'data':
      return onRequestData(state, out, exchange, event.chunks)
    case 'streamEnded':
      return onRequestEnd(state, out, exchange)
    case 'streamClosed':
      return cutExchange(state, out, event.stream, 'the asker has given up')
    case 'streamInbound':
    case 'streamOpened':
    case 'streamOpenFailed':
    case 'writable':
      return
  }
}

/** A muxer that died raises no event of its own: without this the dead connection would stay for ever. */
function dropDead(state: State, out: Effects, connection: number, why: string): void {
  dropConnection(state, out, connection, `the connection can carry no streams any more (${why})`)
}

/** Sends what the sessions have to send. One write each, of everything that this step has brought. */
export function flushSessions(state: State, out: Effects): void {
  const { unflushed } = state
  for (const stream of unflushed) {
    const session = state.sessions.get(stream)
    if (session === undefined) continue
    if (session.role === 'asking') {
      flush(state, out, session, sendingRequests)
    } else {
      flush(state, out, session, sendingAnswers)
      if (session.ending) closeWhenDone(state, out, session)
    }
  }
  unflushed.length = 0
}
