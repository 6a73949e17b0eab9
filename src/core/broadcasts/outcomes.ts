/**
 * What became of messages of late, by their ids: whoever asks for a receipt may ask before or after we had the message. Two
 * generations, the older of which is dropped whole: entries that come and go one by one would cost more.
 */
import type { State } from '../state.js'
import type { Outcome } from './state.js'

/** Ids in one generation. */
const GENERATION = 2_048

export function noteOutcome({ broadcasts }: State, id: string, outcome: Outcome): void {
  if (broadcasts.outcomes.size >= GENERATION) {
    broadcasts.olderOutcomes = broadcasts.outcomes
    broadcasts.outcomes = new Map()
  }
  broadcasts.outcomes.set(id, outcome)
}

export function outcomeOf({ broadcasts }: State, id: string): Outcome | undefined {
  return broadcasts.outcomes.get(id) ?? broadcasts.olderOutcomes.get(id)
}
