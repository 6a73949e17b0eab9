/**
 * Requests of the node itself to other nodes. They go the way of every request, with a number below zero; asks.ts brings what
 * comes back to own-answers.ts.
 */
import { encodeServiceRequest, type ServiceRequest } from '../../wire/session/service.js'
import type { Effects } from '../effects.js'
import { endRequest, startRequest } from '../requests/requests.js'
import type { State } from '../state.js'
import type { AskId } from '../terms.js'
import type { Purpose, PurposeOf } from './state.js'

/** Asks a peer that we are connected to. It is answered in own-answers.ts, with values and exactly one end. */
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

/** A number for a question of ours that goes to the network, or to a peer. */
export function openOwnAsk(state: State, purpose: Purpose): number {
  const ask = state.services.nextId--
  state.services.purposes.set(ask, purpose)
  return ask
}

/** Its answer is not wanted any more. */
export function cancelOwnAsk(state: State, out: Effects, id: number): void {
  if (!state.services.purposes.delete(id)) return
  const ask = state.asks.open.get(id)
  if (ask?.kind === 'request') endRequest(state, out, ask)
}

/** What this question was about, if it was about that; from now on it is over. */
export function takeOwnAsk<Kind extends Purpose['kind']>(
  { services }: State,
  id: AskId,
  kind: Kind,
): PurposeOf<Kind> | undefined {
  const purpose = services.purposes.get(id)
  if (purpose?.kind !== kind) return undefined
  services.purposes.delete(id)
  return purpose as PurposeOf<Kind>
}
