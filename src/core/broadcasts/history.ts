/** What is remembered of broadcasts: the last ones of a topic, which late subscribers can be given, and what became of each of late. */
import type { State } from '../state.js'
import type { Outcome, Remembered } from './state.js'

/** Ids in one generation. */
const GENERATION = 2_048

/** (Topics that we are not in are not remembered: nobody would ask us for them.) */
export function remember({ topics, settings }: State, name: string, message: Remembered): void {
  const topic = topics.joined.get(name)
  if (topic === undefined || message.data.length > settings.historyBytes || settings.historyMessages === 0) return
  const { history, remembered } = topic
  if (remembered.has(message.id)) return
  // What others remembered for us may be older than what we know.
  let at = history.length
  while (at > 0 && history[at - 1]!.at > message.at) at--
  // A copy: whoever sent it, or got it, may do with the bytes what it likes.
  history.splice(at, 0, { ...message, data: message.data.slice() })
  remembered.add(message.id)
  topic.historyBytes += message.data.length
  let from = 0
  while (history.length - from > settings.historyMessages || topic.historyBytes > settings.historyBytes) {
    const { id, data } = history[from++]!
    topic.historyBytes -= data.length
    remembered.delete(id)
  }
  if (from > 0) history.splice(0, from)
}

/**
 * What became of a message: a node that asks for a receipt may ask before or after we had it. There are two generations, the older
 * of which is dropped whole, because entries that come and go one by one would cost more.
 */
export function noteOutcome({ outcomes }: State, id: string, outcome: Outcome): void {
  if (outcomes.recent.size >= GENERATION) {
    outcomes.older = outcomes.recent
    outcomes.recent = new Map()
  }
  outcomes.recent.set(id, outcome)
}

export function outcomeOf({ outcomes }: State, id: string): Outcome | undefined {
  return outcomes.recent.get(id) ?? outcomes.older.get(id)
}
