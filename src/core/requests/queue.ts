/**
 * Requests that wait for their turn on a connection, and the choice of the protocol. What a protocol sends, this file
 * does not know.
 */
import { REQUEST_RESPONSE_V1, SESSION } from '../../wire/protocols.js'
import { Feature } from '../../wire/session/format.js'
import { closeAsk, fail } from '../asks.js'
import type { Effects } from '../effects.js'
import { updateIdle } from '../peers/connections.js'
import type { Connection } from '../peers/state.js'
import type { State } from '../state.js'
import { askOverSession, forgetSession, openSession } from './session/asker/calls.js'
import type { AskingSession } from './session/state.js'
import type { RequestAsk, SessionCall } from './state.js'
import { openStreams } from './v1/asker.js'

/** A session that a peer does not answer for so long, ms, is opened anew once a request has waited for it in vain. */
const OPENING_PATIENCE = 15_000

/** The request goes as soon as the connection can carry it. */
export function joinQueue(state: State, out: Effects, connection: Connection, ask: RequestAsk): void {
  connection.queue.add(ask.id)
  updateIdle(state, connection)
  serveQueue(state, out, connection)
}

/** Sends the requests that wait, as far as the connection can carry them now. */
export function serveQueue(state: State, out: Effects, connection: Connection): void {
  const { queue } = connection
  if (queue.size === 0 || connection.leaving !== undefined) return
  const protocol = protocolOf(state, connection)
  if (protocol === REQUEST_RESPONSE_V1) {
    refuseServices(state, out, connection)
    return openStreams(state, out, connection)
  }
  const { asking } = connection
  if (asking === undefined) {
    return openSession(state, out, connection, protocol === SESSION ? [SESSION] : state.settings.protocols)
  }
  if (hasNoServices(asking)) refuseServices(state, out, connection)
  for (const id of queue) {
    const ask = state.asks.open.get(id) as RequestAsk
    // The HELLO of the other side says whether it takes such requests. Other requests do not wait for it.
    if (ask.service && !asking.greeted) continue
    if (!askOverSession(state, connection, ask)) return
    queue.delete(id)
  }
}

function hasNoServices({ greeted, hello }: AskingSession<SessionCall>): boolean {
  return greeted && (hello.features & Feature.SERVICE) === 0
}

/** The other node answers no requests of nodes, so those that wait are refused. */
export function refuseServices(state: State, out: Effects, connection: Connection): void {
  for (const id of connection.queue) {
    const ask = state.asks.open.get(id) as RequestAsk
    if (!ask.service) continue
    leaveQueue(state, connection, ask)
    const message = `${connection.peer} answers no requests of nodes`
    fail(state, out, id, { code: 'RequestRejected', message })
  }
}

/** A request has waited in vain, and perhaps it was the stream's fault: those that still wait, or the next one, get another. */
export function openAnew(state: State, out: Effects, connection: Connection): void {
  const { asking } = connection
  if (asking === undefined || asking.open || state.now < asking.since + OPENING_PATIENCE) return
  out.push({ type: 'reset', stream: asking.stream, reason: 'the peer does not answer it' })
  forgetSession(state, asking)
  serveQueue(state, out, connection)
}

/** Takes a request out of the queue for good. */
export function leaveQueue(state: State, connection: Connection | undefined, ask: RequestAsk): void {
  closeAsk(state, ask.id, ask.timeout)
  if (connection === undefined) return
  connection.queue.delete(ask.id)
  updateIdle(state, connection)
}

/** The protocol for this peer; `undefined`: the stream that is opened next finds out. */
function protocolOf(state: State, { requestProtocol, protocols }: Connection): string | undefined {
  if (requestProtocol !== undefined) return requestProtocol
  const { protocols: ours } = state.settings
  if (protocols !== undefined) return ours.find((name) => protocols.includes(name)) ?? REQUEST_RESPONSE_V1
  return ours.length === 1 ? ours[0] : undefined
}
