/**
 * The books of the services: the questions of this node and what each is for, and the requests of other nodes that wait. Only this
 * file changes them.
 */
import { giveBack, hold, mayHold } from '../limits/shares.js'
import type { State } from '../state.js'
import type { AskId, ExchangeId } from '../terms.js'
import type { Purpose, PurposeOf, Serving } from './state.js'

/** Histories that may wait, in all and of a peer. A peer asks for one for each late subscriber, perhaps of all its topics at once. */
const WAITING = { total: 1_024, each: 128, newcomers: true }

/** Opens a question with this purpose, and returns its number. */
export function openOwnAsk({ services }: State, purpose: Purpose): AskId {
  const ask = services.nextId--
  services.purposes.set(ask, purpose)
  return ask
}

/** False: it was not open. */
export function closeOwnAsk({ services }: State, id: AskId): boolean {
  return services.purposes.delete(id)
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

/** The answer to this request has to wait. */
export function keepServing({ services }: State, exchange: ExchangeId, serving: Serving): void {
  services.serving.set(exchange, serving)
  if (serving.kind !== 'history') return
  const { wanted, wantedBy } = services
  hold(wantedBy, serving.peer, 1)
  const others = wanted.get(serving.peer)
  if (others === undefined) wanted.set(serving.peer, new Set([exchange]))
  else others.add(exchange)
}

export function mayWantHistory({ services }: State, peer: string): boolean {
  return mayHold(services.wantedBy, peer, 1, WAITING)
}

/** A history is being sent. */
export function addHistory({ services }: State, exchange: ExchangeId): void {
  services.histories.add(exchange)
}

/** How many histories are under way: peer → their number. */
export function countHistories({ services, exchanges }: State): Map<string, number> {
  const counts = new Map<string, number>()
  for (const id of services.histories) {
    const exchange = exchanges.open.get(id)
    if (exchange === undefined) services.histories.delete(id)
    else counts.set(exchange.peer, (counts.get(exchange.peer) ?? 0) + 1)
  }
  return counts
}

/** The request is answered, or the answer is no longer wanted. */
export function endServing({ services }: State, exchange: ExchangeId): void {
  const serving = services.serving.get(exchange)
  services.serving.delete(exchange)
  if (serving?.kind !== 'history') return
  const { wanted, wantedBy } = services
  giveBack(wantedBy, serving.peer, 1)
  const others = wanted.get(serving.peer)!
  others.delete(exchange)
  if (others.size === 0) wanted.delete(serving.peer)
}
