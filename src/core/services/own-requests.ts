/**
 * Questions of the node itself to other nodes: requests like every other, with a number below zero. asks.ts sends the answer to
 * own-answers.ts. What it means, the purpose says.
 */
import { encodeServiceRequest, type ServiceRequest } from '../../wire/session/service.js'
import type { Effects } from '../effects.js'
import { endRequest, startRequest } from '../requests/requests.js'
import type { State } from '../state.js'
import { closeOwnAsk, openOwnAsk } from './book.js'
import type { Purpose } from './state.js'

/** Asks a connected peer. own-answers.ts gets the values and exactly one end. */
export function askNode(
  state: State,
  out: Effects,
  peer: string,
  request: ServiceRequest,
  timeout: number,
  purpose: Purpose,
): number {
  const ask = openOwnAsk(state, purpose)
  const data = encodeServiceRequest(request)
  startRequest(state, out, { type: 'request', ask, peer, addresses: [], data, timeout, values: { mode: 'push' } }, true)
  return ask
}

/** The answer is no longer wanted. */
export function cancelOwnAsk(state: State, out: Effects, id: number): void {
  if (!closeOwnAsk(state, id)) return
  const ask = state.asks.open.get(id)
  if (ask?.kind === 'request') endRequest(state, out, ask)
}
