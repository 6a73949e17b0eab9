/**
 * The books of the services: the questions of this node and what each is for, and the requests of other nodes that wait. Only this
 * file changes them.
 */
import type { State } from '../state.js'
import type { AskId, ExchangeId } from '../terms.js'
import type { Purpose, PurposeOf, Serving } from './state.js'

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
}

/** A history is being sent. */
export function addHistory({ services }: State, exchange: ExchangeId): void {
  services.histories.add(exchange)
}

/** How many histories are under way to this peer. */
export function countHistories({ services, exchanges }: State, peer: string): number {
  let count = 0
  for (const id of services.histories) {
    const exchange = exchanges.open.get(id)
    if (exchange === undefined) services.histories.delete(id)
    else if (exchange.peer === peer) count++
  }
  return count
}

/** The request is answered, or the answer is no longer wanted. */
export function endServing({ services }: State, exchange: ExchangeId): void {
  services.serving.delete(exchange)
}
