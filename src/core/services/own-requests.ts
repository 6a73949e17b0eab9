/**
 * Questions of the node itself to other nodes: requests like every other, with a number below zero. asks.ts sends the answer to
 * own-answers.ts. What it means, the purpose says.
 */
import { encodeServiceRequest, type ServiceRequest } from '../../wire/session/service.js'
import type { Effects } from '../effects.js'
import type { CommandOf } from '../events.js'
import { endRequest, startRequest } from '../requests/requests.js'
import type { Connection } from '../peers/state.js'
import type { State } from '../state.js'
import { closeOwnAsk, openOwnAsk } from './book.js'
import type { Purpose } from './state.js'

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

/** The answer is no longer wanted. */
export function cancelOwnAsk(state: State, out: Effects, id: number): void {
  if (!closeOwnAsk(state, id)) return
  const ask = state.asks.open.get(id)
  if (ask?.kind === 'request') endRequest(state, out, ask)
}
