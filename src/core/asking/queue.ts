/** Requests that wait for their turn on a connection, and the protocol by which its peer is asked. */
import { REQUEST_RESPONSE_V1, SESSION } from '../../wire/protocols.js'
import type { Effects } from '../effects.js'
import type { Connection, RequestAsk, State } from '../state.js'
import { openCalls } from './calls-v1.js'
import { askOverSession, openSession } from './session-calls.js'

/** Lets those who wait go on, as far as the connection can carry them now. */
export function serveQueue(state: State, out: Effects, connection: Connection): void {
  const { queue } = connection
  if (queue.size === 0) return
  const protocol = protocolOf(state, connection)
  if (protocol === REQUEST_RESPONSE_V1) return openCalls(state, out, connection)
  if (connection.session === undefined) {
    return openSession(state, out, connection, protocol === SESSION ? [SESSION] : state.settings.protocols)
  }
  for (const id of queue) {
    if (!askOverSession(state, connection, state.asks.get(id) as RequestAsk)) return
    queue.delete(id)
  }
}

/** How the peer is asked; `undefined`: it has to be found out. */
function protocolOf(state: State, { asksBy, protocols }: Connection): string | undefined {
  if (asksBy !== undefined) return asksBy
  const { protocols: ours } = state.settings
  if (protocols !== undefined) return ours.find((name) => protocols.includes(name)) ?? REQUEST_RESPONSE_V1
  return ours.length === 1 ? ours[0] : undefined
}
