/** Messages under validation: how many at once, and for how long. What follows from a verdict, deciding.ts knows. */
import type { Heard } from '../terms.js'
import { removeDeadline, setDeadline } from '../due.js'
import type { Effects } from '../effects.js'
import type { State } from '../state.js'
import type { Origin, Validation } from './state.js'

/** Each message costs this much in addition to its bytes, so that empty messages are not free. */
const OVERHEAD = 256

/** False: too much is under validation already. A peer that exceeds its share is penalized. */
export function startValidation(state: State, out: Effects, heard: Heard, proof: Uint8Array, origin: Origin): boolean {
  const { validating, settings } = state
  const ofPeer = validating.costByPeer.get(heard.via) ?? 0
  const cost = costOf(heard)
  if (ofPeer + cost > settings.maxValidatingPerPeer) {
    out.push({ type: 'penalize', peer: heard.via, count: 1 })
    return false
  }
  if (validating.cost + cost > settings.maxValidating) return false
  const id = validating.nextId++
  const timeout = settings.validationTimeout
  validating.open.set(id, { id, heard, proof, origin, timeout })
  validating.costByPeer.set(heard.via, ofPeer + cost)
  validating.cost += cost
  setDeadline(state, 'validating', id, timeout)
  // What is remembered goes to others, so a validator may not write into it. Large messages are not remembered.
  const isRemembered = settings.historyMessages > 0 && !(origin.kind === 'gossip' && origin.large)
  out.push({ type: 'validate', validation: id, ...heard, data: isRemembered ? heard.data.slice() : heard.data })
  return true
}

/** Ends a validation, by a verdict or by its deadline, and returns it. */
export function takeValidation(state: State, id: number): Validation | undefined {
  const { validating } = state
  const validation = validating.open.get(id)
  if (validation === undefined) return undefined
  validating.open.delete(id)
  removeDeadline(state, 'validating', id, validation.timeout)
  const { via } = validation.heard
  const cost = costOf(validation.heard)
  const left = (validating.costByPeer.get(via) ?? cost) - cost
  validating.cost -= cost
  if (left === 0) validating.costByPeer.delete(via)
  else validating.costByPeer.set(via, left)
  return validation
}

function costOf({ data }: Heard): number {
  return data.length + OVERHEAD
}
