/**
 * The asking side of request/response: a request's way from its command over a dial to a connection, and its end. How it
 * crosses the connection is said in session/asker/ or, with older peers, in v1/asker.ts. Correlation is by number; there is no
 * search and no timer here.
 */
import { admitAsk, fail, openAsk } from '../asks.js'
import type { Effects, Refusal } from '../effects.js'
import type { CommandOf } from '../events.js'
import { connectionTo, updateIdle } from '../peers/connections.js'
import { reach, stopWaiting, tooManyDials } from '../peers/dials.js'
import type { Connection } from '../peers/state.js'
import type { State } from '../state.js'
import { leaveQueue, serveQueue } from './queue.js'
import { askOverSession, endSessionCall } from './session/asker/calls.js'
import type { RequestAsk } from './state.js'
import { endCall } from './v1/asker.js'

/** `service`: it is the node's own, to the other node itself. */
export function startRequest(state: State, out: Effects, command: CommandOf<'request'>, service = false): void {
  const { ask: id, peer, timeout, data, values } = command
  if (!admitAsk(state, out, id)) return
  const ask: RequestAsk = {
    kind: 'request',
    id,
    peer,
    addresses: command.addresses,
    service,
    timeout,
    dueAt: state.now + timeout,
    values,
    data,
    stage: 'dialling',
    connection: undefined,
    via: undefined,
  }
  openAsk(state, ask, timeout)
  send(state, out, ask)
}

function send(state: State, out: Effects, ask: RequestAsk): void {
  const { peer, addresses, id } = ask
  const connection = connectionTo(state, peer)
  if (connection !== undefined) useConnection(state, out, ask, connection)
  else if (!reach(state, out, peer, addresses, id)) endRequest(state, out, ask, tooManyDials(state))
}

/** Nothing of it has been sent, and the connection for which it waited is gone. */
export function sendElsewhere(state: State, out: Effects, ask: RequestAsk): void {
  ask.stage = 'dialling'
  ask.connection = undefined
  send(state, out, ask)
}

/** The request goes over this connection: now, or when it is known how, and there is room. */
export function useConnection(state: State, out: Effects, ask: RequestAsk, connection: Connection): void {
  ask.connection = connection.id
  // What is for the node itself waits until the other side has said that it takes such requests.
  const mayAsk = !ask.service && connection.leaving === undefined
  if (mayAsk && connection.session !== undefined && askOverSession(state, connection, ask)) return
  ask.stage = 'queued'
  connection.queue.add(ask.id)
  updateIdle(state, connection)
  serveQueue(state, out, connection)
}

/** The deadline of a request, or of the stream of one that was answered. */
export function expireRequest(state: State, out: Effects, ask: RequestAsk): void {
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
  const { via } = ask
  const connection = ask.connection === undefined ? undefined : state.connections.all.get(ask.connection)
  if (via?.protocol === 'session') {
    endSessionCall(state, out, via, refusal)
    // One that had not been sent leaves its place at once.
    return serveQueue(state, out, connection!)
  }
  if (via?.protocol === 'v1') return endCall(state, out, ask, via, refusal)
  if (refusal !== undefined) fail(state, out, ask.id, refusal)
  if (ask.stage === 'dialling') stopWaiting(state, ask.peer, ask.id)
  leaveQueue(state, connection, ask)
}
