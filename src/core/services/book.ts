/** The books of the services: the news that they get at the end of the step, and the requests of other nodes that wait. */
import type { State } from '../state.js'
import type { ExchangeId } from '../terms.js'
import type { ServiceNews, Serving } from './state.js'

export function tellServices({ services }: State, news: ServiceNews): void {
  services.news.push(news)
}

/** The answer to this request has to wait. */
export function keepServing({ services }: State, exchange: ExchangeId, serving: Serving): void {
  services.serving.set(exchange, serving)
}

/** The request is answered, or the answer is no longer wanted. */
export function endServing({ services }: State, exchange: ExchangeId): void {
  services.serving.delete(exchange)
}

/** Removes and returns the news. */
export function takeNews({ services }: State): ServiceNews[] {
  const { news } = services
  if (news.length > 0) services.news = []
  return news
}
