/** What happens to questions and requests of the node itself: it waits here, and the services get it at the end of the step. */
import type { ServiceNews, State } from './state.js'

export function tellServices({ news }: State, one: ServiceNews): void {
  news.waiting.push(one)
}

/** Removes and returns the news. */
export function takeNews({ news }: State): ServiceNews[] {
  const { waiting } = news
  news.waiting = []
  return waiting
}
