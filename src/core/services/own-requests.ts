/**
 * Questions of the node itself, to other nodes and to the network. A question to a node is a request like every other,
 * with a number below zero; asks.ts sends its answer to own-answers.ts. What an answer means, the purpose says.
 */
import { encodeServiceRequest, type ServiceRequest } from '../../wire/session/service.js'
import type { Effects } from '../effects.js'
import type { CommandOf } from '../events.js'
import { endRequest, startRequest } from '../requests/requests.js'
import type { Connection } from '../peers/state.js'
import type { State } from '../state.js'
import type { AskId } from '../terms.js'
import type { Purpose, PurposeOf } from './state.js'

/** Asks a connected peer, over this connection if one is given. own-answers.ts gets the values and exactly one end. */
export function askNode(
  state: State,
  out: Effects,
  peer: string,
  request: ServiceRequest,
  timeout: number,
  purpose: Purpose,
  over?: Connection,
): number {
  const ask = openOwnAsk(state, purpose)
  const data = encodeServiceRequest(request)
  const command: CommandOf<'request'> = {
    type: 'request',
    ask,
    peer,
    addresses: [],
    data,
    timeout,
    values: { mode: 'push' },
  }
  startRequest(state, out, command, true, over)
  return ask
}

/** Opens a question with this purpose, and returns its number. */
export function openOwnAsk(state: State, purpose: Purpose): number {
  const ask = state.services.nextId--
  state.services.purposes.set(ask, purpose)
  return ask
}

/** The answer is no longer wanted. */
export function cancelOwnAsk(state: State, out: Effects, id: number): void {
  if (!state.services.purposes.delete(id)) return
  const ask = state.asks.open.get(id)
  if (ask?.kind === 'request') endRequest(state, out, ask)
}

/** Closes the question, if it is of this kind, and returns its purpose. */
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
