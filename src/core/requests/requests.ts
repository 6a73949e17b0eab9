/**
 * The asking side of request/response: a request's way from its command over a dial to a connection, and its end. How it
 * crosses the connection is said beside: over the session (`session-calls.ts`) or, with older peers, over a stream of its
 * own (`calls-v1.ts`). Correlation is by number; there is no search and no timer here.
 */
import { admit } from '../asks.js'
import { connectionTo, updateIdle } from '../peers/connections.js'
import { reach } from '../peers/dials.js'
import { setDeadline } from '../due.js'
import type { Effects, Refusal } from '../effects.js'
import type { Command } from '../events.js'
import type { Connection, RequestAsk, State } from '../state.js'
import { endCall } from './v1/asker.js'
import { leaveQueue, serveQueue } from './queue.js'
import { askOverSession, endSessionCall } from './session/asker/calls.js'

type RequestCommand = Extract<Command, { type: 'request' }>

/** `service`: it is the node's own, to the other node itself. */
export function startRequest(state: State, out: Effects, command: RequestCommand, service = false): void {
  const { ask: id, peer, timeout, data, values } = command
  if (!admit(state, out, id)) return
  const ask: RequestAsk = {
    kind: 'request',
    id,
    peer,
    service,
    timeout,
    dueAt: state.now + timeout,
    value: data,
    values,
    stage: 'dialling',
    connection: undefined,
    stream: undefined,
    reader: undefined,
    wireId: 0,
    sent: -1,
    sendCredit: 0,
    firstCredit: 0,
    listed: false,
    intake: undefined,
  }
  state.asks.set(id, ask)
  setDeadline(state, state.askDeadlines, id, timeout)
  const connection = connectionTo(state, peer)
  if (connection !== undefined) {
    useConnection(state, out, ask, connection)
  } else if (!reach(state, out, peer, command.addresses, id)) {
    const message = `${state.dials.size} dials are under way already`
    endRequest(state, out, ask, { code: 'Overloaded', message, retryAfterMs: 1_000 })
  }
}

/** The request goes over this connection: now, or when it is known how, and there is room. */
export function useConnection(state: State, out: Effects, ask: RequestAsk, connection: Connection): void {
  ask.connection = connection.id
  // What is for the node itself waits until the other side has said that it takes such requests.
  if (!ask.service && connection.session !== undefined && askOverSession(state, connection, ask)) return
  ask.stage = 'queued'
  connection.queue.add(ask.id)
  updateIdle(state, connection)
  serveQueue(state, out, connection)
}

/** The deadline of a request, or of the stream of one that was answered. */
export function expireRequest(state: State, out: Effects, id: number): void {
  const ask = state.asks.get(id)
  if (ask?.kind !== 'request') return
  const where = {
    dialling: 'while it was being dialled',
    queued: 'while the request waited for a stream',
    opening: 'while a stream was being opened',
    waiting: 'to the request',
    streaming: '',
    draining: '',
  }[ask.stage]
  endRequest(state, out, ask, {
    code: 'RequestTimeout',
    message: `no answer from ${ask.peer} within ${ask.timeout} ms ${where}`,
  })
}

/** Ends a request that has no answer, wherever it is: tells the caller why (unless it cancelled), and the other side. */
export function endRequest(state: State, out: Effects, ask: RequestAsk, refusal?: Refusal): void {
  if (ask.wireId > 0) {
    endSessionCall(state, out, ask, refusal)
    // One that had not been sent leaves its place at once.
    return serveQueue(state, out, state.connections.get(ask.connection!)!)
  }
  if (ask.stream !== undefined) return endCall(state, out, ask, refusal)
  if (refusal !== undefined) out.push({ type: 'fail', ask: ask.id, refusal })
  if (ask.stage === 'dialling') state.dials.get(ask.peer)?.waiting.delete(ask.id)
  leaveQueue(state, ask.connection === undefined ? undefined : state.connections.get(ask.connection), ask)
}
