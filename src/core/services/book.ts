/** The books of the node's services: what they hear at the end of the step, and which requests of other nodes wait. */
import type { State } from '../state.js'
import type { ExchangeId } from '../terms.js'
import type { ServiceNews, Serving } from './state.js'

export function tellServices({ services }: State, news: ServiceNews): void {
  services.news.push(news)
}

/** The answer of this request has to wait. */
export function keepServing({ services }: State, exchange: ExchangeId, serving: Serving): void {
  services.serving.set(exchange, serving)
}

/** It is answered, or nobody waits for it any more. */
export function endServing({ services }: State, exchange: ExchangeId): void {
  services.serving.delete(exchange)
}
