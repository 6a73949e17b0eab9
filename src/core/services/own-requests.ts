/**
 * Requests of the node itself to other nodes. They go the way of every request, with a number below zero; what comes back is
 * taken out of the effects at the end of a step, before the edge could see it.
 */
import { encodeServiceRequest, type ServiceRequest } from '../../wire/session/service.js'
import { endRequest, startRequest } from '../requests/requests.js'
import type { Purpose } from '../broadcasts/state.js'
import type { Effects } from '../effects.js'
import type { State } from '../state.js'

/** Asks a peer that we are connected to. Answered through `onOwnAnswer`, with values and exactly one end. */
export function askNode(
  state: State,
  out: Effects,
  peer: string,
  request: ServiceRequest,
  timeout: number,
  purpose: Purpose,
): number {
  const ask = nextOwn(state, purpose)
  const data = encodeServiceRequest(request)
  startRequest(state, out, { type: 'request', ask, peer, addresses: [], data, timeout, values: { mode: 'push' } }, true)
  return ask
}

/** A number for a question of ours that goes to the network, or to a peer. */
export function nextOwn(state: State, purpose: Purpose): number {
  const ask = state.broadcasts.nextOwn--
  state.broadcasts.own.set(ask, purpose)
  return ask
}

/** Its answer is not wanted any more. */
export function forgetOwn(state: State, out: Effects, id: number): void {
  if (!state.broadcasts.own.delete(id)) return
  const ask = state.asks.get(id)
  if (ask?.kind === 'request') endRequest(state, out, ask)
}
