/** Messages that validators of ours judge: how many at once, and for how long. */
import { removeDeadline } from '../deadlines.js'
import { setDeadline } from '../due.js'
import type { Effects, Heard } from '../effects.js'
import type { State } from '../state.js'
import type { Origin, Validation } from './state.js'

/** What a message costs beside its bytes, so that empty ones are not free. */
const OVERHEAD = 256

/** False: too much is being judged already. Who sends more than its share of it is punished. */
export function judge(state: State, out: Effects, heard: Heard, proof: Uint8Array, origin: Origin): boolean {
  const { broadcasts, settings } = state
  const ofPeer = broadcasts.judging.get(heard.via) ?? 0
  const cost = costOf(heard)
  if (ofPeer + cost > settings.maxValidatingPerPeer) {
    out.push({ type: 'penalize', peer: heard.via, count: 1 })
    return false
  }
  if (broadcasts.judgingBytes + cost > settings.maxValidating) return false
  const id = broadcasts.nextValidation++
  const timeout = settings.validationTimeout
  broadcasts.validations.set(id, { id, heard, proof, origin, timeout })
  broadcasts.judging.set(heard.via, ofPeer + cost)
  broadcasts.judgingBytes += cost
  setDeadline(state, broadcasts.validationDeadlines, id, timeout)
  out.push({ type: 'validate', validation: id, ...heard })
  return true
}

/** It is over, one way or the other. */
export function takeValidation({ broadcasts }: State, id: number): Validation | undefined {
  const validation = broadcasts.validations.get(id)
  if (validation === undefined) return undefined
  broadcasts.validations.delete(id)
  removeDeadline(broadcasts.validationDeadlines, id, validation.timeout)
  const { via } = validation.heard
  const cost = costOf(validation.heard)
  const left = (broadcasts.judging.get(via) ?? cost) - cost
  broadcasts.judgingBytes -= cost
  if (left === 0) broadcasts.judging.delete(via)
  else broadcasts.judging.set(via, left)
  return validation
}

function costOf({ data }: Heard): number {
  return data.length + OVERHEAD
}
