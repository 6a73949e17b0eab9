/**
 * Outbound requests: the way of a request from its command, over a dial, to a connection, and its end. How it crosses the
 * connection, session/asker/ knows or, for older peers, v1/asker.ts.
 */
import { refusalOf } from '../access/rules.js'
import { acceptAsk, extendAsk, fail, openAsk, overloaded } from '../asks.js'
import type { Effects, Refusal } from '../effects.js'
import type { CommandOf } from '../events.js'
import { connectionTo } from '../peers/connections.js'
import { isThisNode, reach, stopWaiting, tooManyDials } from '../peers/dials.js'
import { follow } from '../peers/doubts.js'
import type { Connection } from '../peers/state.js'
import type { State } from '../state.js'
import { unhandled } from '../terms.js'
import { isUnsent, lost, mayMove, type Loss } from './losses.js'
import { joinQueue, leaveQueue, openAnew, serveQueue } from './queue.js'
import { askOverSession, endSessionCall, isAhead } from './session/asker/calls.js'
import { RequestAskRecord } from './records.js'
import type { RequestAsk } from './state.js'
import { endCall } from './v1/asker.js'

/** `service`: a request of this node to the other node, and not to its application. `over`: this connection and no other. */
export function startRequest(
  state: State,
  out: Effects,
  command: CommandOf<'request'>,
  service = false,
  over?: Connection,
): void {
  const { ask: id, peer, addresses, timeout, data, values } = command
  if (!acceptAsk(state, out, id)) return
  const ask = new RequestAskRecord(id, peer, addresses, service, timeout, state.now + timeout, values, data)
  openAsk(state, ask)
  if (over === undefined) send(state, out, ask)
  else useConnection(state, out, ask, over)
}

function send(state: State, out: Effects, ask: RequestAsk): void {
  const { peer, addresses, id } = ask
  const connection = connectionTo(state, peer)
  if (connection !== undefined) {
    if (!follow(state, out, peer, addresses, id)) useConnection(state, out, ask, connection)
    return
  }
  const refusal = refusalOf(state, peer, addresses)
  if (refusal !== undefined) endRequest(state, out, ask, refusal)
  else if (peer === state.self) endRequest(state, out, ask, isThisNode(state))
  else if (!reach(state, out, peer, addresses, id)) endRequest(state, out, ask, tooManyDials(state))
}

/** Its connection is gone. It goes to another one if nothing of it has been sent, and not for ever. */
export function moveOrLose(state: State, out: Effects, ask: RequestAsk, why: Loss): void {
  if (!mayMove(ask)) return endRequest(state, out, ask, lost(ask, why))
  ask.moves++
  sendElsewhere(state, out, ask)
}

/** Nothing of it has been sent, and the connection for which it waited is gone. */
export function sendElsewhere(state: State, out: Effects, ask: RequestAsk): void {
  ask.stage = 'dialling'
  ask.connection = undefined
  send(state, out, ask)
}

/** The request goes over this connection: at once, or as soon as the protocol is known and there is room. */
export function useConnection(state: State, out: Effects, ask: RequestAsk, connection: Connection): void {
  if (connection.stopping && !ask.service) return endRequest(state, out, ask, isStopping(connection))
  ask.connection = connection.id
  // A request to the node waits until the other side has announced that it takes such requests.
  const mayAsk = !ask.service && connection.leaving === undefined
  if (mayAsk && connection.asking !== undefined && askOverSession(state, connection, ask)) return
  ask.stage = 'queued'
  joinQueue(state, out, connection, ask)
}

/** The peer stops, and would refuse every request that is new to it: those of which nothing has been sent are refused here. */
export function refuseUnsent(state: State, out: Effects, connection: Connection): void {
  const { queue, asking } = connection
  const waiting = [...queue].map((id) => state.asks.open.get(id) as RequestAsk)
  const unsent = [...(asking?.requests.values() ?? [])].map(({ ask }) => ask).filter(isUnsent)
  for (const ask of [...unsent, ...waiting]) {
    if (!ask.service) endRequest(state, out, ask, isStopping(connection))
  }
}

/** As the peer itself says it. */
function isStopping({ peer }: Connection): Refusal {
  return overloaded(`${peer} is overloaded: the node is shutting down`)
}

/** The deadline of a request, or of the stream of an answered request. */
export function expireRequest(state: State, out: Effects, ask: RequestAsk): void {
  const { stage } = ask
  if (stage === 'streaming' && isAhead(ask)) return extendAsk(state, ask.id, ask.timeout, ask.timeout)
  const where = {
    dialling: ' while it was being dialled',
    queued: unansweredOf(state, ask) ?? ' while the request waited for a stream',
    opening: unansweredOf(state, ask) ?? ' while a stream was being opened',
    waiting: sendingOf(ask) ?? ' to the request',
    streaming: ' after the last value of the stream (idleTimeout)',
    draining: '',
  }[stage]
  endRequest(state, out, ask, {
    code: 'RequestTimeout',
    message: `no answer from ${ask.peer} within ${ask.timeout} ms${where}`,
  })
  if (stage === 'queued') openAnew(state, out, state.connections.all.get(ask.connection!)!)
}

/** Of a request whose connection has carried nothing of the peer's since its handshake. */
function unansweredOf({ connections, now }: State, { connection }: RequestAsk): string | undefined {
  const carrier = connection === undefined ? undefined : connections.all.get(connection)
  if (carrier === undefined || carrier.upgraded) return undefined
  return `: it has answered nothing since it was connected ${now - carrier.openedAt} ms ago`
}

/** Of a large request that has not gone out whole. */
function sendingOf({ call }: RequestAsk): string | undefined {
  if (call?.protocol !== 'session' || call.value === undefined) return undefined
  return ` while the request was being sent: ${Math.max(0, call.sent)} of ${call.value.length} bytes had gone out`
}

/** Ends a request without an answer, in any stage. The caller is told why (unless it cancelled), and so is the other side. */
export function endRequest(state: State, out: Effects, ask: RequestAsk, refusal?: Refusal): void {
  const { call } = ask
  const connection = ask.connection === undefined ? undefined : state.connections.all.get(ask.connection)
  switch (call?.protocol) {
    case 'session':
      endSessionCall(state, out, call, refusal)
      // A request that was not sent yet leaves its place at once.
      return serveQueue(state, out, connection!)
    case 'v1':
      return endCall(state, out, ask, call, refusal)
    case undefined:
      if (refusal !== undefined) fail(state, out, ask.id, refusal)
      if (ask.stage === 'dialling') stopWaiting(state, ask.peer, ask.id)
      return leaveQueue(state, connection, ask)
    default:
      return unhandled(call)
  }
}
