/**
 * Rules for the values of an answer (docs/session.md), which the edge follows too: what a value costs in credit, and what
 * happens to values for which there is no credit. No state.
 */
import type { Refusal } from '../effects.js'
import type { Overflow } from '../terms.js'

/** Each value costs this much in addition to its bytes, so that empty values are not free. */
export const VALUE_OVERHEAD = 32

export function valueCost(bytes: number): number {
  return bytes + VALUE_OVERHEAD
}

/**
 * What a value that waits takes of memory beside its bytes: the array, its buffer and its place in a list. (Measured: 273 bytes for each of
 * 500,000 small ones, with Node 20.)
 */
const VALUE_MEMORY = 256

/** What a value costs in memory, bytes. An allowance for a producer is in these too. */
export function heldCost(bytes: number): number {
  return bytes + VALUE_MEMORY
}

/** The policies, by their numbers on the wire. One that is missing here is a type error. */
const NUMBERS: Record<Overflow, number> = { error: 0, dropOldest: 1, conflate: 2 }
export const POLICIES = Object.keys(NUMBERS) as readonly Overflow[]

/** How many values may wait if a caller gives a policy without a number. */
export const DEFAULT_BUFFER = 16

/** The refusal of a response over our limit. */
export function responseTooLarge(peer: string, limit: number): Refusal {
  return {
    code: 'ResponseTooLarge',
    message: `the response of ${peer} is larger than ${limit} bytes (maxResponseSize)`,
  }
}
